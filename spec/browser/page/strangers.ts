/** Wrapped ports and peers that are not: what either sees of the other. */
import * as assert from 'uvu/assert'
import { difference } from '../../same.js'
import { skip } from './checks.js'
import { type Check, lineOf, window } from './line.js'
import { heard, type Transport } from './links.js'
import { lookalikes, type Question, type Seen } from './peer.js'

/** What is said to, and heard from, a peer that knows nothing of us. */
const plainValues: readonly (() => unknown)[] = [
  () => 'text',
  () => 7,
  () => null,
  () => ({ id: 1, list: [1, 2], map: new Map([[1, new Set(['a'])]]) }),
  () => new Float32Array(4000).fill(2),
  () => ({ part: window(5000) }),
]

/** Declares the checks of one transport. */
export function declarePlain({ isBroadcast, open }: Transport, check: Check): void {
  check('a peer that is not wrapped sees plain values, and answers as ever', async () => {
    const { wrapped, link } = lineOf(await open('plain'), { types: undefined, peer: undefined })
    for (const [i, make] of plainValues.entries()) {
      const reply = heard(wrapped)
      wrapped.postMessage(make())
      const { data, ports } = await reply
      const seen = data as Seen
      assert.is(difference(make(), seen.data), undefined)
      const keys = Object.keys((make() as object) ?? {})
      assert.equal(seen.keys, typeof make() === 'object' ? keys : [])
      // What introduces this side comes with the first message, behind all that the value mentions.
      assert.is(seen.ports, i === 0 && !isBroadcast ? 5 : 0)
      assert.is(ports.length, 0)
    }
    link.drop()
  })

  check("a peer that is 'plain' by option sees not even a port", async () => {
    const { wrapped, link } = lineOf(await open('plain'), { types: undefined, peer: 'plain' })
    for (const make of plainValues) {
      const reply = heard(wrapped)
      wrapped.postMessage(make())
      const seen = (await reply).data as Seen
      assert.is(difference(make(), seen.data), undefined)
      assert.is(seen.ports, 0)
    }
    link.drop()
  })

  check('a wrapped peer of a port that is not wrapped sends plain values', async () => {
    if (isBroadcast) skip('wrapped ports on a BroadcastChannel are told of each other here')
    const { port, ear, options, drop } = await open('wrapped')
    for (const make of plainValues) {
      const question: Question = { ask: 'echo', value: make() }
      const reply = heard(ear)
      if (options.targetOrigin === undefined) port.postMessage(question)
      else port.postMessage(question, options.targetOrigin)
      assert.is(difference(make(), (await reply).data), undefined)
    }
    drop()
  })

  check('lookalikes of our messages are the data that they are', async () => {
    const { wrapped, link } = lineOf(await open('forger'), { peer: undefined })
    const got: unknown[] = []
    const errors: unknown[] = []
    wrapped.addEventListener('messageerror', ({ data }) => errors.push(data))
    const end = new Promise<void>(resolve => {
      wrapped.addEventListener('message', ({ data }) => {
        if (data === 'that was all') resolve()
        else got.push(data)
      })
    })
    wrapped.postMessage('begin')
    await end
    assert.equal(errors, [])
    assert.is(difference(lookalikes(), got), undefined)
    link.drop()
  })
}
