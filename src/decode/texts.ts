/**
 * The text part: segments are turned into strings piece by piece, when first needed, and cut up as ops ask for them. A short
 * one stays bytes: to make each of its few strings by itself is quicker than to make one of all, and cut it.
 *
 * What is cut off is a slice to V8 from 13 units on, and keeps all of what it was cut from: a piece is what a kept string
 * may pin. To copy each instead costs decode of earthquakes.json two fifths, of records all of it again (measured).
 */
import { isWideSegment, type Reader, segmentBytes } from '../bytes/reader.js'
import { isTextCheap, isWide, readText } from '../bytes/text.js'
import type { OutbandError } from '../errors.js'
import { overLimit } from '../limits.js'
import { ShortTexts } from './short-texts.js'

/** Bytes of a segment that stays bytes. */
const SHORT = 32
/** Units of a piece, if no string in it is longer. */
const PIECE = isTextCheap ? 256 : 1024

export class Texts {
  /** The segment at work: where its bytes are, its units, and how many of them were cut off. */
  #start = 0
  #isWide = false
  #isShort = false
  #length = 0
  #cut = 0
  /** The units of it that are a string, from one unit to another. */
  #piece = ''
  #pieceStart = 0
  #pieceEnd = 0
  /** Next segment's header, in the reader's bytes. */
  #pos = 0
  #end = 0
  /** Bytes that a string may have. */
  #stringBytes = 0
  readonly #short = new ShortTexts()
  readonly defined: string[] = []

  /** The text part is what is left of the reader's bytes; whatever is wrong with it is told to who wants a string. */
  begin(reader: Reader, stringBytes: number): void {
    const { bytes, pos, end } = reader
    this.#length = 0
    this.#cut = 0
    this.#pos = pos
    this.#end = end
    this.#stringBytes = stringBytes
    const header = pos < end ? bytes[pos] : 0
    const byteLength = segmentBytes(header)
    // The only one of a small message is opened here, so that V8 need not put that where each string is read.
    if (header < 128 && byteLength > 0 && byteLength < end - pos) this.#open(reader)
  }

  end(): void {
    this.#piece = ''
    this.#pieceEnd = 0
    if (this.defined.length > 0) this.defined.length = 0
  }

  /** The next `units` units of text. @throws MALFORMED, TRUNCATED, LIMIT */
  next(reader: Reader, units: number): string {
    if (units === 0) return ''
    if (this.#cut === this.#length) this.#openNext(reader)
    const start = this.#cut
    const end = start + units
    if (end > this.#length) throw this.#tooLong(reader)
    this.#cut = end
    if (end > this.#pieceEnd) {
      if (this.#isShort) return this.#short.read(reader, this.#start + start, units)
      this.#read(reader, start, units)
    }
    return this.#piece.substring(start - this.#pieceStart, end - this.#pieceStart)
  }

  #tooLong(reader: Reader): OutbandError {
    return reader.malformed(this.#cut === 0 ? 'a string longer than its segment' : 'a string across segments')
  }

  /** Makes the piece that begins at this unit, of so many at the least. No string that the limit refuses fits in more of them. */
  #read(reader: Reader, start: number, units: number): void {
    const most = this.#isWide ? Math.floor(this.#stringBytes / 2) : this.#stringBytes
    const length = Math.min(Math.max(units, Math.min(PIECE, most)), this.#length - start)
    if (units > most) this.#expectNarrow(reader, start, units)
    this.#piece = this.#textOf(reader, start, length)
    this.#pieceStart = start
    this.#pieceEnd = start + length
  }

  /** A string is counted as it would be stored by itself, whatever the others of its segment made of it. @throws LIMIT */
  #expectNarrow(reader: Reader, start: number, units: number): void {
    const max = this.#stringBytes
    if (this.#isWide && units <= max && !isWide(this.#textOf(reader, start, units))) return
    throw overLimit('stringBytes', max, this.#isWide ? units * 2 : units, reader.pos)
  }

  #textOf({ bytes }: Reader, start: number, units: number): string {
    const unitBytes = this.#isWide ? 2 : 1
    return readText(bytes, this.#start + start * unitBytes, units * unitBytes, this.#isWide)
  }

  #openNext(reader: Reader): void {
    const { pos, end } = reader
    reader.pos = this.#pos
    reader.end = this.#end
    this.#open(reader)
    reader.pos = pos
    reader.end = end
  }

  #open(reader: Reader): void {
    const header = reader.varint()
    this.#isWide = isWideSegment(header)
    const byteLength = segmentBytes(header)
    this.#start = reader.take(byteLength)
    this.#length = this.#isWide ? byteLength / 2 : byteLength
    this.#isShort = byteLength <= Math.min(SHORT, this.#stringBytes) && !this.#isWide
    this.#cut = 0
    this.#pieceEnd = 0
    this.#pos = reader.pos
  }

  /** Whether all text was used. */
  get isSpent(): boolean {
    return this.#cut === this.#length && this.#pos === this.#end
  }

  /** Where that which was not used begins. */
  get pos(): number {
    const unitBytes = this.#isWide ? 2 : 1
    return this.#cut < this.#length ? this.#start + this.#cut * unitBytes : this.#pos
  }
}
