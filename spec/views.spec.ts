import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { wasmMemory } from '../fixtures/values/memory.js'
import { decode, encode, outOfBand } from '../src/index.js'
import { difference } from './same.js'

/** Offset and length of each buffer on the memory of its view. */
type Windows = [offset: number, length: number][]

interface Row {
  readonly name: string
  readonly make: () => unknown
  readonly windows: Windows
  /** Places in the value, in the order of the buffers, of the first view on each. */
  readonly first?: number[]
}

const bytes = (memory: ArrayBufferLike, ...windows: Windows): Uint8Array[] =>
  windows.map(([offset, length]) => new Uint8Array(memory, offset, length))
const on = (...windows: Windows): Uint8Array[] => bytes(new ArrayBuffer(64), ...windows)
const resizable = (byteLength: number, maxByteLength: number): ArrayBuffer =>
  new ArrayBuffer(byteLength, { maxByteLength })

const rows: Row[] = [
  { name: 'a view on all of its memory', make: () => on([0, 64]), windows: [[0, 64]] },
  { name: 'a view on a part', make: () => on([5, 7]), windows: [[5, 7]] },
  { name: 'an empty view', make: () => on([5, 0]), windows: [[5, 0]] },
  { name: 'a DataView', make: () => [new DataView(new ArrayBuffer(64), 3, 5)], windows: [[3, 5]] },
  { name: 'a Float64Array', make: () => [new Float64Array(new ArrayBuffer(64), 16, 3)], windows: [[16, 24]] },
  { name: 'an ArrayBuffer', make: () => [new ArrayBuffer(9)], windows: [[0, 9]] },
  { name: 'views that overlap', make: () => on([0, 8], [4, 8]), windows: [[0, 12]] },
  { name: 'views that touch', make: () => on([8, 8], [16, 8]), windows: [[8, 16]] },
  {
    name: 'views a byte apart',
    make: () => on([0, 8], [9, 8]),
    windows: [
      [0, 8],
      [9, 8],
    ],
    first: [0, 1],
  },
  { name: 'nested views', make: () => on([0, 32], [4, 8], [6, 1]), windows: [[0, 32]] },
  { name: 'nested views, the inner first', make: () => on([6, 1], [4, 8], [0, 32]), windows: [[0, 32]] },
  { name: 'equal windows', make: () => on([3, 5], [3, 5]), windows: [[3, 5]] },
  {
    name: 'buffers come in the order of the value, not of memory',
    make: () => on([40, 8], [0, 8], [20, 8]),
    windows: [
      [40, 8],
      [0, 8],
      [20, 8],
    ],
    first: [0, 1, 2],
  },
  {
    name: 'a gap that a later view closes',
    make: () => on([32, 8], [0, 8], [8, 24]),
    windows: [[0, 40]],
    first: [0],
  },
  {
    name: 'runs that a later view extends',
    make: () => on([0, 8], [32, 8], [6, 4], [30, 4]),
    windows: [
      [0, 10],
      [30, 10],
    ],
    first: [0, 1],
  },
  {
    name: 'an empty view in a gap is a run of its own',
    make: () => on([0, 8], [20, 0]),
    windows: [
      [0, 8],
      [20, 0],
    ],
  },
  { name: 'an empty view at the end of another joins it', make: () => on([0, 8], [8, 0]), windows: [[0, 8]] },
  {
    name: 'an empty view between two that touch',
    make: () => on([0, 8], [8, 0], [8, 8]),
    windows: [[0, 16]],
  },
  {
    name: 'an ArrayBuffer after its views is one buffer, whole',
    make: () => {
      const [a, b] = on([8, 8], [32, 8])
      return [a, b, a!.buffer]
    },
    windows: [[0, 64]],
    first: [0],
  },
  {
    name: 'an ArrayBuffer before its views',
    make: () => {
      const [a, b] = on([8, 8], [32, 8])
      return [a!.buffer, a, b]
    },
    windows: [[0, 64]],
    first: [0],
  },
  {
    name: 'an ArrayBuffer between its views, with another between',
    make: () => {
      const [a, b] = on([8, 8], [32, 8])
      return [a, new ArrayBuffer(3), a!.buffer, b]
    },
    windows: [
      [0, 64],
      [0, 3],
    ],
    first: [0, 1],
  },
  {
    name: 'views of many kinds on one window',
    make: () => {
      const memory = new ArrayBuffer(64)
      return [new Uint8Array(memory, 1, 7), new Float64Array(memory, 8, 1), new DataView(memory, 15, 3)]
    },
    windows: [[1, 17]],
    first: [0],
  },
  {
    name: 'views of two ArrayBuffers',
    make: () => [...on([8, 8]), ...on([8, 8])],
    windows: [
      [8, 8],
      [8, 8],
    ],
    first: [0, 1],
  },
  {
    name: 'views of 40 ArrayBuffers, in turn',
    make: () => {
      const memories = Array.from({ length: 40 }, () => new ArrayBuffer(64))
      return [...memories.flatMap(m => bytes(m, [0, 8])), ...memories.flatMap(m => bytes(m, [4, 8]))]
    },
    windows: Array.from({ length: 40 }, (): [number, number] => [0, 12]),
    first: Array.from({ length: 40 }, (_, i) => i),
  },
  { name: 'resizable memory', make: () => bytes(resizable(24, 64), [4, 8]), windows: [[4, 8]] },
  {
    name: 'resizable memory and a view that follows it',
    make: () => [new Uint8Array(resizable(24, 64), 4)],
    windows: [[4, 20]],
  },
  {
    name: 'a view that follows, and a fixed one with a gap',
    make: () => {
      const memory = resizable(24, 64)
      return [new Uint8Array(memory, 16), new Uint8Array(memory, 0, 4)]
    },
    windows: [
      [16, 8],
      [0, 4],
    ],
    first: [0, 1],
  },
  { name: 'memory of WebAssembly', make: () => bytes(wasmMemory().buffer, [100, 50]), windows: [[100, 50]] },
  {
    name: 'shared memory',
    make: () => bytes(new SharedArrayBuffer(64), [3, 5], [40, 2]),
    windows: [
      [3, 5],
      [40, 2],
    ],
    first: [0, 1],
  },
]

