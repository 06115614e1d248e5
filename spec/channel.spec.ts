/** Values over a carrier: how they are read, what is counted, what moves with them, and how a channel ends. */
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { duplexPair, Readable } from 'node:stream'
import type { MessagePort } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Box, box, Point, point } from '../fixtures/classes.js'
import type { Carrier, Sink, Transfer } from '../src/carriers/carrier.js'
import { loopback } from '../src/carriers/loopback.js'
import { PortCarrier } from '../src/carriers/port/port.js'
import { SocketCarrier } from '../src/carriers/socket/socket.js'
import { Channel, type ChannelOptions } from '../src/channel.js'
import { asyncDispose, dispose } from '../src/dispose.js'
import { msgpack } from '../src/formats/msgpack.js'
import { defineType, type ErrorCode, encode, isOutbandError, OutbandError, registry } from '../src/index.js'
import { wrapPort } from '../src/port/index.js'
import { codeOf, Inbox, turns, upTo, within } from './carriers/inbox.js'
import { movedUp } from './moved.js'

type PairOptions = ChannelOptions & { highWaterMark?: number }

interface Kind {
  readonly name: string
  readonly carriers: (options: PairOptions) => [Carrier, Carrier]
}

const kinds: Kind[] = [
  { name: 'loopback', carriers: loopback },
  {
    name: 'ports',
    carriers: options => {
      const { port1, port2 } = new MessageChannel()
      return [new PortCarrier(port1, options), new PortCarrier(port2, options)]
    },
  },
]

interface Test {
  readonly left: Channel
  readonly right: Channel
}

/** A test that is run on every kind of pair. */
function both(
  tests: ReturnType<typeof suite>,
  fact: string,
  run: (test: Test) => unknown,
  options: PairOptions = {},
): void {
  for (const { name, carriers } of kinds) {
    tests(`${name}: ${fact}`, async () => {
      const [here, there] = carriers(options)
      const left = new Channel(here, options)
      const right = new Channel(there, options)
      try {
        await within(run({ left, right }), fact)
      } finally {
        left.abort()
        right.abort()
      }
    })
  }
}

/** The next values, in order. */
async function take(channel: Channel, count: number): Promise<unknown[]> {
  const values: unknown[] = []
  const iterator = channel[Symbol.asyncIterator]()
  for (let i = 0; i < count; i++) {
    const { value, done } = await within(iterator.next(), `value ${i}`)
    if (done) break
    values.push(value)
  }
  return values
}

const one = async <T = unknown>(channel: Channel): Promise<T> => (await take(channel, 1))[0] as T

/** Errors that nobody caught while `run` ran, by kind. */
async function uncaught(run: () => unknown): Promise<string[]> {
  const found: string[] = []
  const onException = (error: Error) => void found.push(`thrown: ${error.message}`)
  const onRejection = (error: OutbandError) => void found.push(`rejected: ${error.code ?? error.message}`)
  process.on('uncaughtException', onException)
  process.on('unhandledRejection', onRejection)
  try {
    await run()
    await turns(3)
  } finally {
    process.off('uncaughtException', onException)
    process.off('unhandledRejection', onRejection)
  }
  return found
}

const reading = suite('channel: reading')

both(
  reading,
  'for await gives each value once, in order, and ends with the channel',
  async ({ left, right }) => {
    for (const i of upTo(100)) void left.send(i)
    void left.close()
    const values: unknown[] = []
    for await (const value of right) values.push(value)
    assert.equal(values, upTo(100))
  },
)

both(
  reading,
  'a loop that is left leaves the channel open, and the rest to the next',
  async ({ left, right }) => {
    for (const i of upTo(4)) void left.send(i)
    for await (const value of right) if (value === 1) break
    assert.equal(await take(right, 2), [2, 3])
    void right.send('still here')
    assert.is(await one(left), 'still here')
  },
)

both(reading, 'readers share the values between them, first come, first served', async ({ left, right }) => {
  const [a, b] = [right[Symbol.asyncIterator](), right[Symbol.asyncIterator]()]
  const asked = [a.next(), b.next(), a.next(), b.next()]
  for (const i of upTo(3)) void left.send(i)
  void left.close()
  assert.equal(await Promise.all(asked), [
    { value: 0, done: false },
    { value: 1, done: false },
    { value: 2, done: false },
    { value: undefined, done: true },
  ])
})

const leavers: [name: string, leave: (channel: Channel) => unknown][] = [
  [
    'an iterator that is left',
    async channel => {
      const iterator = channel[Symbol.asyncIterator]()
      const asked = [iterator.next(), iterator.next()]
      assert.equal(await iterator.return?.(), { value: undefined, done: true })
      for (const one of asked) assert.equal(await one, { value: undefined, done: true })
    },
  ],
  [
    'a ReadableStream that is cancelled',
    async channel => {
      const reader = ReadableStream.from<unknown>(channel).getReader()
      const asked = reader.read()
      await turns(2)
      await reader.cancel()
      assert.is((await asked).done, true)
    },
  ],
  [
    'a Readable that is destroyed',
    async channel => {
      const readable = Readable.from(channel)
      readable.resume()
      await turns(2)
      readable.destroy()
      await once(readable, 'close')
    },
  ],
]
for (const [who, leave] of leavers) {
  both(reading, `${who} takes no value any more; one beside it does`, async ({ left, right }) => {
    await leave(right)
    const beside = right[Symbol.asyncIterator]().next()
    await leave(right)
    for (const i of upTo(3)) void left.send(i)
    assert.is((await beside).value, 0)
    assert.equal(await take(right, 2), [1, 2])
  })
}

