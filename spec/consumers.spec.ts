/**
 * What the users of PEP 574 rely on. A test's name gives the consumer and its test
 * (`distributed/protocol/tests`, `joblib/test/test_memmapping.py`).
 */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type DecodeOptions, decode, encode, isReadonly, outOfBand, type Packet } from '../src/index.js'
import { difference } from './same.js'
import { refused } from './thrown.js'

const OUT_OF_BAND = { threshold: 0 }

/** Memory as another process would have received it. */
const received = ({ meta, buffers }: Packet): Packet => ({
  meta,
  buffers: buffers.map(buffer => buffer.slice()),
})

const consumers = suite('consumers')

consumers('dask test_pickle_empty: a zero-length buffer is a buffer', () => {
  for (const sent of [
    new Uint8Array(0),
    new Float64Array(0),
    new ArrayBuffer(0),
    outOfBand(new Int8Array(0)),
  ]) {
    const packet = encode([sent], OUT_OF_BAND)
    assert.is(packet.buffers.length, 1)
    assert.is(packet.buffers[0]!.byteLength, 0)
    const wanted = 'view' in sent ? sent.view : sent
    assert.is(difference([wanted], decode(received(packet))), undefined)
    refused(() => decode({ meta: packet.meta, buffers: [] }), 'BUFFERS', { buffer: 0 })
  }
})

consumers('dask test_do_not_share_buffers: arrays that shared nothing share nothing on arrival', () => {
  const options: DecodeOptions[] = [{}, { limits: 'untrusted' }]
  for (const threshold of [0, Number.POSITIVE_INFINITY]) {
    const packet = received(
      encode([new Uint8Array(10), new Float64Array(10), new Uint8Array(8)], { threshold }),
    )
    for (const option of options) {
      const arrays = decode<Uint8Array[]>(packet, option)
      assert.is(new Set(arrays.map(array => array.buffer)).size, 3)
      assert.not.ok(arrays.some(array => array.buffer === packet.meta.buffer))
    }
  }
})

consumers(
  'dask test_merge_memoryviews: adjacent views travel as one buffer, without a copy, and are split again',
  () => {
    const memory = new Uint8Array(30)
    const views = [memory.subarray(20, 30), memory.subarray(0, 10), memory.subarray(10, 20)]
    const packet = encode(views, OUT_OF_BAND)
    assert.is(packet.buffers.length, 1)
    assert.is(packet.buffers[0]!.buffer, memory.buffer)
    assert.is(packet.buffers[0]!.byteLength, 30)
    assert.is(difference(views, decode(received(packet))), undefined)
  },
)

consumers('joblib test_memmapping_pool_for_large_arrays: one array for 100 tasks is stored once', () => {
  const array = new Float64Array(100_000)
  const tasks = Array.from({ length: 100 }, (_, id) => ({ id, array, part: array.subarray(id, id + 10) }))
  const packet = encode(tasks)
  assert.is(packet.buffers.length, 1)
  assert.is(packet.buffers[0]!.byteLength, array.byteLength)
  assert.ok(packet.meta.byteLength < 4000)
})

consumers('joblib: both sides of the threshold behave alike', () => {
  for (const length of [4095, 4096, 4097]) {
    const memory = new Uint8Array(length)
    const packet = encode([memory, memory.subarray(1)])
    assert.is(packet.buffers.length, length < 4096 ? 0 : 1)
    const [whole, part] = decode<Uint8Array[]>(received(packet))
    whole![1] = 5
    assert.is(part![0], 5)
    assert.is(isReadonly(whole!), false)
    assert.is(whole!.buffer, part!.buffer)
  }
})

consumers.run()
