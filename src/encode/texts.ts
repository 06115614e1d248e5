/**
 * The text part: strings are collected by concatenation and written at once, in segments, which is two
 * to five times faster than one by one (measured). A segment is narrow or wide as a whole; its bound keeps
 * one wide character from doubling everything, and a receiver's small kept string (a slice) from pinning
 * more than a segment.
 *
 * Short strings that repeat (enumerations, in most documents) are written once more the second time, with
 * a number, and as that number from then on.
 */
import { writeShort } from '../bytes/text.js'
import { Writer } from '../bytes/writer.js'
import { Op } from '../wire/ops.js'

/** Units after which a segment is closed; also the length from which a string has a segment of its own. */
const SEGMENT = 4096
/** Units of a message that are written one by one: a small message is done before concatenation pays. Any op and header of so many is a byte. */
const FEW = 48
const CACHE = 512
const SHORTEST = 3
const LONGEST = 32

/** Number of a string that came but once. */
const ONCE = -1

/** Taken out for the reason that `write` gives. */
const { charCodeAt } = String.prototype

/** Where a string is looked for, as its length and ends say. */
function slotOf(text: string, units: number): number {
  return (units * 37 + charCodeAt.call(text, 0) * 5 + charCodeAt.call(text, units - 1) * 11) & (CACHE - 1)
}

export class Texts {
  /** The first strings of a message, while their units are few, and their numbers, as in `#numbers`. */
  readonly #few: string[] = new Array<string>(FEW).fill('')
  readonly #fewNumbers = new Int32Array(FEW)
  #fewCount = 0
  #fewUnits = 0
  #isSmall = true
  #open = ''
  readonly #closed = new Writer()
  /** Strings of this message, where their length and ends say. */
  readonly #cache: string[] = new Array<string>(CACHE).fill('')
  /** Number of the string, or `ONCE`. */
  readonly #numbers = new Int32Array(CACHE)
  #defined = 0
  /** Slots to empty after the message: no string of the caller's (and what it is a slice of) may stay. */
  readonly #filled = new Int32Array(CACHE)
  #fills = 0

  /** `metaBytes`: all of a message, of which its text is a part. */
  begin(metaBytes: number): void {
    this.#closed.limit = metaBytes
    this.#isSmall = true
    this.#defined = 0
  }

  end(): void {
    this.#open = ''
    this.#closed.rewind()
    while (this.#fewCount > 0) this.#few[--this.#fewCount] = ''
    this.#fewUnits = 0
    if (this.#fills >= CACHE) this.#cache.fill('')
    else for (let i = 0; i < this.#fills; i++) this.#cache[this.#filled[i]] = ''
    this.#fills = 0
  }

  /** Writes the op of a string to `out`, which must have room for 10 bytes. */
  write(out: Writer, text: string): void {
    if (this.#isSmall && this.#writeFew(out, text)) return
    // Strings are of many hidden classes (put together, cut off, keys of objects). Where V8 has met more than four of them it looks
    // `text.length` up each time, but not of what it knows to be a string: records take 6 % less to encode (measured).
    // biome-ignore lint/style/useTemplate: a template is made by a call
    const units = ('' + text).length
    if (units >= SHORTEST && units <= LONGEST && this.#repeats(out, text, units)) return
    if (units < Op.TEXTS) out.bytes[out.pos++] = Op.TEXT | units
    else {
      out.bytes[out.pos++] = Op.TEXT_LONG
      out.varint(units)
      if (units >= SEGMENT) this.#close()
    }
    this.#append(text)
  }

  /** The same while the message is small: its few strings are compared one by one. False when it is so no more. */
  #writeFew(out: Writer, text: string): boolean {
    const units = text.length
    if (this.#fewUnits + units > FEW) {
      this.#spill()
      return false
    }
    const known = units < SHORTEST ? -1 : this.#indexOf(text)
    const number = known < 0 ? ONCE : this.#fewNumbers[known]
    if (number !== ONCE) {
      out.bytes[out.pos++] = Op.TEXT_REF
      out.varint(number)
      return true
    }
    if (known < 0) out.bytes[out.pos++] = Op.TEXT | units
    else {
      out.bytes[out.pos++] = Op.TEXT_DEFINE
      out.varint(units)
    }
    if (units === 0) return true
    this.#fewUnits += units
    this.#fewNumbers[this.#fewCount] = known < 0 ? ONCE : this.#defined++
    this.#few[this.#fewCount++] = text
    return true
  }

  /** The last of the few strings that is the same; −1 for none. */
  #indexOf(text: string): number {
    let i = this.#fewCount
    while (--i >= 0 && this.#few[i] !== text);
    return i
  }

  #append(text: string): void {
    this.#open += text
    if (this.#open.length >= SEGMENT) this.#close()
  }

  /** The message is small no more: what was kept of it goes where that of others is. */
  #spill(): void {
    this.#isSmall = false
    for (let i = 0; i < this.#fewCount; i++) {
      const text = this.#few[i]
      const units = text.length
      this.#open += text
      if (units < SHORTEST || units > LONGEST) continue
      // As in `#repeats`, where V8 no longer puts it in place once it is a function of both: documents take 5 to 11 % more (measured).
      const at = slotOf(text, units)
      this.#cache[at] = text
      this.#filled[this.#fills++ & (CACHE - 1)] = at
      this.#numbers[at] = this.#fewNumbers[i]
    }
  }

  /** True when the string was one seen before in this message, and is written. */
  #repeats(out: Writer, text: string, units: number): boolean {
    const at = slotOf(text, units)
    if (this.#cache[at] !== text) {
      this.#cache[at] = text
      this.#filled[this.#fills++ & (CACHE - 1)] = at
      this.#numbers[at] = ONCE
      return false
    }
    const number = this.#numbers[at]
    if (number >= 0) {
      out.bytes[out.pos++] = Op.TEXT_REF
      out.varint(number)
      return true
    }
    this.#numbers[at] = this.#defined++
    out.bytes[out.pos++] = Op.TEXT_DEFINE
    out.varint(units)
    this.#append(text)
    return true
  }

  #close(out = this.#closed): void {
    if (this.#open !== '') out.segment(this.#open)
    this.#open = ''
  }

  /** Appends the text part. */
  finish(out: Writer): void {
    if (this.#isSmall) {
      if (this.#finishFew(out)) return
      this.#spill()
    }
    if (this.#closed.pos > 0) out.append(this.#closed.bytes.subarray(0, this.#closed.pos))
    this.#close(out)
  }

  /** A segment of few units, one by one; false when one is wide. */
  #finishFew(out: Writer): boolean {
    if (this.#fewCount === 0) return true
    out.reserve(FEW + 1)
    const { bytes, pos } = out
    let at = pos + 1
    for (let i = 0; i < this.#fewCount; i++) {
      const text = this.#few[i]
      if (!writeShort(bytes, at, text)) return false
      at += text.length
    }
    bytes[pos] = (at - pos - 1) * 2
    out.pos = at
    return true
  }
}
