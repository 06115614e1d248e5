import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { difference, same } from './same.js'

type Row = [fact: string, original: unknown, copy: unknown]

class Point {
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
}
class Points<K, V> extends Map<K, V> {}
class Samples extends Float64Array {}
class Failure extends Error {}

/** Builds a value twice. */
const twice = (build: () => unknown): [unknown, unknown] => [build(), build()]
/** Sets fields that a literal cannot spell. */
const having = <T extends object>(target: T, fields: object): T => Object.assign(target, fields)
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const json = (text: string): unknown => JSON.parse(text)

const loop = (length: number): unknown => {
  const first: { next?: unknown } = {}
  let last = first
  for (let i = 1; i < length; i++) {
    const next = {}
    last.next = next
    last = next
  }
  last.next = first
  return first
}

const nested = (depth: number, leaf: unknown): unknown => {
  let value = leaf
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { value }
  return value
}

const sharing = (isShared: boolean): unknown => {
  const leaf = { leaf: true }
  return [leaf, isShared ? leaf : { ...leaf }]
}

const ownMap = (inside: boolean): unknown => {
  const map = new Map()
  return map.set('self', inside ? map : new Map([['self', map]]))
}

function stacked<T extends Error>(error: T, fields: object = {}, stack = 'at x'): T {
  Object.defineProperty(error, 'stack', {
    value: stack,
    configurable: true,
    writable: true,
    enumerable: false,
  })
  return having(error, fields)
}

/** Views on one fresh ArrayBuffer of 64 bytes counting up, so that equal contents never hide a wrong window. */
const windows = (...places: [offset: number, length: number][]): Uint8Array[] => {
  const buffer = Uint8Array.from({ length: 64 }, () => 7).buffer
  return places.map(([offset, length]) => new Uint8Array(buffer, offset, length))
}
const apart = (views: Uint8Array[]): Uint8Array[] => views.map(view => view.slice())

const resizable = (byteLength: number, maxByteLength: number): ArrayBuffer =>
  new ArrayBuffer(byteLength, { maxByteLength })
const growable = (byteLength: number, maxByteLength: number): SharedArrayBuffer =>
  new SharedArrayBuffer(byteLength, { maxByteLength })
const withBuffer = (views: Uint8Array[]): unknown => [views[0]!.buffer, ...views]

