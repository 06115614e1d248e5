/**
 * The encoder's memory: wherever in a message it ends, and has to grow, the bytes are the same. What is written past its end
 * would be lost without a word.
 */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { values } from '../fixtures/values.js'
import { Writer } from '../src/bytes/writer.js'
import { Codec } from '../src/index.js'

/** Bytes that an encoder begins with. */
const START = new Writer().bytes.length
/** Metadata that is longer holds nothing that shorter does not. */
const LONGEST = 128

const growth = suite('growth')

/** An encoder that has grown already. */
const wide = new Codec()
wide.encode('x'.repeat(START * 4))

for (const { name, make } of values) {
  const value = make()
  const { length } = wide.encode([[1, 2], value]).meta
  if (length > LONGEST) continue
  growth(name, () => {
    const numbers: number[] = new Array(START).fill(1)
    for (let pad = START - 1; pad >= START - length - 16; pad--) {
      numbers.length = pad
      const message = [numbers, value]
      const wanted = wide.encode(message).meta
      const { meta } = new Codec().encode(message)
      if (Buffer.compare(meta, wanted) !== 0) assert.equal(meta, wanted, `behind ${pad} numbers`)
    }
  })
}

growth.run()
