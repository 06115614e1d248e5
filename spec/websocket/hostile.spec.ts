/** Peers that mean harm, are slow, or die: rows 34 to 40 of what must happen, over WebSockets. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket } from 'ws'
import type { Channel } from '../../src/channel.js'
import { packNote } from '../../src/frame/note.js'
import { type ErrorCode, isOutbandError, type OutbandError } from '../../src/index.js'
import { connectWebSocket } from '../../src/websocket/index.js'
import { upTo, within } from '../carriers/inbox.js'
import { endOf, frameOf, hello, KINDS, later, meeting, next, serving } from './kit.js'
import { rawClient, wire } from './raw.js'

const KiB = 2 ** 10
const MiB = 2 ** 20

function isCode(error: unknown, code: ErrorCode): asserts error is OutbandError {
  assert.ok(isOutbandError(error, code), String(error))
}

/** Memory of ArrayBuffers, when it has settled. */
const arrayBytes = (): number => process.memoryUsage().arrayBuffers

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
          most = Math.max(most, arrayBytes() - before - peer.bufferedAmount)
        }
      }
      await flood()
      assert.ok(most < 24 * MiB, `${most} bytes of memory`)
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

  floods('a peer that is silent: TIMEOUT, when a message could not be on its way any more', () =>
    meeting(kind, { idleTimeoutMs: 150, frameTimeoutMs: 200 }, async channel => {
      const start = performance.now()
      isCode(await endOf(channel), 'TIMEOUT')
      const ms = performance.now() - start
      // Of a socket that tells of no bytes a message that takes its time is silence.
      assert.ok(ms > (kind === 'ws' ? 100 : 300) && ms < 3000, `${ms} ms`)
    }),
  )

  floods('a peer that says now and then that it is there is not silent', () =>
    meeting(kind, { idleTimeoutMs: 100, frameTimeoutMs: 100 }, async (channel, peer) => {
      for (let i = 0; i < 20; i++) {
        peer.send(packNote('alive'))
        await later(25)
      }
      peer.send(frameOf('still here'))
      assert.is(await next(channel), 'still here')
    }),
  )

  floods.run()
}

const slow = suite('websocket hostile: bytes below a server of ws')

const MESSAGE = frameOf(new Uint8Array(2000))

/** How a slow peer goes on after the head of a message, and whether that may be. */
const drips: [name: string, part: (i: number) => Uint8Array][] = [
  ['a byte at a time', i => MESSAGE.subarray(i, i + 1)],
  ['nothing more', () => new Uint8Array(0)],
]
for (const [name, part] of drips) {
  slow(`the head of a message, and then ${name}: TIMEOUT at the deadline of a frame`, () => {
    const accepted: Channel[] = []
    return serving(
      channel => accepted.push(channel),
      { frameTimeoutMs: 300, idleTimeoutMs: 0 },
      async ({ url }) => {
        const client = await rawClient(url)
        client.write(wire(new Uint8Array(0), { announced: MESSAGE.length }))
        const start = performance.now()
        let isOver = false
        accepted[0]!.closed.catch(() => {
          isOver = true
        })
        for (let i = 0; i < 500 && !isOver; i++) {
          client.write(part(i))
          await later(10)
        }
        const end = await endOf(accepted[0]!)
        isCode(end, 'TIMEOUT')
        assert.match(end.message, /not complete for 300 ms/)
        const ms = performance.now() - start
        assert.ok(ms > 200 && ms < 3000, `${ms} ms`)
        client.destroy()
      },
    )
  })
}

slow('fragments that never end, with pings between them: TIMEOUT at the deadline of a frame', () => {
  const accepted: Channel[] = []
  return serving(
    channel => accepted.push(channel),
    { frameTimeoutMs: 300, idleTimeoutMs: 0 },
    async ({ url }) => {
      const client = await rawClient(url)
      client.write(wire(MESSAGE.subarray(0, 1), { fin: false }))
      let isOver = false
      accepted[0]!.closed.catch(() => {
        isOver = true
      })
      for (let i = 1; i < 500 && !isOver; i++) {
        client.write(wire(MESSAGE.subarray(i, i + 1), { opcode: 0, fin: false }))
        client.write(wire(new Uint8Array(i % 126), { opcode: 9 }))
        await later(10)
      }
      isCode(await endOf(accepted[0]!), 'TIMEOUT')
      client.destroy()
    },
  )
})