both(reading, 'to take a value costs the same however many wait', async ({ left, right }) => {
  for (const i of upTo(1000)) void left.send([i, new Uint8Array(10_000)])
  await left.close()
  assert.is(right.stats.queueLength, 1000)
  const moved = await movedUp(() => take(right, 1000))
  assert.ok(moved < 1000, `${moved} moved`)
})

both(reading, 'values that came before the end are there after it', async ({ left, right }) => {
  for (const i of upTo(5)) void left.send(i)
  await left.close()
  await right.closed
  assert.equal(await take(right, 6), upTo(5))
})

both(
  reading,
  'values that came before a failure are there, then the error, each time',
  async ({ left, right }) => {
    void left.send('before')
    while (right.stats.queueLength === 0) await turns(1)
    left.abort()
    await right.closed.catch(() => {})
    assert.is(await one(right), 'before')
    for (const _ of upTo(2)) assert.is(await codeOf(() => one(right)), 'PEER_GONE')
  },
)

both(reading, 'undefined is a value', async ({ left, right }) => {
  void left.send(undefined)
  void left.close()
  assert.equal(await take(right, 2), [undefined])
})

reading.run()

const listening = suite('channel: listeners')

both(listening, 'on is called for each value, off ends that', async ({ left, right }) => {
  const heard: unknown[] = []
  const listener = (value: unknown) => {
    heard.push(value)
    if (value === 2) right.off('message', listener)
  }
  right.on('message', listener).on('message', listener)
  for (const i of upTo(5)) void left.send(i)
  await turns(5)
  assert.equal(heard, [0, 1, 2])
  assert.equal(await take(right, 2), [3, 4])
})

both(
  listening,
  'a listener that aborts while it is given what waited gets no more of it',
  async ({ left, right }) => {
    for (const i of upTo(6)) void left.send(i)
    while (right.stats.queueLength < 6) await turns(1)
    const heard: unknown[] = []
    right.on('close', () => heard.push('close')).on('error', ({ code }) => heard.push(code))
    right.on('message', value => {
      heard.push(value)
      if (value === 2) right.abort()
    })
    await turns(5)
    assert.equal(heard, [0, 1, 2, 'CLOSED', 'close'])
  },
)

both(
  listening,
  'what waited is told before an end that comes first, and after one that came',
  async ({ left, right }) => {
    for (const i of upTo(3)) void left.send(i)
    const closed = left.close()
    await within(closed, 'the end')
    while (!right.stats.queueLength) await turns(1)
    await within(right.closed, 'the end')
    const heard: unknown[] = []
    right.on('message', value => heard.push(value))
    await turns(2)
    assert.equal(heard, [0, 1, 2])
  },
)

listening('what waited is told before the end, when that comes between', async () => {
  let sink: Sink | undefined
  const carrier: Carrier = {
    name: 'by hand',
    textBytes: 0,
    takesHosts: false,
    sharesMemory: false,
    counts: { copied: 0, transferred: 0, shared: 0 },
    queuedBytes: 0,
    closed: Promise.resolve(),
    receive: told => {
      sink = told
    },
    send: () => undefined,
    pause: () => {},
    resume: () => {},
    close: () => Promise.resolve(),
    abort: () => {},
  }
  const channel = new Channel(carrier)
  const heard: unknown[] = []
  for (const i of upTo(2)) sink!.parcel(encode(i))
  channel.on('close', () => heard.push('close')).on('message', value => heard.push(value))
  sink!.end()
  await turns(2)
  assert.equal(heard, [0, 1, 'close'])
})

both(listening, 'once is called for one value, the others wait', async ({ left, right }) => {
  const heard: unknown[] = []
  right.once('message', value => heard.push(value))
  for (const i of upTo(3)) void left.send(i)
  while (right.stats.queueLength < 2) await turns(1)
  assert.equal(heard, [0])
  assert.equal(await take(right, 2), [1, 2])
})

both(listening, 'off takes back once', async ({ left, right }) => {
  const listener = () => assert.unreachable()
  right.once('message', listener).off('message', listener)
  void left.send(1)
  assert.is(await one(right), 1)
})

both(listening, 'once after on of the same listener keeps it', async ({ left, right }) => {
  const heard: unknown[] = []
  const listener = (value: unknown) => void heard.push(value)
  right.on('message', listener).once('message', listener)
  for (const i of upTo(3)) void left.send(i)
  await turns(5)
  assert.equal(heard, [0, 1, 2])
})

both(
  listening,
  'the first listener hears what waited, but not while on still runs',
  async ({ left, right }) => {
    for (const i of upTo(3)) void left.send(i)
    while (right.stats.queueLength < 3) await turns(1)
    const heard: unknown[] = []
    right.on('message', value => heard.push(value))
    assert.equal(heard, [])
    void left.send(3)
    await turns(5)
    assert.equal(heard, [0, 1, 2, 3])
    assert.is(right.stats.queueLength, 0)
  },
)

