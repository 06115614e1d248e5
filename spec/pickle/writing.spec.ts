/** What is written is loaded by a stock Python, looked at there, sent back and compared. */

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { numberArrays } from '../../fixtures/arrays.js'
import { NDArray, PythonName, PythonObject, pickle, pickleFormat } from '../../src/formats/pickle/index.js'
import { decode, type EncodeOptions, encode, isReadonly, outOfBand } from '../../src/index.js'
import { difference } from '../same.js'
import { describe } from './describe.js'
import { Peer } from './peer.js'
import { python } from './python.js'
import { scriptPath } from './script.js'

const { POSITIVE_INFINITY } = Number
/** All out of band, all in band, and as it comes. */
const WAYS: readonly EncodeOptions[] = [{ threshold: 0 }, { threshold: POSITIVE_INFINITY }, {}]

const cyclic: unknown[] = [1]
cyclic.push({ cyclic })
const shared = { a: 1 }
const samples = new Float64Array([1.5, -0, Number.NaN, Number.POSITIVE_INFINITY])
const typed = numberArrays.map(Class => Class.of(1, 2, 250))

const record = {
  itemsize: 6,
  fields: [
    { name: 'x', dtype: '<i2', offset: 0 },
    { name: 'y', dtype: { base: '|u1', shape: [2, 2] }, offset: 2 },
  ],
}
const titled = { itemsize: 2, fields: [{ name: 'a', dtype: '<i2', offset: 0, title: 'the title' }] }
const twelve = Uint8Array.from({ length: 12 }, (_, i) => i)

