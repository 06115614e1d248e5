/** Where views lie after decode: in place when they can, else on one copy; and which buffers are refused. */
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { memory } from '../fixtures/values/memory.js'
import { decode, encode, type PacketLike } from '../src/index.js'
import { collect } from './collect.js'
import { difference } from './same.js'

type Buffers = PacketLike['buffers']

const IN_BAND = { threshold: Number.POSITIVE_INFINITY }
const OUT_OF_BAND = { threshold: 0 }

/** The buffer again, in memory of its own, at `offset` of it. */
const at =
  (offset: number) =>
  (buffer: Uint8Array): Uint8Array => {
    const moved = new Uint8Array(offset + buffer.length).subarray(offset)
    moved.set(buffer)
    return moved
  }

/** What carriers hand over: other memory, other kinds of views, other offsets. */
const deliveries: [name: string, deliver: (buffers: readonly Uint8Array[]) => Buffers][] = [
  ['as they are', buffers => buffers],
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8].map((offset): (typeof deliveries)[number] => [
    `at offset ${offset} of other memory`,
    buffers => buffers.map(at(offset)),
  ]),
  ['as ArrayBuffers', buffers => buffers.map(buffer => buffer.slice().buffer)],
  ['as SharedArrayBuffers', buffers => buffers.map(shared)],
  ['as Buffers', buffers => buffers.map(buffer => Buffer.from(buffer))],
  ['as DataViews', buffers => buffers.map(buffer => new DataView(buffer.slice().buffer))],
  [
    'as Int8Arrays at odd offsets',
    buffers => buffers.map(at(3)).map(b => new Int8Array(b.buffer, 3, b.length)),
  ],
  ['in one frame, back to back', inOneFrame],
  ['in resizable memory', buffers => buffers.map(resizable)],
  ['as a Set', buffers => new Set(buffers)],
  ['one by one', buffers => buffers.values()],
]

function shared(buffer: Uint8Array): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(buffer.length)
  new Uint8Array(memory).set(buffer)
  return memory
}

function resizable(buffer: Uint8Array): ArrayBuffer {
  const memory = new ArrayBuffer(buffer.length, { maxByteLength: buffer.length + 100 })
  new Uint8Array(memory).set(buffer)
  return memory
}

function inOneFrame(buffers: readonly Uint8Array[]): Uint8Array[] {
  const frame = Buffer.concat([Buffer.alloc(1), ...buffers])
  let end = 1
  return buffers.map(buffer => {
    end += buffer.length
    return new Uint8Array(frame.buffer, frame.byteOffset + end - buffer.length, buffer.length)
  })
}

const delivered = suite('arrival: the same views, however the buffers come')

for (const [name, deliver] of deliveries) {
  delivered(name, () => {
    for (const row of memory.filter(({ isShared }) => !isShared)) {
      const sent = row.make()
      const wanted = row.arrives?.(sent as never) ?? sent
      const packet = encode(sent, OUT_OF_BAND)
      const copy = decode({ meta: packet.meta, buffers: deliver(packet.buffers) })
      const found = difference(onPlainMemory(wanted, copy), onPlainMemory(copy, copy))
      assert.is(found, undefined, `${row.name}: ${found}`)
    }
  })
}

/** Views on shared memory that stand for views on the other kind: `same` tells the two apart. */
function onPlainMemory(value: unknown, copy: unknown): unknown {
  return JSON.stringify(windowsOf(copy)).includes('SharedArrayBuffer')
    ? windowsOf(value).map(w => w.slice(1))
    : value
}

function windowsOf(value: unknown): unknown[][] {
  if (value instanceof Map) return windowsOf([...value.keys(), ...value.values()])
  if (Array.isArray(value)) return value.flatMap(windowsOf)
  if (!ArrayBuffer.isView(value)) return []
  const { buffer, byteOffset, byteLength } = value
  return [
    [buffer[Symbol.toStringTag], value.constructor.name, ...new Uint8Array(buffer, byteOffset, byteLength)],
  ]
}

// A packet that came by `postMessage` has the properties that its sender gave it.
delivered('what else a packet has is not heeded: carriers of ours say more of a parcel', () => {
  const value = { a: 300, f: 1.5, list: [1000, 2000, 3000] }
  const { meta, buffers } = encode(value)
  for (const lent of [new DataView(new ArrayBuffer(64)), {}, 1, null]) {
    assert.equal(decode({ meta, buffers, lent, isLent: true, hosts: [{}] } as PacketLike), value)
  }
})

delivered.run()

const place = suite('arrival: in place or copied once')

const numbers = (): Float64Array => Float64Array.from({ length: 1000 }, (_, i) => i / 3)

place('a view arrives in place when it is aligned there', () => {
  const { meta, buffers } = encode(numbers())
  for (const offset of [0, 8, 16, 4096]) {
    const [buffer] = buffers.map(at(offset))
    const copy = decode<Float64Array>({ meta, buffers: [buffer!] })
    assert.is(copy.buffer, buffer!.buffer)
    assert.is(copy.byteOffset, offset)
  }
})

