/** Streams of the browser: its pipes, compression, blobs, responses and fetch. */
import * as assert from 'uvu/assert'
import { type ValueRow, values } from '../../../fixtures/values.js'
import { isOutbandError } from '../../../src/index.js'
import {
  type PacketDecoderOptions,
  PacketDecoderStream,
  type PacketEncoderOptions,
  PacketEncoderStream,
} from '../../../src/streams/index.js'
import { difference } from '../../same.js'
import { ECHO, inTime, needMovableStreams, skip, suite } from './checks.js'
import { canShare, dom } from './dom.js'
import { NoBuffer } from './missing.js'
import { expected, NOT_ISOLATED } from './rows.js'

type Bytes = ReadableStream<Uint8Array<ArrayBuffer>>

const MiB = 2 ** 20

/** `ReadableStream.from`, which Chromium lacks. */
function streamOf<T>(items: readonly T[]): ReadableStream<T> {
  let at = 0
  return new ReadableStream(
    {
      pull: controller => (at === items.length ? controller.close() : controller.enqueue(items[at++]!)),
    },
    { highWaterMark: 0 },
  )
}

async function all<T>(stream: ReadableStream<T>): Promise<T[]> {
  const items: T[] = []
  const reader = stream.getReader()
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return items
    items.push(value)
  }
}

const encoded = (sent: readonly unknown[], options?: PacketEncoderOptions): Bytes =>
  streamOf(sent).pipeThrough(new PacketEncoderStream(options))
const decoded = (bytes: ReadableStream<Uint8Array>, options: PacketDecoderOptions = {}): Promise<unknown[]> =>
  all(bytes.pipeThrough(new PacketDecoderStream({ limits: 'trusted', ...options })))

const pipes = suite('streams: pipes')

/** The rows that can be made here, each with its value. */
function* sendable(): Generator<[row: ValueRow, sent: unknown]> {
  for (const row of values) {
    if (row.isShared) continue
    try {
      yield [row, row.make()]
    } catch (error) {
      if (!(error instanceof NoBuffer)) throw error
    }
  }
}

for (const options of [{}, { threshold: 0, checksum: true }]) {
  pipes(`every value of the table, ${JSON.stringify(options)}`, async () => {
    const rows = [...sendable()]
    assert.ok(rows.length > 500, `${rows.length}`)
    const copies = await decoded(
      encoded(
        rows.map(([, sent]) => sent),
        options,
      ),
    )
    assert.is(copies.length, rows.length)
    for (const [i, [row, sent]] of rows.entries()) {
      const found = difference(expected(row, sent), copies[i])
      assert.is(found, undefined, `${row.name}: ${found}`)
    }
  })
}

const counting = (byteLength: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: byteLength }, (_, i) => i * 7 + (i >> 8))

/** Reads a response, or a blob, to its end. */
const bodyOf = (body: { stream(): unknown } | { body: unknown }): Bytes =>
  ('body' in body ? body.body : body.stream()) as Bytes

const ways: [name: string, through: (bytes: Bytes) => Bytes | Promise<Bytes>][] = [
  ['nothing', bytes => bytes],
  [
    'gzip',
    bytes => bytes.pipeThrough(new CompressionStream('gzip')).pipeThrough(new DecompressionStream('gzip')),
  ],
  ['a Response', bytes => bodyOf(new Response(bytes))],
  ['a copy of a Response', bytes => bodyOf(new Response(bytes).clone())],
  ['a Blob', async bytes => bodyOf(await new Response(bytes).blob())],
  ['a tee', bytes => bytes.tee()[1]],
  ['a TransformStream', bytes => bytes.pipeThrough(new TransformStream())],
  [
    'a port, which the stream was posted to',
    async bytes => {
      needMovableStreams()
      const { port1, port2 } = new MessageChannel() as unknown as {
        port1: { postMessage(message: unknown, transfer: readonly unknown[]): void }
        port2: { onmessage(event: { data: Bytes }): void }
      }
      const arrived = new Promise<Bytes>(resolve => {
        port2.onmessage = ({ data }) => resolve(data)
      })
      port1.postMessage(bytes, [bytes])
      return arrived
    },
  ],
  [
    'fetch, to a server and back',
    async bytes => {
      const body = await new Response(bytes).blob()
      return bodyOf(await fetch(new URL(ECHO, dom.location.href), { method: 'POST', body }))
    },
  ],
]

for (const [name, through] of ways) {
  pipes(`large arrays and small values through ${name}; nothing is detached`, async () => {
    const array = counting(300_000)
    const sent = [{ id: 1 }, [array, array.subarray(5, 90)], 'three', new Float64Array(20_000).fill(0.5)]
    const arrived = await inTime(
      decoded(await through(encoded(sent, { checksum: true })), { checksum: true }),
    )
    assert.is(difference(sent, arrived), undefined)
    assert.is(array.length, 300_000)
  })
}

