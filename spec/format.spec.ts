/** The examples of FORMAT.md are what the encoder and `packBytes` write. */
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { packBytes, unpack } from '../src/frame/index.js'
import { decode, encode } from '../src/index.js'
import { difference } from './same.js'

const page = readFileSync(new URL('../../spec/FORMAT.md', import.meta.url), 'utf8')

const test = suite('format: the page')

/** The bytes of the listing under a heading, whose lines have them in the first so many columns. */
function example(heading: string, columns: number): Uint8Array {
  const [, listing] = page.split(`\n${heading}\n`)[1]!.split('```') as [string, string]
  const bytes = listing.split('\n').flatMap(line => line.slice(0, columns).match(/\b[0-9a-f]{2}\b/g) ?? [])
  return Uint8Array.from(bytes, digits => Number.parseInt(digits, 16))
}

const value = { id: 7, tags: ['a', 'é'], pixels: Uint8Array.of(1, 2, 3) }

test('its example is what encode writes', () => {
  const { meta } = encode(value, { threshold: 0 })
  assert.is(Buffer.from(meta).toString('hex'), Buffer.from(example('## Example', 22)).toString('hex'))
})

test('its frame is what packBytes writes, and unpack reads', () => {
  const written = packBytes(encode(value, { threshold: 0 }), { checksum: true })
  const frame = example('## A frame, byte by byte', 24)
  assert.is(Buffer.from(written).toString('hex'), Buffer.from(frame).toString('hex'))
  assert.is(difference(value, decode(unpack(frame))), undefined)
})

test.run()

const sizes = suite('format: what is written once')

const shared = { a: 1 }
const numbers = [1, 2, 3]
const view = new Uint8Array(8)
const MANY = 2000
const list = (make: (i: number) => unknown): unknown[] => Array.from({ length: MANY }, (_, i) => make(i))
/** At the most so many bytes for each element; what they have in common fits into `ONCE`. */
const ONCE = 100
const rows: [name: string, value: unknown[], bytesEach: number][] = [
  ['a string that comes again', list(i => `${i % 5} of five strings`), 3],
  ['keys', list(i => ({ identification: i % 100, description: null })), 4],
  ['an object that is shared', list(() => shared), 2],
  ['an array that is shared', list(() => numbers), 2],
  ['a view that is shared', list(() => view), 2],
  ['a unit of narrow text', ['\u00ff'.repeat(MANY)], 1],
  ['a small number', list(i => i % 64), 1],
  ['a number of two bytes', list(i => i), 2],
]
for (const [name, value, bytesEach] of rows) {
  sizes(`${name} takes ${bytesEach} bytes or less`, () => {
    const { meta } = encode(value)
    assert.is(difference(value, decode({ meta, buffers: [] })), undefined)
    assert.ok(meta.length <= MANY * bytesEach + ONCE, `${meta.length} bytes`)
  })
}

sizes.run()
