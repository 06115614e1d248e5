/**
 * PEP 574 and its tests. A test's name gives the row of the PEP's semantics and the CPython test that it answers
 * (`Lib/test/pickletester.py`, `Lib/test/test_picklebuffer.py`), or the consumer's test, or the PEP's section.
 */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { NDArray, ndarrayType } from '../src/formats/pickle/index.js'
import { pack, unpack } from '../src/frame/index.js'
import {
  Codec,
  decode,
  defineType,
  encode,
  isReadonly,
  outOfBand,
  type Packet,
  registry,
} from '../src/index.js'
import { difference } from './same.js'
import { refused, thrown } from './thrown.js'

const IN_BAND = { threshold: Number.POSITIVE_INFINITY }
const OUT_OF_BAND = { threshold: 0 }

const text = 'abcdefgh'
const view = (): Uint8Array => Uint8Array.from(text, char => char.charCodeAt(0))
const contains = (bytes: Uint8Array, run: Uint8Array): boolean =>
  Buffer.from(bytes).includes(Buffer.from(run))
const detach = ({ buffer }: Uint8Array): void => {
  structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
}
/** Memory as another process would have received it. */
const received = ({ meta, buffers }: Packet): Packet => ({
  meta,
  buffers: buffers.map(buffer => buffer.slice()),
})

/** Python's tests pickle one payload as every type that has buffers; here that is a view of every kind and an ArrayBuffer. */
const kinds: [name: string, make: () => ArrayBufferView | ArrayBuffer][] = [
  ['Uint8Array', view],
  ['Buffer', () => Buffer.from(text)],
  ['DataView', () => new DataView(view().buffer)],
  ['Float64Array', () => new Float64Array(view().buffer)],
  ['BigInt64Array', () => new BigInt64Array(view().buffer)],
  ['ArrayBuffer', () => view().buffer as ArrayBuffer],
]
const memoryOf = (value: ArrayBufferView | ArrayBuffer): ArrayBufferLike =>
  ArrayBuffer.isView(value) ? value.buffer : value

const buffers = suite('pep574: buffers')

for (const [name, make] of kinds) {
  buffers(
    `P7 P8 P25 test_in_band_buffers: a ${name} in band is complete in meta and arrives as a copy`,
    () => {
      const sent = make()
      const plain = new Codec().encode([sent], IN_BAND)
      assert.ok(contains(plain.meta, view()))
      assert.is(plain.buffers.length, 0)
      const offered: Uint8Array[] = []
      const truthy = new Codec().encode([sent], {
        bufferCallback: buffer => {
          offered.push(buffer)
          return true
        },
      })
      assert.is(offered.length, 1)
      assert.is(truthy.buffers.length, 0)
      assert.is(difference(plain.meta, truthy.meta), undefined)
      const [copy] = decode<[typeof sent]>(plain)
      assert.is(difference(sent, copy), undefined)
      assert.is.not(memoryOf(copy), memoryOf(sent))
      assert.is.not(memoryOf(copy), plain.meta.buffer)
    },
  )

  buffers(`P8 P24 P15 test_oob_buffers: a ${name} out of band arrives as the same memory`, () => {
    const sent = make()
    for (const falsy of [undefined, null, false, 0, '', Number.NaN]) {
      const collected: Uint8Array[] = []
      const packet = encode([sent], {
        bufferCallback: buffer => {
          collected.push(buffer)
          return falsy
        },
      })
      assert.not.ok(contains(packet.meta, view()))
      assert.is(packet.buffers.length, 1)
      assert.is(collected.length, 1)
      assert.is(collected[0], packet.buffers[0])
      refused(() => decode({ meta: packet.meta, buffers: [] }), 'BUFFERS', { buffer: 0 })
      for (const list of [collected, new Set(collected), collected.values(), lazily(collected)]) {
        const [copy] = decode<[typeof sent]>({ meta: packet.meta, buffers: list })
        assert.is(memoryOf(copy), memoryOf(sent))
        assert.is(difference([sent], [copy]), undefined)
      }
    }
  })
}

function* lazily(list: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield* list
}

buffers(
  'P8: the one trap of JavaScript: a callback that returns what push returns keeps everything in band',
  () => {
    const collected: unknown[] = []
    const packet = encode(view(), { bufferCallback: collected.push.bind(collected) })
    assert.is(collected.length, 2, 'the second argument is pushed too')
    assert.is(packet.buffers.length, 0)
  },
)

