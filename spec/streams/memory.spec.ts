/** Whose memory it is: what of the caller's goes as it lies, until when it must stay, and that nobody detaches it. */
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { MessageChannel } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { join } from '../../fixtures/assemble.js'
import { pack } from '../../src/frame/index.js'
import { encode, isOutbandError } from '../../src/index.js'
import {
  PacketDecoderStream,
  type PacketEncoderOptions,
  PacketEncoderStream,
} from '../../src/streams/index.js'
import { difference } from '../same.js'
import { all, arrivalOf, chunksOf, counting, KiB, MiB } from './kit.js'

const shapes = suite('streams memory: chunks out')

/** Sizes of the chunks of one value that is an array; those that lie on its memory are marked. */
async function shapeOf(value: Uint8Array, options = {}): Promise<string> {
  const chunks = await chunksOf([value], options)
  assert.is(Buffer.compare(join(...chunks), join(...pack(encode(value)))), 0)
  return chunks.map(chunk => `${chunk.length}${chunk.buffer === value.buffer ? '*' : ''}`).join(' ')
}

// The head of such a frame and its metadata take 64 bytes.
const arrays: [name: string, make: () => Uint8Array, shape: string, copied?: string][] = [
  ['10 bytes', () => counting(10), '48'],
  ['100 KiB', () => counting(100 * KiB), `${100 * KiB + 64}`],
  ['the most that is joined', () => counting(128 * KiB - 26), `${128 * KiB + 64 - 24}`],
  ['200 KiB', () => counting(200 * KiB), `64 ${200 * KiB - 8}* 8`, `64 ${200 * KiB - 8} 8`],
  ['with padding at its end', () => counting(200 * KiB - 3), `64 ${200 * KiB - 3}* 3`],
  ['3 MiB', () => counting(3 * MiB), `64 ${MiB}* ${MiB}* ${MiB - 8}* 8`],
  ['a window', () => counting(400 * KiB).subarray(100, 300 * KiB + 100), `64 ${300 * KiB - 8}* 8`],
  ['a Buffer', () => Buffer.from(counting(200 * KiB).buffer), `64 ${200 * KiB - 8}* 8`],
  ['a rest that is not short is not', () => counting(MiB + 70 * KiB), `64 ${MiB}* ${70 * KiB - 8}* 8`],
  ['a short rest is joined', () => counting(MiB + 108), `64 ${MiB}* 112`],
  ['resizable memory', resizable, `64 ${200 * KiB - 8} 8`],
]
for (const [name, make, shape, copied = shape.replaceAll('*', '')] of arrays) {
  shapes(`${name}: large memory goes as it lies, and is not the last chunk`, async () => {
    assert.is(await shapeOf(make()), shape)
    assert.is(await shapeOf(make(), { copy: true }), copied)
  })
}

function resizable(): Uint8Array {
  const memory = new (ArrayBuffer as new (n: number, o: object) => ArrayBuffer)(200 * KiB, {
    maxByteLength: MiB,
  })
  return new Uint8Array(memory, 0, 200 * KiB)
}

shapes('a chunk is a window, exactly', async () => {
  const memory = counting(400 * KiB)
  const array = memory.subarray(100, 300 * KiB + 100)
  const [, chunk] = await chunksOf([array])
  assert.is(chunk!.buffer, array.buffer)
  assert.is(chunk!.byteOffset, array.byteOffset)
})

shapes('two arrays, each less than what is joined, go as they lie', async () => {
  const arrays = [counting(70 * KiB), counting(70 * KiB)]
  const chunks = await chunksOf([arrays])
  const lent = chunks.filter(({ buffer }) => arrays.some(array => array.buffer === buffer))
  assert.equal(
    lent.map(({ length }) => length),
    [70 * KiB, 70 * KiB - 8],
  )
})

shapes('arrays that are not large are copied together', async () => {
  const list = Array.from({ length: 100 }, (_, i) => counting(10 * KiB, i))
  const chunks = await chunksOf([list])
  assert.ok(chunks.length < 11, `${chunks.length} chunks`)
  for (const { buffer, length } of chunks) {
    assert.ok(length <= 128 * KiB)
    assert.is(buffer.byteLength, length)
    assert.ok(list.every(array => array.buffer !== buffer))
  }
  assert.is(difference([list], (await arrivalOf(chunks)).items), undefined)
})

shapes('large metadata goes in pieces', async () => {
  const text = 'x'.repeat(3 * MiB)
  const chunks = await chunksOf([text])
  assert.ok(chunks.every(({ length }) => length <= MiB))
  assert.equal((await arrivalOf(chunks, { limits: 'trusted' })).items, [text])
})

shapes('values that wait leave together', async () => {
  const encoder = new PacketEncoderStream()
  const writer = encoder.writable.getWriter()
  for (let id = 0; id < 1000; id++) await writer.write(id)
  void writer.close()
  const chunks = await all(encoder.readable)
  assert.is(chunks.length, 1)
  assert.is((await arrivalOf(chunks)).items.length, 1000)
})

shapes.run()

const lent = suite('streams memory: lent')

type Take = (bytes: ReadableStream<Uint8Array>) => Promise<Uint8Array>

