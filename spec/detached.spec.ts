/** Memory that goes away, shrinks or grows, before and while it is encoded: threat rows 30 and 31. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { wasmMemory } from '../fixtures/values/memory.js'
import { cbor } from '../src/formats/cbor.js'
import { flexbuffers } from '../src/formats/flexbuffers.js'
import { msgpack } from '../src/formats/msgpack.js'
import { pickle } from '../src/formats/pickle/index.js'
import { Deframer, packBytes } from '../src/frame/index.js'
import { Codec, decode, defineType, encode, isOutbandError, outOfBand, registry } from '../src/index.js'
import { difference } from './same.js'
import { refused } from './thrown.js'

type Memory = ArrayBuffer | SharedArrayBuffer
type Source = ArrayBufferView | Memory

const detach = (memory: Memory): void => {
  structuredClone(memory, { transfer: [memory as ArrayBuffer] })
}
const resize = (byteLength: number) => (memory: Memory) => (memory as ArrayBuffer).resize(byteLength)
const fixed = (): ArrayBuffer => Uint8Array.from({ length: 32 }, (_, i) => i + 1).buffer
const resizable = (): ArrayBuffer => {
  const memory = new ArrayBuffer(32, { maxByteLength: 64 })
  new Uint8Array(memory).forEach((_, i, bytes) => {
    bytes[i] = i + 1
  })
  return memory
}

interface Fate {
  readonly name: string
  readonly memory: () => Memory
  readonly source: (memory: Memory) => Source
  readonly happens: (memory: Memory) => void
  /** Whether what is left is still what was met: then the packet is whole, and says so. */
  readonly isHarmless?: true
}

const sources: [name: string, source: (memory: Memory) => Source][] = [
  ['a Uint8Array', memory => new Uint8Array(memory, 8, 8)],
  ['a Float64Array', memory => new Float64Array(memory, 8, 2)],
  ['a DataView', memory => new DataView(memory, 8, 8)],
  ['an empty Uint8Array', memory => new Uint8Array(memory, 8, 0)],
  ['an empty DataView', memory => new DataView(memory, 8, 0)],
  ['a Buffer', memory => Buffer.from(memory as ArrayBuffer, 8, 8)],
  ['an ArrayBuffer', memory => memory],
]
const tracking: [name: string, source: (memory: Memory) => Source][] = [
  ['a Uint8Array that follows', memory => new Uint8Array(memory, 8)],
  ['a DataView that follows', memory => new DataView(memory, 8)],
]

const fates: Fate[] = [
  ...sources.map(
    ([name, source]): Fate => ({ name: `${name}, detached`, memory: fixed, source, happens: detach }),
  ),
  ...[...sources, ...tracking].map(
    ([name, source]): Fate => ({
      name: `${name} on resizable memory, detached`,
      memory: resizable,
      source,
      happens: detach,
    }),
  ),
  ...[...sources, ...tracking].map(
    ([name, source]): Fate => ({
      name: `${name}, shrunk to nothing`,
      memory: resizable,
      source,
      happens: resize(0),
    }),
  ),
  ...tracking.map(
    ([name, source]): Fate => ({ name: `${name}, shrunk`, memory: resizable, source, happens: resize(20) }),
  ),
  ...tracking.map(
    ([name, source]): Fate => ({ name: `${name}, grown`, memory: resizable, source, happens: resize(40) }),
  ),
  { name: 'an ArrayBuffer, shrunk', memory: resizable, source: memory => memory, happens: resize(20) },
  { name: 'an ArrayBuffer, grown', memory: resizable, source: memory => memory, happens: resize(40) },
  ...sources.slice(0, 6).map(
    ([name, source]): Fate => ({
      name: `${name}, its memory shrunk behind it`,
      memory: resizable,
      source,
      happens: resize(24),
      isHarmless: true,
    }),
  ),
  ...sources.slice(0, 6).map(
    ([name, source]): Fate => ({
      name: `${name}, its memory grown`,
      memory: resizable,
      source,
      happens: resize(64),
      isHarmless: true,
    }),
  ),
]

