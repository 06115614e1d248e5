/** Back-pressure, counted: nobody runs ahead of who reads, and what waits is bounded. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { defineType, registry } from '../../src/index.js'
import { PacketDecoderStream, PacketEncoderStream } from '../../src/streams/index.js'
import { turns, within } from '../carriers/inbox.js'
import { bytesOf, counting, KiB, MiB } from './kit.js'

/** How many writes of the value resolve while nobody reads. */
async function accepted(encoder: PacketEncoderStream, value: unknown, most: number): Promise<number> {
  const writer = encoder.writable.getWriter()
  let resolved = 0
  for (let i = 0; i < most; i++) {
    const count = () => {
      resolved++
    }
    // What still waits is refused at the end of the test.
    writer.write(value).then(count, () => {})
  }
  await turns(20)
  writer.releaseLock()
  return resolved
}

const test = suite('streams: back-pressure')

/** Its frame has 1040 bytes. */
const SMALL = new Uint8Array(1000)
const waiting: [name: string, highWaterMark: number | undefined, value: Uint8Array, count: number][] = [
  ['by default some 64 KiB wait', undefined, SMALL, Math.floor(65_536 / 1040)],
  ['no small value waits', 0, SMALL, 0],
  ['one does', 1040, SMALL, 1],
  ['one does not quite', 1039, SMALL, 0],
  ['any number does', Number.POSITIVE_INFINITY, SMALL, 1000],
  ['an array that is lent never does', Number.POSITIVE_INFINITY, new Uint8Array(MiB), 0],
]
for (const [name, highWaterMark, value, count] of waiting) {
  test(`without a reader ${name}`, async () => {
    assert.is((await bytesOf([SMALL])).length, 1040)
    const encoder = new PacketEncoderStream({ highWaterMark })
    assert.is(await accepted(encoder, value, 1000), count)
    await encoder.readable.cancel('enough').catch(() => {})
  })
}

test('a write that waits goes on when there is room again', async () => {
  const encoder = new PacketEncoderStream({ highWaterMark: 0 })
  const writer = encoder.writable.getWriter()
  const reader = encoder.readable.getReader()
  for (let id = 0; id < 10; id++) {
    let isWritten = false
    const written = writer.write(id).then(() => {
      isWritten = true
    })
    await turns(2)
    assert.is(isWritten, false)
    await reader.read()
    await written
  }
})

test('many writes that nobody waited for leave in order, and the end behind them', async () => {
  const encoder = new PacketEncoderStream({ highWaterMark: 100 })
  const writer = encoder.writable.getWriter()
  for (let id = 0; id < 1000; id++) void writer.write(id === 500 ? counting(200 * KiB) : id)
  void writer.close()
  let id = 0
  for await (const value of encoder.readable.pipeThrough(new PacketDecoderStream())) {
    if (id !== 500) assert.is(value, id)
    id++
  }
  assert.is(id, 1000)
})

test('20 000 values that wait together arrive in order, with a large one among them', async () => {
  const encoder = new PacketEncoderStream({ highWaterMark: Number.POSITIVE_INFINITY })
  const writer = encoder.writable.getWriter()
  for (let id = 0; id < 20_000; id++) void writer.write(id === 15_000 ? counting(200 * KiB) : id)
  void writer.close()
  await turns(1)
  let id = 0
  for await (const value of encoder.readable.pipeThrough(new PacketDecoderStream())) {
    if (id !== 15_000) assert.is(value, id)
    id++
  }
  assert.is(id, 20_000)
})

test('a value is decoded when a reader asks for it', async () => {
  class Stamp {}
  let built = 0
  const types = registry(
    defineType({
      class: Stamp,
      tag: 'stamp',
      reduce: () => 0,
      rebuild: () => {
        built++
        return new Stamp()
      },
    }),
  )
  const bytes = await bytesOf([new Stamp(), new Stamp(), new Stamp()], { types })
  const decoder = new PacketDecoderStream({ types })
  const writer = decoder.writable.getWriter()
  let isWritten = false
  const written = writer.write(bytes).then(() => {
    isWritten = true
  })
  const reader = decoder.readable.getReader()
  for (const count of [0, 1, 2]) {
    await turns(2)
    assert.is(built, count)
    assert.is(isWritten, false)
    assert.instance((await reader.read()).value, Stamp)
  }
  await written
})

test('chunks that complete no value are taken in without a reader, and no more than one that does', async () => {
  const frame = await bytesOf([counting(10 * KiB)])
  const decoder = new PacketDecoderStream()
  const writer = decoder.writable.getWriter()
  await within(writer.write(frame.subarray(0, 5000)), 'a part')
  await within(writer.write(frame.subarray(5000, 10_000)), 'a part')
  let isWritten = false
  void writer.write(frame.subarray(10_000)).then(() => {
    isWritten = true
  })
  await turns(5)
  assert.is(isWritten, false)
  assert.ok((writer.desiredSize as number) <= 0)
  await decoder.readable.getReader().read()
  await turns(2)
  assert.is(isWritten, true)
  assert.is(writer.desiredSize, 1)
})

/** Values of 256 KiB; how far their maker got ahead of their reader. */
async function lead(
  through: (bytes: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array>,
): Promise<number> {
  let made = 0
  let read = 0
  let most = 0
  const values = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (made === 60) return controller.close()
        controller.enqueue(counting(256 * KiB, made++))
        most = Math.max(most, made - read)
      },
    },
    { highWaterMark: 0 },
  )
  const bytes = values.pipeThrough(new PacketEncoderStream())
  for await (const value of through(bytes).pipeThrough(new PacketDecoderStream<Uint8Array>())) {
    assert.is(value[1], (7 + read) & 255)
    read++
    await turns(1)
  }
  assert.is(read, 60)
  return most
}

const pipes: [name: string, through: Parameters<typeof lead>[0], most: number][] = [
  ['nothing', bytes => bytes, 4],
  ['a Response', bytes => new Response(bytes).body as ReadableStream<Uint8Array>, 4],
  ['a TransformStream', bytes => bytes.pipeThrough(new TransformStream()), 5],
]
for (const [name, through, most] of pipes) {
  test(`with ${name} between them, the maker of values is ${most} ahead of their reader at most`, async () => {
    const ahead = await lead(through)
    assert.ok(ahead <= most, `${ahead}`)
  })
}

test.run()