/** Who takes bytes, and is done with a chunk when it asks for the next one. */
const takers: [name: string, take: Take][] = [
  ['a loop', async bytes => join(...(await copies(bytes)))],
  [
    'a pipe to a sink that takes its time',
    async bytes => {
      const parts: Uint8Array[] = []
      const write = async (chunk: Uint8Array): Promise<void> => {
        await new Promise(resolve => setTimeout(resolve, 5))
        parts.push(chunk.slice())
      }
      await bytes.pipeTo(new WritableStream({ write }))
      return join(...parts)
    },
  ],
]

/** Who keeps chunks, or hands them on and asks for more. */
const keepers: [name: string, take: Take][] = [
  ['Response.arrayBuffer', async bytes => new Uint8Array(await new Response(bytes).arrayBuffer())],
  ['Response.blob', async bytes => new Uint8Array(await (await new Response(bytes).blob()).arrayBuffer())],
  ['a copy of a Response', async bytes => join(...(await copies(new Response(bytes).clone().body as never)))],
  ['CompressionStream', bytes => unzipped(bytes.pipeThrough(new CompressionStream('gzip')))],
  ["Node's Readable", async bytes => Buffer.concat(await Readable.fromWeb(bytes as never).toArray())],
  ['a tee', async bytes => join(...(await all(bytes.tee()[1])))],
  ['a TransformStream', async bytes => join(...(await copies(bytes.pipeThrough(new TransformStream()))))],
  [
    'a port, which the stream was posted to',
    async bytes => {
      const { port1, port2 } = new MessageChannel()
      const posted = once(port2, 'message')
      port1.postMessage(bytes, [bytes as never])
      const parts = await all((await posted)[0] as ReadableStream<Uint8Array>)
      port1.close()
      return join(...parts)
    },
  ],
]

async function copies(bytes: ReadableStream<Uint8Array>): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = []
  for await (const chunk of bytes) parts.push(chunk.slice())
  return parts
}

const unzipped: Take = async bytes =>
  join(...(await copies(bytes.pipeThrough(new DecompressionStream('gzip')))))

/** Two pieces and a tail. */
const LARGE = MiB + 300 * KiB

/** Writes one array, changed each time; what arrives must be what was written. */
async function expectSnapshots(take: Take, options: PacketEncoderOptions): Promise<void> {
  const array = new Uint8Array(LARGE)
  const encoder = new PacketEncoderStream<Uint8Array>(options)
  const taken = take(encoder.readable)
  const writer = encoder.writable.getWriter()
  for (const round of [1, 2, 3]) await writer.write(array.fill(round))
  array.fill(0)
  await writer.close()
  const { items, error } = await arrivalOf([await taken])
  assert.is(error, undefined)
  const wanted = [1, 2, 3].map(round => new Uint8Array(LARGE).fill(round))
  assert.is(difference(wanted, items), undefined)
  assert.is(array.length, LARGE)
}

for (const [name, take] of takers) {
  lent(`${name}: an array may change once write has resolved`, () => expectSnapshots(take, {}))
}

for (const [name, take] of keepers) {
  lent(`${name}: copied, an array may change once write has resolved`, () =>
    expectSnapshots(take, { copy: true }),
  )

  lent(`${name}: an array that stays as it is arrives, and nobody detaches it`, async () => {
    const array = counting(LARGE)
    const bytes = await take(ReadableStream.from([array, array]).pipeThrough(new PacketEncoderStream()))
    const { items, error } = await arrivalOf([bytes])
    assert.is(error, undefined)
    assert.is(array.length, LARGE)
    assert.is(difference([counting(LARGE), counting(LARGE)], items), undefined)
  })
}

lent('with checksums, an array that changed too early is an error and no value', async () => {
  const encoder = new PacketEncoderStream({ checksum: true })
  const kept = new Response(encoder.readable).arrayBuffer()
  const writer = encoder.writable.getWriter()
  const array = counting(MiB)
  await writer.write(array)
  array.fill(0)
  void writer.close()
  const { items, error } = await arrivalOf([await kept])
  assert.equal(items, [])
  assert.ok(isOutbandError(error, 'CHECKSUM'), String(error))
})

lent('write resolves when the reader has come back for more, and not before', async () => {
  const array = counting(2 * MiB)
  const encoder = new PacketEncoderStream()
  let isFree = false
  void encoder.writable
    .getWriter()
    .write(array)
    .then(() => {
      isFree = true
    })
  const reader = encoder.readable.getReader()
  let read = 0
  const seen: [read: number, isLent: boolean, isFree: boolean][] = []
  while (read < 2 * MiB + 64) {
    const { value } = await reader.read()
    read += value!.length
    await new Promise(resolve => setImmediate(resolve))
    seen.push([value!.length, value!.buffer === array.buffer, isFree])
  }
  assert.equal(seen, [
    [64, false, false],
    [MiB, true, false],
    [MiB - 8, true, false],
    [8, false, true],
  ])
})

lent('small values are copied at once: write resolves without a reader', async () => {
  const encoder = new PacketEncoderStream<Uint8Array>()
  const writer = encoder.writable.getWriter()
  const array = counting(10 * KiB)
  await writer.write(array)
  array.fill(0)
  void writer.close()
  const [copy] = await all(encoder.readable.pipeThrough(new PacketDecoderStream()))
  assert.is(difference(counting(10 * KiB), copy), undefined)
})

lent.run()