both(
  listening,
  'each of several hears each value; a loop that waits comes first',
  async ({ left, right }) => {
    const heard: unknown[] = []
    const next = one(right)
    right.on('message', value => heard.push(['a', value]))
    right.on('message', value => heard.push(['b', value]))
    void left.send(1)
    void left.send(2)
    assert.is(await next, 1)
    await turns(5)
    assert.equal(heard, [
      ['a', 2],
      ['b', 2],
    ])
  },
)

both(
  listening,
  'one that throws keeps no value from others, nor the next from itself',
  async ({ left, right }) => {
    const heard: unknown[] = []
    const found = await uncaught(async () => {
      right.on('message', value => {
        heard.push(value)
        throw new Error(`at ${value}`)
      })
      right.on('message', value => heard.push(value))
      right.on('close', () => {
        throw new Error('at close')
      })
      void left.send(1)
      void left.send(2)
      await left.close()
      await right.closed
    })
    assert.equal(heard, [1, 1, 2, 2])
    assert.equal(found, ['thrown: at 1', 'thrown: at 2', 'thrown: at close'])
  },
)

both(listening, 'close is told once, on both sides, without an error', async ({ left, right }) => {
  const told: string[] = []
  for (const [name, channel] of Object.entries({ left, right })) {
    channel.on('close', () => told.push(`${name} close`)).on('error', () => told.push(`${name} error`))
  }
  await Promise.all([left.close(), right.closed])
  await turns(3)
  assert.equal(told.sort(), ['left close', 'right close'])
})

both(listening, 'a failure is told as error, then as close', async ({ left, right }) => {
  const told: string[] = []
  right.on('error', ({ code }) => told.push(code)).on('close', () => told.push('close'))
  left.abort()
  await turns(3)
  assert.equal(told, ['PEER_GONE', 'close'])
})

both(listening, 'a listener that sends on the same channel is answered', async ({ left, right }) => {
  right.on('message', value => void right.send([value]))
  void left.send(1)
  void left.send(2)
  assert.equal(await take(left, 2), [[1], [2]])
})

listening.run()

const counting = suite('channel: stats')

both(counting, 'a new channel has done nothing', ({ left }) => {
  const traffic = { messages: 0, inBand: 0, outOfBand: 0 }
  assert.equal(left.stats, {
    sent: { ...traffic, copied: 0, transferred: 0, shared: 0 },
    received: traffic,
    queueLength: 0,
    queuedBytes: 0,
  })
})

const array = (): Uint8Array => new Uint8Array(10_000).fill(7)
const shared = (): Uint8Array => new Uint8Array(new SharedArrayBuffer(10_000))
const traffics: [name: string, value: () => unknown, transfer: Transfer, counts: object][] = [
  ['a small object', () => ({ a: 1 }), false, { copied: 0, transferred: 0, shared: 0 }],
  ['large metadata', () => 'x'.repeat(100_000), true, { copied: 0, transferred: 0, shared: 0 }],
  ['copied', () => ({ array: array() }), false, { copied: 10_000, transferred: 0, shared: 0 }],
  ['transferred', () => ({ array: array() }), true, { copied: 0, transferred: 10_000, shared: 0 }],
  ['shared', () => [shared()], false, { copied: 0, transferred: 0, shared: 10_000 }],
  [
    'all three',
    () => [shared(), array(), array().subarray(0, 5000)],
    true,
    { copied: 5000, transferred: 10_000, shared: 10_000 },
  ],
]
for (const [name, value, transfer, counts] of traffics) {
  both(counting, `both sides count the same: ${name}`, async ({ left, right }) => {
    void left.send(value(), { transfer })
    void left.send(value(), { transfer })
    while (right.stats.queueLength < 2) await turns(1)
    const { sent, queuedBytes } = left.stats
    const { copied, transferred, shared, ...traffic } = sent
    const outOfBand = Object.values(counts).reduce((sum: number, count: number) => sum + count, 0)
    assert.equal({ ...right.stats.received }, traffic)
    assert.is(traffic.messages, 2)
    assert.is(traffic.outOfBand, 2 * outOfBand)
    assert.ok(traffic.inBand > (name === 'large metadata' ? 200_000 : 4))
    assert.equal({ copied: copied / 2, transferred: transferred / 2, shared: shared / 2 }, counts)
    assert.ok(queuedBytes >= 0 && queuedBytes <= traffic.inBand + traffic.outOfBand + 1000)
  })
}

both(counting, 'what is refused is not counted', async ({ left }) => {
  const { sent } = left.stats
  assert.is(await codeOf(() => left.send(() => 1)), 'UNSUPPORTED')
  assert.is(await codeOf(() => left.send([array()], { transfer: [detached().buffer] })), 'DETACHED')
  assert.equal(left.stats.sent, sent)
})

counting.run()

function detached(): Uint8Array {
  const view = array()
  structuredClone(view, { transfer: [view.buffer as ArrayBuffer] })
  return view
}

const owning = suite('channel: memory')

