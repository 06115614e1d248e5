/** Dates in other formats: ours come back to the millisecond, those of others are what their format says, or refused. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { cbor } from '../../src/formats/cbor.js'
import { flexbuffers } from '../../src/formats/flexbuffers.js'
import { msgpack } from '../../src/formats/msgpack.js'
import { decode, encode, type Format } from '../../src/index.js'
import { Dice } from '../mutate.js'
import { refused } from '../thrown.js'

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const read = (format: Format, meta: Uint8Array): unknown => decode({ meta, buffers: [] }, { format })

const own = suite('formats: dates of ours')
const MOST = 8.64e15
const EDGES = [
  0,
  1,
  999,
  2 ** 31 * 1000,
  2 ** 32 * 1000,
  2 ** 34 * 1000,
  2 ** 42 * 1000,
  4_398_285_168_301_903,
  MOST - 1,
  MOST,
]

for (const format of [msgpack, cbor, flexbuffers]) {
  own(`${format.name} keeps every millisecond`, () => {
    const dice = new Dice()
    dice.start(1, 5)
    const times = [...EDGES]
    // Past 4.4e15 seconds as a float64 are a millisecond apart.
    for (let i = 0; i < 4000; i++) times.push(4.3e15 + dice.below(2 ** 31) * 2_000_000 + dice.below(1000))
    for (const ms of times.flatMap(ms => [ms, -ms, ms - 1, 1 - ms]))
      if (ms <= MOST)
        assert.is(
          decode<Date>(encode(new Date(ms), { format }), { format }).getTime(),
          new Date(ms).getTime(),
        )
  })
}

own.run()

const texts = suite('formats: dates in text')
const tagged = (text: string) => Uint8Array.from([0xc0, 0x78, text.length, ...Buffer.from(text)])

for (const [text, wanted = text] of [
  ['2012-02-29T00:00:00.000Z'],
  ['0000-01-01T00:00:00.000Z'],
  ['9999-12-31T23:59:59.999Z'],
  ['2013-03-21T20:04:00Z', '2013-03-21T20:04:00.000Z'],
  ['2013-03-21t20:04:00z', '2013-03-21T20:04:00.000Z'],
  ['2013-03-21T20:04:00.5+05:30', '2013-03-21T14:34:00.500Z'],
  ['2013-03-01T00:04:00-00:30', '2013-03-01T00:34:00.000Z'],
  ['2013-03-21T20:04:00.9999999999Z', '2013-03-21T20:04:00.999Z'],
  ['1969-12-31T23:59:59.9999Z', '1969-12-31T23:59:59.999Z'],
  ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
  ['2016-12-31T15:59:60.25-08:00', '2017-01-01T00:00:00.250Z'],
] as const) {
  texts(text, () => assert.is((read(cbor, tagged(text)) as Date).toISOString(), wanted))
}

for (const text of [
  '2013-02-29T00:00:00Z',
  '2013-02-30T00:00:00Z',
  '2013-04-31T00:00:00Z',
  '2013-00-01T00:00:00Z',
  '2013-13-01T00:00:00Z',
  '2013-01-00T00:00:00Z',
  '2013-01-01T24:00:00Z',
  '2013-01-01T00:60:00Z',
  '2013-01-01T00:00:61Z',
  '2016-12-31T23:58:60Z',
  '2016-12-31T23:59:60+01:00',
  '2013-01-01T00:00:00+24:00',
  '2013-01-01T00:00:00+00:60',
  '2013-01-01T00:00:00',
  '2013-01-01 00:00:00Z',
  '2013-01-01T00:00:00.Z',
  '+002013-01-01T00:00:00Z',
]) {
  texts(`${text} is none`, () => void refused(() => read(cbor, tagged(text)), 'MALFORMED'))
}

texts.run()

const numbers = suite('formats: dates in numbers')
const timestamp64 = (seconds: bigint, nanoseconds: bigint) =>
  `d7ff${((nanoseconds << 34n) | seconds).toString(16).padStart(16, '0')}`

for (const [name, format, hex, wanted] of [
  ['32 bits', msgpack, 'd6ffffffffff', 4_294_967_295_000],
  ['nanoseconds', msgpack, timestamp64(1_514_862_245n, 678_901_234n), 1_514_862_245_678],
  ['the last of a second', msgpack, timestamp64(2n ** 31n - 1n, 999_999_999n), 2_147_483_647_999],
  ['the last before 1970', msgpack, 'c70cff3b9ac9ffffffffffffffffff', -1],
  ['the first of a second before 1970', msgpack, 'c70cff00000001ffffffffffffffff', -1000],
  ['none', msgpack, 'd4ffff', Number.NaN],
  ['the last', msgpack, 'c70cff00000000000007dba8218000', 8.64e15],
  ['an integer', cbor, 'c11a514b67b0', 1_363_896_240_000],
  ['a negative one', cbor, 'c120', -1000],
  ['a float', cbor, 'c1fb41d452d9ec200000', 1_363_896_240_500],
  ['half a float', cbor, 'c1f9b800', -500],
  ['NaN', cbor, 'c1f97e00', Number.NaN],
  ['the last', cbor, 'c11b000007dba8218000', 8.64e15],
] as const) {
  numbers(`${format.name}: ${name}`, () => {
    assert.ok(Object.is((read(format, bytesOf(hex)) as Date).getTime(), wanted))
  })
}

for (const [name, format, hex] of [
  ['1 000 000 000 nanoseconds', msgpack, timestamp64(1n, 1_000_000_000n)],
  ['2**32 − 1 nanoseconds', msgpack, 'c70cffffffffff0000000000000000'],
  ['a second past the last', msgpack, 'c70cff00000000000007dba8218001'],
  ['a millisecond past the last', msgpack, 'c70cff000f4240000007dba8218000'],
  ['2**63 − 1 seconds', msgpack, 'c70cff000000007fffffffffffffff'],
  ['−2**63 seconds', msgpack, 'c70cff000000008000000000000000'],
  ['one byte that is not 255', msgpack, 'd4ff00'],
  ['no byte', msgpack, 'c700ff'],
  ['1e300 seconds', cbor, 'c1fb7e37e43c8800759c'],
  ['an infinity of them', cbor, 'c1f97c00'],
  ['none of an infinity', cbor, 'c1f9fc00'],
  ['2**64 − 1', cbor, 'c11bffffffffffffffff'],
  ['a second past the last', cbor, 'c11b000007dba8218001'],
  ['1e300 milliseconds', flexbuffers, '09549c7500883ce4377e096401'],
] as const) {
  numbers(`${format.name}: ${name} is MALFORMED`, () => {
    const { message } = refused(() => read(format, bytesOf(hex)), 'MALFORMED')
    assert.match(message, /date|nanoseconds|timestamp/)
  })
}

numbers.run()
