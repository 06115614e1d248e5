/** Peers that mean harm, are slow, or die: rows 34 to 40 of what must happen, over WebSockets. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket } from 'ws'
import type { Channel } from '../../src/channel.js'
import { packNote } from '../../src/frame/note.js'
import { connectWebSocket } from '../../src/websocket/index.js'
import { until, within } from '../carriers/inbox.js'
import { collect } from '../collect.js'
import { endOf, frameOf, hello, isCode, KINDS, later, meeting, next, serving } from './kit.js'
import { rawClient, wire } from './raw.js'

const KiB = 2 ** 10
const MiB = 2 ** 20

const arrayBytes = (): number => process.memoryUsage().arrayBuffers

/** What a flood may take of memory, in bytes. */
const MOST = 24 * MiB

for (const kind of KINDS) {
  const floods = suite(`websocket hostile, ${kind}`)

  floods('who sends on while nobody reads, and answers nothing, fills no memory', () =>
    meeting(kind, { limits: { totalBytes: 4 * MiB }, maxWaitingBytes: MiB }, async (channel, peer) => {
      peer.send(hello())
      const frame = frameOf(new Uint8Array(256 * KiB))
      const before = arrayBytes()
      let sent = 0
      let most = 0
      const flood = async () => {
        for (; sent < 400 && peer.readyState === WebSocket.OPEN; sent++) {
          await new Promise(resolve => setTimeout(resolve, peer.bufferedAmount > MiB ? 5 : 0))
          if (peer.bufferedAmount < 2 * MiB) peer.send(frame)
          const grown = () => arrayBytes() - before - peer.bufferedAmount
          // Only what is more than it may be is worth a collection.
          if (grown() >= MOST) collect()
          most = Math.max(most, grown())
        }
      }
      await flood()
      assert.ok(most < MOST, `${most} bytes of memory`)
      if (kind === 'standard') {
        // Nobody can stop it: it has gone past what it may, and is dropped.
        const end = await endOf(channel)
        isCode(end, 'LIMIT')
        assert.equal([end.limit, end.max], ['totalBytes', 4 * MiB])
        assert.ok(sent < 100, `${sent} frames of 256 KiB`)
        return
      }
      // It was stopped by the system, and loses nothing when it is read again.
      assert.ok(peer.bufferedAmount > MiB, `${peer.bufferedAmount} bytes are still to be sent`)
      const waiting = channel.stats.queueLength
      assert.ok(waiting > 0 && waiting < 12, `${waiting} values wait`)
      while (peer.bufferedAmount > 0) await next(channel)
    }),
  )

  floods('nor does who sends notes without end', () =>
    meeting(kind, { limits: { totalBytes: MiB }, maxWaiting: 1 }, async (channel, peer) => {
      peer.send(hello())
      for (let i = 0; i < 2; i++) peer.send(frameOf(i))
      for (let i = 0; i < 20_000; i++) peer.send(packNote('alive'))
      if (kind === 'ws') return void (await next(channel))
      const end = await endOf(channel)
      isCode(end, 'LIMIT')
      assert.equal([end.limit, end.max], ['totalBytes', MiB])
    }),
  )

  /** Sizes that are announced in a head and past a limit: refused without the bytes. */
  const heads: [name: string, limits: object, value: unknown, limit: string][] = [
    ['a buffer', { bufferBytes: 1000 }, new Uint8Array(5000), 'bufferBytes'],
    ['all buffers', { totalBytes: 8000 }, [new Uint8Array(5000), new Uint8Array(5000)], 'totalBytes'],
    ['metadata', { metaBytes: 100 }, 'x'.repeat(1000), 'metaBytes'],
    ['the number of buffers', { buffers: 1 }, [new Uint8Array(5000), new Uint8Array(5000)], 'buffers'],
  ]
  for (const [name, limits, value, limit] of heads) {
    floods(`${name} past the limit: LIMIT, and only that channel ends`, () =>
      meeting(kind, { limits: { ...limits } }, async (channel, peer) => {
        peer.send(frameOf(1))
        peer.send(frameOf(value))
        assert.is(await next(channel), 1)
        const end = await endOf(channel)
        isCode(end, 'LIMIT')
        assert.is(end.limit, limit)
      }),
    )
  }

  floods('a peer that is silent: TIMEOUT, when a message could not be on its way any more', () => {
    const start = performance.now()
    return meeting(kind, { idleTimeoutMs: 150, frameTimeoutMs: 200 }, async channel => {
      const end = await endOf(channel)
      isCode(end, 'TIMEOUT')
      // Of a socket that tells of no bytes a message that takes its time is silence.
      const least = kind === 'ws' ? 150 : 350
      assert.match(end.message, new RegExp(`silent for ${least} ms`))
      assert.ok(performance.now() - start > least - 10, 'not before its time')
    })
  })

  floods('a peer that says now and then that it is there is not silent', () =>
    meeting(kind, { idleTimeoutMs: 300, frameTimeoutMs: 300 }, async (channel, peer) => {
      for (let i = 0; i < 25; i++) {
        peer.send(packNote('alive'))
        await later(40)
      }
      peer.send(frameOf('still here'))
      assert.is(await next(channel), 'still here')
    }),
  )

  floods.run()
}