const equal: Row[] = [
  ['undefined', undefined, undefined],
  ['NaN', Number.NaN, Number.NaN],
  ['-0', -0, -0],
  ['a lone surrogate', 'a\ud800b', 'a\ud800b'],
  ['a long bigint', -(2n ** 200n), -(2n ** 200n)],
  ['objects', { a: 1, b: { c: [] } }, { a: 1, b: { c: [] } }],
  ['null-prototype objects', ...twice(() => having(Object.create(null), { a: 1 }))],
  ['own __proto__ keys', json('{"__proto__":{"a":1}}'), json('{"__proto__":{"a":1}}')],
  ['integer-like keys', { b: 0, 2: 0, 1: 0 }, { b: 0, 1: 0, 2: 0 }],
  ['symbol keys, which are ignored', { [Symbol('a')]: 1 }, {}],
  ['a toStringTag of its own, which is ignored', { [Symbol.toStringTag]: 'Map' }, {}],
  ['non-enumerable fields, which are ignored', Object.defineProperty({}, 'a', { value: 1 }), {}],
  [
    'a getter and the value it returns',
    {
      get a() {
        return 1
      },
    },
    { a: 1 },
  ],
  ['holes', [1, , 3, ,], [1, , 3, ,]],
  ['a length beyond the last element', having([1], { length: 9 }), having([1], { length: 9 })],
  ['the longest sparse array', ...twice(() => having([], { length: 2 ** 32 - 1 }))],
  ['arrays with fields', having([1], { a: 1, '-1': 2 }), having([1], { a: 1, '-1': 2 })],
  ['instances of one class', new Point(1, 2), new Point(1, 2)],
  ['a frozen object', Object.freeze({ a: 1 }), { a: 1 }],
  ['maps', new Map([[{ a: 1 }, NaN]]), new Map([[{ a: 1 }, NaN]])],
  ['sets', new Set([1, -1, 'a', NaN]), new Set([1, -1, 'a', NaN])],
  ['subclasses of Map', new Points([[1, 2]]), new Points([[1, 2]])],
  [
    'boxed values',
    [Object('a'), Object(-0), Object(true), Object(1n)],
    [Object('a'), Object(-0), Object(true), Object(1n)],
  ],
  ['dates', new Date(0), new Date(0)],
  ['invalid dates', new Date(NaN), new Date(NaN)],
  ['regular expressions', /a\/b/giu, /a\/b/giu],
  [
    'errors',
    stacked(new TypeError('a', { cause: 1 }), { code: 'E' }),
    stacked(new TypeError('a', { cause: 1 }), { code: 'E' }),
  ],
  ['aggregate errors', ...twice(() => stacked(new AggregateError([stacked(new Error('a'))], 'b')))],
  ['a shared object', sharing(true), sharing(true)],
  ['a cycle', loop(1), loop(1)],
  ['a cycle of three', loop(3), loop(3)],
  ['a map in itself', ownMap(true), ownMap(true)],
  ['one graph and itself', loop(2), loop(2)],
  ['10 000 levels', nested(10_000, -0), nested(10_000, -0)],
  ['a window at another offset', windows([3, 8])[0], windows([0, 8])[0]],
  ['a window on a smaller ArrayBuffer', windows([3, 8])[0], windows([3, 8])[0]!.slice()],
  ['a pooled Buffer and an unpooled one', Buffer.from('hi'), Buffer.from(bytes(104, 105).buffer)],
  [
    'NaN with a payload',
    new Float32Array(bytes(1, 0, 192, 127).buffer),
    new Float32Array(bytes(1, 0, 192, 127).buffer),
  ],
  ['overlapping views, moved together', windows([0, 8], [4, 8]), windows([20, 8], [24, 8])],
  ['nested views', windows([0, 32], [4, 8], [16, 8]), windows([1, 32], [5, 8], [17, 8])],
  ['touching views', windows([0, 8], [8, 8]), windows([20, 8], [28, 8])],
  ['views with a gap, on two ArrayBuffers', windows([0, 8], [9, 8]), apart(windows([0, 8], [9, 8]))],
  [
    'views on two ArrayBuffers, side by side in one frame',
    apart(windows([0, 8], [8, 8])),
    windows([0, 8], [8, 8]),
  ],
  ['empty views anywhere', windows([0, 8], [4, 0]), apart(windows([0, 8], [4, 0]))],
  [
    'an ArrayBuffer and its views',
    withBuffer(windows([0, 8], [20, 8])),
    withBuffer(windows([0, 8], [20, 8])),
  ],
  ['a resizable ArrayBuffer', resizable(8, 16), resizable(8, 16)],
  ['a growable SharedArrayBuffer', growable(8, 16), growable(8, 16)],
  ['length-tracking views', new Uint16Array(resizable(8, 16), 2), new Uint16Array(resizable(8, 16), 2)],
  ['length-tracking views without room', new Uint8Array(resizable(8, 8)), new Uint8Array(resizable(8, 8))],
  [
    'length-tracking views of a single element',
    new Float64Array(resizable(8, 8)),
    new Float64Array(resizable(8, 8)),
  ],
  ['a DataView', new DataView(new ArrayBuffer(9), 1), new DataView(new ArrayBuffer(8))],
  ['URLs', new URL('a:b'), new URL('a:b')],
  ['query strings', new URLSearchParams('a=1&b=2'), new URLSearchParams('a=1&b=2')],
  ['a function and itself', same, same],
]

