/** Messages from a peer that is no channel: what is taken for frames, however they are cut, and what is not. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { WebSocket } from 'ws'
import { packBytes } from '../../src/frame/index.js'
import { packNote } from '../../src/frame/note.js'
import { isOutbandError } from '../../src/index.js'
import { difference } from '../same.js'
import { endOf, frameOf, hello, KINDS, meeting, next } from './kit.js'

const SMALL = { id: 7, tags: ['a', 'é'], pixels: new Uint8Array([1, 2, 3]) }
const LARGE = { id: 8, samples: new Float64Array(20_000).map((_, i) => i / 3) }

/** The bytes as one message of fragments of so many bytes. */
function fragments(peer: WebSocket, bytes: Uint8Array, size: number): void {
  for (let at = 0; at < bytes.length; at += size) {
    peer.send(bytes.subarray(at, at + size), { binary: true, fin: at + size >= bytes.length })
  }
}

const both = Buffer.concat([frameOf(SMALL), frameOf(LARGE)])

const taken: [name: string, send: (peer: WebSocket) => void, values: unknown[]][] = [
  ['a frame', peer => peer.send(frameOf(SMALL)), [SMALL]],
  ['a large frame', peer => peer.send(frameOf(LARGE)), [LARGE]],
  ['two frames in one message', peer => peer.send(both), [SMALL, LARGE]],
  [
    'a note and a frame in one message',
    peer => peer.send(Buffer.concat([packNote('alive'), frameOf(SMALL)])),
    [SMALL],
  ],
  [
    'an empty message between frames',
    peer => {
      peer.send(frameOf(SMALL))
      peer.send(new Uint8Array(0))
      peer.send(frameOf(LARGE))
    },
    [SMALL, LARGE],
  ],
  [
    'an empty last fragment',
    peer => {
      peer.send(frameOf(SMALL), { binary: true, fin: false })
      peer.send(new Uint8Array(0), { binary: true, fin: true })
    },
    [SMALL],
  ],
  [
    'pings between fragments',
    peer => {
      const frame = frameOf(SMALL)
      peer.send(frame.subarray(0, 30), { binary: true, fin: false })
      peer.ping('how are you?')
      peer.send(frame.subarray(30), { binary: true, fin: true })
    },
    [SMALL],
  ],
  ...[1, 2, 3, 7, 8, 24, 25, 64, 100, 1000]
    .map(
      size =>
        [
          `fragments of ${size} bytes`,
          (peer: WebSocket) => fragments(peer, frameOf(SMALL), size),
          [SMALL],
        ] as const,
    )
    .map(([name, send, values]): [string, (peer: WebSocket) => void, unknown[]] => [name, send, [...values]]),
  ...[100, 4096, 65_536, 100_000].map((size): [string, (peer: WebSocket) => void, unknown[]] => [
    `two frames in fragments of ${size} bytes`,
    peer => fragments(peer, both, size),
    [SMALL, LARGE],
  ]),
]

/** Each after a frame that is in order: what came before is delivered. */
const refused: [name: string, code: string, send: (peer: WebSocket) => void][] = [
  ['text', 'MALFORMED', peer => peer.send('hello')],
  ['empty text', 'MALFORMED', peer => peer.send('')],
  ['text that could be a frame', 'MALFORMED', peer => peer.send(frameOf(1), { binary: false })],
  ['a message that ends inside a frame', 'MALFORMED', peer => peer.send(frameOf(LARGE).subarray(0, -8))],
  ['a message that ends inside a head', 'MALFORMED', peer => peer.send(frameOf(SMALL).subarray(0, 5))],
  [
    'a frame in two messages',
    'MALFORMED',
    peer => {
      peer.send(frameOf(SMALL).subarray(0, 30))
      peer.send(frameOf(SMALL).subarray(30))
    },
  ],
  ['a message of something else', 'MALFORMED', peer => peer.send(new Uint8Array(100).fill(1))],
  ['a frame of another version', 'VERSION', peer => peer.send(frameOf(1).fill(9, 4, 5))],
  [
    'a frame of no value',
    'MALFORMED',
    peer => peer.send(packBytes({ meta: new Uint8Array(9), buffers: [] })),
  ],
]

for (const kind of KINDS) {
  const messages = suite(`websocket messages, ${kind}`)

  for (const speaks of ['plain', 'with a hello'] as const) {
    for (const [name, send, values] of taken) {
      messages(`${name}, ${speaks}: taken`, () =>
        meeting(kind, {}, async (channel, peer) => {
          if (speaks !== 'plain') peer.send(hello())
          send(peer)
          for (const value of values) assert.is(difference(value, await next(channel)), undefined)
          assert.is(channel.stats.received.messages, values.length)
        }),
      )
    }
  }

  for (const [name, code, send] of refused) {
    messages(`${name}: ${code}, and the peer is told by a close`, () =>
      meeting(kind, {}, async (channel, peer) => {
        const told = new Promise<number>(resolve => peer.once('close', resolve))
        peer.send(frameOf('first'))
        send(peer)
        assert.is(await next(channel), 'first')
        const end = await endOf(channel)
        assert.ok(isOutbandError(end, code as 'MALFORMED'), String(end))
        // `ws` hangs up, the standard can only say goodbye in a special way.
        assert.is(await told, kind === 'ws' ? 1006 : 4000)
      }),
    )
  }

  messages.run()
}
