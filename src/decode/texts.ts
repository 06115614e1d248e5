/**
 * The text part: segments are turned into strings when first needed, and cut up as ops ask for them. A short one stays
 * bytes: to make each of its few strings by itself is quicker than to make one of all, and cut it.
 */
import type { Reader } from '../bytes/reader.js'
import { readText } from '../bytes/text.js'

/** Bytes of a segment that stays bytes. */
const SHORT = 32

export class Texts {
  /** The segment at work: its text, or where its bytes are. */
  #segment: string | undefined
  #start = 0
  /** Units of it, and how many of them were cut off. */
  #length = 0
  #cut = 0
  /** Next segment's header, in the reader's bytes. */
  #pos = 0
  #end = 0
  readonly defined: string[] = []

  begin(start: number, end: number): void {
    this.#length = 0
    this.#cut = 0
    this.#pos = start
    this.#end = end
  }

  end(): void {
    this.#segment = undefined
    if (this.defined.length > 0) this.defined.length = 0
  }

  /** The next `units` units of text. @throws MALFORMED, TRUNCATED, LIMIT */
  next(reader: Reader, units: number, stringBytes: number): string {
    if (units === 0) return ''
    if (this.#cut === this.#length) {
      this.#open(reader, stringBytes)
      if (units > this.#length) throw reader.malformed('a string longer than its segment')
    } else if (this.#cut + units > this.#length) throw reader.malformed('a string across segments')
    const start = this.#cut
    this.#cut = start + units
    if (this.#segment === undefined) return readText(reader.bytes, this.#start + start, units, false)
    return this.#segment.substring(start, this.#cut)
  }

  #open(reader: Reader, stringBytes: number): void {
    const { pos, end } = reader
    reader.pos = this.#pos
    reader.end = this.#end
    const units = reader.peek() / 2
    if (Number.isInteger(units) && units <= SHORT && units <= stringBytes) {
      reader.pos++
      this.#start = reader.take(units)
      this.#segment = undefined
      this.#length = units
    } else {
      this.#segment = reader.segment(stringBytes)
      this.#length = this.#segment.length
    }
    this.#cut = 0
    this.#pos = reader.pos
    reader.pos = pos
    reader.end = end
  }

  /** Whether all text was used. */
  get isSpent(): boolean {
    return this.#cut === this.#length && this.#pos === this.#end
  }

  get pos(): number {
    return this.#pos
  }
}