const layout = suite('views: windows')

for (const { name, make, windows, first } of rows) {
  layout(name, () => {
    const value = make() as (ArrayBufferView | ArrayBuffer)[]
    const sources: unknown[] = []
    const packet = encode(value, {
      bufferCallback: (_, view) => {
        sources.push(view)
      },
    })
    assert.equal(
      packet.buffers.map(({ byteOffset, byteLength }) => [byteOffset, byteLength]),
      windows,
    )
    for (const [i, source] of sources.entries()) {
      const memory = ArrayBuffer.isView(source) ? source.buffer : source
      assert.is(packet.buffers[i]!.buffer, memory)
    }
    assert.equal(
      sources.map(source => value.indexOf(source as ArrayBuffer)),
      first ?? sources.map((_, i) => i),
    )
    const copies = decode<typeof value>(packet)
    assert.is(difference(value, copies), undefined)
    for (const [i, copy] of copies.entries()) {
      const sent = value[i]!
      if (ArrayBuffer.isView(copy)) assert.is(copy.buffer, (sent as Uint8Array).buffer)
      else assert.is(copy, sent)
    }
  })
}

for (const [name, max] of [
  ['with room for an element more', 64],
  ['with no room for it', 12],
] as const) {
  for (const threshold of [0, Number.POSITIVE_INFINITY]) {
    layout(
      `a view follows memory that is no multiple of its elements, ${name}, threshold ${threshold}`,
      () => {
        const memory = resizable(8, max)
        const view = new BigInt64Array(memory)
        memory.resize(12)
        new Uint8Array(memory).fill(7)
        for (const value of [[view], [view, memory], [view, new Uint8Array(memory)]]) {
          const copies = decode<[BigInt64Array, unknown]>(encode(value, { threshold }))
          assert.is(difference(value, copies), undefined)
          const [copy] = copies
          ;(copy.buffer as ArrayBuffer).resize(7)
          assert.is(copy.length, 0)
        }
      },
    )
  }
}