const large = suite('websocket hostile: messages that are too large for ws')

large('a server is asked for more than its limits: LIMIT there, PEER_GONE with 1009 here', () => {
  const ends: Promise<unknown>[] = []
  return serving(
    channel => ends.push(channel.closed.catch(error => error)),
    { limits: { metaBytes: 1000, totalBytes: 100_000, buffers: 10 } },
    async ({ url }) => {
      const channel = await connectWebSocket(new WebSocket(url), { limits: 'trusted' })
      void channel.send(new Uint8Array(MiB)).catch(() => {})
      const end = await within(ends[0]!, 'the end')
      isCode(end, 'LIMIT')
      assert.is((end.cause as { code?: string }).code, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
      const here = await endOf(channel)
      isCode(here, 'PEER_GONE')
      assert.match(here.message, /1009/)
    },
  )
})

large('a client of ws with a small maxPayload: LIMIT there, PEER_GONE with 1009 here', () => {
  const ends: Promise<unknown>[] = []
  return serving(
    channel => {
      ends.push(channel.closed.catch(error => error))
      return channel.send(new Uint8Array(MiB)).catch(() => {})
    },
    {},
    async ({ url }) => {
      const channel = await connectWebSocket(new WebSocket(url, { maxPayload: 1000 }))
      isCode(await endOf(channel), 'LIMIT')
      const end = await within(ends[0]!, 'the end')
      isCode(end, 'PEER_GONE')
      assert.match(end.message, /1009/)
    },
  )
})

/** What breaks the protocol below the messages. */
const broken: [name: string, bytes: Uint8Array][] = [
  ['an opcode of no meaning', wire(new Uint8Array(5), { opcode: 3 })],
  [
    'a message in a message',
    Buffer.concat([wire(new Uint8Array(5), { fin: false }), wire(new Uint8Array(5))]),
  ],
  ['a mask that is missing', Buffer.from([0x82, 1, 0])],
  ['text that is no UTF-8', wire(new Uint8Array([255]), { opcode: 1 })],
  ['reserved bits', Buffer.from([0xf2, 0x80, 0, 0, 0, 0])],
  ['random bytes', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
]
for (const [name, bytes] of broken) {
  large(`${name}: MALFORMED, after what came before it`, () => {
    const accepted: Channel[] = []
    return serving(
      channel => accepted.push(channel),
      {},
      async ({ server, url }) => {
        const client = await rawClient(url)
        client.write(wire(frameOf('first')))
        client.write(bytes)
        await until(() => accepted.length > 0, 'a channel')
        assert.is(await next(accepted[0]!), 'first')
        isCode(await endOf(accepted[0]!), 'MALFORMED')
        client.destroy()
        // Who comes later finds a server that works.
        const channel = await connectWebSocket(new WebSocket(url))
        await channel.send(1)
        await until(() => accepted.length > 1, 'another channel')
        assert.is(await next(accepted[1]!), 1)
        assert.is(server.channels.size, 1)
      },
    )
  })
}

large.run()
