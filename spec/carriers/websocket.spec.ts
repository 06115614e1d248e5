/** WebSockets as carriers: the contract, of `ws` with fragments and of the standard, and what they refuse. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocketCarrier } from '../../src/carriers/websocket/websocket.js'
import { contract } from '../contract.js'
import { thrown } from '../thrown.js'
import { standardPair, wsPair } from './pairs.js'

const abilities = { transfers: true, shares: false, kills: true }

contract('ws', wsPair, { ...abilities, unattended: 'ws' })
contract('WebSocket', standardPair, { ...abilities, unattended: 'websocket' })

const particular = suite('websockets: what is particular to them')

const members = { send() {}, close() {}, addEventListener() {}, removeEventListener() {} }
for (const [name, socket] of Object.entries({
  undefined,
  null: null,
  'a URL': 'ws://localhost',
  'an empty object': {},
  'one without a state': members,
  'one without a send': { ...members, readyState: 1, send: 1 },
})) {
  particular(`${name} is no WebSocket: a TypeError`, () => {
    assert.instance(
      thrown(() => new WebSocketCarrier(socket as never)),
      TypeError,
    )
  })
}

particular.run()