const listings: [name: string, byteLength: number, options?: PairOptions][] = [
  ['no bytes', 0],
  ['a byte', 1],
  ['just under the threshold', 4095],
  ['the threshold', 4096],
  ['what no threshold lets out of band', 10, { threshold: Number.POSITIVE_INFINITY }],
  ['what a callback keeps in band', 5000, { bufferCallback: () => true }],
  ['another format', 10, { format: msgpack }],
]
for (const [name, byteLength, options] of listings) {
  both(
    owning,
    `a list moves the whole memory of a view: ${name}`,
    async ({ left, right }) => {
      const view = new Uint8Array(10_000).fill(7).subarray(10, 10 + byteLength)
      const kept = new Uint8Array(10)
      void left.send({ view, kept }, { transfer: [view] })
      assert.equal([view.buffer.byteLength, kept.buffer.byteLength], [0, 10])
      const { view: arrived } = await one<{ view: Uint8Array }>(right)
      assert.equal([arrived.byteLength, arrived.buffer.byteLength], [byteLength, 10_000])
      assert.ok(arrived.every(byte => byte === 7))
      const { copied, transferred, outOfBand } = left.stats.sent
      assert.equal(
        { copied, transferred, outOfBand },
        { copied: 0, transferred: 10_000, outOfBand: byteLength },
      )
      void left.send({ kept })
      assert.is(left.stats.sent.outOfBand, byteLength)
    },
    options,
  )
}

both(owning, 'what is sent is what it was, whatever is written afterwards', async ({ left, right }) => {
  const sent = { array: array(), small: new Uint8Array(4), list: [1] }
  void left.send(sent)
  sent.array.fill(1)
  sent.small.fill(1)
  sent.list.push(2)
  assert.equal(await one(right), { array: array(), small: new Uint8Array(4), list: [1] })
})

const moves: [name: string, transfer: (views: Uint8Array[]) => Transfer, left: number[]][] = [
  ['by default nothing', () => false, [10_000, 10_000]],
  ['true: all', () => true, [0, 0]],
  ['a list: what it names', ([, second]) => [second!], [10_000, 0]],
  ['a list with duplicates', ([first]) => [first!, first!.buffer, first!], [0, 10_000]],
]
for (const [name, transfer, bytesLeft] of moves) {
  both(owning, `what moves is detached for the sender: ${name}`, async ({ left, right }) => {
    const sent = [array(), array()]
    void left.send(sent, { transfer: transfer(sent) })
    assert.equal(
      sent.map(({ byteLength }) => byteLength),
      bytesLeft,
    )
    assert.equal(await one(right), [array(), array()])
  })
}

both(owning, 'shared memory is shared', async ({ left, right }) => {
  const sent = shared()
  void left.send(sent)
  const copy = await one<Uint8Array>(right)
  Atomics.store(copy, 5, 9)
  assert.is(Atomics.load(sent, 5), 9)
})

both(owning, 'views of one memory are views of one memory on arrival', async ({ left, right }) => {
  const { buffer } = array()
  void left.send([new Uint8Array(buffer, 0, 9000), new Float64Array(buffer, 8, 500)])
  const [a, b] = await one<[Uint8Array, Float64Array]>(right)
  assert.is(a.buffer, b.buffer)
})

owning.run()

const hosting = suite('channel: what only the platform moves')

both(hosting, 'a MessagePort anywhere in a value arrives and works', async ({ left, right }) => {
  const { port1, port2 } = new MessageChannel()
  void left.send(new Map([['deep', { list: [1, port2] }]]))
  const value = await one<Map<string, { list: [number, MessagePort] }>>(right)
  const arrived = value.get('deep')!.list[1]
  const heard = once(arrived, 'message')
  port1.postMessage('through it')
  assert.equal(await within(heard, 'the port'), ['through it'])
  port1.close()
})

both(hosting, 'streams, blobs and keys, several at once, each as it was', async ({ left, right }) => {
  const stream = new ReadableStream({
    start: controller => {
      controller.enqueue('a')
      controller.enqueue('b')
      controller.close()
    },
  })
  const blob = new Blob(['blob'], { type: 'text/x' })
  const key = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, ['sign'])
  const sent = { stream, nested: [{ blob }, new Set([key])], array: array(), blob }
  void left.send(sent)
  assert.ok(stream.locked)
  const copy = await one<typeof sent>(right)
  const chunks: unknown[] = []
  for await (const chunk of copy.stream) chunks.push(chunk)
  assert.equal(chunks, ['a', 'b'])
  assert.is(await copy.blob.text(), 'blob')
  assert.is(copy.blob.type, 'text/x')
  assert.is((copy.nested[0] as { blob: Blob }).blob, copy.blob)
  const [copiedKey] = [...(copy.nested[1] as Set<typeof key>)]
  const [a, b] = await Promise.all([key, copiedKey!].map(k => crypto.subtle.exportKey('raw', k)))
  assert.equal(new Uint8Array(a!), new Uint8Array(b!))
  assert.equal(copy.array, array())
})

both(hosting, 'a FileHandle moves, and is open on arrival', async ({ left, right }) => {
  const file = await open(new URL(import.meta.url))
  void left.send({ file })
  const copy = await one<{ file: typeof file }>(right)
  assert.match(await copy.file.readFile('utf8'), 'a FileHandle moves')
  assert.is(file.fd, -1)
  await copy.file.close()
})

