/** Short strings are found again by their bytes: none may be taken for another, whatever came before it. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Reader } from '../src/bytes/reader.js'
import { ShortTexts } from '../src/decode/short-texts.js'
import { decode, encode } from '../src/index.js'

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
