/** What a server of `ws` knows of messages that are on their way: drips, messages that never end, and the quota. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket } from 'ws'
import type { Channel } from '../../src/channel.js'
import { connectWebSocket } from '../../src/websocket/index.js'
import { settled, until, upTo, within } from '../carriers/inbox.js'
import { endOf, frameOf, isCode, later, next, serving } from './kit.js'
import { rawClient, wire } from './raw.js'

const KiB = 2 ** 10
const MiB = 2 ** 20

const slow = suite('websocket underway: bytes below a server of ws')

const MESSAGE = frameOf(new Uint8Array(2000))

/** How the first channel ends while somebody goes on a hundred times a second, though never to the end. */
async function dripping(accepted: readonly Channel[], drip: (i: number) => unknown) {
  await until(() => accepted.length > 0, 'a channel')
  const end = endOf(accepted[0]!)
  let isOver = false
  void end.finally(() => {
    isOver = true
  })
  for (let i = 0; i < 1500 && !isOver; i++) {
    drip(i)
    await later(10)
  }
  return end
}

/** How a slow peer goes on after the head of a message, and whether that may be. */
const drips: [name: string, part: (i: number) => Uint8Array][] = [
  ['a byte at a time', i => MESSAGE.subarray(i, i + 1)],
  ['nothing more', () => new Uint8Array(0)],
]
for (const [name, part] of drips) {
  slow(`the head of a message, and then ${name}: TIMEOUT at the deadline of a frame`, () => {
    const accepted: Channel[] = []
    const start = performance.now()
    return serving(
      channel => accepted.push(channel),
      { frameTimeoutMs: 300, idleTimeoutMs: 0 },
      async ({ url }) => {
        const client = await rawClient(url)
        client.write(wire(new Uint8Array(0), { announced: MESSAGE.length }))
        const end = await dripping(accepted, i => client.write(part(i)))
        isCode(end, 'TIMEOUT')
        assert.match(end.message, /not complete for 300 ms/)
        assert.ok(performance.now() - start > 290, 'not before its time')
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
      const end = await dripping(accepted, i => {
        client.write(wire(MESSAGE.subarray(i + 1, i + 2), { opcode: 0, fin: false }))
        client.write(wire(new Uint8Array(i % 126), { opcode: 9 }))
      })
      isCode(end, 'TIMEOUT')
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
      await until(() => accepted.length > 0, 'a channel')
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

slow('of pings that come together the last is answered, and their peer goes on', () => {
  const accepted: Channel[] = []
  return serving(
    channel => accepted.push(channel),
    {},
    async ({ url }) => {
      const client = await rawClient(url)
      let heard = ''
      client.on('data', (chunk: Buffer) => {
        heard += chunk.toString('latin1')
      })
      const pings = upTo(1000).map(i => wire(Buffer.from(`ping ${i}.`), { opcode: 9 }))
      client.write(Buffer.concat([...pings, wire(frameOf(1))]))
      await until(() => heard.includes('ping 999.'), 'the last answer')
      assert.ok(heard.includes('ping 0.'))
      const answers = heard.split('ping').length - 1
      assert.ok(answers < 100, `${answers} answers`)
      assert.is(await next(accepted[0]!), 1)
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
      await until(() => server.bytesUnderWay > 3 * MiB, 'a message that is held')
      const held = await settled(() => server.bytesUnderWay)
      // Each may read one chunk past it, of 64 KiB, and one goes on whatever happens.
      assert.ok(held > 3 * MiB && held < 4 * MiB + 3 * MiB + 10 * 64 * KiB, `${held} bytes`)
      const channel = await connectWebSocket(new WebSocket(url))
      for (const text of ['a', 'b', 'c']) {
        await channel.send(text)
        assert.is(await next(channel), text)
      }
      await channel.close()
      for (const client of clients) client.write(message.subarray(-10))
      await until(() => values.length >= 13, 'all ten messages')
      for (const client of clients) client.destroy()
      await until(() => server.channels.size === 0 && server.bytesUnderWay === 0, 'nothing left')
    },
  )
})

const HUGE = wire(frameOf(new Uint8Array(3 * MiB)))
const holders: [name: string, byteLength: number, drips?: boolean][] = [
  ['all but the last byte', HUGE.length - 1],
  ['a part', 2 * MiB],
  ['a part, and then a byte at a time', 2 * MiB, true],
]
for (const [name, byteLength, drips = false] of holders) {
  slow(`many who send ${name} keep the others waiting for less than the time of one frame`, () => {
    const values: unknown[] = []
    return serving(
      async channel => {
        for await (const value of channel) values.push(value)
      },
      { maxBytes: MiB, frameTimeoutMs: 5000 },
      async ({ server, url }) => {
        const clients = await Promise.all(upTo(3).map(() => rawClient(url)))
        for (const client of clients) client.write(HUGE.subarray(0, byteLength))
        let at = byteLength
        const drip = setInterval(() => {
          for (const client of clients) if (drips) client.write(HUGE.subarray(at, at + 1))
          at++
        }, 20)
        await until(() => server.bytesUnderWay > MiB, 'more than there is room for')
        await later(100)
        const start = performance.now()
        const good = await Promise.all(upTo(2).map(() => connectWebSocket(new WebSocket(url))))
        await Promise.all(
          good.map(async channel => {
            await channel.send(new Uint8Array(2 * MiB))
            await channel.close()
          }),
        )
        clearInterval(drip)
        assert.ok(performance.now() - start < 4000, `${performance.now() - start} ms`)
        assert.is(values.length, 2)
        for (const client of clients) client.destroy()
      },
    )
  })
}

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
      )
      await until(() => server.channels.size === 0, 'the end of those that are slow')
      for (const client of bad) client.destroy()
    },
  ),
)

slow.run()
