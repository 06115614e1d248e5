/** Who owns what: `meta` owns its memory, `buffers` borrow the caller's, and encode and decode take no more than they say. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { values } from '../fixtures/values.js'
import { cbor } from '../src/formats/cbor.js'
import { flexbuffers } from '../src/formats/flexbuffers.js'
import { msgpack } from '../src/formats/msgpack.js'
import { pickle } from '../src/formats/pickle/index.js'
import { Codec, decode, defineType, encode, registry } from '../src/index.js'
import { release } from '../src/shm/index.js'
import { collect, keptBytes } from './collect.js'
import { difference } from './same.js'

const MiB = 2 ** 20

const meta = suite('ownership: meta')

const messages: [name: string, make: () => unknown][] = [
  ['the smallest', () => 1],
  ['a small object', () => ({ a: 1, b: 'text' })],
  ['10 KiB', () => 'x'.repeat(10_000)],
  ['1 MiB', () => Array.from({ length: MiB / 8 }, (_, i) => i / 3)],
  ['6 MiB', () => 'x'.repeat(6 * MiB)],
  ['bytes in band', () => new Uint8Array(4000)],
]
for (const [name, make] of messages) {
  meta(`${name}: fills an ArrayBuffer of its own`, () => {
    const codec = new Codec()
    for (let round = 0; round < 3; round++) {
      const { meta } = codec.encode(make())
      assert.is(Object.getPrototypeOf(meta), Uint8Array.prototype)
      assert.instance(meta.buffer, ArrayBuffer)
      assert.is(meta.byteOffset, 0)
      assert.is(meta.buffer.byteLength, meta.length)
    }
  })
}

meta('two results never share memory, nor does one change when the codec goes on', () => {
  const codec = new Codec()
  const packets = messages.map(([, make]) => codec.encode(make()))
  const copies = packets.map(({ meta }) => meta.slice())
  for (const [, make] of messages.toReversed()) codec.encode(make())
  assert.is(new Set(packets.map(({ meta }) => meta.buffer)).size, packets.length)
  for (const [i, { meta }] of packets.entries()) assert.is(difference(copies[i], meta), undefined)
})

meta('a result can be transferred, and others stay whole', () => {
  const codec = new Codec()
  const [first, second] = [codec.encode({ a: 1 }), codec.encode({ a: 2 })]
  structuredClone(first.meta, { transfer: [first.meta.buffer as ArrayBuffer] })
  assert.is(first.meta.length, 0)
  assert.is(difference({ a: 2 }, codec.decode(second)), undefined)
  assert.is(difference({ a: 3 }, codec.decode(codec.encode({ a: 3 }))), undefined)
})

meta('decode keeps nothing of meta: a value stays as it is when meta is overwritten', () => {
  for (const row of values.filter(({ isShared }) => !isShared)) {
    const sent = row.make()
    const { meta, buffers } = encode(sent, { threshold: Number.POSITIVE_INFINITY })
    const copy = decode({ meta, buffers })
    meta.fill(255)
    const found = difference(row.arrives?.(sent as never) ?? sent, copy)
    assert.is(found, undefined, `${row.name}: ${found}`)
  }
})

meta('decode keeps nothing of meta: a Buffer may be filled with the next message', () => {
  const codec = new Codec()
  const memory = Buffer.alloc(10_000)
  for (const key of ['aaaa', 'bbbb', 'aaaa']) {
    const sent = Array.from({ length: 300 }, (_, i) => ({ [key]: i * 1000, other: i }))
    const { meta } = codec.encode(sent)
    memory.set(meta)
    const copy = codec.decode({ meta: memory.subarray(0, meta.length), buffers: [] })
    assert.is(difference(sent, copy), undefined, key)
  }
})

meta.run()

const caller = suite("ownership: the caller's memory")

caller('encode and decode detach nothing and write nothing', () => {
  const memory = Uint8Array.from({ length: 10_000 }, (_, i) => i)
  const before = memory.slice()
  const value = {
    memory,
    part: new Float64Array(memory.buffer, 8, 100),
    buffer: memory.buffer,
    pooled: Buffer.from('hi'),
  }
  for (const threshold of [0, undefined, Number.POSITIVE_INFINITY]) {
    const packet = encode(value, { threshold, checksum: true })
    const whole = packet.buffers.map(buffer => buffer.slice())
    decode(packet)
    decode({ meta: packet.meta, buffers: whole.map(buffer => new Uint8Array([0, ...buffer]).subarray(1)) })
    assert.is(memory.byteLength, 10_000)
    assert.is(difference(before, memory), undefined)
    assert.is(value.pooled.toString(), 'hi')
  }
})

caller('a value is not changed by being encoded, frozen or not', () => {
  for (const row of values) {
    const [value, twin] = [row.make(), row.make()]
    encode(value, row.isShared ? {} : { threshold: 0 })
    if (
      typeof value === 'object' &&
      value !== null &&
      !/rror|cause|name|message|stack|class|field/.test(row.name)
    ) {
      assert.is(difference(value, twin) === undefined, difference(row.make(), twin) === undefined, row.name)
    }
  }
})

caller('the list of buffers is that of the packet alone', () => {
  const view = new Uint8Array(5000)
  const [first, second] = [encode(view), encode(view)]
  assert.is.not(first.buffers, second.buffers)
  assert.is.not(first.buffers[0], second.buffers[0])
  assert.is.not(first.buffers[0], view)
})

caller.run()

const cost = suite('ownership: what it costs')

/** Bytes that `run` adds to the heap and to ArrayBuffers. */
function taken(run: () => unknown): { heap: number; memory: number } {
  const before = process.memoryUsage()
  const kept = run()
  const after = process.memoryUsage()
  assert.ok(kept !== null)
  return { heap: after.heapUsed - before.heapUsed, memory: after.arrayBuffers - before.arrayBuffers }
}