/** A value, what Python must see, and what must come back where that is another. */
const rows: readonly (readonly [name: string, value: unknown, seen: unknown, back?: unknown])[] = [
  ['null', null, null],
  ['undefined', undefined, null, null],
  ['true and false', [true, false], { list: [true, false] }],
  ...[
    0,
    1,
    255,
    256,
    65_535,
    65_536,
    -1,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31),
    -(2 ** 31) - 1,
    2 ** 47,
    -(2 ** 47),
  ].map(n => [`${n}`, n, { number: String(n) }] as const),
  ['2**53 - 1', Number.MAX_SAFE_INTEGER, { number: '9007199254740991' }],
  ['-(2**53 - 1)', Number.MIN_SAFE_INTEGER, { number: '-9007199254740991' }],
  ['-0', -0, { number: '8000000000000000' }],
  ['1.5', 1.5, { number: '3ff8000000000000' }],
  ['1e300', 1e300, { number: Buffer.from(Float64Array.of(1e300).buffer).reverse().toString('hex') }],
  ['NaN', Number.NaN, { number: 'nan' }],
  ...[
    0n,
    127n,
    128n,
    255n,
    256n,
    -1n,
    -128n,
    -129n,
    2n ** 63n,
    -(2n ** 63n),
    2n ** 64n,
    2n ** 2040n,
    -(2n ** 3000n),
  ].map(n => [`${n}n`, n, { number: String(n) }, Number.isSafeInteger(Number(n)) ? Number(n) : n] as const),
  ...[
    '',
    'a',
    'é',
    'ÿĀ',
    '€',
    '😀',
    '\ud800',
    'a\udfff\ud800b',
    'x'.repeat(300),
    '😀é'.repeat(300),
    `${'e'.repeat(5000)}\ud800`,
  ].map(text => [`text ${JSON.stringify(text.slice(0, 12))}`, text, { str: text }] as const),
  ['an array', [1, [2, []], 'x', 'x'], { list: [n(1), { list: [n(2), { list: [] }] }, s('x'), s('x')] }],
  ['an array with a hole', [1, , 2], { list: [n(1), null, n(2)] }, [1, null, 2]],
  [
    'an object',
    { a: 1, b: { c: null } },
    {
      dict: [
        [s('a'), n(1)],
        [s('b'), { dict: [[s('c'), null]] }],
      ],
    },
  ],
  [
    'an object with a key of prototypes',
    JSON.parse('{"__proto__":1,"constructor":2}'),
    {
      dict: [
        [s('__proto__'), n(1)],
        [s('constructor'), n(2)],
      ],
    },
  ],
  ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), { dict: [[s('a'), n(1)]] }],
  ['a Map of numbers', new Map([[1, 'a']]), { dict: [[n(1), s('a')]] }],
  ['a Map of strings', new Map([['k', 1]]), { dict: [[s('k'), n(1)]] }, { k: 1 }],
  ['a Map of arrays', new Map([[[1, [2]], 'a']]), { dict: [[{ list: [n(1), { list: [n(2)] }] }, s('a')]] }],
  ['a Set', new Set([1, 'a', null]), { set: [null, n(1), s('a')] }],
  ['an empty Set and Map', [new Set(), new Map()], { list: [{ set: [] }, { dict: [] }] }, [new Set(), {}]],
  ['a Set of Sets', new Set([new Set([1])]), { set: [{ set: [n(1)] }] }],
  ['a Date', new Date(1_700_000_000_123), { date: 1_700_000_000_123 }],
  [
    'early and late Dates',
    [new Date(-62_135_596_800_000), new Date(253_402_300_799_999), new Date(-1)],
    { list: [{ date: -62_135_596_800_000 }, { date: 253_402_300_799_999 }, { date: -1 }] },
  ],
  ['the same Date twice', [new Date(5), new Date(5)], { list: [{ date: 5 }, { date: 5 }] }],
  ['an object twice', [shared, shared], { list: [{ dict: [[s('a'), n(1)]] }, { ref: 1 }] }],
  ['a cycle', cyclic, { list: [n(1), { dict: [[s('cyclic'), { ref: 0 }]] }] }],
  ['a Buffer', Buffer.from('abc'), { bytes: '616263', readonly: false }, new Uint8Array([97, 98, 99])],
  ['an ArrayBuffer', Uint8Array.of(1, 2).buffer, { bytes: '0102', readonly: false }, Uint8Array.of(1, 2)],
  [
    'a DataView',
    new DataView(Uint8Array.of(1, 2, 3).buffer, 1),
    { bytes: '0203', readonly: false },
    Uint8Array.of(2, 3),
  ],
  ['typed arrays', typed, { list: typed.map(array => describe(array, { array: '' })) }],
  ['floats', samples, { array: '<f8', shape: [4], bytes: hex(samples) }],
  [
    '64-bit integers',
    BigInt64Array.of(-1n, 2n ** 62n),
    { array: '<i8', shape: [2], bytes: `ffffffffffffffff0000000000000040` },
  ],
  ['an empty array', new Float32Array(0), { array: '<f4', shape: [0], bytes: '' }],
  [
    'an array of order C',
    new NDArray(Float64Array.of(1, 2, 3, 4, 5, 6), [2, 3]),
    { array: '<f8', shape: [2, 3], bytes: hex(Float64Array.of(1, 2, 3, 4, 5, 6)) },
  ],
  [
    'an array of order F',
    new NDArray(Int16Array.of(1, 2, 3, 4, 5, 6), [2, 3], { order: 'F' }),
    { array: '<i2', shape: [2, 3], bytes: hex(Int16Array.of(1, 3, 5, 2, 4, 6)) },
  ],
  [
    'an array of strides',
    new NDArray(Int16Array.of(1, 2, 3, 4, 5, 6), [2, 2], { strides: [-3, 2], offset: 3 }),
    { array: '<i2', shape: [2, 2], bytes: hex(Int16Array.of(4, 6, 1, 3)) },
  ],
  [
    'an array with an offset',
    new NDArray(Int16Array.of(9, 1, 2, 3, 4, 9), [2, 2], { offset: 1 }),
    { array: '<i2', shape: [2, 2], bytes: hex(Int16Array.of(1, 2, 3, 4)) },
  ],
  [
    'an array of no axes',
    new NDArray(Float64Array.of(7), []),
    { array: '<f8', shape: [], bytes: hex(Float64Array.of(7)) },
  ],
  ['an empty matrix', new NDArray(new Float64Array(0), [0, 3]), { array: '<f8', shape: [0, 3], bytes: '' }],
  [
    'dates of numpy',
    new NDArray(BigInt64Array.of(0n, 1n), [2], { dtype: '<M8[ns]' }),
    { array: '<M8[ns]', shape: [2], bytes: '00000000000000000100000000000000' },
  ],
  ...(['>i2', '=i2', 'i2'] as const).flatMap((dtype): typeof rows => [
    [
      `integers of dtype ${dtype}`,
      new NDArray(Int16Array.of(1, 258, 3, 4), [2, 2], { dtype }),
      { array: '<i2', shape: [2, 2], bytes: '0100020103000400' },
      new NDArray(Int16Array.of(1, 258, 3, 4), [2, 2]),
    ],
    [
      `integers of dtype ${dtype} with strides`,
      new NDArray(Int16Array.of(1, 258, 3, 4), [2], { dtype, strides: [2] }),
      { array: '<i2', shape: [2], bytes: '01000300' },
      new NDArray(Int16Array.of(1, 3), [2]),
    ],
  ]),
  [
    'a vector of big-endian floats',
    new NDArray(Float64Array.of(1), [1], { dtype: '>f8' }),
    { array: '<f8', shape: [1], bytes: hex(Float64Array.of(1)) },
    Float64Array.of(1),
  ],
  [
    'dates of numpy, big-endian',
    new NDArray(BigInt64Array.of(1n), [1], { dtype: '>M8[ns]' }),
    { array: '<M8[ns]', shape: [1], bytes: '0100000000000000' },
    new NDArray(BigInt64Array.of(1n), [1], { dtype: '<M8[ns]' }),
  ],
  [
    'halves, big-endian',
    new NDArray(Uint8Array.of(0x3c, 0), [1], { dtype: '>f2' }),
    { array: '>f2', shape: [1], bytes: '3c00' },
  ],
  [
    'booleans of numpy',
    new NDArray(Uint8Array.of(1, 0), [2], { dtype: '|b1' }),
    { array: '|b1', shape: [2], bytes: '0100' },
  ],
  [
    'halves',
    new NDArray(Uint8Array.of(0, 0x3c), [1], { dtype: '<f2' }),
    { array: '<f2', shape: [1], bytes: '003c' },
  ],
  [
    'text of numpy',
    new NDArray(Uint8Array.of(97, 0, 0, 0, 98, 0, 0, 0), [2], { dtype: '<U1' }),
    { array: '<U1', shape: [2], bytes: '6100000062000000' },
  ],
  [
    'records',
    new NDArray(twelve, [2], { dtype: record }),
    { array: record, shape: [2], bytes: '000102030405060708090a0b' },
  ],
  [
    'records with a title',
    new NDArray(twelve, [6], { dtype: titled }),
    { array: titled, shape: [6], bytes: '000102030405060708090a0b' },
  ],
  [
    'objects of numpy',
    new NDArray([null, 1, [2], 'x'], [2, 2]),
    { array: '|O', shape: [2, 2], items: [null, n(1), { list: [n(2)] }, s('x')] },
  ],
  [
    'a Decimal',
    new PythonObject('decimal.Decimal', ['1.10']),
    { object: 'decimal.Decimal', args: [s('1.10')] },
  ],
  [
    'a UUID',
    new PythonObject('uuid.UUID', [], { isNew: true, state: { int: 5 } }),
    { object: 'uuid.UUID', args: [], state: { dict: [[s('int'), n(5)]] } },
  ],
  ['a class', new PythonName('collections.OrderedDict'), { name: 'collections.OrderedDict' }],
]

