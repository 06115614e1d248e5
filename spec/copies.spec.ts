/** Two copies of the package in one process, as two versions in one tree are, a bundle beside an external copy, or `jest.resetModules`. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Box, box } from '../fixtures/classes.js'
import { msgpack } from '../src/formats/msgpack.js'
import { NDArray, pickleFormat } from '../src/formats/pickle/index.js'
import * as own from '../src/index.js'
import { difference } from './same.js'
import { thrown } from './thrown.js'

const folder = mkdtempSync(join(tmpdir(), 'outband-copy-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
cpSync(new URL('../src', import.meta.url), folder, { recursive: true })
cpSync(new URL('../../package.json', import.meta.url), join(folder, 'package.json'))
const copyOf = <T>(path: string): Promise<T> => import(pathToFileURL(join(folder, path)).href) as Promise<T>
const foreign = await copyOf<typeof own>('index.js')
const pickles = await copyOf<typeof import('../src/formats/pickle/index.js')>('formats/pickle/index.js')

const test = suite('copies of the package')

const formats: [name: string, options: own.EncodeOptions & own.DecodeOptions][] = [
  ['our own', {}],
  ['our own, without references', { references: false }],
  ['msgpack', { format: msgpack }],
  ['pickle', { format: pickleFormat() }],
]
for (const [name, options] of formats) {
  test(`a view that another copy has wrapped is that view: ${name}`, () => {
    const wrapped = foreign.outOfBand(new Uint8Array([1, 2, 3]), { readonly: true })
    assert.not.instance(wrapped, own.outOfBand(new Uint8Array(1)).constructor)
    const packet = own.encode([wrapped], options)
    assert.is(packet.buffers.length, 1)
    const [view] = own.decode<[Uint8Array]>(packet, options)
    assert.equal([...view], [1, 2, 3])
    assert.ok(own.isReadonly(view))
  })
}

for (const [whose, { outOfBand }] of [
  ['of this copy', own],
  ['of another', foreign],
] as const) {
  for (const before of [0, 20, 21, 22, 23, 24, 30, 4095, 4096, 4097, 12_288, 13_000]) {
    for (const isMapped of [false, true]) {
      const met = isMapped ? ', one of them twice' : ''
      test(`a wrapper ${whose} and its view are one object, after ${before} others${met}`, () => {
        const [first, second, third] = [new Uint8Array([1]), new Uint8Array([2]), new Uint8Array([3])]
        const wrapped = [outOfBand(first), outOfBand(second), outOfBand(third)] as const
        const others: object[] = Array.from({ length: before }, (_, i) => ({ i }))
        if (isMapped) others.push(others[0] ?? first)
        const last = { last: 1 }
        const list = [first, wrapped[0], wrapped[0], wrapped[1], wrapped[1], second, outOfBand(first), third]
        const sent = [...others, ...list, wrapped[2], last, last, wrapped[0], wrapped[1]]
        const wanted = [...others, first, first, first, second, second, second, first, third]
        const arrived = own.decode(own.encode(sent))
        assert.is(difference([...wanted, third, last, last, first, second], arrived), undefined)
      })
    }
  }
}

test('an NDArray of another copy is an array for pickle', () => {
  const format = pickleFormat({ vectors: 'ndarray' })
  const matrix = new pickles.NDArray(Float64Array.of(1, 2, 3, 4, 5, 6), [2, 3], { order: 'F' })
  const arrived = own.decode<NDArray>(own.encode({ matrix }, { format }), { format }) as unknown as {
    matrix: NDArray
  }
  assert.instance(arrived.matrix, NDArray)
  assert.equal([arrived.matrix.shape, arrived.matrix.order], [[2, 3], 'F'])
  assert.equal(arrived.matrix.data, Float64Array.of(1, 2, 3, 4, 5, 6))
})

test('an error of another copy is known', () => {
  const error = thrown(() => foreign.encode(() => 1))
  assert.not.instance(error, own.OutbandError)
  assert.ok(own.isOutbandError(error, 'UNSUPPORTED'))
})

test('a registry of another copy is refused as what it is, and its types may be taken', () => {
  const types = foreign.registry(box)
  for (const run of [
    () => own.encode(1, { types: types as never }),
    () => new own.Codec({ types: types as never }),
  ]) {
    const error = thrown(run) as Error
    assert.instance(error, TypeError)
    assert.match(
      error.message,
      /^types: wanted what registry\(\) gives in this copy of outband, got one of another/,
    )
  }
  const mine = own.registry(...(types.types as own.CustomType[]))
  assert.instance(own.decode(own.encode(new Box(1), { types: mine }), { types: mine }), Box)
})

test('what only looks like a wrapper is an object', () => {
  const value = { view: new Uint8Array(1), readonly: true }
  assert.is(difference(value, own.decode(own.encode(value))), undefined)
})

test.run()
