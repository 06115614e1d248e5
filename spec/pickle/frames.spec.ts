/** Packets as lists of frames: the bytes, what reads them, and what is refused. */
import { spawnSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { packFrames, pickle, unpackFrames } from '../../src/formats/pickle/index.js'
import { decode, type ErrorCode, encode, LIMITS } from '../../src/index.js'
import { refused, thrown } from '../thrown.js'
import { python } from './python.js'

const joined = (chunks: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(chunks))
const u64 = (...numbers: (number | bigint)[]): Uint8Array =>
  new Uint8Array(BigUint64Array.from(numbers, BigInt).buffer)

const test = suite('pickle frames')
const samples = Float64Array.of(1, 2, 3)
const packet = encode({ samples, empty: new Uint8Array(0) }, { format: pickle, threshold: 0 })

test('the bytes: a count, the lengths, the frames', () => {
  const small = { meta: Uint8Array.of(1, 2, 3), buffers: [Uint8Array.of(4), new Uint8Array(0)] }
  assert.equal(joined(packFrames(small)), joined([u64(3, 3, 1, 0), Uint8Array.of(1, 2, 3, 4)]))
})

test('nothing is copied on the way out, and nothing but metadata on the way in', () => {
  const chunks = packFrames(packet)
  assert.is(chunks.filter(({ buffer }) => buffer === samples.buffer).length, 1)
  const bytes = joined(chunks)
  const { meta, buffers } = unpackFrames(bytes)
  assert.is.not(meta.buffer, bytes.buffer)
  assert.is(meta.byteLength, meta.buffer.byteLength)
  assert.ok(buffers.every(({ buffer }) => buffer === bytes.buffer))
})

for (const [name, list] of [
  ['bytes', joined(packFrames(packet))],
  ['bytes at an odd offset', joined([Uint8Array.of(0), joined(packFrames(packet))]).subarray(1)],
  ['the parts of a message', [packet.meta, ...packet.buffers]],
  [
    'parts as Buffers and ArrayBuffers',
    [Buffer.from(packet.meta), packet.buffers[0]!.slice().buffer, Buffer.alloc(0)],
  ],
] as const) {
  test(`a packet out of ${name}`, () => {
    const value = decode<{ samples: Float64Array; empty: Uint8Array }>(unpackFrames(list), { format: pickle })
    assert.equal([...value.samples], [1, 2, 3])
    assert.is(value.empty.length, 0)
  })
}

const good = joined(packFrames(packet))
for (const [name, bytes, code] of [
  ['nothing', new Uint8Array(0), 'TRUNCATED'],
  ['no frame', u64(0), 'MALFORMED'],
  ['an empty list', [], 'MALFORMED'],
  ['a count alone', u64(3), 'TRUNCATED'],
  ['2**32 frames', u64(2 ** 32), 'LIMIT'],
  ['2**64 − 1 frames', u64(2n ** 64n - 1n), 'LIMIT'],
  ['a frame of 2**63', u64(2, 1, 2n ** 63n), 'LIMIT'],
  ['a buffer of 65 MiB that is not there', u64(2, 1, 65 * 2 ** 20), 'TRUNCATED'],
  ['metadata of 65 MiB', u64(1, 65 * 2 ** 20), 'LIMIT'],
  ['a byte more', joined([good, Uint8Array.of(0)]), 'TRAILING'],
] as const) {
  test(`${name}: ${code}`, () => void refused(() => unpackFrames(bytes), code as ErrorCode))
}

test('memory that is gone is DETACHED, and no empty frame', () => {
  const gone = new Uint8Array(16)
  const { buffer } = gone
  structuredClone(buffer, { transfer: [buffer] })
  refused(() => packFrames({ meta: packet.meta, buffers: [gone] }), 'DETACHED')
  refused(() => packFrames({ meta: gone, buffers: [] }), 'DETACHED')
  for (const frames of [gone, [gone], [packet.meta, gone], [packet.meta, buffer]])
    refused(() => unpackFrames(frames), 'DETACHED')
})

test('every prefix is TRUNCATED', () => {
  for (let length = 0; length < good.length; length++)
    refused(() => unpackFrames(good.subarray(0, length)), 'TRUNCATED')
})

test('limits are those of packets', () => {
  const { untrusted } = LIMITS
  refused(() => unpackFrames(u64(2, 1, untrusted.bufferBytes + 1), { limits: 'untrusted' }), 'LIMIT', {
    limit: 'bufferBytes',
  })
  refused(() => unpackFrames(u64(1, untrusted.metaBytes + 1), { limits: 'untrusted' }), 'LIMIT', {
    limit: 'metaBytes',
  })
  refused(() => unpackFrames(u64(...new Array(1200).fill(1199)), { limits: 'untrusted' }), 'LIMIT', {
    limit: 'buffers',
  })
  const three = [packet.meta, new Uint8Array(1), new Uint8Array(1)]
  for (const frames of [three, joined([u64(3, packet.meta.length, 1, 1), ...three])])
    refused(() => unpackFrames(frames, { limits: { buffers: 1 } }), 'LIMIT', {
      limit: 'buffers',
      requested: 2,
    })
  const many = { limits: { totalBytes: 10 } }
  refused(() => unpackFrames(u64(3, 1, 6, 5), many), 'LIMIT', { limit: 'totalBytes', max: 10, requested: 11 })
})

test('what is no memory is the caller’s mistake', () => {
  const meta = Uint8Array.of(1)
  const proxy = new Proxy(new ArrayBuffer(1), {})
  const lists = [[5], [2 ** 28, 3], ['ab'], [{}], [[1, 2]], [meta, null], [meta, undefined], [meta, , meta]]
  for (const list of [...lists, [{ byteLength: 8 }], [meta, proxy], [Object.create(ArrayBuffer.prototype)]]) {
    const error = thrown(() => unpackFrames(list as never)) as Error
    assert.instance(error, TypeError)
    assert.match(error.message, /^frames: wanted a Uint8Array, or a list of memory/)
  }
  assert.instance(
    thrown(() => unpackFrames('x' as never)),
    TypeError,
  )
  assert.instance(
    thrown(() => packFrames({ meta: 'x', buffers: [] } as never)),
    TypeError,
  )
})

const run = python !== undefined || process.env.CI === 'true' ? test : test.skip
run('dask reads it as it writes it', () => {
  // distributed/protocol/utils.py, pack_frames_prelude and unpack_frames, in its own words.
  const program = `
import struct, sys
b = sys.stdin.buffer.read()
(n,) = struct.unpack('Q', b[:8])
lengths = struct.unpack('Q' * n, b[8:8 + n * 8])
frames, start = [], 8 + n * 8
for length in lengths:
    frames.append(b[start:start + length])
    start += length
import pickle
value = pickle.loads(frames[0], buffers=frames[1:])
assert value['samples'].tolist() == [1.0, 2.0, 3.0], value
lengths = [len(frame) for frame in frames]
sys.stdout.buffer.write(struct.pack('Q' + 'Q' * len(frames), len(frames), *lengths) + b''.join(frames))
`
  const { stdout, stderr } = spawnSync(python as string, ['-c', program], { input: good })
  assert.is(stderr.toString(), '')
  assert.is(Buffer.compare(stdout, good), 0)
})

test.run()