const different: Row[] = [
  ['0 and -0', 0, -0],
  ['0 and -0 in a list', [0], [-0]],
  ['null and undefined', null, undefined],
  ['null and an object', null, {}],
  ['a number and a bigint', 1, 1n],
  ['a lone surrogate and U+FFFD', '\ud800', '\ufffd'],
  ['two functions', () => 1, () => 1],
  ['two symbols', Symbol('a'), Symbol('a')],
  ['a value', { a: { b: 1 } }, { a: { b: 2 } }],
  ['a missing key', { a: 1, b: undefined }, { a: 1 }],
  ['an extra key', { a: 1 }, { a: 1, b: undefined }],
  ['the order of keys', { a: 1, b: 2 }, { b: 2, a: 1 }],
  ['an own __proto__ key and none', json('{"__proto__":null}'), {}],
  ['an own __proto__ key and a prototype', json('{"__proto__":null}'), Object.create(null)],
  ['the value of an own __proto__ key', json('{"__proto__":1}'), json('{"__proto__":2}')],
  ['Object and null prototype', {}, Object.create(null)],
  ['a class and a plain object', new Point(1, 2), { x: 1, y: 2 }],
  ['an array and an object', ['a'], { 0: 'a' }],
  ['an array and an object that claims to be one', [], Object.create(Array.prototype)],
  ['a Map and an object that claims to be one', new Map(), Object.create(Map.prototype)],
  ['a hole and undefined', [,], [undefined]],
  ['the length of a sparse array', having([1], { length: 9 }), having([1], { length: 8 })],
  ['a field of an array', having([1], { a: 1 }), [1]],
  ['an array and a subclass of Array', [1], class extends Array {}.from([1])],
  [
    'the order of a map',
    new Map([
      [1, 1],
      [2, 2],
    ]),
    new Map([
      [2, 2],
      [1, 1],
    ]),
  ],
  ['a value in a map', new Map([[1, 0]]), new Map([[1, -0]])],
  ['a key of a map', new Map([[{ a: 1 }, 1]]), new Map([[{ a: 2 }, 1]])],
  ['the size of a map', new Map([[1, undefined]]), new Map()],
  ['the order of a set', new Set([1, 2]), new Set([2, 1])],
  ['a Set and a Map', new Set(), new Map()],
  ['a Map and a subclass of Map', new Points(), new Map()],
  ['a boxed string and a string', Object('a'), 'a'],
  ['boxed 0 and boxed -0', Object(0), Object(-0)],
  ['boxed true and boxed false', Object(true), Object(false)],
  ['a boxed number and a boxed bigint', Object(1), Object(1n)],
  ['two dates', new Date(0), new Date(1)],
  ['an invalid date and the epoch', new Date(NaN), new Date(0)],
  ['the source of a RegExp', /a/, /b/],
  ['the flags of a RegExp', /a/g, /a/y],
  ['the lastIndex of a RegExp', having(/a/g, { lastIndex: 1 }), /a/g],
  ['the class of an error', stacked(new TypeError('a')), stacked(new RangeError('a'))],
  ['an unknown class of error', stacked(new Failure('a')), stacked(new Error('a'))],
  ['the name of an error', stacked(new Error('a'), { name: 'A' }), stacked(new Error('a'), { name: 'B' })],
  ['the message of an error', stacked(new Error('a')), stacked(new Error('b'))],
  ['an empty message and none', stacked(new Error('')), stacked(new Error())],
  ['the stack of an error', stacked(new Error('a'), {}, 'at x'), stacked(new Error('a'), {}, 'at y')],
  ['the cause of an error', stacked(new Error('a', { cause: [0] })), stacked(new Error('a', { cause: [1] }))],
  ['an undefined cause and none', stacked(new Error('a', { cause: undefined })), stacked(new Error('a'))],
  ['the errors of an AggregateError', stacked(new AggregateError([1])), stacked(new AggregateError([2]))],
  ['a field of an error', stacked(new Error('a'), { code: 'A' }), stacked(new Error('a'))],
  ['an error and an object', stacked(new Error('a')), { message: 'a', stack: 'at x' }],
  ['a shared object and two', sharing(true), sharing(false)],
  ['two objects and a shared one', sharing(false), sharing(true)],
  ['cycles of two and of three', loop(2), loop(3)],
  ['a cycle and its unrolling', loop(1), loop(2)],
  ['a map in itself and one in another', ownMap(true), ownMap(false)],
  ['references that changed places', ...crossed()],
  ['leaves at 10 000 levels', nested(10_000, 0), nested(10_000, -0)],
  ['depths', nested(100, 0), nested(101, 0)],
  ['a Buffer and a Uint8Array', Buffer.from('a'), new Uint8Array([97])],
  ['a Uint8Array and a Uint8ClampedArray', bytes(1), Uint8ClampedArray.of(1)],
  ['an Int32Array and a Float32Array', new Int32Array(1), new Float32Array(1)],
  ['a DataView and a Uint8Array', new DataView(new ArrayBuffer(1)), bytes(0)],
  ['an ArrayBuffer and a Uint8Array', new ArrayBuffer(1), bytes(0)],
  ['a subclass of Float64Array', new Samples(1), new Float64Array(1)],
  ['the length of a typed array', bytes(1), bytes(1, 0)],
  ['the bytes of a typed array', bytes(1, 2), bytes(1, 3)],
  ['0 and -0 in a typed array', Float64Array.of(0), Float64Array.of(-0)],
  ['payloads of NaN', new Float32Array(bytes(1, 0, 192, 127).buffer), Float32Array.of(NaN)],
  ['the bytes of an ArrayBuffer', bytes(1).buffer, bytes(2).buffer],
  ['the length of an ArrayBuffer', new ArrayBuffer(1), new ArrayBuffer(2)],
  ['a resizable ArrayBuffer and a fixed one', resizable(8, 8), new ArrayBuffer(8)],
  ['the maxByteLength of an ArrayBuffer', resizable(8, 16), resizable(8, 32)],
  ['an ArrayBuffer and a SharedArrayBuffer', new ArrayBuffer(8), new SharedArrayBuffer(8)],
  ['a growable SharedArrayBuffer and a fixed one', growable(8, 8), new SharedArrayBuffer(8)],
  ['the maxByteLength of a SharedArrayBuffer', growable(8, 16), growable(8, 32)],
  ['views on shared memory and on private memory', new Uint8Array(new SharedArrayBuffer(1)), bytes(0)],
  [
    'a length-tracking view and a fixed one',
    new Uint8Array(resizable(8, 16)),
    new Uint8Array(resizable(8, 16), 0, 8),
  ],
  ['the same without room to grow', new Uint8Array(resizable(8, 8)), new Uint8Array(resizable(8, 8), 0, 8)],
  ['the same with one element', new Float64Array(resizable(8, 8)), new Float64Array(resizable(8, 8), 0, 1)],
  ['the same, empty', new Uint8Array(resizable(0, 8)), new Uint8Array(resizable(0, 8), 0, 0)],
  ['the same of a DataView', new DataView(resizable(8, 16)), new DataView(resizable(8, 16), 0, 8)],
  ['the room of a length-tracking view', new Uint8Array(resizable(8, 16)), new Uint8Array(resizable(8, 32))],
  ['overlapping views and separate ones', windows([0, 8], [4, 8]), apart(windows([0, 8], [4, 8]))],
  ['separate views and overlapping ones', apart(windows([0, 8], [4, 8])), windows([0, 8], [4, 8])],
  ['identical windows and separate ones', windows([0, 8], [0, 8]), apart(windows([0, 8], [0, 8]))],
  ['touching views and separate ones', windows([0, 8], [8, 8]), apart(windows([0, 8], [8, 8]))],
  ['touching views and views with a gap', windows([0, 8], [8, 8]), windows([0, 8], [9, 8])],
  ['how far views overlap', windows([0, 8], [4, 8]), windows([0, 8], [5, 8])],
  [
    'views that overlap only through a third',
    windows([0, 20], [4, 4], [16, 8]),
    windows([0, 20], [4, 4], [17, 8]),
  ],
  ['which views overlap', windows([0, 8], [4, 8], [30, 8]), windows([0, 8], [30, 8], [34, 8])],
  [
    'a view on its ArrayBuffer and one beside it',
    withBuffer(windows([0, 64])),
    [windows([0, 64])[0]!.buffer, windows([0, 64])[0]],
  ],
  [
    'a view beside an ArrayBuffer and one on it',
    [windows([0, 64])[0]!.buffer, windows([0, 64])[0]],
    withBuffer(windows([0, 64])),
  ],
  [
    'where a view lies on an ArrayBuffer in the graph',
    withBuffer(windows([0, 8])),
    withBuffer(windows([8, 8])),
  ],
  ['where an empty view lies on it', withBuffer(windows([0, 0])), withBuffer(windows([8, 0]))],
  ['two URLs', new URL('a:b'), new URL('a:c')],
  ['two query strings', new URLSearchParams('a=1'), new URLSearchParams('a=2')],
  ['two promises', Promise.resolve(1), Promise.resolve(1)],
]

