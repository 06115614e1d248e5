/** A packet as a ZeroMQ message of several parts: metadata, then buffers, to another process and back. */
import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Pull, Push, Request, Subscriber, XPublisher } from 'zeromq'
import { NDArray, pickle, unpackFrames } from '../../src/formats/pickle/index.js'
import { decode, type ErrorCode, encode, outOfBand, type Packet } from '../../src/index.js'
import { within } from '../carriers/inbox.js'
import { pythonWith } from '../pickle/python.js'
import { scriptPath } from '../pickle/script.js'
import { difference } from '../same.js'
import { checkEcho, startEcho } from './kit.js'

const partsOf = ({ meta, buffers }: Packet): Uint8Array[] => [meta, ...buffers]
const samples = Float64Array.from({ length: 100_000 }, (_, i) => i)

/** A socket whose requests are answered one at a time, and what answers. */
class Peer {
  readonly #socket = new Request({ linger: 0 })
  #child: ChildProcess | undefined

  async start(start: (endpoint: string) => ChildProcess | Promise<ChildProcess>): Promise<void> {
    await this.#socket.bind('tcp://127.0.0.1:*')
    this.#child = await start(this.#socket.lastEndpoint!)
  }

  async send(parts: readonly Uint8Array[]): Promise<Buffer[]> {
    await this.#socket.send([...parts])
    return within(this.#socket.receive(), 'an answer')
  }

  stop(): void {
    this.#socket.close()
    this.#child?.kill()
  }
}

/** Both ends of a one-way path in this process. */
class Pipe implements Disposable {
  readonly push = new Push({ linger: 0 })
  readonly pull = new Pull()

  async open(endpoint: string): Promise<void> {
    await this.pull.bind(endpoint)
    this.push.connect(this.pull.lastEndpoint!)
  }

  async receive(): Promise<Buffer[]> {
    return within(this.pull.receive(), 'a message')
  }

  async carry(parts: readonly Uint8Array[]): Promise<Buffer[]> {
    await this.push.send([...parts])
    return this.receive()
  }