place('a view that is not aligned there arrives on memory of its own', () => {
  const { meta, buffers } = encode(numbers())
  for (const offset of [1, 2, 3, 4, 5, 6, 7]) {
    const [buffer] = buffers.map(at(offset))
    const copy = decode<Float64Array>({ meta, buffers: [buffer!] })
    assert.is.not(copy.buffer, buffer!.buffer)
    assert.is(copy.byteOffset % 8, 0)
    assert.is(difference(numbers(), copy), undefined)
  }
})

place('alignment is that of the kind: bytes and DataViews are in place anywhere', () => {
  const sent = [new Uint8Array(9), new DataView(new ArrayBuffer(9)), Buffer.alloc(9), new Int16Array(9)]
  const { meta, buffers } = encode(sent, OUT_OF_BAND)
  const moved = buffers.map(at(3))
  const copies = decode<ArrayBufferView[]>({ meta, buffers: moved })
  assert.equal(
    copies.map((copy, i) => copy.buffer === moved[i]!.buffer),
    [true, true, true, false],
  )
})

place('one view that is not aligned moves all views of its run, to one memory, where they alias', () => {
  const { buffer } = new Uint8Array(64)
  const sent = [new Uint8Array(buffer, 3, 5), new Float64Array(buffer, 8, 2), new Int16Array(buffer, 10, 3)]
  const { meta, buffers } = encode(sent, OUT_OF_BAND)
  for (let offset = 0; offset < 8; offset++) {
    const [moved] = buffers.map(at(offset))
    const [odd, wide, small] = decode<[Uint8Array, Float64Array, Int16Array]>({ meta, buffers: [moved!] })
    const isInPlace = offset === 3
    assert.is(odd.buffer === moved!.buffer, isInPlace)
    assert.is(wide.buffer, odd.buffer)
    assert.is(small.buffer, odd.buffer)
    assert.is(wide.byteOffset % 8, 0)
    small[0] = -1
    assert.is(new Uint8Array(wide.buffer, wide.byteOffset)[2], 255)
    assert.is(odd.byteOffset + 5, wide.byteOffset)
  }
})

place('runs that need no copy stay where they are beside one that does', () => {
  const { meta, buffers } = encode([numbers(), numbers()])
  const moved = [at(0)(buffers[0]!), at(1)(buffers[1]!)]
  const [first, second] = decode<Float64Array[]>({ meta, buffers: moved })
  assert.is(first!.buffer, moved[0]!.buffer)
  assert.is.not(second!.buffer, moved[1]!.buffer)
})

place('an ArrayBuffer arrives in place only as a whole one', () => {
  const sent = [numbers().buffer, new Float64Array(2)]
  const { meta, buffers } = encode(sent, OUT_OF_BAND)
  const [whole] = decode<ArrayBuffer[]>({ meta, buffers })
  assert.is(whole, sent[0])
  const moved = buffers.map(at(8))
  const [copied, view] = decode<[ArrayBuffer, Float64Array]>({ meta, buffers: moved })
  assert.is.not(copied, moved[0]!.buffer)
  assert.is(copied.byteLength, 8000)
  assert.is(view.buffer, moved[1]!.buffer)
})

place('a copy takes the memory of one copy', () => {
  const MiB = 2 ** 20
  const { meta, buffers } = encode([new Float64Array(MiB), new Uint8Array(1)])
  const moved = buffers.map(at(1))
  collect()
  const before = process.memoryUsage().arrayBuffers
  const copies = decode<Float64Array[]>({ meta, buffers: moved })
  const taken = process.memoryUsage().arrayBuffers - before
  assert.is(copies[0]!.length, MiB)
  assert.ok(taken >= 8 * MiB && taken < 9 * MiB, `${taken} bytes`)
})

place('what travels in band arrives on memory of its own, one for each run', () => {
  const shared = new Uint8Array(64)
  const sent = [shared.subarray(1, 9), new Float64Array(3), shared.subarray(5, 20), Buffer.from('hi')]
  const packet = encode(sent, IN_BAND)
  const copies = decode<Uint8Array[]>(packet)
  assert.is(difference(sent, copies), undefined)
  const [a, b, c, d] = copies.map(({ buffer }) => buffer)
  assert.is(a, c)
  assert.is(new Set([a, b, d, packet.meta.buffer, ...sent.map(({ buffer }) => buffer)]).size, 7)
  const again = decode<Uint8Array[]>(packet)
  assert.is.not(again[0]!.buffer, a)
})

place('memory of another realm is memory', () => {
  const { meta, buffers } = encode(numbers())
  const [foreign] = runInNewContext('[new ArrayBuffer(8000)]') as ArrayBuffer[]
  new Uint8Array(foreign!).set(buffers[0]!)
  assert.is(decode<Float64Array>({ meta, buffers: [foreign!] }).buffer, foreign)
  const own = runInNewContext('new Uint8Array(bytes)', { bytes: meta }) as Uint8Array
  assert.is(difference(numbers(), decode({ meta: own, buffers })), undefined)
})

place.run()
