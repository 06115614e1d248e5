/** Arrays with a shape: what they are, what they refuse, and how they travel in the metadata of our own. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { NDArray, type NDArrayOptions, ndarrayType, pickle } from '../../src/formats/pickle/index.js'
import { decode, defineType, encode, registry } from '../../src/index.js'
import { difference } from '../same.js'
import { refused, thrown } from '../thrown.js'

const six = Float64Array.of(1, 2, 3, 4, 5, 6)
const test = suite('pickle ndarray')

for (const [name, array, strides, order, at12] of [
  ['order C', new NDArray(six, [2, 3]), [3, 1], 'C', 6],
  ['order F', new NDArray(six, [2, 3], { order: 'F' }), [1, 2], 'F', 6],
  ['strides of C', new NDArray(six, [2, 3], { strides: [3, 1] }), [3, 1], 'C', 6],
  ['strides of F', new NDArray(six, [2, 3], { strides: [1, 2] }), [1, 2], 'F', 6],
  ['other strides', new NDArray(six, [2, 3], { strides: [-3, 1], offset: 3 }), [-3, 1], 'K', 3],
] as const) {
  test(name, () => {
    assert.equal(array.strides, strides)
    assert.is(array.order, order)
    assert.is(array.size, 6)
    assert.is(array.data[array.index(1, 2)], at12)
  })
}

test('a dtype is what the class says', () => {
  const dtypes = [Int8Array, Uint8ClampedArray, Int16Array, BigUint64Array, Float32Array].map(
    Class => new NDArray(new Class(1), [1]).dtype,
  )
  assert.equal(dtypes, ['|i1', '|u1', '<i2', '<u8', '<f4'])
  assert.is(new NDArray([1, 'x'], [2]).dtype, '|O')
})

for (const [name, data, shape, options] of [
  ['a shape that is larger', six, [2, 4], {}],
  ['a length of −1', six, [-1], {}],
  ['a length of 1.5', six, [1.5], {}],
  ['no shape', six, 6, {}],
  ['strides that lead out', six, [2, 3], { strides: [3, 2] }],
  ['strides that lead out in front', six, [2], { strides: [-1] }],
  ['strides of a half', six, [3], { strides: [1.5] }],
  ['an offset of a half', six, [3], { offset: 0.5 }],
  ['strides of another number', six, [2, 3], { strides: [1] }],
  ['an offset that leads out', six, [6], { offset: 1 }],
  ['an order that is none', six, [6], { order: 'A' }],
  ['the order K without strides', six, [6], { order: 'K' }],
  ['strides of another order', six, [2, 3], { order: 'C', strides: [1, 2] }],
  ['data of another class', six, [6], { dtype: '<f4' }],
  ['a dtype that is none', six, [6], { dtype: '<f9' }],
  ['bytes that are no whole elements', new Uint8Array(9), [1], { dtype: '<U2' }],
  ['bytes of objects', new Uint8Array(8), [1], { dtype: { base: '|O', shape: [1] } }],
  ['elements of no bytes', new Uint8Array(0), [0], { dtype: '|V0' }],
  ['a unit of time that is none', new BigInt64Array(2), [2], { dtype: '<M8[xx]' }],
  ['a unit of time of another case', new BigInt64Array(2), [2], { dtype: '<M8[NS]' }],
  ['bytes that are too few', new Uint8Array(7), [4], { dtype: '<f2' }],
  ['data that is none', 'abc', [3], {}],
] as const) {
  test(`${name}: refused`, () => {
    assert.instance(
      thrown(() => new NDArray(data as never, shape as never, options as NDArrayOptions)),
      TypeError,
    )
  })
}

test('axes of one element, and all of an array without any, may have any strides', () => {
  const { order, strides } = new NDArray(six, [2, 1, 3], { strides: [3, -99, 1] })
  assert.equal([order, strides], ['C', [3, 3, 1]])
  assert.is(new NDArray(six, [2, 0], { strides: [5, 7] }).order, 'C')
})

test('it does not change', () => {
  assert.ok(Object.isFrozen(new NDArray(six, [2, 3])))
})

test('a dtype that is none is what the error is about', () => {
  const { message } = thrown(() => new NDArray(six, [6], { dtype: '<f9' })) as Error
  assert.match(message, /^dtype: wanted one of numpy/)
})

test('what the package ndarray has is taken as it is, and has the same fields', () => {
  // Of ndarray(data, [2, 3]).transpose(1, 0), say.
  const transposed = { data: six, shape: [3, 2], stride: [1, 3], offset: 0 }
  const array = NDArray.from(transposed)
  assert.is(array.data, six)
  assert.is(array.order, 'F')
  assert.equal([array.data, array.shape, array.strides, array.offset], Object.values(transposed))
})

const types = registry(ndarrayType)
const rows = [
  new NDArray(six, [2, 3]),
  new NDArray(six, [2, 2], { strides: [-3, 2], offset: 3 }),
  new NDArray(BigInt64Array.of(1n), [1], { dtype: '<M8[ns]' }),
  new NDArray([null, { a: 1 }], [2]),
]
for (const [i, array] of rows.entries()) {
  test(`row ${i} is a custom type of the metadata of our own`, () => {
    const packet = encode({ array, same: array }, { types, threshold: 0 })
    const copy = decode<{ array: NDArray }>(packet, { types })
    assert.is(difference({ array, same: array }, copy), undefined)
    if (!Array.isArray(array.data)) assert.is((copy.array.data as Uint8Array).buffer, array.data.buffer)
  })
}

test('units of time are those of numpy', () => {
  for (const unit of 'Y M W D h m s ms us μs ns ps fs as generic 25s'.split(' '))
    assert.is(new NDArray(new BigInt64Array(1), [1], { dtype: `<m8[${unit}]` }).dtype, `<m8[${unit}]`)
})

class Liar {
  readonly parts = {
    data: Float64Array.of(1, 2),
    shape: [3],
    strides: [1],
    dtype: '<f8',
    order: 'C',
    offset: 0,
  }
}

test('one whose elements lie outside of its data is refused on arrival', () => {
  const lies = registry(
    defineType({
      class: Liar,
      tag: ndarrayType.tag,
      reduce: ({ parts }: Liar) => parts,
      rebuild: () => new Liar(),
    }),
  )
  const packet = encode(new Liar(), { types: lies })
  refused(() => decode(packet, { types }), 'REBUILD', { tag: 'outband.NDArray' })
})

test('in a pickle it needs no type', () => {
  assert.is(difference(rows[0], decode(encode(rows[0], { format: pickle }), { format: pickle })), undefined)
})

test('many small ones on one memory are no more than their bytes allow', () => {
  const data = new Float64Array(1)
  const value = Array.from({ length: 8000 }, () => new NDArray(data, []))
  assert.is(difference(value, decode(encode(value, { format: pickle }), { format: pickle })), undefined)
})

test.run()
