/** What pickles can be asked for: names of the caller's, custom types, what becomes what; and what is refused. */
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bytes, name, type Part, text } from '../../fixtures/hostile/pickles.js'
import {
  type DType,
  NDArray,
  type PickleOptions,
  PythonName,
  PythonObject,
  pickle,
  pickleFormat,
} from '../../src/formats/pickle/index.js'
import * as ops from '../../src/formats/pickle/ops.js'
import {
  Codec,
  decode,
  defineType,
  encode,
  isReadonly,
  type Limits,
  outOfBand,
  type PacketLike,
  registry,
} from '../../src/index.js'
import { difference } from '../same.js'
import { refused, thrown } from '../thrown.js'

const { POSITIVE_INFINITY } = Number
const read = (parts: Part, options?: PickleOptions, buffers: PacketLike['buffers'] = []): unknown =>
  decode({ meta: bytes(ops.PROTO, 5, parts, ops.STOP), buffers }, { format: pickleFormat(options) })
const through = (value: unknown, options?: PickleOptions): unknown => {
  const format = pickleFormat(options)
  return decode(encode(value, { format }), { format })
}

class Point {
  x = 0
  y = 0
  constructor(...args: unknown[]) {
    if (args.length > 0) Object.assign(this, { x: args[0], y: args[1] })
  }
}

const POINT = name('shapes', 'Point')
const fields = [ops.EMPTY_DICT, ops.MARK, text('x'), ops.BININT1, 3, text('y'), ops.BININT1, 4, ops.SETITEMS]
const args = [ops.BININT1, 3, ops.BININT1, 4, ops.TUPLE2]

const globals = suite('pickle options: globals')

const calls: readonly (readonly [name: string, parts: Part])[] = [
  ['arguments', [POINT, args, ops.REDUCE]],
  ['arguments of __new__', [POINT, args, ops.NEWOBJ]],
  ['a state', [POINT, ops.EMPTY_TUPLE, ops.NEWOBJ, fields, ops.BUILD]],
  ['a state and slots', [POINT, ops.EMPTY_TUPLE, ops.NEWOBJ, ops.NONE, fields, ops.TUPLE2, ops.BUILD]],
  [
    'a state, by copyreg of the oldest protocol',
    [
      'ccopy_reg\n_reconstructor\n',
      ops.MARK,
      POINT,
      name('builtins', 'object'),
      ops.NONE,
      ops.TUPLE,
      ops.REDUCE,
      fields,
      ops.BUILD,
    ],
  ],
  [
    'arguments, by copyreg',
    [name('copyreg', '__newobj__'), POINT, ops.BININT1, 3, ops.BININT1, 4, ops.TUPLE3, ops.REDUCE],
  ],
  ['arguments, as Python 2 had them', [ops.MARK, POINT, ops.BININT1, 3, ops.BININT1, 4, ops.OBJ]],
]
for (const [what, parts] of calls) {
  globals(`a class gets ${what}`, () => {
    const point = read(parts, { globals: { 'shapes.Point': (...args) => new Point(...args) } })
    assert.instance(point, Point)
    assert.is(difference(Object.assign(new Point(), { x: 3, y: 4 }), point), undefined)
  })

  globals(`a class that is kept has ${what}`, () => {
    const kept = read(parts, { globals: { 'shapes.Point': true } })
    assert.instance(kept, PythonObject)
    assert.is((kept as PythonObject).name, 'shapes.Point')
    const again = through(kept, { globals: { 'shapes.Point': true } })
    assert.is(difference(kept, again), undefined)
  })
}

globals('keyword arguments come last, as an object', () => {
  const parts = [
    POINT,
    ops.BININT1,
    3,
    ops.TUPLE1,
    ops.EMPTY_DICT,
    text('y'),
    ops.BININT1,
    4,
    ops.SETITEM,
    ops.NEWOBJ_EX,
  ]
  assert.equal(read(parts, { globals: { 'shapes.Point': (...args: unknown[]) => args } }), [3, { y: 4 }])
  const kept = read(parts, { globals: { 'shapes.Point': true } }) as PythonObject
  assert.equal(kept.kwargs, { y: 4 })
  assert.is(difference(kept, through(kept, { globals: { 'shapes.Point': true } })), undefined)
})