slow('pings alone are no message that is late, in whatever pieces they come', () => {
  const accepted: Channel[] = []
  return serving(
    channel => accepted.push(channel),
    { frameTimeoutMs: 150, idleTimeoutMs: 0 },
    async ({ url }) => {
      const client = await rawClient(url)
      client.write(wire(frameOf(1)))
      assert.is(await next(accepted[0]!), 1)
      const ping = wire(Buffer.from('how are you?'), { opcode: 9 })
      for (let i = 0; i < 40; i++) {
        client.write(ping.subarray(0, i % ping.length))
        await later(5)
        client.write(ping.subarray(i % ping.length))
        await later(5)
      }
      client.write(wire(frameOf(2)))
      assert.is(await next(accepted[0]!), 2)
      client.destroy()
    },
  )
})

slow('messages that never end do not pass the quota of a server, and others pass all the same', () => {
  const values: unknown[] = []
  return serving(
    async channel => {
      for await (const value of channel) {
        values.push(value)
        if (typeof value === 'string') void channel.send(value)
      }
    },
    { maxBytes: 4 * MiB },
    async ({ server, url }) => {
      const message = wire(frameOf(new Uint8Array(3 * MiB)))
      const clients = await Promise.all(upTo(10).map(() => rawClient(url)))
      for (const client of clients) client.write(message.subarray(0, -10))
      await later(300)
      const held = server.bytesUnderWay
      // Each may read one chunk past it, of 64 KiB, and one goes on whatever happens.
      assert.ok(held > 3 * MiB && held < 4 * MiB + 3 * MiB + 10 * 64 * KiB, `${held} bytes`)
      const channel = await connectWebSocket(new WebSocket(url))
      for (const text of ['a', 'b', 'c']) {
        await channel.send(text)
        assert.is(await next(channel), text)
      }
      await channel.close()
      for (const client of clients) client.write(message.subarray(-10))
      await within(
        (async () => {
          while (values.length < 13) await later(10)
        })(),
        'all ten messages',
        20_000,
      )
      for (const client of clients) client.destroy()
      await within(
        (async () => {
          while (server.channels.size > 0 || server.bytesUnderWay > 0) await later(10)
        })(),
        'nothing left',
      )
    },
  )
})

slow('200 peers that are slow do not hinder 20 that are not', () =>
  serving(
    async channel => {
      for await (const value of channel) await channel.send(value)
    },
    { frameTimeoutMs: 1000 },
    async ({ server, url }) => {
      const bad = await Promise.all(upTo(200).map(() => rawClient(url)))
      for (const client of bad) client.write(wire(MESSAGE.subarray(0, 100), { announced: MESSAGE.length }))
      const good = await Promise.all(upTo(20).map(() => connectWebSocket(new WebSocket(url))))
      await within(
        Promise.all(
          good.map(async channel => {
            for (const i of upTo(20)) {
              await channel.send(i)
              assert.is(await next(channel), i)
            }
            await channel.close()
          }),
        ),
        'twenty talks',
        10_000,
      )
      await within(
        (async () => {
          while (server.channels.size > 0) await later(20)
        })(),
        'the end of those that are slow',
      )
      for (const client of bad) client.destroy()
    },
  ),
)

slow.run()

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
        assert.is(await next(accepted[0]!), 'first')
        isCode(await endOf(accepted[0]!), 'MALFORMED')
        client.destroy()
        // Who comes later finds a server that works.
        const channel = await connectWebSocket(new WebSocket(url))
        await channel.send(1)
        assert.is(await next(accepted[1]!), 1)
        assert.is(server.channels.size, 1)
      },
    )
  })
}

large.run()