function crossed(): [unknown, unknown] {
  const [a, b] = [{}, {}]
  const [c, d] = [{}, {}]
  return [
    [a, b, a, b],
    [c, d, d, c],
  ]
}

const alike = suite('same: equal')
for (const [fact, original, copy] of equal) {
  alike(fact, () => {
    assert.is(difference(original, copy), undefined)
    assert.is(difference(original, original), undefined)
  })
}
alike.run()

const unlike = suite('same: different')
for (const [fact, original, copy] of different) {
  unlike(fact, () => {
    assert.type(difference(original, copy), 'string')
    assert.not(same(original, copy))
    assert.is(difference(original, original), undefined)
    assert.is(difference(copy, copy), undefined)
  })
}
unlike.run()

const reasons: [fact: string, original: unknown, copy: unknown, reason: string][] = [
  ['the root', 1, 2, '$: wanted 1, got 2'],
  ['a key and an index', { rows: [0, { x: -0 }] }, { rows: [0, { x: 0 }] }, '$.rows[1].x: wanted -0, got 0'],
  ['a map', new Map([['a', 1n]]), new Map([['a', 2n]]), '$<value 0>: wanted 1n, got 2n'],
  ['a set', new Set(['\ud800']), new Set(['b']), '$<entry 0>: wanted "\\ud800", got "b"'],
  ['a kind', [new Map()], [new Set()], '$[0]: kind: wanted "Map", got "Set"'],
  ['a prototype', new Point(1, 2), { x: 1, y: 2 }, '$: prototype: wanted Point, got Object'],
  ['a hole', [1, ,], [1, undefined], '$: key 1 of 1: wanted undefined, got "1"'],
  [
    'memory',
    windows([0, 8], [4, 8]),
    apart(windows([0, 8], [4, 8])),
    '$[1]: no longer shares memory with $[0]',
  ],
  ['sharing', sharing(true), sharing(false), '$[1]: one object became two'],
]

const reason = suite('same: reasons')
for (const [fact, original, copy, wanted] of reasons) {
  reason(fact, () => assert.is(difference(original, copy), wanted))
}
reason('a deep path is cut in the middle', () => {
  assert.match(
    difference(nested(10_000, 1), nested(10_000, 2))!,
    /^\$\[0\].* … 9961 more … .*\.value: wanted 1, got 2$/,
  )
})
reason('looking at a length-tracking view leaves its buffer as it was', () => {
  for (const maxByteLength of [8, 12, 16]) {
    const buffer = resizable(8, maxByteLength)
    new Uint8Array(buffer).set([1, 2, 3, 4, 5, 6, 7, 8])
    const views = [new Uint8Array(buffer), new Uint32Array(buffer), new Float64Array(buffer, 0, 1)]
    assert.ok(same(views, views))
    assert.equal([...new Uint8Array(buffer)], [1, 2, 3, 4, 5, 6, 7, 8])
    assert.is(buffer.byteLength, 8)
  }
})
reason.run()
