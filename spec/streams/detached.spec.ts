/** Memory that goes away: moved by who reads the bytes, or lost by its owner before they were read. */
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { join } from '../../fixtures/assemble.js'
import { isOutbandError } from '../../src/index.js'
import { PacketDecoderStream, PacketEncoderStream } from '../../src/streams/index.js'
import { everyByte } from '../frames.js'
import { difference } from '../same.js'
import { arrival, arrivalOf, counting, KiB, MiB, outcomeOf } from './kit.js'

const owned = suite('streams: memory that its reader moves')

const move = (chunk: Uint8Array): Uint8Array =>
  structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] })

owned('copied: every chunk may be moved, and nothing of the caller goes with it', async () => {
  const sent = [counting(3 * MiB), [1, 2], counting(100 * KiB), 'x'.repeat(200 * KiB), counting(70 * KiB)]
  const encoder = new PacketEncoderStream({ copy: true, highWaterMark: MiB })
  const moved: Uint8Array[] = []
  for await (const chunk of ReadableStream.from(sent).pipeThrough(encoder)) moved.push(move(chunk))
  const { items, error } = await arrivalOf(moved)
  assert.is(difference([sent, undefined], [items, error]), undefined)
})

owned('lent: a reader that moves such a chunk all the same is an error, told to both', async () => {
  const array = counting(2 * MiB)
  const encoder = new PacketEncoderStream()
  const written = encoder.writable.getWriter().write(array)
  const told = written.catch((error: unknown) => error)
  const moved: Uint8Array[] = []
  const { error } = await outcomeOf(
    encoder.readable.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({ transform: chunk => void moved.push(move(chunk)) }),
    ),
  )
  assert.ok(isOutbandError(error, 'DETACHED'), String(error))
  assert.is((error as { buffer?: number }).buffer, 0)
  assert.is(await told, error)
  const { items, error: cut } = await arrivalOf(moved)
  assert.equal(items, [])
  assert.ok(isOutbandError(cut, 'TRUNCATED'))
})

owned('the bytes-like readers of the platform get memory that they may move', async () => {
  const sent = [{ id: 1 }, counting(2 * MiB)]
  const source = ReadableStream.from(sent)
    .pipeThrough(new PacketEncoderStream({ copy: true }))
    .getReader()
  const bytes = new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const { value, done } = await source.read()
      // Detaches the chunk.
      if (!done) controller.enqueue(value)
      else controller.close()
    },
  })
  const { items } = await outcomeOf(bytes.pipeThrough(new PacketDecoderStream()))
  assert.is(difference(sent, items), undefined)
})

owned.run()

const lost = suite('streams: memory that its owner loses')

const losses: [name: string, when: number][] = [
  ['before the first chunk', 0],
  ['before the memory is asked for', 1],
  ['between two pieces of it', 2],
  ['behind its last piece', 3],
]
for (const [name, when] of losses) {
  lost(`an array that its owner moves away ${name} is DETACHED, and no value`, async () => {
    const array = counting(2 * MiB)
    const encoder = new PacketEncoderStream()
    const writer = encoder.writable.getWriter()
    await writer.write('before')
    const told = writer.write([array]).catch((error: unknown) => error)
    const reader = encoder.readable.getReader()
    const read: Uint8Array[] = []
    let error: unknown
    try {
      for (let at = 0; ; at++) {
        if (at === when) {
          await new Promise(resolve => setImmediate(resolve))
          move(array)
        }
        read.push(((await reader.read()).value as Uint8Array).slice())
      }
    } catch (reason) {
      error = reason
    }
    assert.ok(isOutbandError(error, 'DETACHED'), String(error))
    assert.is(await told, error)
    const bytes = join(...read)
    const { items, error: cut } = await arrival(bytes, piecesOf(bytes))
    assert.equal(items, when === 0 && read.length === 0 ? [] : ['before'])
    if (read.length > 1) assert.ok(isOutbandError(cut, 'TRUNCATED'), String(cut))
  })
}

/** Large streams are not worth single bytes. */
const piecesOf = (bytes: Uint8Array) => (bytes.length > 100 * KiB ? () => 100 * KiB : everyByte)

lost("what is left of a frame that Node's streams cut is no value", async () => {
  const array = counting(300 * KiB)
  const encoder = new PacketEncoderStream()
  const source = Readable.fromWeb(encoder.readable as never)
  void encoder.writable
    .getWriter()
    .write(array)
    .catch(() => {})
  source.once('data', () => source.destroy(new Error('enough')))
  const error = await finished(source).catch((error: unknown) => error)
  assert.is((error as Error).message, 'enough')
  assert.is(array.length, 300 * KiB)
})

lost.run()