globals('a class with setState, extend and update gets what it is given', () => {
  const log: unknown[] = []
  const object = {}
  const stand = {
    create: () => object,
    setState: (_: object, state: unknown) => void log.push(['state', state]),
    extend: (_: object, items: readonly unknown[]) => void log.push(['items', items]),
    update: (_: object, entries: readonly unknown[]) => void log.push(['entries', entries]),
  }
  const items = [ops.MARK, ops.NONE, ops.NEWTRUE, ops.APPENDS]
  const entries = [text('a'), ops.NONE, ops.SETITEM]
  const parts = [POINT, ops.EMPTY_TUPLE, ops.NEWOBJ, items, entries, ops.BININT1, 7, ops.BUILD]
  assert.is(read(parts, { globals: { 'shapes.Point': stand } }), object)
  assert.equal(log, [
    ['items', [null, true]],
    ['entries', [['a', null]]],
    ['state', 7],
  ])
})

globals('what setState returns takes the place of the object, in the memo too', () => {
  const stand = { create: () => ({}), setState: (_: object, state: unknown) => ({ state }) }
  const parts = [
    POINT,
    ops.EMPTY_TUPLE,
    ops.NEWOBJ,
    ops.MEMOIZE,
    ops.BININT1,
    7,
    ops.BUILD,
    ops.BINGET,
    0,
    ops.TUPLE2,
  ]
  const [one, other] = read(parts, { globals: { 'shapes.Point': stand } }) as unknown[]
  assert.equal(one, { state: 7 })
  assert.is(one, other)
})

globals('an object may be part of its own state', () => {
  const parts = [
    POINT,
    ops.EMPTY_TUPLE,
    ops.NEWOBJ,
    ops.MEMOIZE,
    ops.EMPTY_DICT,
    text('x'),
    ops.BINGET,
    0,
    ops.SETITEM,
    ops.BUILD,
  ]
  const point = read(parts, { globals: { 'shapes.Point': () => new Point() } }) as Point
  assert.is(point.x as unknown, point)
})

globals('a class of its own goes before a built-in one, by both of its names', () => {
  const module = (of: string) => [name(of, 'scalar'), ops.BININT1, 1, ops.TUPLE1, ops.REDUCE]
  const options = { globals: { 'numpy.core.multiarray.scalar': (n: number) => `scalar ${n}` } }
  assert.is(read(module('numpy.core.multiarray'), options), 'scalar 1')
  assert.is(read(module('numpy._core.multiarray'), options), 'scalar 1')
})

globals('a subclass of list, a subclass of dict', () => {
  const items = [ops.MARK, ops.NONE, ops.NEWTRUE, ops.APPENDS]
  const options = { globals: { 'm.List': () => [], 'm.Dict': () => new Map() } }
  assert.equal(read([name('m', 'List'), ops.EMPTY_TUPLE, ops.NEWOBJ, items], options), [null, true])
  const entries = [text('a'), ops.NONE, ops.SETITEM]
  assert.equal(
    read([name('m', 'Dict'), ops.EMPTY_TUPLE, ops.NEWOBJ, entries], options),
    new Map([['a', null]]),
  )
})

for (const [what, stand] of [
  ['kept', true],
  ['updated', { create: () => ({}), update: () => {} }],
  ['a Map', () => new Map()],
] as const) {
  globals(`entries of a subclass of dict count as those of a dict do: ${what}`, () => {
    const entries = [ops.MARK, ops.BININT1, 1, ops.NONE, ops.BININT1, 2, ops.NONE, ops.SETITEMS]
    const meta = bytes(name('m', 'Dict'), ops.EMPTY_TUPLE, ops.NEWOBJ, entries, ops.STOP)
    const format = pickleFormat({ globals: { 'm.Dict': stand } })
    const within = (limits: Partial<Limits>) => () => decode({ meta, buffers: [] }, { format, limits })
    within({ items: 4, numberKeys: 2 })()
    refused(within({ items: 3 }), 'LIMIT', { limit: 'items', requested: 4 })
    refused(within({ numberKeys: 1 }), 'LIMIT', { limit: 'numberKeys', requested: 2 })
  })
}