buffers(
  'P10 P11: the callback is called once per buffer, in the order of the value, with the buffer and its view',
  () => {
    const views = [new Float32Array(4), new Int8Array(2000), new DataView(new ArrayBuffer(3))]
    const calls: unknown[][] = []
    const packet = encode(
      { a: views[0], deep: [new Map([[1, views[1]]]), views[2]], again: views[0] },
      {
        bufferCallback: (...args) => {
          calls.push(args)
          return args[1] === views[1]
        },
      },
    )
    assert.is(calls.length, 3)
    for (const [i, [buffer, view]] of calls.entries()) {
      assert.is(view, views[i])
      assert.instance(buffer, Uint8Array)
      assert.is((buffer as Uint8Array).buffer, views[i]!.buffer)
      assert.is((buffer as Uint8Array).byteLength, views[i]!.byteLength)
    }
    assert.is(packet.buffers.length, 2)
    assert.is(packet.buffers[0], calls[0]![0])
    assert.is(packet.buffers[1], calls[2]![0])
  },
)

buffers('P12 test_buffer_callback_error: what the callback throws passes unchanged', () => {
  for (const mine of [new RangeError('mine'), new Error('mine'), 'a string', undefined]) {
    const codec = new Codec()
    const error = thrown(() =>
      codec.encode(view(), {
        bufferCallback: () => {
          throw mine
        },
      }),
    )
    assert.is(error, mine)
    assert.is(difference(view(), codec.decode(codec.encode(view()))), undefined)
  }
})

buffers('P15 test_buffers_error: buffers that are not iterable are a TypeError', () => {
  const { meta } = encode(view(), OUT_OF_BAND)
  for (const list of [undefined, null, 5, {}, Object]) {
    assert.instance(
      thrown(() => decode({ meta, buffers: list as never })),
      TypeError,
    )
  }
})

buffers('P16 P17 test_buffers_error: too few buffers are an error that says which', () => {
  const { meta, buffers: list } = encode([new Uint8Array(3), new Uint8Array(5)], OUT_OF_BAND)
  refused(() => decode({ meta, buffers: [] }), 'BUFFERS', { buffer: 0, requested: 3, available: 0 })
  refused(() => decode({ meta, buffers: list.slice(0, 1) }), 'BUFFERS', {
    buffer: 1,
    requested: 5,
    available: 0,
  })
})

buffers('P18 P19 P20: too many buffers, of a wrong size, or no memory: silent in Python, errors here', () => {
  const { meta, buffers: list } = encode([new Uint8Array(3)], OUT_OF_BAND)
  refused(() => decode({ meta, buffers: [...list, new Uint8Array(3)] }), 'BUFFERS', { buffer: 1 })
  refused(() => decode({ meta, buffers: [new Uint8Array(4)] }), 'BUFFERS', {
    buffer: 0,
    requested: 3,
    available: 4,
  })
  refused(() => decode({ meta, buffers: [new Uint8Array(2)] }), 'BUFFERS', {
    buffer: 0,
    requested: 3,
    available: 2,
  })
  for (const none of [null, undefined, 'abc', 3, [1, 2, 3], { byteLength: 3 }]) {
    refused(() => decode({ meta, buffers: [none] as never }), 'BUFFERS', { buffer: 0 })
  }
  const without = encode([1])
  refused(() => decode({ meta: without.meta, buffers: [view()] }), 'BUFFERS', { buffer: 0 })
})

buffers(
  'P7 test_inband_accept_default_buffers_argument: a packet without buffers takes an empty iterable of any kind',
  () => {
    const { meta } = encode({ a: view() }, IN_BAND)
    for (const list of [[], new Set<Uint8Array>(), lazily([])]) {
      assert.is(difference({ a: view() }, decode({ meta, buffers: list })), undefined)
    }
  },
)

buffers('P24: writes are visible both ways', () => {
  const sent = new Float64Array(4)
  const copy = decode<Float64Array>(encode(sent, OUT_OF_BAND))
  sent[0] = 1
  copy[1] = 2
  assert.is(difference(Float64Array.of(1, 2, 0, 0), copy), undefined)
  assert.is(difference(sent, copy), undefined)
})

buffers('P28: plain bytes are offered too: every ArrayBuffer, view and Buffer is', () => {
  const value = kinds.map(([, make]) => make())
  assert.is(encode(value, OUT_OF_BAND).buffers.length, kinds.length)
})

buffers(
  'P32 test_buffers_numpy: arrays anywhere in the graph go out of band, their kinds and lengths stay',
  () => {
    const array = Float64Array.from({ length: 1000 }, (_, i) => i)
    const value = {
      rows: [{ array, column: array.subarray(10, 20) }],
      map: new Map([[array, new Set([array])]]),
    }
    const packet = encode(value)
    assert.is(packet.buffers.length, 1)
    const local = decode<typeof value>(packet)
    assert.is(local.rows[0]!.array.buffer, array.buffer)
    assert.is(difference(value, local), undefined)
    assert.is(difference(value, decode(received(packet))), undefined)
  },
)

