/** A frame in memory: what `pack` writes and `unpack` gives back, whose memory it is and where it lies. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { join } from '../fixtures/assemble.js'
import { values } from '../fixtures/values.js'
import { pack, packBytes, unpack } from '../src/frame/index.js'
import { decode, encode, type PacketLike } from '../src/index.js'
import { moved, packetOf, shown } from './frames.js'
import { difference } from './same.js'
import { refused, thrown } from './thrown.js'

/** Metadata, then buffers, in bytes. */
const sizes: readonly number[][] = [
  [0],
  [1],
  [5, 0],
  [7, 0, 0, 1],
  [8, 8, 16],
  [3, 1, 1023, 1024, 0, 1025, 64],
  [40, 4095, 4096, 5, 100_000, 1],
  [17, ...new Array(500).fill(64)],
]
const checksums = [false, true]

const packing = suite('frame: pack')

for (const [metaBytes, ...lengths] of sizes) {
  for (const checksum of checksums) {
    packing(`${metaBytes} + ${lengths.slice(0, 8)} bytes${checksum ? ', with checksums' : ''}`, () => {
      const packet = packetOf(metaBytes!, ...lengths)
      const chunks = pack(packet, { checksum })
      const frame = packBytes(packet, { checksum })
      assert.is(Buffer.compare(join(...chunks), frame), 0)
      assert.ok(chunks.every(chunk => chunk.length > 0))
      assert.is(frame.length % 8, 0)
      assert.is(frame.buffer.byteLength, frame.length)
      for (const part of [packet.meta, ...packet.buffers])
        assert.ok(part.length === 0 || chunks.includes(part))
      const { meta, buffers } = unpack(frame)
      assert.equal(shown([{ meta, buffers }]), shown([packet]))
      for (const buffer of buffers) {
        assert.is(buffer.buffer, frame.buffer)
        assert.is(buffer.byteOffset % (buffer.length < 1024 ? 8 : 64), 0)
      }
    })
  }
}

packing('no metadata and no buffer is copied: their chunks are the views of the packet', () => {
  const packet = encode([new Float64Array(1000), Buffer.alloc(5000), new Uint8Array(3)], { threshold: 0 })
  const chunks = pack(packet)
  assert.is(chunks[1], packet.meta)
  assert.equal(
    packet.buffers.map(buffer => chunks.indexOf(buffer)),
    [3, 4, 5],
  )
  const own = new Set(chunks.filter(chunk => chunk !== packet.meta && !packet.buffers.includes(chunk)))
  assert.ok([...own].every(chunk => chunk.buffer === chunks[0]!.buffer))
  assert.ok(chunks[0]!.buffer.byteLength < 200)
})

packing('only windows are written, of whatever memory decode takes too', () => {
  const memory = Uint8Array.from({ length: 64 }, (_, i) => i + 1)
  const { buffer } = memory
  const packet: PacketLike = {
    meta: Uint8Array.of(1),
    buffers: new Set([
      new DataView(buffer, 3, 5),
      new Uint16Array(buffer, 2, 2),
      buffer,
      Buffer.from(buffer, 9, 2),
    ]),
  }
  const wanted = [[4, 5, 6, 7, 8], [3, 4, 5, 6], [...memory], [10, 11]]
  for (const bytes of [packBytes(packet), join(...pack(packet))])
    assert.equal(
      unpack(bytes).buffers.map(window => [...window]),
      wanted,
    )
})

packing('memory that is gone is DETACHED, never an empty buffer', () => {
  const gone = [new Uint8Array(8), new DataView(new ArrayBuffer(8)), new ArrayBuffer(8)]
  structuredClone(0, { transfer: gone.map(memory => (ArrayBuffer.isView(memory) ? memory.buffer : memory)) })
  for (const memory of gone) {
    const packet = { meta: new Uint8Array(1), buffers: [new Uint8Array(1), memory] }
    for (const make of [pack, packBytes]) refused(() => make(packet), 'DETACHED', { buffer: 1 })
  }
  refused(() => pack({ meta: gone[0] as Uint8Array, buffers: [] }), 'DETACHED')
})

for (const [limit, metaBytes, ...lengths] of [
  ['metaBytes', 9],
  ['buffers', 1, ...new Array(9).fill(0)],
  ['bufferBytes', 1, 8, 9, 1],
  ['totalBytes', 1, 4, 5, 0],
] as const) {
  packing(`what passes limits.${limit} is not written, nor read`, () => {
    const packet = packetOf(metaBytes, ...lengths)
    refused(() => pack(packet, { limits: { [limit]: 8 } }), 'LIMIT', { limit, max: 8, requested: 9 })
    const frame = packBytes(packet, { limits: { [limit]: 9 } })
    const error = refused(() => unpack(frame, { limits: { [limit]: 8 } }), 'LIMIT', {
      limit,
      max: 8,
      requested: 9,
    })
    assert.match(error.message, `limits.${limit} is 8, got 9`)
    assert.not.throws(() => unpack(frame, { limits: { [limit]: 9 } }))
  })
}