const stuck: [name: string, make: () => object, message: RegExp][] = [
  [
    'a wrapped port',
    () => wrapPort(new MessageChannel().port1),
    /a wrapped port cannot travel; wanted the port that it wraps at value\.list\[1\]/,
  ],
  [
    'a signal that cannot move',
    () => new AbortController().signal,
    /an? AbortSignal cannot travel without a custom type at value\.list\[1\]/,
  ],
]
for (const [name, make, message] of stuck) {
  both(hosting, `${name} is refused, and the error says where it is`, async ({ left }) => {
    const error = await left.send({ list: [1, make()] }).catch((refusal: OutbandError) => refusal)
    assert.ok(isOutbandError(error, 'UNSUPPORTED'))
    assert.match(error.message, message)
    assert.is(error.path, 'value.list[1]')
  })
}

for (const references of [true, false]) {
  both(
    hosting,
    `one that occurs twice arrives as one, references: ${references}`,
    async ({ left, right }) => {
      const { port1, port2 } = new MessageChannel()
      void left.send([port2, { again: port2 }])
      const [a, { again }] = await one<[MessagePort, { again: MessagePort }]>(right)
      assert.is(a, again)
      port1.close()
    },
    { references },
  )
}

both(hosting, 'one in the transfer list too arrives as well', async ({ left, right }) => {
  const { port1, port2 } = new MessageChannel()
  const view = array()
  void left.send({ port2, view }, { transfer: [port2, view, port2] })
  assert.is(view.byteLength, 0)
  const copy = await one<{ port2: MessagePort; view: Uint8Array }>(right)
  assert.equal(copy.view, array())
  copy.port2.close()
  port1.close()
})

const refusedHosts: [name: string, make: () => object | Promise<object>][] = [
  ['a stream that is being read', () => lockedStream()],
  [
    'a stream that is being written through',
    () => {
      const stream = new TransformStream()
      stream.writable.getWriter()
      return stream
    },
  ],
  [
    'a port that has moved',
    () => {
      const { port1 } = new MessageChannel()
      structuredClone(port1, { transfer: [port1] }).close()
      return port1
    },
  ],
  [
    'a file that is closed',
    async () => {
      const file = await open(new URL(import.meta.url))
      await file.close()
      return file
    },
  ],
]
const refusal = async (send: () => Promise<void>, code: ErrorCode = 'UNSUPPORTED'): Promise<OutbandError> => {
  const error = await send().catch(thrown => thrown)
  assert.ok(isOutbandError(error, code))
  return error
}
for (const [name, make] of refusedHosts) {
  both(hosting, `${name}: UNSUPPORTED, with its path, and the channel goes on`, async ({ left, right }) => {
    const host = await make()
    const { port1: whole, port2: end } = new MessageChannel()
    const view = array()
    const error = await refusal(() => left.send({ whole, deep: [{ host }], view }, { transfer: true }))
    assert.is(error.path, 'value.deep[0].host')
    assert.match(error.message, /^send: .+ at value\.deep\[0\]\.host$/)
    whole.close()
    end.close()
    assert.is(view.byteLength, 10_000, 'nothing was moved')
    assert.is(left.stats.sent.messages, 0)
    void left.send('next')
    assert.is(await one(right), 'next')
  })
}

const lockedStream = (): ReadableStream => {
  const stream = new ReadableStream({})
  stream.getReader()
  return stream
}
const movedPort = (): object => {
  const { port1, port2 } = new MessageChannel()
  structuredClone(0, { transfer: [port1 as never] })
  port2.close()
  return port1
}
const held: [name: string, make: () => object, message: RegExp][] = [
  [
    'a stream that is being read',
    lockedStream,
    /: a stream is locked, or a file is closed at transfer\[1\]$/,
  ],
  [
    'a wrapped port',
    () => wrapPort(new MessageChannel().port1),
    /: a wrapped port cannot travel; wanted the port that it wraps at transfer\[1\]$/,
  ],
  ['a port that has moved', () => movedPort(), / at transfer\[1\]$/],
  ['an object that nothing moves', () => ({}), / at transfer\[1\]$/],
]
for (const [name, make, message] of held) {
  both(hosting, `${name} in the transfer list: UNSUPPORTED, with its path`, async ({ left }) => {
    const item = make() as { close?(): void }
    const view = array()
    const error = await refusal(() => left.send(view, { transfer: [view, item] }))
    assert.is(error.path, 'transfer[1]')
    assert.match(error.message, message)
    assert.is(view.byteLength, 10_000, 'nothing was moved')
    item.close?.()
  })
}

both(hosting, 'memory that is gone in the transfer list: DETACHED, with its place', async ({ left }) => {
  const view = array()
  const gone = array()
  structuredClone(0, { transfer: [gone.buffer as ArrayBuffer] })
  const error = await refusal(() => left.send(view, { transfer: [view, gone] }), 'DETACHED')
  assert.is(error.path, 'transfer[1]')
  assert.match(error.message, / at transfer\[1\]$/)
  assert.is(view.byteLength, 10_000, 'nothing was moved')
})