buffers(
  'P36 FramingTests: large payloads are written beside what frames them, as they lie, and never put together',
  () => {
    const sent = [new Float64Array(100_000), new Uint8Array(50_000)]
    const packet = encode(sent)
    const chunks = pack(packet)
    for (const part of [packet.meta, ...packet.buffers]) assert.ok(chunks.includes(part))
    const rest = chunks.filter(chunk => sent.every(({ buffer }) => buffer !== chunk.buffer))
    assert.ok(rest.reduce((sum, { length }) => sum + length, 0) < 500)
    assert.is(difference(sent, decode(unpack(Buffer.concat(chunks)))), undefined)
  },
)

buffers.run()

const wrapper = suite('pep574: PickleBuffer')

wrapper('P1 test_picklebuffer_error test_constructor_failure: only a view can be wrapped', () => {
  for (const wrong of [undefined, null, 5, 'abc', [1], {}, new ArrayBuffer(4)]) {
    assert.instance(
      thrown(() => outOfBand(wrong as never)),
      TypeError,
    )
  }
})

wrapper('P1 test_release: memory that is gone is refused when wrapped and when encoded', () => {
  const gone = view()
  const wrapped = outOfBand(gone)
  detach(gone)
  refused(() => outOfBand(gone), 'DETACHED')
  refused(() => encode([wrapped]), 'DETACHED', { path: 'value[0]' })
})

wrapper('P2 test_raw: a buffer is the bytes of the view and nothing else, whatever its kind', () => {
  const memory = new ArrayBuffer(64)
  const windows = [
    new Uint8Array(memory, 8, 2),
    new Int16Array(memory, 8, 2),
    new Float64Array(memory, 8, 2),
    new DataView(memory, 8, 2),
  ]
  for (const window of windows) {
    const [buffer] = encode(outOfBand(window)).buffers
    assert.instance(buffer, Uint8Array)
    assert.is(buffer!.buffer, memory)
    assert.is(buffer!.byteOffset, 8)
    assert.is(buffer!.byteLength, window.byteLength)
  }
})

wrapper(
  'P2 test_basics: a wrapped view arrives as the bare view, out of band below the threshold too',
  () => {
    const sent = view()
    const packet = encode({ sent: outOfBand(sent) })
    assert.is(packet.buffers.length, 1)
    const { sent: copy } = decode<{ sent: Uint8Array }>(packet)
    assert.is(difference(sent, copy), undefined)
    assert.is(copy.buffer, sent.buffer)
    assert.is(encode({ sent: outOfBand(sent) }, IN_BAND).buffers.length, 0)
  },
)

wrapper(
  'P4 test_raw_non_contiguous: strided data is the business of a type, which sends what it covers',
  () => {
    class Column {
      constructor(
        readonly matrix: Float64Array,
        readonly at: number,
        readonly stride: number,
      ) {}
    }
    const type = defineType({
      class: Column,
      tag: 'column',
      reduce: ({ matrix, at, stride }) => ({ numbers: matrix.filter((_, i) => i % stride === at) }),
      rebuild: ({ numbers }) => new Column(numbers, 0, 1),
    })
    const types = registry(type)
    const column = new Column(
      Float64Array.from({ length: 9 }, (_, i) => i),
      1,
      3,
    )
    const copy = decode<Column>(encode(column, { types }), { types })
    assert.is(difference(new Column(Float64Array.of(1, 4, 7), 0, 1), copy), undefined)
  },
)

wrapper('P5: kind and length travel in meta, a shape of more dimensions in a custom type', () => {
  const packet = encode(new Int16Array([1, 2, 3]), OUT_OF_BAND)
  assert.is(difference(Int16Array.of(1, 2, 3), decode(received(packet))), undefined)
  const types = registry(ndarrayType)
  const sent = new NDArray(Int16Array.of(1, 2, 3, 4, 5, 6), [2, 3], { order: 'F' })
  const matrix = encode(sent, { types, ...OUT_OF_BAND })
  assert.equal(
    matrix.buffers.map(({ byteLength }) => byteLength),
    [12],
  )
  assert.is(difference(sent, decode(received(matrix), { types })), undefined)
})

wrapper(
  'P13 P14 test_oob_buffers_writable_to_readonly: read-only stays read-only, in band and out of band',
  () => {
    for (const options of [IN_BAND, OUT_OF_BAND]) {
      const value = { shared: outOfBand(view(), { readonly: true }), own: outOfBand(view()), bare: view() }
      const copy = decode<Record<string, Uint8Array>>(encode(value, options))
      assert.is(isReadonly(copy.shared!), true)
      assert.is(isReadonly(copy.own!), false)
      assert.is(isReadonly(copy.bare!), false)
      const again = decode<Record<string, Uint8Array>>(encode(copy, options))
      assert.is(isReadonly(again.shared!), true)
      assert.is(isReadonly(again.own!), false)
    }
  },
)