globals('names are own properties of the list, and what becomes of it later changes nothing', () => {
  const list: Record<string, () => number> = { 'm.f': () => 1 }
  const format = pickleFormat({ globals: list })
  delete list['m.f']
  const meta = bytes(name('m', 'f'), ops.EMPTY_TUPLE, ops.REDUCE, ops.STOP)
  assert.is(decode({ meta, buffers: [] }, { format }), 1)
})

for (const wrong of [
  { globals: 7 },
  { globals: { 'm.f': 7 } },
  { globals: { 'm.f': { setState: () => {} } } },
  { int64: 'float' },
  { dicts: 'array' },
  { vectors: true },
  { uint8: 'text' },
]) {
  globals(`${JSON.stringify(wrong)} is refused`, () => {
    assert.instance(
      thrown(() => pickleFormat(wrong as never)),
      TypeError,
    )
  })
}

globals.run()

const types = suite('pickle options: custom types')

class Tensor {
  constructor(
    readonly data: Float32Array,
    readonly shape: number[],
  ) {}
}
class Node {
  next: Node | undefined
  label = ''
}
class Money {
  constructor(readonly amount: string) {}
}
const custom = registry(
  defineType<Tensor, unknown[]>({
    class: Tensor,
    tag: 'tensors.Tensor',
    reduce: ({ data, shape }) => [data, shape],
    rebuild: ([data, shape]) => new Tensor(data as Float32Array, shape as number[]),
  }),
  defineType({
    class: Node,
    tag: 'node',
    reduce: ({ next, label }: Node) => ({ next, label }),
    create: () => new Node(),
    fill: (node, parts) => Object.assign(node, parts),
  }),
  defineType<Money, string>({
    class: Money,
    tag: 'money.Money',
    reduce: ({ amount }) => amount,
    rebuild: amount => new Money(amount),
  }),
)
const codec = new Codec({ types: custom, format: pickle })

types('parts that are an array are arguments, other parts a state', () => {
  const tensor = new Tensor(Float32Array.of(1, 2), [2])
  const money = new Money('1.10')
  assert.is(
    difference(
      { tensor, money, again: tensor },
      codec.decode(codec.encode({ tensor, money, again: tensor })),
    ),
    undefined,
  )
})

types('a two-step type may be part of a cycle, a one-step type may not', () => {
  const node = new Node()
  node.next = node
  const copy = codec.decode<Node>(codec.encode(node))
  assert.instance(copy, Node)
  assert.is(copy.next, copy)
  const shape: unknown[] = []
  const tensor = new Tensor(new Float32Array(1), shape as number[])
  shape.push(tensor)
  refused(() => codec.encode([tensor]), 'UNSUPPORTED')
})

types('a tag of a class inside of another has a colon behind its module', () => {
  class Segment {
    readonly length: number
    constructor(length: number) {
      this.length = length
    }
  }
  class Plain extends Segment {}
  const types = registry(
    defineType<Plain, unknown[]>({
      class: Plain,
      tag: 'shapes:Plain',
      reduce: ({ length }) => [length],
      rebuild: ([length]) => new Plain(length as number),
    }),
    defineType<Segment, unknown[]>({
      class: Segment,
      tag: 'shapes:Path.Segment',
      reduce: ({ length }) => [length],
      rebuild: ([length]) => new Segment(length as number),
    }),
  )
  const segments = [new Segment(5), new Segment(6)]
  const { meta } = encode(segments, { format: pickle, types })
  assert.ok(Buffer.from(meta).includes(Buffer.from(bytes(text('shapes'), ops.MEMOIZE, text('Path.Segment')))))
  assert.is(difference(segments, decode({ meta, buffers: [] }, { format: pickle, types })), undefined)
  const plain = new Plain(7)
  assert.is(
    difference(plain, decode(encode(plain, { format: pickle, types }), { format: pickle, types })),
    undefined,
  )
  for (const global of ['shapes.Path.Segment', 'shapes:Path.Segment']) {
    const format = pickleFormat({ globals: { [global]: true } })
    const kept = decode<PythonObject[]>({ meta, buffers: [] }, { format })
    assert.equal(kept, [
      new PythonObject('shapes:Path.Segment', [5]),
      new PythonObject('shapes:Path.Segment', [6]),
    ])
    assert.equal([kept[0]!.name, kept[0]!.module], ['shapes.Path.Segment', 'shapes'])
    assert.equal(encode(kept, { format }).meta, meta)
  }
})