const large: [name: string, make: () => unknown][] = [
  ['a Float64Array', () => new Float64Array(8 * MiB)],
  ['an ArrayBuffer', () => new ArrayBuffer(64 * MiB)],
  ['a resizable ArrayBuffer', () => new ArrayBuffer(64 * MiB, { maxByteLength: 65 * MiB })],
  ['a Buffer', () => Buffer.alloc(64 * MiB)],
  ['a DataView', () => new DataView(new ArrayBuffer(64 * MiB))],
  ['a SharedArrayBuffer', () => new SharedArrayBuffer(64 * MiB)],
  [
    'views that overlap',
    () => {
      const memory = new Uint8Array(64 * MiB)
      return Array.from({ length: 64 }, (_, i) => memory.subarray(i * MiB, (i + 2) * MiB))
    },
  ],
]
for (const [name, make] of large) {
  cost(`64 MiB as ${name} are neither copied by encode nor by decode`, () => {
    const value = make()
    const codec = new Codec()
    codec.decode(codec.encode({ value: new Uint8Array(5000) }))
    let packet = codec.encode(1)
    const encoding = taken(() => {
      packet = codec.encode({ value })
    })
    let copy: unknown
    const decoding = taken(() => {
      copy = codec.decode(packet)
    })
    assert.ok(packet.meta.length < 2000)
    for (const { heap, memory } of [encoding, decoding]) {
      assert.ok(heap < MiB, `${heap} bytes of heap`)
      assert.ok(memory < MiB, `${memory} bytes of memory`)
    }
    assert.is(typeof copy, 'object')
  })
}

cost('a short text that is kept pins a short piece of its message', () => {
  const ids: string[] = []
  const sent = (id: number) => ({
    id: `customer-id-${id}`.padEnd(24, '-'),
    lines: Array.from({ length: 60 }, (_, i) => `line ${i} of ${id}, with some text behind it, narrow`),
  })
  const wide = (id: number) => ({ ...sent(id), wide: 'ж'.repeat(100) })
  for (const make of [sent, wide]) {
    ids.length = 0
    const before = keptBytes()
    for (let i = 0; i < 3000; i++) ids.push(decode<{ id: string }>(encode(make(i))).id)
    const kept = (keptBytes() - before) / ids.length
    // All of its message is some 3 kB.
    assert.ok(kept < 1000, `${kept} bytes for ${ids[0]}`)
  }
})

for (const [name, make] of [
  ['one long text', () => 'x'.repeat(8 * MiB)],
  ['many texts', () => Array.from({ length: 8 * 1024 }, (_, i) => 'x'.repeat(1000) + i)],
  ['bytes in band', () => new Uint8Array(8 * MiB)],
  ['numbers', () => Array.from({ length: MiB }, (_, i) => i / 3)],
] as const) {
  cost(`a codec keeps no memory of a large message: ${name}`, async () => {
    const codec = new Codec({ threshold: Number.POSITIVE_INFINITY })
    const run = (value: unknown) => void codec.decode(codec.encode(value))
    run('x'.repeat(100))
    const before = keptBytes()
    for (let i = 0; i < 3; i++) run(make())
    // What the engine still holds of the last call it lets go of when the turn is over.
    await new Promise(resolve => setTimeout(resolve, 0))
    const kept = keptBytes() - before
    assert.ok(kept < 2 * MiB, `${kept} bytes`)
    assert.is(codec.decode(codec.encode(1)), 1)
  })
}

cost.run()

const letGo = suite('ownership: what a call was asked for')

class Scene {}
const callsWith: [name: string, call: (scene: Scene) => void][] = [
  [
    'encode',
    scene => void encode({ a: new Uint8Array(5000) }, { bufferCallback: () => scene === undefined }),
  ],
  ['release', scene => void release({ a: Object.assign(new Uint8Array(5000), { scene }) })],
  ['decode', scene => void decode(encode(1), { types: typesOf(scene) })],
  ...[msgpack, cbor, flexbuffers, pickle].flatMap((format): typeof callsWith => [
    [`encode as ${format.name}`, scene => void encode({ a: 1 }, { format, types: typesOf(scene) })],
    [
      `decode of ${format.name}`,
      scene => void decode(encode({ a: 1 }, { format }), { format, types: typesOf(scene) }),
    ],
  ]),
]
const typesOf = (scene: Scene) =>
  registry(defineType({ tag: 'scene', is: value => value === scene, reduce: () => 1, rebuild: () => scene }))

for (const [name, call] of callsWith) {
  letGo(`${name}: is let go of when it is over`, async () => {
    const scene = (() => {
      const scene = new Scene()
      call(scene)
      return new WeakRef(scene)
    })()
    // A WeakRef that was made holds on until the turn is over.
    await new Promise(resolve => setTimeout(resolve, 0))
    collect()
    assert.is(scene.deref(), undefined)
  })
}

letGo.run()
