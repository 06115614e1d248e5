/** Every value of the fixtures in every format: what arrives equal, and what is documented to be lost (`spec/FORMATS.md`). */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ValueRow, values } from '../../fixtures/values.js'
import { Codec, decode, encode, isOutbandError } from '../../src/index.js'
import { difference } from '../same.js'
import { formats } from './kit.js'

/** Rows that lose something, by what they lose. */
const lost: readonly [what: string, rows: RegExp][] = [
  ['boxes', /^a boxed |^one of each kind, all twice|^equal objects stay two/],
  ['null prototypes', /null-prototype/],
  ['holes', /hole|a length beyond|and a length|only length|array behind a Proxy/],
  [
    'properties of arrays',
    /^own properties|own __proto__ of an array|result of a match|with properties twice|is its own property/,
  ],
  ['lone surrogates', /surrogate|^keys of any text|\ud83e\udd8a\ufffd|\ud800/],
  ['resizable memory', /follows|resizable (?:A|memory)|length-tracking|its constructor is not run/],
]
const isLossy = ({ name }: ValueRow): boolean => lost.some(([, rows]) => rows.test(name))
/** Copied out of its memory, a resizable buffer is fixed; used where it lies it stays what it is. */
const isSometimes = ({ name }: ValueRow): boolean => /resizable|follows|constructor is not run/.test(name)

/** Where code is still cold the libraries' frames fill the stack before the limit of 1000: CBOR's from some 800 Maps on. */
const isDeep = ({ name }: ValueRow): boolean => / deep$/.test(name)

const thresholds = [0, 64, Number.POSITIVE_INFINITY]
const expected = ({ arrives }: ValueRow, sent: unknown) => (arrives ? arrives(sent as never) : sent)

for (const format of formats) {
  const test = suite(`formats: values in ${format.name}`)

  for (const row of values) {
    const { name, isShared } = row
    test(`${name}${isLossy(row) ? ' arrives, not whole' : ''}`, () => {
      for (const threshold of thresholds) {
        if (isShared && threshold === Number.POSITIVE_INFINITY) continue
        const codec = new Codec({ format, threshold })
        const sent = row.make()
        for (let round = 0; round < 2; round++) {
          let arrived: unknown
          try {
            arrived = codec.decode(codec.encode(sent))
          } catch (error) {
            if (isDeep(row) && isOutbandError(error, 'LIMIT')) continue
            throw error
          }
          const found = difference(expected(row, sent), arrived)
          if (!isLossy(row)) assert.is(found, undefined, `threshold ${threshold}: ${found}`)
          else if (!isSometimes(row)) assert.is.not(found, undefined, 'nothing is lost')
        }
      }
    })
  }

  test('what has arrived travels on, and loses nothing more', () => {
    for (const row of values.filter(row => !isDeep(row))) {
      const once = decode(encode(row.make(), { format }), { format })
      const found = difference(once, decode(encode(once, { format }), { format }))
      if (!isSometimes(row)) assert.is(found, undefined, `${row.name}: ${found}`)
    }
  })

  test('all values in one message', () => {
    const rows = values.filter(row => !row.isShared && !isLossy(row) && !isDeep(row))
    const sent = Object.fromEntries(rows.map(row => [row.name, row.make()]))
    const wanted = Object.fromEntries(rows.map(row => [row.name, expected(row, sent[row.name])]))
    for (const threshold of thresholds)
      assert.is(difference(wanted, decode(encode(sent, { format, threshold }), { format })), undefined)
  })

  test('text that is no UTF-8 is mended on the way out, keys and all', () => {
    const sent = {
      'a\ud800': ['x\udc00y', new Map([['\ud800', new Set(['\udfff'])]])],
      b: `${'z'.repeat(99)}\ud800`,
    }
    const wanted = {
      'a\ufffd': ['x\ufffdy', new Map([['\ufffd', new Set(['\ufffd'])]])],
      b: `${'z'.repeat(99)}\ufffd`,
    }
    const { meta } = encode(sent, { format })
    assert.is(difference(wanted, decode({ meta, buffers: [] }, { format })), undefined)
    assert.is(Buffer.from(meta).includes(Buffer.of(0xed, 0xa0, 0x80)), false)
  })

  test('numbers whose bytes look like surrogates stay what they are', () => {
    const bytes = Uint8Array.of(0x40, 0xed, 0xa0, 0x80, 0xed, 0xbf, 0xbf, 0x01)
    const float = new DataView(bytes.buffer).getFloat64(0)
    const sent = [float, 0x61ed_a080, 'aí\u00a0', '한국어 텍스트', -0x1240]
    assert.is(difference(sent, decode(encode(sent, { format }), { format })), undefined)
  })

  test('with references: false what is shared is written twice', () => {
    const shared = { a: new Uint8Array(8) }
    const [first, second] = decode<(typeof shared)[]>(
      encode([shared, shared], { format, references: false }),
      { format },
    )
    assert.is.not(first, second)
    assert.is(difference(first, second), undefined)
  })

  test('more shared objects than two bytes count', () => {
    const objects = Array.from({ length: 70_000 }, (_, i) => ({ i }))
    const copy = decode<{ i: number }[]>(encode([...objects, ...objects], { format }), { format })
    assert.is(copy.length, 140_000)
    for (const i of [0, 1, 65_534, 65_535, 65_536, 69_999]) {
      assert.is(copy[i], copy[i + 70_000])
      assert.is(copy[i]!.i, i)
    }
  })

  test.run()
}