types('a tag is a name of Python; without a module it is in one called outband', () => {
  const { meta } = codec.encode(new Node())
  const kept = decode(
    { meta, buffers: [] },
    { format: pickleFormat({ globals: { 'outband.node': true } }) },
  ) as PythonObject
  assert.is(kept.name, 'outband.node')
  refused(() => decode({ meta, buffers: [] }, { format: pickle }), 'UNKNOWN_TYPE', { tag: 'outband.node' })
})

types.run()

const values = suite('pickle options: what becomes what')

values('whole numbers as text have no −0, as in Python', () => {
  for (const parts of [
    [ops.INT, '-0\n'],
    [ops.LONG, '-0L\n'],
  ])
    assert.ok(Object.is(read(parts), 0))
})

values('Dates and Sets of another realm are keys and members as well', () => {
  const keys = runInNewContext("[new Date(5), new Set(['a'])]") as [Date, Set<string>]
  const wanted = [new Date(5), new Set(['a'])] as const
  assert.is(difference(new Set(wanted), through(new Set(keys))), undefined)
  const entries = (list: readonly unknown[]) => new Map(list.map((key, i) => [key, i]))
  assert.is(difference(entries(wanted), through(entries(keys))), undefined)
})

values('dicts are objects where all keys are strings, else Maps; or always Maps', () => {
  const value = [
    { a: 1 },
    new Map<unknown, unknown>([['a', 1]]),
    new Map<unknown, unknown>([
      [1, 'a'],
      ['b', 2],
    ]),
    new Map(),
  ]
  assert.is(difference([{ a: 1 }, { a: 1 }, value[2], {}], through(value)), undefined)
  assert.is(
    difference([new Map([['a', 1]]), value[1], value[2], new Map()], through(value, { dicts: 'map' })),
    undefined,
  )
})

values('records arrive whatever dicts become; arrays in arrays in them have all their axes', () => {
  const records = (dtype: DType): DType => ({ itemsize: 12, fields: [{ name: 'a', dtype, offset: 0 }] })
  const dtype = records({ base: { base: '|u1', shape: [3] }, shape: [2, 2] })
  const sent = new NDArray(new Uint8Array(12), [1], { dtype })
  for (const dicts of ['object', 'map'] as const)
    assert.equal((through(sent, { dicts }) as NDArray).dtype, records({ base: '|u1', shape: [2, 2, 3] }))
})

values('keyword arguments and fields arrive as own properties, whatever their names', () => {
  const keys = [ops.EMPTY_DICT, ops.MARK, text('__proto__'), ops.NONE, text('1023'), ops.NONE, ops.SETITEMS]
  for (const dicts of ['object', 'map'] as const) {
    const options: PickleOptions = { dicts, globals: { 'shapes.Point': true, 'm.f': () => ({}) } }
    const { kwargs } = read([POINT, ops.EMPTY_TUPLE, keys, ops.NEWOBJ_EX], options) as PythonObject
    const object = read([name('m', 'f'), ops.EMPTY_TUPLE, ops.REDUCE, keys, ops.BUILD], options) as object
    for (const made of [kwargs as object, object])
      assert.equal(Object.entries(made), [
        ['1023', null],
        ['__proto__', null],
      ])
  }
})