hosting.run()

const typing = suite('channel: custom types')

const types = registry(point, box)

both(
  typing,
  'travel both ways',
  async ({ left, right }) => {
    void left.send([new Point(1, 2), new Box(array())])
    const [p, b] = await one<[Point, Box]>(right)
    assert.equal([p.x, p.y, p.constructor], [1, 2, Point])
    assert.equal(b.content, array())
    void right.send(p)
    assert.instance(await one(left), Point)
  },
  { types },
)

both(
  typing,
  'hold what only the platform moves',
  async ({ left, right }) => {
    const blob = new Blob(['inside'])
    void left.send(new Box([blob, blob]))
    const { content } = await one<{ content: Blob[] }>(right)
    assert.is(await content[0]!.text(), 'inside')
    assert.is(content[0], content[1])
  },
  { types },
)

typing.run()

const nesting = suite('channel: re-entrancy')

both(nesting, 'a getter that sends sends its value first, both whole', async ({ left, right }) => {
  const blobs = ['outer', 'inner'].map(text => new Blob([text]))
  const value = {
    before: blobs[0],
    get sends() {
      void left.send({ inner: array(), blob: blobs[1] })
      return 1
    },
    after: [array(), blobs[0]],
  }
  void left.send(value)
  const [inner, outer] = (await take(right, 2)) as [{ inner: Uint8Array; blob: Blob }, typeof value]
  assert.equal(inner.inner, array())
  assert.is(await inner.blob.text(), 'inner')
  assert.is(outer.sends, 1)
  assert.equal(outer.after[0], array())
  assert.is(outer.after[1], outer.before)
  assert.is(await outer.before!.text(), 'outer')
})

class Sender {
  readonly channel: Channel | undefined
  constructor(channel?: Channel) {
    this.channel = channel
  }
}
const sender = defineType({
  class: Sender,
  tag: 'sender',
  reduce: ({ channel }) => {
    void channel?.send('from reduce')
    return [new Blob(['part'])]
  },
  rebuild: () => new Sender(),
})

both(
  nesting,
  'a custom type may send on the same channel while it is taken apart',
  async ({ left, right }) => {
    void left.send([new Sender(left), array()])
    const [first, second] = (await take(right, 2)) as [string, unknown[]]
    assert.is(first, 'from reduce')
    assert.instance(second[0], Sender)
    assert.equal(second[1], array())
  },
  { types: registry(sender) },
)

const losses: [name: string, lose: (view: Uint8Array, left: Channel) => unknown][] = [
  ['moves', (view, left) => left.send(view, { transfer: true })],
  ['detaches', view => structuredClone(view, { transfer: [view.buffer as ArrayBuffer] })],
]
for (const [name, lose] of losses) {
  both(
    nesting,
    `a getter that ${name} memory of the value: DETACHED, never an empty array`,
    async ({ left, right }) => {
      const view = array()
      const value = {
        view,
        get loses() {
          void lose(view, left)
          return 1
        },
      }
      assert.is(await codeOf(() => left.send(value)), 'DETACHED')
      void left.send('next')
      const arrived = await take(right, name === 'moves' ? 2 : 1)
      assert.is(arrived.at(-1), 'next')
      if (name === 'moves') assert.equal(arrived[0], array())
    },
  )
}

both(nesting, 'a getter that closes the channel: CLOSED', async ({ left, right }) => {
  const value = {
    get closes() {
      void left.close()
      return 1
    },
  }
  assert.is(await codeOf(() => left.send(value)), 'CLOSED')
  await right.closed
  assert.equal(await take(right, 1), [])
})

nesting.run()

const refusing = suite('channel: send')

const refusals: [name: string, value: () => unknown, code: ErrorCode][] = [
  ['a function', () => () => 1, 'UNSUPPORTED'],
  ['a symbol deep inside', () => ({ a: [Symbol('s')] }), 'UNSUPPORTED'],
  ['memory that is gone', () => ({ a: detached() }), 'DETACHED'],
]
for (const [name, value, code] of refusals) {
  both(refusing, `${name}: rejects with ${code}, and the channel goes on`, async ({ left, right }) => {
    assert.is(await codeOf(() => left.send(value())), code)
    void left.send('next')
    assert.is(await one(right), 'next')
  })

  both(refusing, `${name}: is the caller's mistake, so it may be unhandled`, async ({ left }) => {
    assert.equal(await uncaught(() => void left.send(value())), [`rejected: ${code}`])
  })
}

both(refusing, 'what a getter throws passes unchanged', async ({ left, right }) => {
  const mine = new Error('mine')
  const value = {
    get broken() {
      throw mine
    },
  }
  let found: unknown
  await left.send(value).catch(error => {
    found = error
  })
  assert.is(found, mine)
  void left.send('next')
  assert.is(await one(right), 'next')
})

