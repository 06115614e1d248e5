// Every fault once, and nobody listens: run in a process of its own, which must live, say so, and end by itself.

import { Channel } from '../../src/channel.js'
import { isOutbandError } from '../../src/errors.js'
import type { Pair } from '../contract.js'
import { numbered, turns } from './inbox.js'
import { pairs } from './pairs.js'

const make = pairs[process.argv[2]!]!
const silent = { parcel: () => {}, end: () => {} }

const faults: [name: string, happens: (pair: Pair) => unknown][] = [
  ['the peer dies', ({ kill }) => kill?.()],
  ['the peer aborts', ({ right }) => right.abort()],
  ['abort', ({ left }) => left.abort()],
  [
    'the peer dies with packets under way',
    ({ left, kill }) => {
      for (let i = 0; i < 100; i++) void left.send(numbered(i, 10_000))
      return kill?.()
    },
  ],
  [
    'packets in the tick in which the peer dies',
    async ({ left, kill }) => {
      const dead = kill?.()
      try {
        for (let i = 0; i < 100; i++) void left.send(numbered(i, ...(i % 2 === 0 ? [10] : [])))
      } catch (error) {
        // To this carrier, and not to nobody: it knew already.
        if (!isOutbandError(error, 'PEER_GONE')) throw error
      }
      left.pause()
      left.resume()
      await dead
      left.resume()
      left.abort()
    },
  ],
  [
    'the peer dies while this side closes',
    ({ left, kill }) => {
      void left.close()
      return kill?.()
    },
  ],
]

for (const [name, happens] of faults) {
  const pair = await make({ highWaterMark: 1 })
  await pair.right.receive(silent)
  pair.left.receive(silent)
  await happens(pair)
  await turns(5)
  await pair.dispose()
  console.log(`carrier: ${name}`)
}

for (const [name, happens] of faults) {
  const pair = await make({ highWaterMark: 1 })
  await pair.right.receive(silent)
  const channel = new Channel(pair.left)
  void channel.send(new Uint8Array(10_000))
  await happens(pair)
  await turns(5)
  // Whoever sends without looking learns nothing, and harms nobody.
  void channel.send(1)
  void channel.close()
  await turns(5)
  await pair.dispose()
  console.log(`channel: ${name}`)
}

{
  const pair = await make({ highWaterMark: 1 })
  await pair.right.receive(silent)
  const channel = new Channel(pair.left)
  await pair.right.send({ meta: new Uint8Array([255, 255]), buffers: [] })?.catch(() => {})
  await channel.closed.catch(() => {})
  void channel.send(1)
  await turns(5)
  await pair.dispose()
  console.log('channel: what cannot be decoded')
}
console.log('alive')