values('64-bit integers are BigInts or numbers', () => {
  const sent = [BigInt64Array.of(-1n, 2n ** 53n - 1n), BigUint64Array.of(7n)]
  assert.is(difference(sent, through(sent)), undefined)
  assert.is(
    difference([Float64Array.of(-1, 2 ** 53 - 1), Float64Array.of(7)], through(sent, { int64: 'number' })),
    undefined,
  )
  refused(() => through(BigInt64Array.of(2n ** 53n), { int64: 'number' }), 'UNSUPPORTED')
  refused(() => through(BigUint64Array.of(2n ** 64n - 1n), { int64: 'number' }), 'UNSUPPORTED')
})

values('vectors are typed arrays or NDArrays', () => {
  const array = through(Float32Array.of(1, 2), { vectors: 'ndarray' })
  assert.instance(array, NDArray)
  assert.is(difference(new NDArray(Float32Array.of(1, 2), [2]), array), undefined)
})

values('views that overlap go on doing so, aligned or not', () => {
  const all = new Uint8Array(32)
  const value = [new Float64Array(all.buffer, 8, 2), new Float64Array(all.buffer, 16, 2), all.subarray(4, 24)]
  for (const threshold of [0, POSITIVE_INFINITY]) {
    const { meta, buffers } = encode(value, { format: pickle, threshold })
    for (const phase of [0, 4]) {
      const moved = buffers.map(buffer => {
        const copy = new Uint8Array(new ArrayBuffer(buffer.length + phase), phase)
        copy.set(buffer)
        return copy
      })
      const [one, other] = decode<Float64Array[]>({ meta, buffers: moved }, { format: pickle })
      one![1] = 5
      assert.is(other![0], 5, `threshold ${threshold}, phase ${phase}`)
    }
  }
})

const b64 = Uint8Array.from({ length: 64 }, (_, i) => i).buffer
const doubles = new Float64Array(b64)
for (const [what, views] of [
  ['a first one that begins before the others', [new Int16Array(b64, 6), new Float64Array(b64, 8)]],
  ['the largest elements first', [doubles, new Uint8Array(b64)]],
  ['the largest elements last', [new Uint8Array(b64, 3), new Int32Array(b64, 4), new Float64Array(b64, 8)]],
  ['one of them read-only', [outOfBand(doubles, { readonly: true }), new Float64Array(b64)]],
  ['the other one read-only', [new Float64Array(b64), outOfBand(doubles, { readonly: true })]],
  ['records', [new NDArray(new Uint8Array(b64), [32], { dtype: '<f2' }), doubles]],
  ['strides', [new NDArray(doubles, [4], { strides: [2] }), new Uint8Array(b64)]],
  ['their ArrayBuffer', [b64, new Int16Array(b64, 2)]],
] as const) {
  values(`out of band, views that overlap lie on one buffer wherever that lies: ${what}`, () => {
    const { meta, buffers } = encode(views, { format: pickle, threshold: 0 })
    for (let phase = 0; phase < 8; phase++) {
      const placed = buffers.map(buffer => {
        const copy = new Uint8Array(new ArrayBuffer(buffer.length + phase), phase)
        copy.set(buffer)
        return copy
      })
      const arrived = decode<unknown[]>({ meta, buffers: placed }, { format: pickle })
      const memory = arrived.map(
        view => ((view instanceof NDArray ? view.data : view) as ArrayBufferView).buffer,
      )
      assert.is(new Set(memory).size, 1, `phase ${phase}`)
    }
    const [first] = decode<unknown[]>({ meta, buffers }, { format: pickle })
    assert.is(((first instanceof NDArray ? first.data : first) as ArrayBufferView).buffer, b64)
  })
}

values('out of band, where a buffer of several views must lie costs three bytes, of one nothing', () => {
  const bytesOf = (value: unknown) => encode(value, { format: pickle, threshold: 0 }).meta
  const note = [ops.NEXT_BUFFER, ops.BININT1, 8 + 6, ops.POP]
  assert.ok(
    Buffer.from(bytesOf([new Int16Array(b64, 6), new Float64Array(b64, 8)])).includes(Buffer.from(note)),
  )
  assert.not(Buffer.from(bytesOf(new Float64Array(b64, 8))).includes(ops.POP))
})

