/** Channels from the page to the server it came from, by the WebSocket that the browser has. */
import * as assert from 'uvu/assert'
import { type ValueRow, values } from '../../../fixtures/values.js'
import type { Channel } from '../../../src/channel.js'
import { isOutbandError, type OutbandError } from '../../../src/index.js'
import { type ConnectOptions, connectWebSocket } from '../../../src/websocket/index.js'
import { difference } from '../../same.js'
import { inTime, suite } from './checks.js'
import { dom } from './dom.js'
import { NoBuffer } from './missing.js'
import { waitsForReader } from './pressure.js'
import {
  FLOOD_BYTES,
  FLOOD_VALUES,
  type FloodValue,
  HIGH_WATER_MARK,
  type Role,
  SMALL_BYTES,
} from './roles.js'
import { expected } from './rows.js'
import { Tensor, types } from './types.js'

const MiB = 2 ** 20
/** What takes a second may take ten where the machine does something else. */
const LONG_MS = 120_000
const check = suite('connectWebSocket')

let ids = 0
/** An address of a role, and the name by which the server knows this channel. */
function addressOf(role: Role): { url: string; id: string } {
  const id = `${dom.location.href} ${++ids} ${Math.random()}`
  const origin = dom.location.origin.replace(/^http/, 'ws')
  return { url: `${origin}/sockets/${role}?id=${encodeURIComponent(id)}`, id }
}

const connect = async <T = unknown>(role: Role, options: ConnectOptions = {}): Promise<Channel<T, unknown>> =>
  inTime(connectWebSocket<T, unknown>(addressOf(role).url, { types, ...options }))

async function next<T>(channel: Channel<T, unknown>): Promise<T> {
  const { value, done } = await inTime(channel[Symbol.asyncIterator]().next())
  assert.not.ok(done, 'the channel has ended')
  return value as T
}

/** How a channel ended on the server. */
async function farEnd(id: string): Promise<string> {
  const origin = dom.location.origin.replace(/^http/, 'ws')
  const url = `${origin}/sockets/ended?id=${encodeURIComponent(id)}`
  const channel = await connectWebSocket<string>(url)
  return next(channel as Channel<string, unknown>)
}

async function endOf(channel: Channel<never, unknown> | Channel): Promise<OutbandError | 'closed'> {
  const end = channel.closed.then(
    () => 'closed' as const,
    (error: OutbandError) => error,
  )
  return inTime(end)
}

const isCode = (end: unknown, code: 'PEER_GONE' | 'LIMIT' | 'MALFORMED' | 'CLOSED'): OutbandError => {
  assert.ok(isOutbandError(end, code), String(end))
  return end as OutbandError
}

check(
  'every value comes back equal',
  async () => {
    const channel = await connect('relay', { limits: 'trusted' })
    const sent: [row: ValueRow, value: unknown][] = []
    for (const row of values.filter(({ isShared }) => isShared !== true)) {
      try {
        sent.push([row, row.make()])
      } catch (error) {
        if (!(error instanceof NoBuffer)) throw error
      }
    }
    assert.ok(sent.length > 50, `${sent.length} values`)
    for (const [, value] of sent) void channel.send(value)
    for (const [row, value] of sent) {
      const found = difference(expected(row, value), await next(channel))
      assert.is(found, undefined, `${row.name}: ${found}`)
    }
    await inTime(channel.close())
  },
  LONG_MS,
)

check('values come back in order, memory too', async () => {
  const channel = await connect('echo')
  const sent = Array.from({ length: 200 }, (_, i) =>
    i % 3 ? { i, text: `value ${i}` } : new Tensor([i], new Float32Array(i % 2 ? 2000 : 40_000).fill(i)),
  )
  const sending = (async () => {
    for (const value of sent) await channel.send(value)
  })()
  const got: unknown[] = []
  for await (const value of channel) if (got.push(value) === sent.length) break
  await inTime(sending)
  assert.is(difference(sent, got), undefined)
  assert.is(channel.stats.received.messages, 200)
  channel.abort()
})

check(
  '64 MiB up and down',
  async () => {
    const channel = await connect('echo')
    const samples = new Float64Array((64 * MiB) / 8).map((_, i) => i)
    const sending = channel.send({ samples })
    const { value } = await inTime(channel[Symbol.asyncIterator]().next(), LONG_MS)
    await sending
    const { samples: back } = value as { samples: Float64Array }
    assert.is(back.byteLength, 64 * MiB)
    assert.is(back.byteOffset, 0)
    assert.is(back.buffer.byteLength, 64 * MiB)
    assert.ok(
      back.every((sample, i) => sample === i),
      'every number',
    )
    // Memory that was not moved is the sender's, and has been copied when `send` returns.
    assert.is(samples.byteLength, 64 * MiB)
    channel.abort()
  },
  LONG_MS,
)

check('transfer: true gives the memory away', async () => {
  const channel = await connect('echo')
  const samples = new Float64Array(100_000).fill(1)
  await channel.send(samples, { transfer: true })
  assert.is(samples.byteLength, 0)
  assert.is(difference(new Float64Array(100_000).fill(1), await next(channel)), undefined)
  assert.is(channel.stats.sent.transferred, 800_000)
  channel.abort()
})