layout('many views that follow such memory, of every kind and place, are each what they were', () => {
  for (const length of [4097, 4098, 4103]) {
    const memory = resizable(4104, 8192)
    const kinds = [Uint8Array, Int16Array, Float32Array, Float64Array, BigInt64Array, DataView]
    const value = kinds.flatMap(Kind =>
      [0, 8, 4088].map(at => Reflect.construct(Kind, [memory, at]) as DataView),
    )
    memory.resize(length)
    new Uint8Array(memory).fill(7)
    const copies = decode<DataView[]>(encode(value, { threshold: 0 }))
    assert.is(difference(value, copies), undefined)
    ;(copies[0]!.buffer as ArrayBuffer).resize(4104)
    memory.resize(4104)
    assert.is(difference(value, copies), undefined)
  }
})

layout('a view of memory that grows keeps its length', () => {
  const memory = new SharedArrayBuffer(12, { maxByteLength: 64 } as object)
  const [copy] = decode<[Float64Array]>(encode([new Float64Array(memory, 0, 1)]))
  ;(memory as SharedArrayBuffer & { grow(byteLength: number): void }).grow(32)
  assert.is(copy.length, 1)
})

layout('a view that follows shared memory which has grown by half an element keeps its length', () => {
  const memory = new SharedArrayBuffer(8, { maxByteLength: 64 } as object)
  const view = new Float64Array(memory)
  const grow = (byteLength: number) =>
    (memory as SharedArrayBuffer & { grow(byteLength: number): void }).grow(byteLength)
  const before = encode([view, memory])
  grow(12)
  for (const packet of [before, encode([view]), encode([view, memory])]) {
    const [copy] = decode<[Float64Array]>(packet)
    assert.is(copy.buffer, memory)
    assert.is(copy.length, 1)
  }
})

/** What a view lies on is asked of itself, not of properties that it, or its class, or nobody has. */
const disguised: readonly (readonly [what: string, disguise: (view: Float32Array) => unknown])[] = [
  [
    'with a buffer and an offset of its own',
    view =>
      Object.defineProperties(view, { buffer: { value: new ArrayBuffer(64) }, byteOffset: { value: 8 } }),
  ],
  ['with a length of its own', view => Object.defineProperty(view, 'byteLength', { value: 400 })],
  ['of a class that has another buffer', view => Object.setPrototypeOf(view, Impostor.prototype)],
  ['without its prototype', view => Object.setPrototypeOf(view, null)],
]

class Impostor extends Float32Array<ArrayBuffer> {
  override get buffer(): ArrayBuffer {
    return new ArrayBuffer(64)
  }
}

for (const [what, disguise] of disguised)
  for (const memory of [new ArrayBuffer(64), resizable(64, 128)])
    for (const threshold of [0, Number.POSITIVE_INFINITY]) {
      const kind = memory.resizable ? 'resizable' : 'fixed'
      layout(`a view ${what}, on ${kind} memory, threshold ${threshold}`, () => {
        const view = new Float32Array(memory, 16, 4).fill(1.5)
        disguise(view)
        const copy = decode<Float32Array>(encode(view, { threshold }))
        assert.equal(Array.from(copy), [1.5, 1.5, 1.5, 1.5])
        assert.is(Object.getPrototypeOf(copy), Float32Array.prototype)
        assert.is(copy.buffer === memory, threshold === 0)
        assert.is(copy.byteLength, 16)
      })
    }