class Trigger {
  constructor(readonly pull: () => void) {}
}
const types = registry(
  defineType({
    class: Trigger,
    tag: 'trigger',
    reduce: ({ pull }) => {
      pull()
      return 0
    },
    rebuild: () => new Trigger(() => {}),
  }),
)
const proxy = (pull: () => void) =>
  new Proxy(
    { a: 0 },
    {
      ownKeys: target => {
        pull()
        return Reflect.ownKeys(target)
      },
    },
  )

const AFTER_ANOTHER = 'the callback of a buffer before'
/** Code of the caller that runs inside encode, after the source was met. */
const moments: [name: string, run: (source: Source, happens: () => void) => unknown][] = [
  [
    'a getter',
    (source, happens) => encode([source, Object.defineProperty({}, 'a', { enumerable: true, get: happens })]),
  ],
  ['a Proxy', (source, happens) => encode([source, proxy(happens)])],
  ['reduce', (source, happens) => encode([source, new Trigger(happens)], { types })],
  ['the callback, out of band', (source, happens) => encode([source], { bufferCallback: happens })],
  ['the callback, in band', (source, happens) => encode([source], { bufferCallback: () => [happens()] })],
  [
    AFTER_ANOTHER,
    (source, happens) => {
      let calls = 0
      return encode([new Uint8Array(9), source], { bufferCallback: () => calls++ === 0 && happens() })
    },
  ],
  [
    'the callback of a buffer after',
    (source, happens) => {
      let calls = 0
      return encode([source, new Uint8Array(9)], { bufferCallback: () => calls++ === 1 && happens() })
    },
  ],
]

const during = suite('detached: during encode (threat row 30)')

for (const [moment, run] of moments) {
  for (const { name, memory, source, happens, isHarmless } of fates) {
    during(`${moment}: ${name}`, () => {
      const held = memory()
      const view = source(held)
      const attack = () => run(view, () => happens(held))
      if (isHarmless) assert.not.throws(attack)
      else refused(attack, 'DETACHED', { path: `value[${moment === AFTER_ANOTHER ? 1 : 0}]` })
    })
  }
}

during('a packet that comes out is whole: its views are what they were', () => {
  const memory = resizable()
  const sent = [new Uint8Array(memory, 4, 8), new DataView(memory, 12, 4)]
  const before = sent.map(view =>
    Buffer.from(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)),
  )
  const packet = encode(sent, { bufferCallback: () => [memory.resize(64)] })
  const copies = decode<ArrayBufferView[]>(packet)
  for (const [i, copy] of copies.entries()) {
    assert.ok(before[i]!.equals(new Uint8Array(copy.buffer, copy.byteOffset, copy.byteLength)))
  }
})

during('growing the memory of WebAssembly takes the old one away', () => {
  const memory = wasmMemory()
  const view = new Uint8Array(memory.buffer, 16, 16)
  refused(
    () => encode([view, Object.defineProperty({}, 'a', { enumerable: true, get: () => memory.grow(1) })]),
    'DETACHED',
  )
  refused(() => encode(view), 'DETACHED')
  assert.not.throws(() => encode(new Uint8Array(memory.buffer, 16, 16)))
})

during('the codec works on after each', () => {
  const codec = new Codec()
  const good = { view: Uint8Array.of(1, 2, 3), list: [{ a: 1 }] }
  for (let round = 0; round < 40; round++) {
    const memory = fixed()
    const bad = [
      { view: new Uint8Array(memory) },
      Object.defineProperty({}, 'a', { enumerable: true, get: () => detach(memory) }),
    ]
    refused(() => codec.encode(bad), 'DETACHED')
    assert.is(difference(good, codec.decode(codec.encode(good))), undefined)
  }
})

during.run()

const before = suite('detached: before encode (threat row 31)')

