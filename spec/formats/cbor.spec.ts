/** CBOR as others write it, the examples of RFC 8949 among it: what arrives, read by the library and by our own reader. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { cbor as format } from '../../src/formats/cbor.js'
import { decode } from '../../src/index.js'
import { difference } from '../same.js'
import { refused } from '../thrown.js'

type Row = readonly [name: string, hex: string, value: unknown]

const hexOf = (text: string) => Buffer.from(text).toString('hex')
const twice = (object: object) => [object, object]

/** Appendix A, without simple values that have no meaning, and tags that are not ours. */
const examples: readonly Row[] = [
  ['integers', '83 00 1903e8 3903e7', [0, 1000, -1000]],
  ['the largest integer', '1bffffffffffffffff', 2n ** 64n - 1n],
  ['the least integer', '3bffffffffffffffff', -(2n ** 64n)],
  ['bignums', '82 c249010000000000000000 c349010000000000000000', [2n ** 64n, -(2n ** 64n) - 1n]],
  [
    'halves',
    '86 f98000 f93e00 f97bff f90001 f9c400 f97c00',
    [-0, 1.5, 65_504, 2 ** -24, -4, Number.POSITIVE_INFINITY],
  ],
  ['floats', '82 fa47c35000 fb7e37e43c8800759c', [100_000, 1e300]],
  ['NaN of each width', '83 f97e00 fa7fc00000 fb7ff8000000000000', [Number.NaN, Number.NaN, Number.NaN]],
  ['constants', '84 f4 f5 f6 f7', [false, true, null, undefined]],
  ['a date in text', 'c074323031332d30332d32315432303a30343a30305a', new Date('2013-03-21T20:04:00Z')],
  ['a date of whole seconds', 'c11a514b67b0', new Date('2013-03-21T20:04:00Z')],
  ['a date of a fraction', 'c1fb41d452d9ec200000', new Date('2013-03-21T20:04:00.500Z')],
  ['bytes', '4401020304', Uint8Array.of(1, 2, 3, 4)],
  ['text of one to four bytes a letter', '83 62c3bc 63e6b0b4 64f0908591', ['ü', '水', '𐅑']],
  ['a map of numbers, as keys in text', 'a201020304', { 1: 2, 3: 4 }],
  ['bytes in chunks', '5f42010243030405ff', Uint8Array.of(1, 2, 3, 4, 5)],
  ['text in chunks', '7f657374726561646d696e67ff', 'streaming'],
  ['an empty array of no known length', '9fff', []],
  ['arrays of no known length', '9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
  ['one in an array', '83018202039f0405ff', [1, [2, 3], [4, 5]]],
  ['a map of no known length', 'bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
  ['one in an array, with text', '826161bf61626163ff', ['a', { b: 'c' }]],
  ['one of constants', 'bf6346756ef563416d7421ff', { Fun: true, Amt: -2 }],
]

const inChunks: readonly Row[] = [
  ['none', '82 5fff 7fff', [new Uint8Array(0), '']],
  ['empty ones', '7f 60 6161 60 60 6162 ff', 'ab'],
  ['a letter cut in two', '7f 61c3 61bc ff', 'ü'],
  ['one as long as lengths of one byte go', `7f 78ff ${'61'.repeat(255)} 6162 ff`, `${'a'.repeat(255)}b`],
  ['a key', 'a1 7f 6161 6162 ff 01', { ab: 1 }],
  ['a key __proto__', 'a1 7f 655f5f70726f 64746f5f5f ff 01', JSON.parse('{"__proto__":1}')],
  ['a key that is an index, and one behind it', 'a2 7f 6131 6132 ff 01 6161 02', { 12: 1, a: 2 }],
  ['a BigInt', 'c2 5f 4101 480000000000000000 ff', 2n ** 64n],
  ['a date', `c0 7f 6a${hexOf('2013-03-21')} 6a${hexOf('T20:04:00Z')} ff`, new Date('2013-03-21T20:04:00Z')],
  ['a typed array', 'd845 5f 420100 420200 ff', Uint16Array.of(1, 2)],
  [
    'beside a Set, a date and bytes',
    '84 d9010281 7f6161ff c105 5f4101ff d81c80',
    [new Set(['a']), new Date(5000), Uint8Array.of(1), []],
  ],
  ['behind an object that is met again', '83 d81ca1616101 d81d00 7f6161ff', [...twice({ a: 1 }), 'a']],
]

/** Python's cbor2, asked to share values, numbers an array inside of its tag. */
const inTags: readonly Row[] = [
  ['a Set', 'd90102 d81c 820102', new Set([1, 2])],
  [
    'a Set in an array in a Set',
    'd81c82 d90102d81c8101 d81c81 d90102d81c8102',
    [new Set([1]), [new Set([2])]],
  ],
  ['a Set, and the number', '82 d90102d81c820102 d81d00', twice(new Set([1, 2]))],
  ['a Map', '82 d90103 d81c a1 8101 02 d81d00', twice(new Map([[[1], 2]]))],
  ['a RegExp', '82 d9524ad81c8261616167 d81d00', twice(/a/g)],
  [
    'an error',
    `82 da4f420045 d81c a2 65${hexOf('class')} 65${hexOf('Error')} 65${hexOf('stack')} 60 d81d00`,
    twice(Object.assign(new Error(), { stack: '' })),
  ],
  ['a typed array', '82 d845d81c4401000200 d81d00', twice(Uint16Array.of(1, 2))],
]

const described: readonly Row[] = [
  ['a number', 'd9d9f7 05', 5],
  [
    'bytes, a Set, an object that is met again',
    'd9d9f7 84 4101 d9010281 01 d81c80 d81d00',
    [Uint8Array.of(1), new Set([1]), ...twice([])],
  ],
  ['chunks', 'd9d9f7 82 7f6161ff d9010280', ['a', new Set()]],
]

/** Many of these make a message one for our own reader. */
const wasteful = Array.from({ length: 600 }, () => 'a11903e801').join('')
const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

for (const [title, rows] of Object.entries({
  'examples of RFC 8949': examples,
  'text and bytes in chunks': inChunks,
  'numbers of objects inside of tags': inTags,
  'the tag that says that it is CBOR': described,
})) {
  const test = suite(`formats: CBOR of others, ${title}`)
  for (const [name, hex, value] of rows) {
    test(name, () => {
      assert.is(difference(value, decode({ meta: bytesOf(hex), buffers: [] }, { format })), undefined)
      if (hex.startsWith('d9d9f7')) return
      const meta = bytesOf(`82 990258 ${wasteful} ${hex}`)
      const [, own] = decode<[unknown, unknown]>({ meta, buffers: [] }, { format })
      assert.is(difference(value, own), undefined, 'by our own reader')
    })
  }
  test.run()
}

const limits = suite('formats: CBOR of others, limits')
limits('chunks together are one text, and bytes one buffer', () => {
  const packet = (hex: string) => ({ meta: bytesOf(hex), buffers: [] })
  for (const hex of ['7f 6161 6162 6163 ff', '7f 626162 6163 ff']) {
    assert.is(decode(packet(hex), { format, limits: { stringBytes: 3 } }), 'abc')
    refused(() => decode(packet(hex), { format, limits: { stringBytes: 2 } }), 'LIMIT', {
      limit: 'stringBytes',
    })
  }
  const two = packet('5f 4101 4102 ff')
  assert.equal(decode(two, { format, limits: { buffers: 1, bufferBytes: 2 } }), Uint8Array.of(1, 2))
  refused(() => decode(two, { format, limits: { bufferBytes: 1 } }), 'LIMIT', { limit: 'bufferBytes' })
})
limits.run()