pipes('a large array goes as it lies, and its last bytes as a chunk of their own', async () => {
  const array = new Uint8Array(2 * MiB)
  const chunks = await all(encoded([array]))
  assert.equal(
    chunks.map(({ length, buffer }) => [length, buffer === array.buffer]),
    [
      [64, false],
      [MiB, true],
      [MiB - 8, true],
      [8, false],
    ],
  )
})

pipes('shared memory arrives as a copy, and a Response takes its chunks', async () => {
  if (!canShare) skip(NOT_ISOLATED)
  const shared = new Uint8Array(new SharedArrayBuffer(200_000)).fill(3)
  const body = bodyOf(new Response(encoded([shared])))
  const [copy] = (await decoded(body)) as [Uint8Array]
  assert.instance(copy.buffer, ArrayBuffer)
  assert.is(difference(shared.slice(), copy), undefined)
})

pipes('resizable memory: CompressionStream takes its chunks', async () => {
  const Resizable = ArrayBuffer as new (n: number, options: object) => ArrayBuffer
  const array = new Uint8Array(new Resizable(200_000, { maxByteLength: MiB }), 0, 200_000).fill(3)
  const zipped = encoded([array]).pipeThrough(new CompressionStream('gzip'))
  const [copy] = await decoded(zipped.pipeThrough(new DecompressionStream('gzip')))
  assert.is(difference(array, copy), undefined)
})

pipes('copied: every chunk may be moved', async () => {
  const array = counting(300_000)
  const chunks = await all(encoded([1, array], { copy: true }))
  const moved = chunks.map(chunk => structuredClone(chunk, { transfer: [chunk.buffer] }))
  assert.ok(chunks.every(({ length }) => length === 0))
  assert.is(difference([1, array], await decoded(streamOf(moved))), undefined)
})

const ends = suite('streams: ends')

async function errorOf(run: Promise<unknown>): Promise<unknown> {
  try {
    await inTime(run)
  } catch (error) {
    return error
  }
  return assert.unreachable('nothing was thrown')
}

ends('a page in place of frames is refused', async () => {
  const error = await errorOf(decoded(bodyOf(await fetch(dom.location.href))))
  assert.ok(isOutbandError(error, 'MALFORMED'), String(error))
})

ends('a stream that is cut: the values before, then TRUNCATED', async () => {
  const bytes = new Uint8Array(await new Response(encoded([1, 2, counting(9000)])).arrayBuffer())
  const reader = streamOf([bytes.subarray(0, 5000)])
    .pipeThrough(new PacketDecoderStream())
    .getReader()
  assert.is((await reader.read()).value, 1)
  assert.is((await reader.read()).value, 2)
  const error = await errorOf(reader.read())
  assert.ok(isOutbandError(error, 'TRUNCATED'), String(error))
})

ends('values that were whole arrive before the error of their source', async () => {
  const bytes = new Uint8Array(await new Response(encoded([1, 2, 3])).arrayBuffer())
  let isGiven = false
  const source = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (isGiven) controller.error(new Error('cut'))
        else controller.enqueue(bytes)
        isGiven = true
      },
    },
    { highWaterMark: 0 },
  )
  const reader = source.pipeThrough(new PacketDecoderStream()).getReader()
  for (const wanted of [1, 2, 3]) {
    await new Promise(resolve => setTimeout(resolve, 5))
    assert.is((await reader.read()).value, wanted)
  }
  assert.is(((await errorOf(reader.read())) as Error).message, 'cut')
})

ends('a value that cannot travel is told to both sides, with its path', async () => {
  const encoder = new PacketEncoderStream()
  const writer = encoder.writable.getWriter()
  const bytes = all(encoder.readable)
  const error = await errorOf(Promise.all([writer.write([() => 1]), bytes.catch(() => {})]))
  assert.ok(isOutbandError(error, 'UNSUPPORTED'), String(error))
  assert.is(error.path, 'value[0]')
  assert.is(await errorOf(bytes), error)
})

ends('cancel and abort are told to the other side', async () => {
  const reason = new Error('enough')
  for (const make of [() => new PacketEncoderStream(), () => new PacketDecoderStream()]) {
    const cancelled = make()
    const writer = cancelled.writable.getWriter()
    await cancelled.readable.cancel(reason)
    assert.is(await errorOf(writer.closed), reason)
    const aborted = make()
    const read = errorOf(aborted.readable.getReader().read())
    await aborted.writable.abort(reason)
    assert.is(await read, reason)
  }
})
