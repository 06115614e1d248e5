/** Bytes that come in: however they are cut, and whatever kind of memory they are. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { packBytes } from '../../src/frame/index.js'
import { encode } from '../../src/index.js'
import { PacketDecoderStream } from '../../src/streams/index.js'
import { difference } from '../same.js'
import { arrival, arrivalOf, bytesOf, counting, KiB, MiB } from './kit.js'

const chunks = suite('streams: chunks in')

const small = [{ id: 1 }, 'two']

chunks('every way to cut a small stream in up to three gives the same values', async () => {
  const bytes = await bytesOf(small)
  const { length } = bytes
  assert.ok(length < 130, `${length} bytes`)
  for (let first = 1; first <= length; first++) {
    for (let second = first; second <= length; second++) {
      const cut = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]
      const { items, error } = await arrivalOf(cut)
      assert.equal([items, error], [small, undefined], `${first}, ${second}`)
    }
  }
})

chunks('every size of chunks gives the same values, from memory that is overwritten', async () => {
  const sent = [...small, { samples: counting(5000) }, [1, 2, 3]]
  const bytes = await bytesOf(sent)
  for (let size = 1; size <= bytes.length; size += size < 200 ? 1 : 97) {
    const { items, error } = await arrival(bytes, () => size)
    assert.is(difference([sent, undefined], [items, error]), undefined, `${size}`)
  }
})

const kinds: [name: string, of: (bytes: Uint8Array<ArrayBuffer>) => ArrayBufferView | ArrayBufferLike][] = [
  ['a Buffer', bytes => Buffer.from(bytes)],
  ['a window', bytes => new Uint8Array([0, ...bytes, 0]).subarray(1, -1)],
  ['an ArrayBuffer', ({ buffer }) => buffer],
  ['a DataView', bytes => new DataView(new Uint8Array([0, 0, 0, ...bytes]).buffer, 3)],
  ['a Float64Array', ({ buffer }) => new Float64Array(buffer)],
  [
    'shared memory',
    bytes => {
      const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
      shared.set(bytes)
      return shared
    },
  ],
]
for (const [name, of] of kinds) {
  chunks(`${name} is a chunk`, async () => {
    const bytes = await bytesOf(small)
    assert.is(bytes.length % 8, 0)
    const { items, error } = await arrivalOf([of(bytes.slice(0, 64)), of(bytes.slice(64))])
    assert.equal([items, error], [small, undefined])
  })
}

chunks('frames of another hand, empty chunks between them', async () => {
  const frame = packBytes(encode({ samples: counting(10_000) }))
  const none = new Uint8Array(0)
  const { items, error } = await arrivalOf([none, frame, none, frame.buffer, none])
  assert.is(error, undefined)
  assert.is(difference([{ samples: counting(10_000) }, { samples: counting(10_000) }], items), undefined)
})

chunks('a stream of no bytes, or of no values, ends', async () => {
  assert.equal(await arrivalOf([]), { items: [], error: undefined })
  assert.is((await bytesOf([])).length, 0)
})

chunks('a chunk can be a file: what it holds is taken in as it is read', async () => {
  const sent = Array.from({ length: 40 }, (_, i) => counting(100 * KiB, i))
  const decoder = new PacketDecoderStream<Uint8Array>()
  const writer = decoder.writable.getWriter()
  const file = await bytesOf(sent)
  const written = writer.write(file)
  void writer.close()
  const reader = decoder.readable.getReader()
  const before = process.memoryUsage().arrayBuffers
  for (const [i, array] of sent.entries()) {
    if (i === 1) assert.ok(process.memoryUsage().arrayBuffers - before < MiB, 'more than was read')
    assert.is(difference(array, (await reader.read()).value), undefined)
  }
  await written
  assert.is((await reader.read()).done, true)
})

chunks.run()