const ends: [name: string, end: (test: Test) => unknown, code: ErrorCode][] = [
  ['close', ({ left }) => left.close(), 'CLOSED'],
  ['close by the peer', ({ right }) => right.close(), 'CLOSED'],
  ['abort', ({ left }) => left.abort(), 'CLOSED'],
  ['abort with an error', ({ left }) => left.abort(new OutbandError('LIMIT', 'spec: enough')), 'LIMIT'],
  ['abort by the peer', ({ right }) => right.abort(), 'PEER_GONE'],
]
for (const [name, end, code] of ends) {
  both(refusing, `after ${name}: ${code}, and nobody need handle it`, async test => {
    const found = await uncaught(async () => {
      await end(test)
      await test.left.closed.catch(() => {})
      void test.left.send(1)
    })
    assert.equal(found, [])
    assert.is(await codeOf(() => test.left.send(1)), code)
  })
}

refusing.run()

const limiting = suite('channel: back-pressure')

both(
  limiting,
  'the peer is asked to stop when maxWaiting values wait, and goes on when half are read',
  async ({ left, right }) => {
    let sent = 0
    const flood = (async () => {
      for (; sent < 200; sent++) await left.send([sent, new Uint8Array(5000)])
    })()
    await turns(30)
    const stalled = sent
    assert.ok(stalled < 40, `${stalled} sent`)
    assert.ok(right.stats.queueLength >= 8 && right.stats.queueLength < 40, `${right.stats.queueLength} wait`)
    const read = (await take(right, 200)) as [number][]
    assert.equal(
      read.map(([number]) => number),
      upTo(200),
    )
    await flood
  },
  { maxWaiting: 8, highWaterMark: 20_000 },
)

both(
  limiting,
  'a listener takes what waited, and the peer goes on',
  async ({ left, right }) => {
    const flood = (async () => {
      for (const i of upTo(100)) await left.send([i, new Uint8Array(5000)])
    })()
    await turns(10)
    const heard: unknown[] = []
    right.on('message', value => heard.push((value as [number])[0]))
    await within(flood, 'the flood')
    await turns(5)
    assert.equal(heard, upTo(100))
  },
  { maxWaiting: 4, highWaterMark: 20_000 },
)

both(
  limiting,
  'a side whose values nobody reads can close',
  async ({ left, right }) => {
    for (const i of upTo(20)) void left.send(i)
    await turns(3)
    await within(right.close(), 'close')
    await within(left.closed, 'closed')
    assert.equal(await take(right, 21), upTo(20))
  },
  { maxWaiting: 4 },
)

/** Closed at once by the one who gets: `most` is what waited, `read` how many came out, `end` what the loop ended with. */
async function closedUnder(isRead: boolean) {
  const [here, there] = loopback({ highWaterMark: 60_000_000 })
  const left = new Channel(here)
  const right = new Channel<[number]>(there, { maxWaiting: 4, maxWaitingBytes: 2 ** 22 })
  const flood = Promise.all(upTo(60).map(i => left.send([i, new Uint8Array(1_000_000)])))
  const closed = right.close()
  if (!isRead) await within(closed, 'close')
  let most = right.stats.queueLength
  const read: number[] = []
  const end = await (async () => {
    for await (const [i] of right) {
      read.push(i)
      most = Math.max(most, right.stats.queueLength)
      await turns(2)
    }
  })().catch(error => error as OutbandError)
  await within(Promise.all([flood, closed]), 'the flood, and close')
  return { most, read, end }
}

limiting('a side that has closed and reads holds back as before, and gets all', async () => {
  const { most, read, end } = await closedUnder(true)
  assert.equal([read, end], [upTo(60), undefined])
  assert.ok(most <= 5, `${most} waited`)
})

limiting(
  'where nobody reads, more than a peer may have under way is let go of, and who reads is told',
  async () => {
    const { most, read, end } = await closedUnder(false)
    assert.ok(most > 16 && most < 24, `${most} waited`)
    assert.equal(read, upTo(most))
    assert.equal([end?.code, end?.limit], ['LIMIT', 'maxWaitingBytes'])
  },
)

