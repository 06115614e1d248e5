/** The example of FORMAT.md is what the encoder writes. */
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { encode } from '../src/index.js'

const page = readFileSync(new URL('../../spec/FORMAT.md', import.meta.url), 'utf8')

const test = suite('format: the page')

test('its example is what encode writes', () => {
  const [, listing] = /## Example[\s\S]*?```\n([\s\S]*?)```/.exec(page) as unknown as [string, string]
  const bytes = listing.split('\n').flatMap(line => line.slice(0, 22).match(/\b[0-9a-f]{2}\b/g) ?? [])
  const value = { id: 7, tags: ['a', 'é'], pixels: Uint8Array.of(1, 2, 3) }
  const { meta } = encode(value, { threshold: 0 })
  assert.is(Buffer.from(meta).toString('hex'), bytes.join(''))
})

test.run()
