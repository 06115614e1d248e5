/** The text part: segments are turned into strings when first needed, and cut up as ops ask for them. */
import type { Reader } from '../bytes/reader.js'

export class Texts {
  #segment = ''
  #cut = 0
  /** Next segment's header, in the reader's bytes. */
  #pos = 0
  #end = 0
  readonly defined: string[] = []

  begin(start: number, end: number): void {
    this.#segment = ''
    this.#cut = 0
    this.#pos = start
    this.#end = end
  }

  end(): void {
    this.#segment = ''
    if (this.defined.length > 0) this.defined.length = 0
  }

  /** The next `units` units of text. @throws MALFORMED, TRUNCATED, LIMIT */
  next(reader: Reader, units: number, stringBytes: number): string {
    const start = this.#cut
    const end = start + units
    if (end <= this.#segment.length) {
      this.#cut = end
      return this.#segment.substring(start, end)
    }
    if (start < this.#segment.length) throw reader.malformed('a string across segments')
    if (units === 0) return ''
    this.#open(reader, stringBytes)
    if (units > this.#segment.length) throw reader.malformed('a string longer than its segment')
    this.#cut = units
    return this.#segment.substring(0, units)
  }

  #open(reader: Reader, stringBytes: number): void {
    const { pos, end } = reader
    reader.pos = this.#pos
    reader.end = this.#end
    this.#segment = reader.segment(stringBytes)
    this.#pos = reader.pos
    reader.pos = pos
    reader.end = end
  }

  /** Whether all text was used. */
  get isSpent(): boolean {
    return this.#cut === this.#segment.length && this.#pos === this.#end
  }

  get pos(): number {
    return this.#pos
  }
}