for (const { name, memory, source, happens, isHarmless } of fates) {
  // What only changed its length is simply of another length now.
  if (isHarmless || /shrunk$|grown$/.test(name)) continue
  const isMemory = name.startsWith('an ArrayBuffer')
  if (isMemory && !/detached/.test(name)) continue
  before(name, () => {
    const held = memory()
    const view = source(held)
    happens(held)
    for (const threshold of [0, Number.POSITIVE_INFINITY, undefined]) {
      refused(() => encode(view, { threshold }), 'DETACHED', { path: 'value' })
      refused(() => encode({ list: [1, view] }, { threshold }), 'DETACHED', { path: 'value.list[1]' })
    }
    if (ArrayBuffer.isView(view)) {
      const error = refused(() => outOfBand(view), 'DETACHED')
      assert.ok(isOutbandError(error))
    }
  })
}

before('a view that follows shrunk memory is what is left of it', () => {
  const memory = resizable()
  const view = new Uint8Array(memory, 8)
  memory.resize(10)
  assert.is(difference(view, decode(encode(view))), undefined)
  memory.resize(8)
  assert.is(difference(view, decode(encode(view))), undefined)
  memory.resize(7)
  refused(() => encode(view), 'DETACHED')
  memory.resize(32)
  assert.is(difference(view, decode(encode(view))), undefined)
})

before.run()

/**
 * V8 of Node 20 and 22 takes the `length` of a view that lost its memory for what it was, in functions that it has compiled
 * and that have met resizable memory.
 */
const compiled = suite('detached: in code that has met resizable memory')

const ROUNDS = 20_000
const resizableOf = (bytes: Uint8Array): Uint8Array => {
  const view = new Uint8Array(new ArrayBuffer(bytes.length, { maxByteLength: 2 * bytes.length }))
  view.set(bytes)
  return view
}
const lost = (view: Uint8Array): Uint8Array => {
  detach(view.buffer)
  return view
}

for (const format of [undefined, msgpack, cbor, flexbuffers, pickle]) {
  for (const threshold of [0, Number.POSITIVE_INFINITY]) {
    compiled(`a view that a getter takes away, threshold ${threshold}, ${format?.name ?? 'outband'}`, () => {
      const codec = new Codec({ format, threshold })
      const bytes = new Uint8Array(16)
      const count = format === undefined ? ROUNDS : ROUNDS / 4
      for (let i = 0; i < count; i++) codec.encode([{ a: 1 }, { view: i % 2 ? bytes : resizableOf(bytes) }])
      // Some call a getter once, some twice.
      for (const last of callsTwice(codec) ? [1, 2] : [1]) {
        const view = new Uint8Array(16)
        let calls = 0
        const taking = {
          get a() {
            if (++calls === last) lost(view)
            return 1
          },
        }
        refused(() => codec.encode([taking, { view }]), 'DETACHED', { path: 'value[1].view' })
      }
    })
  }
}

function callsTwice(codec: Codec): boolean {
  let calls = 0
  codec.encode({
    get a() {
      return ++calls
    },
  })
  return calls > 1
}

compiled('a chunk of a frame', () => {
  const frame = packBytes(encode({ a: 1 }))
  const deframer = new Deframer()
  for (let i = 0; i < 2 * ROUNDS; i++) for (const _ of deframer.push(i % 2 ? frame : resizableOf(frame)));
  refused(() => deframer.push(lost(frame.slice())), 'DETACHED')
})

compiled('metadata', () => {
  const codec = new Codec()
  for (const value of [{ a: 1, b: 'abc' }, 'x'.repeat(5000)]) {
    const { meta } = codec.encode(value)
    for (let i = 0; i < ROUNDS; i++) codec.decode({ meta: i % 2 ? meta : resizableOf(meta), buffers: [] })
    refused(() => codec.decode({ meta: lost(meta.slice()), buffers: [] }), 'MALFORMED')
  }
})

compiled.run()