check('a value sent and then changed arrives as it was, without waiting', async () => {
  const channel = await connect('echo')
  const bytes = new Uint8Array(MiB).fill(1)
  const sent = channel.send(bytes)
  bytes.fill(2)
  await sent
  assert.is((await next<Uint8Array>(channel as Channel<Uint8Array, unknown>))[0], 1)
  channel.abort()
})

check('a server that stops reading stops the page', async () => {
  const channel = await connect('late', { highWaterMark: HIGH_WATER_MARK })
  await waitsForReader(channel, answer => assert.is(answer, 2 ** 16))
  channel.abort()
})

check('a page that stops reading stops the server', async () => {
  const channel = await connect<FloodValue>('flood', { maxWaiting: 4 })
  // Until nothing more comes.
  let queueLength = -1
  while (queueLength !== channel.stats.queueLength || queueLength === 0) {
    queueLength = channel.stats.queueLength
    await new Promise(resolve => setTimeout(resolve, 300))
  }
  const startedAt = Date.now()
  let early = 0
  for (let i = 0; i < FLOOD_VALUES; i++) {
    const { i: number, at, bytes } = await next(channel)
    assert.is(number, i)
    assert.is(bytes.length, FLOOD_BYTES)
    if (at < startedAt) early++
  }
  // Those that wait here, and those that the server may have under way.
  assert.ok(early < 4 + 3 * (HIGH_WATER_MARK / FLOOD_BYTES), `${early} were sent before the page read`)
  assert.ok(queueLength > 0 && queueLength <= 5, `${queueLength} waited`)
  channel.abort()
})

check('close by the page: both sides end in order, after all has arrived', async () => {
  const { url, id } = addressOf('echo')
  const channel = await connectWebSocket(url)
  await channel.send('last')
  assert.is(await next(channel), 'last')
  await inTime(channel.close())
  assert.is(await farEnd(id), 'closed')
  assert.ok((await channel[Symbol.asyncIterator]().next()).done)
  isCode(await channel.send(1).catch(error => error), 'CLOSED')
})

check('close by the server: both sides end in order, after all has arrived', async () => {
  const { url, id } = addressOf('close')
  const channel = await connectWebSocket(url)
  const large = new Uint8Array(MiB).fill(3)
  await channel.send(large)
  assert.is(difference(large, await next(channel)), undefined)
  assert.is(await endOf(channel), 'closed')
  assert.is(await farEnd(id), 'closed')
})

check('abort by the page: the server is told', async () => {
  const { url, id } = addressOf('echo')
  const channel = await connectWebSocket(url)
  await channel.send('hello')
  assert.is(await next(channel), 'hello')
  channel.abort()
  isCode(await endOf(channel), 'CLOSED')
  assert.is(await farEnd(id), 'PEER_GONE')
})

check('abort by the server: PEER_GONE', async () => {
  const channel = await connect('abort')
  await channel.send('hello')
  isCode(await endOf(channel), 'PEER_GONE')
})

check('a server that dies in the middle of a message: PEER_GONE, and nothing partial', async () => {
  const channel = await connect('kill')
  await channel.send('go on')
  assert.is(await next(channel), 'whole')
  const end = isCode(await endOf(channel), 'PEER_GONE')
  assert.match(end.message, /1006/)
  assert.is(channel.stats.received.messages, 1)
  isCode(await channel.send(1).catch(error => error), 'PEER_GONE')
})

check('more than the server takes: PEER_GONE with the reason', async () => {
  const { url, id } = addressOf('small')
  const channel = await connectWebSocket(url)
  await channel.send(new Uint8Array(SMALL_BYTES / 2))
  assert.is((await next(channel as Channel<Uint8Array>)).length, SMALL_BYTES / 2)
  void channel.send(new Uint8Array(4 * SMALL_BYTES)).catch(() => {})
  const end = isCode(await endOf(channel), 'PEER_GONE')
  assert.match(end.message, /1009/)
  assert.is(await farEnd(id), 'LIMIT')
})

check('more than the page takes: LIMIT, and the server is told', async () => {
  const { url, id } = addressOf('flood')
  const channel = await connectWebSocket(url, { limits: { bufferBytes: FLOOD_BYTES - 1 } })
  const end = isCode(await endOf(channel), 'LIMIT')
  assert.is(end.limit, 'bufferBytes')
  assert.is(await farEnd(id), 'PEER_GONE')
})

check('a plain peer: its frames arrive, and its close is in order', async () => {
  const channel = await connect('plain')
  assert.is(await next(channel), 1)
  assert.is(difference({ two: new Float64Array(20_000).fill(2) }, await next(channel)), undefined)
  assert.is(await next(channel), 'three')
  assert.is(await endOf(channel), 'closed')
})

check('text: MALFORMED', async () => {
  isCode(await endOf(await connect('text')), 'MALFORMED')
})

check('an address that answers nothing of the kind: PEER_GONE', async () => {
  const origin = dom.location.origin.replace(/^http/, 'ws')
  isCode(await inTime(connectWebSocket(`${origin}/nowhere`)).catch(error => error), 'PEER_GONE')
})

check('an address of no WebSocket: a TypeError', async () => {
  for (const url of ['ws://localhost/#fragment', 'mailto:a@b', 'http://[']) {
    assert.instance(await connectWebSocket(url).catch(error => error), TypeError, url)
  }
})