function n(value: number) {
  return { number: String(value) }
}

function s(value: string) {
  return { str: value }
}

function hex({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('hex')
}

const test = suite('pickle writing: Python')
const mayRun = python !== undefined || process.env.CI === 'true' ? test : test.skip
if (python === undefined) console.log('SKIP: no Python with numpy, so none loads what is written')

let peer: Peer
test.before(() => {
  if (python !== undefined) peer = new Peer(python, ['-W', 'error', scriptPath('pickle_peer.py')])
})
test.after(async () => {
  await peer?.close()
})

for (const [name, value, seen, back = value] of rows) {
  mayRun(name, async () => {
    for (const way of WAYS) {
      assert.equal(JSON.parse(await peer.ask<string>('describe', value, way)), seen)
      const echo = await peer.ask('echo', value, way)
      assert.equal(describe(echo, seen), describe(back, seen))
    }
  })
}

mayRun(
  'arrays lie on what Python read, and may be written to unless they were declared read-only',
  async () => {
    const array = Float64Array.of(1, 2, 3)
    for (const [value, writeable] of [
      [array, true],
      [outOfBand(array, { readonly: true }), false],
    ] as const) {
      for (const way of WAYS) {
        const about = await peer.ask<Record<string, unknown>>('about', value, way)
        assert.equal(about, { dtype: '<f8', shape: [3], writeable, owndata: false, f: true, c: true })
      }
    }
  },
)

mayRun('orders are those of numpy', async () => {
  const data = new Float64Array(24)
  const order = async (array: NDArray) => {
    const { f, c } = await peer.ask<{ f: boolean; c: boolean }>('about', array)
    return [c, f]
  }
  assert.equal(await order(new NDArray(data, [4, 6])), [true, false])
  assert.equal(await order(new NDArray(data, [4, 6], { order: 'F' })), [false, true])
  assert.equal(await order(new NDArray(data, [2, 3, 4], { strides: [4, 8, 1] })), [false, false])
  assert.equal(await order(new NDArray([1, 'a', null, 2.5], [2, 2])), [true, false])
  assert.equal(await order(new NDArray([1, 'a', null, 2.5], [2, 2], { order: 'F' })), [false, true])
})

mayRun('orders are kept there and back', async () => {
  const objects = [1, 'a', 3, null, 2.5, 4]
  for (const order of ['C', 'F'] as const)
    for (const sent of [
      new NDArray(objects, [2, 3], { order }),
      new NDArray(new Uint8Array(24), [2, 2], { dtype: record, order }),
      new NDArray(Int16Array.from(twelve), [3, 4], { order }),
    ])
      assert.is(difference(sent, await peer.ask('echo', sent)), undefined, `${sent.dtype} ${order}`)
  const grid = new NDArray(objects, [2, 2], { strides: [3, 2] })
  assert.is(difference(new NDArray([1, 3, null, 4], [2, 2]), await peer.ask('echo', grid)), undefined)
})

mayRun('views that overlap share their memory there, and here when they come back', async () => {
  const all = Int32Array.of(1, 2, 3, 4, 5, 6)
  for (const way of WAYS) {
    const [isShared, other] = await peer.ask<[boolean, Int32Array]>(
      'overlap',
      [all.subarray(0, 4), all.subarray(2)],
      way,
    )
    assert.is(isShared, true)
    assert.equal([...other], [3, 99, 5, 6])
  }
})

mayRun('bytes are what they are: bytearrays and bytes in band, what was given out of band', async () => {
  const value = [Buffer.from('ab'), outOfBand(Buffer.from('cd'), { readonly: true }), Uint8Array.of(1)]
  const inBand = { threshold: POSITIVE_INFINITY }
  assert.equal(await peer.ask('types', value, inBand), ['bytearray', 'bytes', 'ndarray'])
  assert.equal(await peer.ask('types', value, { threshold: 0 }), ['memoryview', 'memoryview', 'ndarray'])
  const asBytes = pickleFormat({ uint8: 'bytes' })
  assert.equal(await peer.ask('types', value, { format: asBytes, ...inBand }), [
    'bytearray',
    'bytes',
    'bytearray',
  ])
})

mayRun('bytes that are keys in Python are that again, whatever Uint8Arrays are', async () => {
  const keys = "{b'x': {b'y': 1}, (1, b'z'): {b'x', frozenset([b'']), bytes(300)}}"
  for (const uint8 of ['numpy', 'bytes'] as const) {
    const format = pickleFormat({ uint8 })
    const value = await peer.ask('literal', keys, { format })
    for (const way of WAYS) assert.ok(await peer.ask('is literal', [keys, value], { format, ...way }), uint8)
  }
  const buffers = new Set([Buffer.from('a'), [Buffer.alloc(0), Buffer.alloc(300)]])
  assert.ok(await peer.ask('is literal', ["{b'a', (b'', bytes(300))}", buffers]))
})

mayRun('an array that Python sends lies on what was received', async () => {
  const packet = await peer.send(encode(['echo', Float64Array.of(1, 2)], { format: pickle, threshold: 0 }))
  // A list of frames puts them where they happen to come; a reader of one's own can do better.
  const buffers = packet.buffers.map(buffer => buffer.slice())
  const { answer } = decode<{ answer: Float64Array }>({ ...packet, buffers }, { format: pickle })
  assert.is(answer.buffer, buffers[0]!.buffer)
  assert.equal([...answer], [1, 2])
  assert.not(isReadonly(answer))
})

mayRun('a matrix is multiplied in numpy', async () => {
  const a = new NDArray(Float64Array.of(1, 2, 3, 4, 5, 6), [2, 3])
  const b = new NDArray(Float64Array.of(1, 0, 0, 1, 1, 1), [3, 2])
  const product = await peer.ask<NDArray<Float64Array>>('multiply', [a, b])
  assert.equal(product.shape, [2, 2])
  assert.equal([...product.data], [4, 5, 10, 11])
})

mayRun('nothing was complained about', () => assert.is(peer.errors, ''))

test.run()