packing("the caller's mistakes are TypeErrors", () => {
  const mistakes: (() => unknown)[] = [
    () => pack({ meta: 'text', buffers: [] } as never),
    () => pack({ meta: new Uint8Array(), buffers: [1] } as never),
    () => pack(packetOf(1), { checksum: 1 } as never),
    () => packBytes(packetOf(1), { limits: 'none' } as never),
    () => unpack('OUTB' as never),
    () => unpack(new ArrayBuffer(24) as never),
    () => unpack(packBytes(packetOf(1)), { checksum: 'yes' } as never),
  ]
  for (const mistake of mistakes) assert.instance(thrown(mistake), TypeError)
})

packing.run()

const trip = suite('frame: values')

for (const row of values.filter(({ isShared }) => !isShared)) {
  trip(row.name, () => {
    const sent = row.make()
    const packet = encode(sent, { threshold: 0 })
    const wanted = row.arrives?.(sent as never) ?? sent
    for (const frame of [
      packBytes(packet),
      packBytes(packet, { checksum: true }),
      moved(packBytes(packet), 3),
    ]) {
      const found = difference(wanted, decode(unpack(frame)))
      assert.is(found, undefined, found)
    }
  })
}

trip.run()

const memory = suite('frame: memory')

const numbers = Float64Array.from({ length: 1000 }, (_, i) => i / 3)

memory('unpack lends windows on the frame, and the metadata owns its memory', () => {
  const frame = packBytes(encode({ numbers }))
  const packet = unpack(frame)
  const [buffer] = packet.buffers
  assert.is(buffer!.buffer, frame.buffer)
  assert.is(packet.meta.buffer.byteLength, packet.meta.length)
  const value = decode<{ numbers: Float64Array }>(packet)
  assert.is(value.numbers.buffer, frame.buffer)
  structuredClone(0, { transfer: [packet.meta.buffer as ArrayBuffer] })
  assert.is(value.numbers[999], 333)
})

memory('windows are plain Uint8Arrays, of a Buffer too', () => {
  const { meta, buffers } = unpack(Buffer.from(packBytes(encode([numbers, Buffer.alloc(5000)]))))
  for (const bytes of [meta, ...buffers]) assert.is(Object.getPrototypeOf(bytes), Uint8Array.prototype)
})

memory('at an odd address windows are lent all the same, and decode copies those that need it', () => {
  const pixels = new Uint8Array(5000).fill(7)
  for (const offset of [1, 4, 7]) {
    const frame = moved(packBytes(encode({ numbers, pixels })), offset)
    const { meta, buffers } = unpack(frame)
    for (const buffer of buffers) assert.is(buffer.buffer, frame.buffer)
    const value = decode<{ numbers: Float64Array; pixels: Uint8Array }>({ meta, buffers })
    assert.is(difference({ numbers, pixels }, value), undefined)
    assert.is(value.pixels.buffer, frame.buffer)
    assert.is.not(value.numbers.buffer, frame.buffer)
  }
})

memory('at a multiple of 8 nothing is copied', () => {
  const frame = moved(packBytes(encode({ numbers })), 40)
  assert.is(decode<{ numbers: Float64Array }>(unpack(frame)).numbers.buffer, frame.buffer)
})

memory('a frame in shared memory: its buffers stay there, its metadata does not', () => {
  const bytes = packBytes(encode({ numbers }))
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  const packet = unpack(shared)
  assert.instance(packet.meta.buffer, ArrayBuffer)
  assert.is(packet.buffers[0]!.buffer, shared.buffer)
  assert.equal([...decode<{ numbers: Float64Array }>(packet).numbers], [...numbers])
})

memory("shared memory arrives as a copy: who writes frames encodes with shared: 'copy'", () => {
  const shared = new Float64Array(new SharedArrayBuffer(8000))
  shared.set(numbers)
  const asShared = encode(shared)
  assert.is(pack(asShared)[3], asShared.buffers[0])
  refused(() => decode(unpack(packBytes(asShared))), 'BUFFERS', { buffer: 0 })
  const asCopy = encode(shared, { shared: 'copy' })
  assert.is(difference(numbers, decode(unpack(packBytes(asCopy)))), undefined)
})

memory('a frame is passed on without a look at its metadata', () => {
  for (const checksum of checksums) {
    const frame = packBytes(packetOf(100, 5000, 0, 3, 9000), { checksum })
    assert.is(Buffer.compare(packBytes(unpack(frame), { checksum }), frame), 0)
  }
})

memory.run()

const check = suite('frame: checksums')

check('they are compared when they are there, demanded with true, passed over with false', () => {
  const plain = packBytes(packetOf(9, 5000))
  const checked = packBytes(packetOf(9, 5000), { checksum: true })
  for (const checksum of [undefined, false]) assert.not.throws(() => unpack(plain, { checksum }))
  refused(() => unpack(plain, { checksum: true }), 'CHECKSUM')
  for (const checksum of [undefined, true, false]) assert.not.throws(() => unpack(checked, { checksum }))
  checked[checked.length - 100]! ^= 1
  for (const checksum of [undefined, true])
    refused(() => unpack(checked, { checksum }), 'CHECKSUM', { buffer: 0 })
  assert.not.throws(() => unpack(checked, { checksum: false }))
})

check.run()