limiting('what waits when a closed channel ends is all there, however slowly it is read', async () => {
  const { port1, port2 } = new MessageChannel()
  const left = new Channel<unknown, number>(new PortCarrier(port1))
  const right = new Channel<number, unknown>(new PortCarrier(port2), { maxWaiting: 2 })
  const reader = right[Symbol.asyncIterator]()
  void left.send(0)
  assert.is((await reader.next()).value, 0)
  for (const i of upTo(6)) void left.send(i)
  await within(right.close(), 'close')
  const { setTimeout } = globalThis
  // All of the patience that a reader is given is over at once.
  globalThis.setTimeout = ((run: () => void) => setTimeout(run, 0)) as typeof setTimeout
  try {
    for (const i of upTo(6)) {
      assert.is((await reader.next()).value, i)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    assert.is((await reader.next()).done, true)
  } finally {
    globalThis.setTimeout = setTimeout
  }
})

/** Waits while a reader is given this time, and not 30 s. */
async function withPatience(ms: number, run: () => Promise<void>): Promise<void> {
  const { setTimeout } = globalThis
  globalThis.setTimeout = ((then: () => void, after: number) =>
    setTimeout(then, after === 30_000 ? ms : after)) as typeof setTimeout
  try {
    await within(run(), 'what was run')
  } finally {
    globalThis.setTimeout = setTimeout
  }
}

limiting('a reader that was not there in time is told of the end when nothing was let go of', async () => {
  const timeless = { closeTimeoutMs: 0, idleTimeoutMs: 0 }
  const [left, right] = duplexPair().map(
    end => new Channel<number>(new SocketCarrier(end, timeless), { maxWaiting: 4 }),
  ) as [Channel<number>, Channel<number>]
  const reader = right[Symbol.asyncIterator]()
  void left.send(0)
  assert.is((await reader.next()).value, 0)
  for (const i of upTo(4)) void left.send(i)
  await withPatience(0, () => right.close())
  for (const i of upTo(4)) assert.is((await reader.next()).value, i)
  assert.is((await reader.next()).done, true)
})

both(
  limiting,
  'a side whose listener was taken off is waited for no more than one that nobody reads',
  async ({ left, right }) => {
    const listener = () => {}
    right.on('message', listener).off('message', listener)
    for (const i of upTo(20)) void left.send(i)
    await withPatience(2 ** 30, () => right.close())
    assert.equal(await take(right, 21), upTo(20))
  },
  { maxWaiting: 4 },
)

limiting.run()

const ending = suite('channel: the end')

both(ending, 'await using closes both sides, and delivers what was sent', async ({ left, right }) => {
  void left.send('last')
  await left[asyncDispose]()
  await right.closed
  assert.equal(await take(right, 2), ['last'])
})

both(ending, 'using closes without waiting', async ({ left, right }) => {
  assert.is(left[dispose](), undefined)
  await Promise.all([left.closed, right.closed])
})

both(ending, 'the symbols of using are where the engine has them', ({ left }) => {
  for (const symbol of [dispose, asyncDispose]) assert.type(left[symbol as typeof Symbol.dispose], 'function')
  assert.is(dispose, Symbol.dispose ?? Symbol.for('Symbol.dispose'))
  assert.is(asyncDispose, Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose'))
})

both(ending, 'a reader that waits learns of it', async ({ left, right }) => {
  const waiting = right[Symbol.asyncIterator]().next()
  const failing = codeOf(() => left[Symbol.asyncIterator]().next())
  left.abort()
  assert.is(await codeOf(() => waiting), 'PEER_GONE')
  assert.is(await failing, 'CLOSED')
})

both(ending, 'closed is never unhandled, and neither is what nobody listens to', async ({ left, right }) => {
  const found = await uncaught(async () => {
    void right.closed
    void right.close()
    left.abort()
  })
  assert.equal(found, [])
})

ending.run()

const garbage: [name: string, meta: Uint8Array | string, buffers: Uint8Array[], hosts?: object[]][] = [
  ['bytes that are no message', Uint8Array.of(255, 1, 2, 3), []],
  ['no bytes', new Uint8Array(0), []],
  ['text that is no message', 'hello', []],
  ['no text', '', []],
  ['buffers without a message', new Uint8Array(0), [array()]],
]
const hostile = suite('channel: what cannot be decoded')

for (const { name: kind, carriers } of kinds) {
  for (const [name, meta, buffers] of garbage) {
    hostile(`${kind}, ${name}: the typed error here, PEER_GONE there`, async () => {
      const [here, there] = carriers({})
      const peer = new Inbox()
      there.receive(peer)
      const channel = new Channel(here)
      const told: string[] = []
      channel.on('error', ({ code }) => told.push(code))
      void there.send({ meta, buffers })
      const code = await codeOf(() => channel.closed)
      assert.ok(['MALFORMED', 'TRUNCATED', 'VERSION', 'UNSUPPORTED'].includes(code), code)
      assert.equal(told, [code])
      await peer.ended()
      assert.is(peer.error?.code, 'PEER_GONE')
      assert.is(await codeOf(() => one(channel)), code)
    })
  }
}

hostile('a host that did not come with its message: REBUILD', async () => {
  for (const { carriers } of kinds) {
    const [here, there] = carriers({})
    const [spyHere, spyThere] = loopback()
    const spied = new Inbox()
    spyThere.receive(spied)
    void new Channel(spyHere).send({ blob: new Blob(['x']) })
    await spied.reach(1)
    there.receive(new Inbox())
    const channel = new Channel(here)
    void there.send({ meta: spied.parcels[0]!.meta, buffers: [] })
    assert.is(await codeOf(() => channel.closed), 'REBUILD')
    spyHere.abort()
  }
})

hostile('a message that no channel sent ends a channel over a port: MALFORMED', async () => {
  for (const message of ['hello', 1, null, { a: 1 }, [], ['outband 1:'], ['outband 1:', 1n, [], []]]) {
    const { port1, port2 } = new MessageChannel()
    const channel = new Channel(new PortCarrier(port1))
    port2.postMessage(message)
    assert.is(await codeOf(() => channel.closed), 'MALFORMED', String(message))
    port2.close()
  }
})

hostile('buffers that are none: MALFORMED', async () => {
  for (const buffers of [[null], [1], [new ArrayBuffer(1)], [new Float64Array(1)], [[]]]) {
    const { port1, port2 } = new MessageChannel()
    const channel = new Channel(new PortCarrier(port1))
    port2.postMessage(['outband 1:', new Uint8Array(4), buffers, []])
    assert.is(await codeOf(() => channel.closed), 'MALFORMED')
    port2.close()
  }
})

hostile.run()
