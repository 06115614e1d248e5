/** Sockets and other streams as carriers: the contract, and what is particular to them. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SocketCarrier } from '../../src/carriers/socket/socket.js'
import { contract } from '../contract.js'
import { thrown } from '../thrown.js'
import { socketPair, streamPair } from './pairs.js'

const abilities = { transfers: true, shares: false, kills: true }

contract('socket', socketPair, { ...abilities, unattended: 'socket' })
contract('Duplex', streamPair, { ...abilities, unattended: 'duplex' })

const particular = suite('sockets: what is particular to them')

for (const stream of [undefined, null, 1, 'socket', {}, { cork() {} }]) {
  particular(`${String(stream)} is no stream: a TypeError`, () => {
    assert.instance(
      thrown(() => new SocketCarrier(stream as never)),
      TypeError,
    )
  })
}

particular.run()