values('in band, views that overlap lie on one buffer again, whichever comes first', () => {
  const { buffer } = Uint8Array.from({ length: 64 }, (_, i) => i)
  const views = [
    new Uint8Array(buffer, 1, 42),
    new Float64Array(buffer, 8, 3),
    new Int16Array(buffer, 6, 9),
    new Float32Array(buffer, 12, 4),
  ]
  for (const [i, first] of views.entries()) {
    const value = [first, ...views.toSpliced(i, 1)]
    const arrived = decode<ArrayBufferView[]>(
      encode(value, { format: pickle, threshold: POSITIVE_INFINITY }),
      { format: pickle },
    )
    assert.is(difference(value, arrived), undefined)
    assert.is(new Set(arrived.map(view => view.buffer)).size, 1)
  }
})

values('out of band is the same memory, in band a copy', () => {
  const view = new Float64Array(1024)
  const packet = encode([view, Buffer.alloc(9000)], { format: pickle })
  const [array, buffer] = decode<[Float64Array, Uint8Array]>(packet, { format: pickle })
  assert.is(array.buffer, view.buffer)
  assert.is(packet.buffers.length, 2)
  assert.is(buffer.buffer, packet.buffers[1]!.buffer)
  assert.is.not((through(Float64Array.of(1)) as Float64Array).buffer, view.buffer)
  assert.is(packet.meta.byteLength, packet.meta.buffer.byteLength)
})

values('read-only views stay so, bytes are', () => {
  for (const threshold of [0, POSITIVE_INFINITY]) {
    const value = [
      outOfBand(Float64Array.of(1), { readonly: true }),
      Float64Array.of(2),
      outOfBand(Buffer.from('a'), { readonly: true }),
    ]
    const got = decode<ArrayBufferView[]>(encode(value, { format: pickle, threshold }), { format: pickle })
    assert.equal(got.map(isReadonly), [true, false, true])
  }
})

values('bufferCallback is asked once a buffer, in order', () => {
  const asked: number[] = []
  const value = [new Uint8Array(3), Buffer.alloc(5), new Uint8Array(7)]
  const { buffers } = encode(value, {
    format: pickle,
    bufferCallback: buffer => asked.push(buffer.length) === 2,
  })
  assert.equal(asked, [3, 5, 7])
  assert.equal(
    buffers.map(({ length }) => length),
    [3, 7],
  )
})

values('bytes that lie side by side are not merged, and nothing between views leaves', () => {
  const pool = Buffer.from('secretAsecretBsecret')
  const { meta, buffers } = encode([pool.subarray(6, 7), pool.subarray(13, 14), pool.subarray(7, 7)], {
    format: pickle,
    threshold: 0,
  })
  assert.equal(
    buffers.map(buffer => Buffer.from(buffer).toString()),
    ['A', 'B', ''],
  )
  assert.not(Buffer.from(meta).includes('secret'))
})

for (const [what, value, path] of [
  ['a function', { rows: [1, () => {}] }, 'value.rows[1]'],
  ['a symbol', [Symbol('x')], 'value[0]'],
  ['a RegExp', /x/, 'value'],
  ['an Error', new Map([['e', new Error('x')]]), 'value<entry 0>'],
  ['a boxed number', [Object(1)], 'value[0]'],
  ['a promise', Promise.resolve(), 'value'],
  ['an invalid Date', [new Date(Number.NaN)], 'value[0]'],
  ['a Date of the year 10000', new Date(Date.UTC(10_000, 0)), 'value'],
  ['an object as a key', new Map([[{}, 1]]), 'value<entry 0>'],
  ['a typed array in a Set', new Set([new Uint8Array(1)]), 'value<member 0>'],
  [
    '1 and true as keys',
    new Map<unknown, unknown>([
      [1, 'a'],
      [true, 'b'],
    ]),
    'value',
  ],
  ['1 and 1n as members', new Set<unknown>([1, 1n]), 'value'],
  ['a Proxy of a typed array', [new Proxy(new Uint8Array(1), {})], 'value[0]'],
  ['null and undefined as members', new Set([null, undefined]), 'value'],
  [
    'an array of more elements than its data has',
    new NDArray(new Float64Array(1), [3], { strides: [0] }),
    'value',
  ],
] as const) {
  values(`${what} cannot travel`, () => {
    refused(() => encode(value, { format: pickle }), 'UNSUPPORTED', { path })
  })
}