  [Symbol.dispose](): void {
    for (const socket of [this.push, this.pull]) socket.close()
  }
}

const test = suite('brokers: ZeroMQ')

const node = new Peer()
test.before(() => node.start(endpoint => startEcho('zeromq', endpoint)))
test.after(() => node.stop())

test('every value comes back equal', () =>
  checkEcho(async packet => {
    const [meta, ...buffers] = await node.send(partsOf(packet))
    return { meta: meta!, buffers }
  }))

for (const length of [1, 16, 17, 1000, 100_000]) {
  test(`an array of ${8 * length} bytes lies on the part that it came in`, async () => {
    const value = samples.slice(0, length)
    using pipe = new Pipe()
    await pipe.open('tcp://127.0.0.1:*')
    const [meta, ...buffers] = await pipe.carry(partsOf(encode(value, { threshold: 0 })))
    const array = decode<Float64Array>({ meta: meta!, buffers })
    assert.is(difference(value, array), undefined)
    assert.is(array.buffer, buffers[0]!.buffer)
    assert.equal([array.byteOffset, array.buffer.byteLength], [0, value.byteLength])
  })
}

const both = { samples, more: samples.slice() }
const good = partsOf(encode(both, { checksum: true }))
const [meta, first, second] = good as [Uint8Array, Uint8Array, Uint8Array]
const flipped = first.slice()
flipped[flipped.length - 1]! ^= 1

for (const [name, parts, code] of [
  ['a part that was cut', [meta, first, second.subarray(1)], 'BUFFERS'],
  ['a part less', [meta, first], 'BUFFERS'],
  ['a part more', [...good, first], 'BUFFERS'],
  ['no metadata', [first, second], 'MALFORMED'],
  ['empty metadata', [new Uint8Array(0), first, second], 'TRUNCATED'],
  ['metadata that was cut', [meta.subarray(0, -1), first, second], 'CHECKSUM'],
  ['a changed byte', [meta, flipped, second], 'CHECKSUM'],
  ['70 000 empty parts', [meta, ...new Array<Uint8Array>(70_000).fill(new Uint8Array(0))], 'LIMIT'],
] as const) {
  test(`${name}: ${code}, and the next message arrives`, async () => {
    const error = decode<{ code: ErrorCode }>(unpackFrames(await node.send(parts)))
    assert.is(error.code, code, String(error))
    assert.is(difference(both, decode(unpackFrames(await node.send(good)))), undefined)
  })
}

test('memory is lent until the message has left, which may be long after `send`', async () => {
  const array = samples.slice()
  using pipe = new Pipe()
  const { pull, push } = pipe
  const endpoint = `ipc://${join(tmpdir(), `outband-lent-${process.pid}`)}`
  push.connect(endpoint)
  await push.send(partsOf(encode(array)))
  await push.send(partsOf(encode(array, { threshold: Number.POSITIVE_INFINITY })))
  array.fill(7)
  await pull.bind(endpoint)
  const lent = decode<Float64Array>(unpackFrames(await pipe.receive()))
  const kept = decode<Float64Array>(unpackFrames(await pipe.receive()))
  assert.equal([lent[5], kept[5]], [7, 5])
})

test('within a process, by `inproc:`, what arrives is the memory of the sender', async () => {
  const array = samples.slice()
  using pipe = new Pipe()
  await pipe.open('inproc://outband')
  const arrived = decode<Float64Array>(unpackFrames(await pipe.carry(partsOf(encode(array)))))
  arrived[5] = 7
  assert.is(array[5], 7)
})

test('a packet comes behind a topic', async () => {
  const [publisher, subscriber] = [new XPublisher({ linger: 0 }), new Subscriber()]
  await publisher.bind('tcp://127.0.0.1:*')
  subscriber.connect(publisher.lastEndpoint!)
  subscriber.subscribe('scans')
  await within(publisher.receive(), 'the subscription')
  await publisher.send(['other', ...partsOf(encode(1))])
  await publisher.send(['scans', ...partsOf(encode({ samples }))])
  const [topic, ...parts] = await within(subscriber.receive(), 'the message')
  assert.is(String(topic), 'scans')
  assert.is(difference({ samples }, decode(unpackFrames(parts))), undefined)
  for (const socket of [publisher, subscriber]) socket.close()
})

test.run()

const python = pythonWith('zmq')
if (python === undefined) {
  console.log(
    'SKIP: no Python with numpy and zmq (Debian: apt-get install --no-install-recommends python3-numpy python3-zmq)',
  )
}

const others = suite('brokers: ZeroMQ to Python')
const row = python !== undefined || process.env.CI === 'true' ? others : others.skip

const other = new Peer()
others.before(async () => {
  if (python === undefined) return
  const args = ['-W', 'error', scriptPath('zeromq_peer.py')]
  await other.start(endpoint =>
    spawn(python, [...args, endpoint], { stdio: ['ignore', 'inherit', 'inherit'] }),
  )
})
others.after(() => other.stop())

async function ask<T>(operation: string, value: unknown): Promise<T> {
  assert.ok(python, 'no Python with numpy and zmq')
  const parts = await other.send(partsOf(encode([operation, value], { format: pickle, threshold: 0 })))
  const { answer, error } = decode<{ answer: T; error?: string }>(unpackFrames(parts), { format: pickle })
  assert.is(error, undefined)
  return answer
}

const ARRAYS = [
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
] as const

for (const [name, array] of [
  ...ARRAYS.map(Class => [Class.name, Class.from(samples)] as const),
  ['BigInt64Array', BigInt64Array.from([...samples].map(BigInt))],
  ['BigUint64Array', BigUint64Array.from([...samples].map(BigInt))],
] as const) {
  row(`${name}: numpy has the same elements, and sends them back`, async () => {
    const [elements, echo] = await ask<[string, typeof array]>('elements', array)
    assert.is(JSON.parse(elements).join(), array.join())
    assert.is(difference(array, echo), undefined)
  })
}

row('arrays of numpy arrive as it made them', async () => {
  const made = await ask<NDArray>('literal', "__import__('numpy').arange(6.0).reshape(2, 3)")
  assert.is(difference(new NDArray(Float64Array.of(0, 1, 2, 3, 4, 5), [2, 3]), made), undefined)
})

row('arrays lie on the parts, and may be written to unless they were declared read-only', async () => {
  for (const [value, writeable] of [
    [samples, true],
    [outOfBand(samples, { readonly: true }), false],
  ] as const) {
    const about = await ask<Record<string, unknown>>('about', value)
    assert.equal(about, {
      dtype: '<f8',
      shape: [samples.length],
      writeable,
      owndata: false,
      f: true,
      c: true,
    })
  }
})

others.run()
