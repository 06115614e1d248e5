/** Values that tell whether they are whole: everything in them is their number, or follows from it. */
import * as assert from 'uvu/assert'

export interface Numbered {
  readonly n: number
  readonly samples: Float64Array
  readonly text: string
}

/** A value of a quarter of a MiB, or of a few bytes when the number is odd. */
export function numbered(n: number): Numbered {
  return { n, samples: new Float64Array(n % 2 === 0 ? 32_768 : 4).fill(n), text: 'é'.repeat(n % 50) }
}

/** The number of a value, once everything of it is as it was. */
export function numberOf({ n, samples, text }: Numbered): number {
  assert.is(samples.length, n % 2 === 0 ? 32_768 : 4)
  assert.ok(samples.every(sample => sample === n))
  assert.is(text, 'é'.repeat(n % 50))
  return n
}
