/** Short strings are found again by their bytes: none may be taken for another, whatever came before it. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Reader } from '../src/bytes/reader.js'
import { ShortTexts } from '../src/decode/short-texts.js'
import { Codec, decode, encode } from '../src/index.js'

const LONGEST = 33

const one = suite('short-texts')

for (let units = 1; units <= LONGEST; units++) {
  const text = Array.from({ length: units }, (_, i) => String.fromCharCode(97 + (i % 26))).join('')

  one(`a string of ${units} is told from each that differs in one unit, in the first bit or the last`, () => {
    for (let i = 0; i < units; i++) {
      for (const bit of [1, 128]) {
        const unit = text.charCodeAt(i) ^ bit
        const other = text.slice(0, i) + String.fromCharCode(unit) + text.slice(i + 1)
        const sent = [text, other, text, other]
        assert.equal(
          sent.map(value => decode(encode(value))),
          sent,
        )
      }
    }
  })
}

one('a string is told from its beginnings, and from what it ends with', () => {
  const text = 'orders.update.all'
  const sent = Array.from(text, (_, i) => [text.slice(0, i), text.slice(i), text.slice(i, i + 8)]).flat()
  for (const value of [...sent, ...sent]) assert.is(decode(encode(value)), value)
})

one('more strings than are kept', () => {
  for (let round = 0; round < 3; round++)
    for (let i = 0; i < 1000; i++) {
      const value = { id: `order-${i}`, state: ['open', 'paid', 'sent'][i % 3] }
      assert.equal(decode(encode(value)), value)
    }
})

const WARM = 20
/** What a place may hold in turn, each some times in a row. */
const IN_TURN: readonly (readonly [what: string, texts: readonly string[]])[] = [
  ['one string', ['orders.update']],
  ['two', ['get', 'set']],
  ['one of each length', Array.from({ length: 18 }, (_, i) => 'abcdefghijklmnopqr'.slice(0, i))],
  [
    'the beginnings of one of eight and of sixteen units',
    ['orders.u', 'orders.', 'orders.update.al', 'orders.update.a'],
  ],
  ['wide text', ['αβγ', 'abc', 'αβγ']],
  [
    'text of bytes that are NaN, or about zero, as floats',
    ['\xff'.repeat(8), '\x7f\xff'.repeat(8), '\0'.repeat(8), '\0'.repeat(9)],
  ],
  ['indices, and names that objects have', ['0', '12', '-1', '__proto__', 'constructor', 'toString']],
  ['more strings than are predicted', Array.from({ length: 30 }, (_, i) => `order-${i}`)],
  [
    'slices and what was put together',
    ['a long text to cut from'.slice(2, 16), 'orders.'.concat('upd', 'ate.all')],
  ],
]

for (const [what, texts] of IN_TURN) {
  one(`a place that holds ${what}: the bytes are those of an encoder that knows nothing`, () => {
    const known = new Codec()
    for (let i = 0; i < WARM; i++) known.encode({ first: 'x', text: texts[0], last: 'y' })
    for (const text of [...texts, ...texts])
      for (const value of [
        { first: 'x', text, last: 'y' },
        { first: text, text, last: text },
      ]) {
        const packet = known.encode(value)
        assert.equal([...packet.meta], [...new Codec().encode(value).meta])
        assert.equal(decode(packet), value)
      }
  })
}

one('memory that somebody changes while it is read leaves no wrong string behind', () => {
  const texts = new ShortTexts()
  const reader = new Reader()
  const read = (now: string, later: string) => {
    // What a second look at the bytes would find. Of two or three units four bytes are read.
    reader.load(Buffer.from(`${later}..`), new DataView(new TextEncoder().encode(`${now}..`).buffer))
    return texts.read(reader, 0, now.length)
  }
  for (const units of [2, 3, 4, 7, 8, 9, 13, 16]) {
    const now = 'orders.update.all'.slice(0, units)
    assert.is(read(now, 'x'.repeat(units)), now)
    assert.is(read(now, now), now)
  }
})

one.run()