values('bytes are keys and members where they are written as bytes', () => {
  const bytes = Uint8Array.of(1, 2)
  const sent = new Map<unknown, unknown>([[[1, bytes], new Set([Uint8Array.of(3)])]])
  refused(() => through(sent), 'UNSUPPORTED', { path: 'value<entry 0>[1]' })
  for (const threshold of [0, POSITIVE_INFINITY]) {
    const packet = encode(sent, { format: pickleFormat({ uint8: 'bytes' }), threshold })
    const got = decode<typeof sent>(packet, { format: pickle })
    assert.is(difference(sent, got), undefined)
    assert.is(difference(got, through(got)), undefined)
  }
  refused(() => through(new Set([outOfBand(bytes, { readonly: true }).view])), 'UNSUPPORTED')
})

for (const [what, array] of [
  ['objects', new NDArray([1, 2, 3, 4, 5, 6], [2, 3], { order: 'F' })],
  ['records', new NDArray(new Uint8Array(6), [3], { dtype: { itemsize: 2, fields: [] } })],
  [
    'records in order F',
    new NDArray(new Uint8Array(12), [3, 2], { dtype: { itemsize: 2, fields: [] }, order: 'F' }),
  ],
] as const) {
  values(`an array keeps its order: ${what}`, () => {
    assert.is(difference(array, through(array)), undefined)
  })
}

values('an array that repeats elements, but has no more than its data, travels with its strides', () => {
  for (const strides of [[0], [1, 1]]) {
    const sent = new NDArray(Float64Array.of(5, 6, 7, 8), strides.length === 1 ? [4] : [2, 2], { strides })
    assert.is(difference(sent, through(sent)), undefined)
  }
})

values('numbers of one kind, and of kinds that never are equal, are keys', () => {
  const map = new Map<unknown, unknown>([
    [0, 'a'],
    [1.5, 'b'],
    [2n ** 60n, 'c'],
    [true, 'd'],
  ])
  assert.is(difference(map, through(map)), undefined)
})

values('a Proxy of an array that says a length that is none is refused', () => {
  const get = (target: object, key: string | symbol) =>
    key === 'length' ? -1 : (Reflect.get(target, key) as unknown)
  refused(() => encode([new Proxy(['a', 'b'], { get })], { format: pickle }), 'UNSUPPORTED', {
    path: 'value[0]',
  })
})

values('strict refuses instances and properties of arrays and Maps', () => {
  const strict = { format: pickle, strict: true }
  refused(() => encode(new Point(), strict), 'UNSUPPORTED')
  refused(() => encode(Object.assign([1], { x: 1 }), strict), 'UNSUPPORTED')
  refused(() => encode([new (class Rows extends Array {})()], strict), 'UNSUPPORTED', { path: 'value[0]' })
  refused(() => encode(Object.assign(new Map(), { x: 1 }), strict), 'UNSUPPORTED')
  refused(() => encode(new (class Register extends Set {})(), strict), 'UNSUPPORTED')
  assert.equal(through(new Point()), { x: 0, y: 0 })
})

values('without references a shared object is written twice, and a cycle ends at the depth limit', () => {
  const shared = { a: 1 }
  const [one, other] = decode<object[]>(encode([shared, shared], { format: pickle, references: false }), {
    format: pickle,
  })
  assert.is.not(one, other)
  const cycle: unknown[] = []
  cycle.push(cycle)
  refused(() => encode(cycle, { format: pickle, references: false }), 'LIMIT', { limit: 'depth' })
})

values('a detached view is refused', () => {
  const view = new Float64Array(4)
  structuredClone(view, { transfer: [view.buffer] })
  refused(() => encode({ view }, { format: pickle }), 'DETACHED', { path: 'value.view' })
})