wrapper('P22 P23: which memory the receiver brings does not change what a view says of itself', () => {
  const packet = encode([outOfBand(view(), { readonly: true }), view()], OUT_OF_BAND)
  const swapped = decode<Uint8Array[]>({ meta: packet.meta, buffers: packet.buffers.map(b => b.slice()) })
  assert.equal(swapped.map(isReadonly), [true, false])
})

wrapper.run()

const graph = suite('pep574: graph')

graph(
  'P29 P30 test_picklebuffer_memoization test_bytearray_memoization: one view twice is one buffer and one view',
  () => {
    for (const threshold of [0, Number.POSITIVE_INFINITY]) {
      const sent = view()
      const packet = encode([sent, { sent }, outOfBand(sent)], { threshold })
      assert.is(packet.buffers.length, threshold === 0 ? 1 : 0)
      const [first, { sent: second }, third] = decode<[Uint8Array, { sent: Uint8Array }, Uint8Array]>(packet)
      assert.is(first, second)
      assert.is(first, third)
    }
  },
)

graph('P29 test_bytearray_memoization_bug: views that are equal but not the same stay two', () => {
  for (const threshold of [0, Number.POSITIVE_INFINITY]) {
    const [first, second] = decode<Uint8Array[]>(encode([view(), view()], { threshold }))
    assert.is.not(first, second)
    assert.is.not(first!.buffer, second!.buffer)
  }
})

graph('P31: overlapping views stop aliasing in Python; here they keep it', () => {
  for (const threshold of [0, Number.POSITIVE_INFINITY]) {
    const memory = new Uint8Array(16)
    const packet = received(encode([memory.subarray(0, 10), memory.subarray(6, 16)], { threshold }))
    const [first, second] = decode<Uint8Array[]>(packet)
    assert.is(first!.buffer, second!.buffer)
    first![6] = 7
    assert.is(second![0], 7)
  }
})

graph('P33 reducer_override: a type of the registry may return views and wrapped views', () => {
  class Tensor {
    constructor(
      readonly shape: readonly number[],
      readonly numbers: Float32Array,
    ) {}
  }
  const types = registry(
    defineType({
      class: Tensor,
      tag: 'tensor',
      reduce: ({ shape, numbers }) => [shape, outOfBand(numbers, { readonly: true })] as const,
      // On arrival a wrapped view is the view.
      rebuild: parts => new Tensor(parts[0], parts[1] as unknown as Float32Array),
    }),
  )
  const sent = new Tensor([2, 2], Float32Array.of(1, 2, 3, 4))
  const packet = encode(sent, { types })
  assert.is(packet.buffers.length, 1)
  const copy = decode<Tensor>(packet, { types })
  assert.is(difference(sent, copy), undefined)
  assert.is(copy.numbers.buffer, sent.numbers.buffer)
  assert.ok(isReadonly(copy.numbers))
})

graph('P34: a registered subclass decides for itself, an unregistered one arrives as its base', () => {
  class Samples extends Float64Array {}
  const types = registry(
    defineType({
      class: Samples,
      tag: 'samples',
      reduce: samples => new Float64Array(samples.buffer, samples.byteOffset, samples.length),
      rebuild: numbers => new Samples(numbers.buffer, numbers.byteOffset, numbers.length),
    }),
  )
  const sent = Samples.of(1, 2)
  const copy = decode<Samples>(encode(sent, { types, threshold: 0 }), { types })
  assert.is(difference(sent, copy), undefined)
  assert.is(copy.buffer, sent.buffer)
  assert.is(difference(Float64Array.of(1, 2), decode(encode(sent))), undefined)
})

graph(
  'P38 test_concurrent_mutation_in_buffer_with_bytearray: a callback that takes memory away is detected',
  () => {
    for (const [name, victim] of [
      ['detaches what it is given', 0],
      ['detaches what comes after', 1],
    ] as const) {
      for (const verdict of [true, false]) {
        const views = [view(), view()] as const
        let calls = 0
        const run = () =>
          encode(views, {
            bufferCallback: () => {
              if (calls++ === 0) detach(views[victim])
              return verdict
            },
          })
        assert.ok(refused(run, 'DETACHED'), name)
      }
    }
  },
)

graph(
  'P38 test_concurrent_mutation_in_buffer_with_memoryview: what a callback writes is what is sent',
  () => {
    const sent = view()
    const { meta } = encode(sent, { bufferCallback: buffer => buffer.fill(120) })
    assert.is(difference(new Uint8Array(8).fill(120), decode({ meta, buffers: [] })), undefined)
  },
)

graph.run()