layout(
  'a view that ends where growable shared memory ends keeps its length, but a DataView, which cannot be asked',
  () => {
    const makes: [name: string, keeps: boolean, make: (memory: SharedArrayBuffer) => ArrayBufferView][] = [
      ['Uint8Array', true, memory => new Uint8Array(memory, 2, 6)],
      ['Float64Array', true, memory => new Float64Array(memory, 0, 1)],
      ['BigInt64Array', true, memory => new BigInt64Array(memory, 0, 1)],
      ['Buffer', true, memory => Buffer.from(memory, 2, 6)],
      ['empty Buffer', true, memory => Buffer.from(memory, 8, 0)],
      ['DataView', false, memory => new DataView(memory, 2, 6)],
      ['Uint8Array that follows', false, memory => new Uint8Array(memory, 2)],
      [
        'Buffer that follows',
        false,
        memory => Object.setPrototypeOf(new Uint8Array(memory, 2), Buffer.prototype),
      ],
    ]
    for (const [name, keeps, make] of makes) {
      const memory = new SharedArrayBuffer(8, { maxByteLength: 16 })
      const view = make(memory)
      const { byteLength } = view
      const copy = decode<ArrayBufferView>(encode(view, { threshold: 0 }))
      assert.is(copy.buffer, memory)
      memory.grow(16)
      assert.is(copy.byteLength === byteLength, keeps, name)
    }
  },
)

layout('an empty view without its prototype follows no memory', () => {
  for (const at of [0, 16, 64]) {
    const memory = resizable(64, 128)
    const view = Object.setPrototypeOf(new Float32Array(memory, at, 0), null) as Float32Array
    const [buffer, copy] = decode<[ArrayBuffer, Float32Array]>(encode([memory, view], { threshold: 0 }))
    buffer.resize(128)
    assert.is(copy.length, 0)
  }
})

layout('a DataView without its prototype arrives as a DataView', () => {
  const view = Object.setPrototypeOf(new DataView(new ArrayBuffer(16), 4, 3), null) as DataView
  const copy = decode<DataView>(encode(view, { threshold: 0 }))
  assert.instance(copy, DataView)
  assert.equal([copy.byteOffset, copy.byteLength], [4, 3])
})

class Pretender extends ArrayBuffer {
  override get byteLength(): number {
    return 5
  }
}
for (const [what, memory] of [
  [
    'without bytes, by a property of its own',
    Object.defineProperty(new ArrayBuffer(8), 'byteLength', { value: 0 }),
  ],
  [
    'of too many, by a property of its own',
    Object.defineProperty(new ArrayBuffer(8), 'byteLength', { value: 99 }),
  ],
  ['of another length, by its class', new Pretender(8)],
] as const)
  for (const threshold of [0, Number.POSITIVE_INFINITY])
    layout(`an ArrayBuffer ${what}, threshold ${threshold}`, () => {
      new Uint8Array(memory).fill(7)
      const [copy, view] = decode<[ArrayBuffer, Uint8Array]>(
        encode([memory, new Uint8Array(memory, 2)], { threshold }),
      )
      assert.is(view.buffer, copy)
      assert.equal([...view], [7, 7, 7, 7, 7, 7])
      assert.is(new Uint8Array(copy).length, 8)
    })

layout('a view follows resizable memory of whatever byteLength of its own', () => {
  for (const value of [0, 16, 99]) {
    const memory = Object.defineProperty(resizable(16, 64), 'byteLength', { value })
    const views = [new Uint8Array(memory, 0, 8), new Uint8Array(memory, 4)]
    const [buffer, ...copies] = decode<[ArrayBuffer, ...Uint8Array[]]>(
      encode([memory, ...views], { threshold: 0 }),
    )
    buffer.resize(32)
    assert.equal(
      copies.map(({ length }) => length),
      [8, 28],
    )
  }
})

layout('a view twice, and wrapped, is one buffer', () => {
  const [view] = on([3, 5])
  assert.is(encode([view, { view }, outOfBand(view!)], { threshold: 0 }).buffers.length, 1)
})

layout('a wrapper sends a view out of band that was met bare before', () => {
  const view = new Uint8Array(8)
  assert.is(encode([outOfBand(view), view]).buffers.length, 1)
  assert.is(encode([view, outOfBand(view)]).buffers.length, 1)
  assert.is(encode([view.subarray(0, 4), outOfBand(view)]).buffers.length, 1)
})

layout.run()