for (const [what, shape, options] of [
  ['order C', [2, 3], {}],
  ['order F', [2, 3], { order: 'F' }],
  ['an offset', [2, 2], { offset: 2 }],
  ['strides', [2, 2], { strides: [-3, 2], offset: 3 }],
  ['no elements', [0], {}],
] as const) {
  values(`an NDArray that lost its memory is refused: ${what}`, () => {
    const detached = new Float64Array(6)
    const array = new NDArray(detached, shape, options)
    structuredClone(detached, { transfer: [detached.buffer] })
    refused(() => encode({ array }, { format: pickle }), 'DETACHED', { path: 'value.array' })
  })

  values(`an NDArray whose memory shrank is refused: ${what}`, () => {
    const Resizable = ArrayBuffer as unknown as new (
      byteLength: number,
      options: { maxByteLength: number },
    ) => ArrayBuffer & { resize(byteLength: number): void }
    const buffer = new Resizable(48, { maxByteLength: 96 })
    const array = new NDArray(new Float64Array(buffer), shape, options)
    encode({ array }, { format: pickle })
    buffer.resize(8)
    if (array.size === 0) encode({ array }, { format: pickle })
    else refused(() => encode({ array }, { format: pickle }), 'DETACHED', { path: 'value.array' })
  })
}

for (const [what, value, entries] of [
  ['a Set', new Set(['k']), 1],
  ['a Map', new Map([[1, 'k']]), 1],
  ['Sets in a Set', new Set([new Set(['k']), new Set(['l'])]), 4],
  ['empty ones', [new Set(), new Set()], 0],
  ['many empty ones', Array.from({ length: 3000 }, () => new Set()), 3000],
] as const) {
  values(`entries are those of both sides: ${what}`, () => {
    const limits = (entries: number) => ({ format: pickle, limits: { entries } })
    const packet = encode(value, limits(entries))
    assert.is(difference(value, decode(packet, limits(entries))), undefined)
    if (entries === 0) return
    refused(() => encode(value, limits(entries - 1)), 'LIMIT', { limit: 'entries', requested: entries })
    refused(() => decode(packet, limits(entries - 1)), 'LIMIT', { limit: 'entries', requested: entries })
  })
}

values('encode inside encode, decode inside decode', () => {
  const inner = { a: 1 }
  const outer = {
    get nested() {
      return Buffer.from(encode(inner, { format: pickle }).meta)
    },
  }
  const { nested } = through(outer) as { nested: Uint8Array }
  assert.equal(decode({ meta: nested, buffers: [] }, { format: pickle }), inner)
})

values('in an object of Python arrays of numpy stay such, also when they are read-only', () => {
  const sent = new PythonObject('decimal.Decimal', [outOfBand(Uint8Array.of(1), { readonly: true })])
  const packet = encode(sent, { format: pickle, threshold: 0 })
  const kept = decode<PythonObject>(packet, { format: pickle })
  assert.ok(isReadonly(kept.args[0] as Uint8Array))
  assert.equal(encode(kept, { format: pickle, threshold: 0 }), packet)
  const grid = new PythonObject('decimal.Decimal', [new NDArray(kept.args[0] as Uint8Array, [1, 1])])
  assert.is(difference(grid, through(grid)), undefined)
})

values('a tuple of Python that is part of itself is refused when it is sent back', () => {
  const parts = [
    name('m', 'C'),
    ops.EMPTY_TUPLE,
    ops.NEWOBJ,
    ops.EMPTY_LIST,
    ops.MEMOIZE,
    ops.TUPLE1,
    ops.MEMOIZE,
  ]
  const options = { globals: { 'm.C': true } } as const
  // The list in the tuple gets the tuple.
  const kept = read(
    [...parts, ops.POP, ops.BINGET, 0, ops.BINGET, 1, ops.APPEND, ops.POP, ops.BINGET, 1, ops.BUILD],
    options,
  )
  refused(() => encode(kept, { format: pickle }), 'UNSUPPORTED')
})

values('names and objects of Python go there and back', () => {
  const value = [new PythonName('collections.OrderedDict'), new PythonObject('decimal.Decimal', ['1.5'])]
  assert.is(difference(value, through(value)), undefined)
})

values.run()
