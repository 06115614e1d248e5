/**
 * Reads MessagePack without building anything, before msgpackr sees it: every length is there, every limit is kept, and
 * nothing is in it that a global table of msgpackr would answer for. Each ext is made a bin of the same length, in place
 * (these bytes are ours), and known again by where it lies: so what others registered with msgpackr plays no part here.
 *
 *      fixext  d4…d8 TYPE data          →  c4 LENGTH data
 *      ext 8   c7 LENGTH TYPE data      →  c5 LENGTH LENGTH data
 *      ext 16  c8 LENGTH LENGTH TYPE …  →  c5 LENGTH LENGTH TYPE …
 *      ext 32  c9 …                     →  c6 …
 */
import { decodeFailure, type ErrorFields } from '../errors.js'
import { checkLimit, type Limits, overLimit } from '../limits.js'
import { isByteOrderMark } from './byte-order-mark.js'
import { Costs, isWasteful, ODD_SLOTS_BYTES, slotsBytes, textSlotsBytes } from './costs.js'
import { isProtoKey } from './proto-key.js'

/** What is told of the bytes while they are scanned. */
export interface Finder {
  /** An ext of this type with data from `start` to `end`; msgpackr will make a bin of it that begins at `binStart`. Its head is written next. */
  ext(type: number, start: number, end: number, binStart: number): void
  /** A bin. */
  bin(byteLength: number, at: number): void
  /** A key `__proto__`, which msgpackr renames, begins here. */
  hide(at: number): void
}

const LONGEST_FIXSTR = 31

/** Bytes of what begins with a byte, where that says it all; 0 for containers and what is looked at. */
function sizesOf(hasFixstr: boolean): Uint8Array {
  const sizes = new Uint8Array(256).fill(1, 0, 0x80).fill(1, 0xe0)
  for (let byte = 0xa0; hasFixstr && byte < 0xc0; byte++) sizes[byte] = 1 + (byte & 31)
  // As long as `__proto__`.
  sizes[0xa9] = 0
  for (const byte of [0xc0, 0xc2, 0xc3]) sizes[byte] = 1
  for (const byte of [0xcc, 0xd0]) sizes[byte] = 2
  for (const byte of [0xcd, 0xd1]) sizes[byte] = 3
  for (const byte of [0xca, 0xce, 0xd2]) sizes[byte] = 5
  for (const byte of [0xcb, 0xcf, 0xd3]) sizes[byte] = 9
  return sizes
}

const SIZES = sizesOf(true)
const CAREFUL_SIZES = sizesOf(false)

/** Whether a key that begins with a byte may be an index below 10 000: text of up to four digits, or a number. */
const MAY_BE_INDEX = new Uint8Array(256).fill(1, 0, 0x80).fill(1, 0xa1, 0xa5).fill(1, 0xca, 0xd4)
const U8 = 0xcc
const U16 = 0xcd

/**
 * Returns whether the message is for our own reader: msgpackr would make too much of it, or something else.
 * @throws TRUNCATED, TRAILING, MALFORMED, LIMIT
 */
export function scan(
  bytes: Uint8Array,
  limits: Readonly<Limits>,
  outerDepth: number,
  finder: Finder,
): boolean {
  const scan = new Scan(bytes, limits, finder)
  scan.run(outerDepth)
  return scan.isMisread || isWasteful(scan.costs, bytes.length)
}

class Scan {
  readonly #bytes: Uint8Array
  readonly #limits: Readonly<Limits>
  readonly #finder: Finder
  readonly costs = new Costs()
  /** Whether msgpackr would read it as something else. */
  isMisread = false

  constructor(bytes: Uint8Array, limits: Readonly<Limits>, finder: Finder) {
    this.#bytes = bytes
    this.#limits = limits
    this.#finder = finder
  }

  run(outerDepth: number): void {
    const bytes = this.#bytes
    const { depth: maxDepth, items: maxItems, stringBytes } = this.#limits
    const sizes = stringBytes < LONGEST_FIXSTR ? CAREFUL_SIZES : SIZES
    const end = bytes.length
    /** What is still to come of the containers around this one, negative in maps. */
    const outer: number[] = []
    let rest = 1
    let isMap = false
    let items = 0
    let pos = 0
    for (;;) {
      while (rest === 0) {
        if (outer.length === 0) return this.#finish(pos)
        rest = outer.pop() as number
        isMap = rest < 0
        if (isMap) rest = -rest
        this.costs.turn()
      }
      if (pos >= end) throw this.#truncated(pos, 1)
      const byte = bytes[pos]
      const size = sizes[byte]
      // Of a map's items, those that leave an odd number behind are keys.
      rest--
      if (size !== 0) {
        if (isMap && (rest & 1) === 1 && MAY_BE_INDEX[byte] !== 0) this.#index(byte, pos)
        pos += size
        continue
      }
      const headBytes = byte < 0xa0 ? 1 : byte < 0xdc ? 0 : byte & 1 ? 5 : 3
      if (headBytes === 0) {
        pos = this.#scalar(byte, pos, isMap && (rest & 1) === 1)
        continue
      }
      const count = headBytes === 1 ? byte & 15 : this.#uint(pos + 1, headBytes - 1)
      pos += headBytes
      outer.push(isMap ? -rest : rest)
      this.costs.turn()
      isMap = byte < 0x90 || byte >= 0xde
      rest = isMap ? count * 2 : count
      if (rest > end - pos) throw this.#truncated(pos, rest)
      items += count
      if (items > maxItems) throw overLimit('items', maxItems, items, pos)
      if (outer.length + outerDepth > maxDepth)
        throw overLimit('depth', maxDepth, outer.length + outerDepth, pos)
    }
  }

  /** A key that may be an index: text of up to four bytes, or a number. */
  #index(byte: number, pos: number): void {
    const bytes = this.#bytes
    if (byte < 0x80) this.costs.add(slotsBytes(byte))
    else if (byte < 0xc0) this.costs.add(textSlotsBytes(bytes, pos + 1, byte & 31))
    else if (byte === U8) this.costs.add(slotsBytes(bytes[pos + 1]))
    else if (byte === U16) this.costs.add(slotsBytes(bytes[pos + 1] * 256 + bytes[pos + 2]))
    else this.costs.add(ODD_SLOTS_BYTES)
  }

  #finish(pos: number): void {
    const trailing = this.#bytes.length - pos
    if (trailing < 0) throw this.#truncated(pos, -trailing)
    if (trailing > 0) throw this.#failed('TRAILING', `${trailing} bytes behind the value`, { offset: pos })
  }

  /** What is no container and has a head of more than the byte; returns the position behind it. */
  #scalar(byte: number, pos: number, isKey: boolean): number {
    if (byte < 0xc0) return this.#text(pos, 0, isKey)
    switch (byte) {
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#bin(pos, 1 << (byte - 0xc4))
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#ext(pos, 1 << (byte - 0xc7))
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#fixext(pos, 1 << (byte - 0xd4))
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(pos, 1 << (byte - 0xd9), isKey)
    }
    throw this.#failed('MALFORMED', 'the byte c1, which means nothing', { offset: pos })
  }

  #text(pos: number, headBytes: number, isKey: boolean): number {
    const start = pos + 1 + headBytes
    const byteLength = headBytes === 0 ? this.#bytes[pos] & 31 : this.#uint(pos + 1, headBytes)
    checkLimit('stringBytes', this.#limits.stringBytes, byteLength, pos)
    const next = this.#take(start, byteLength)
    if (isByteOrderMark(this.#bytes, start)) this.isMisread = true
    if (isKey) this.#textKey(start, byteLength)
    return next
  }

  #bin(pos: number, headBytes: number): number {
    const byteLength = this.#uint(pos + 1, headBytes)
    const next = this.#take(pos + 1 + headBytes, byteLength)
    this.#finder.bin(byteLength, pos)
    return next
  }

  #fixext(pos: number, byteLength: number): number {
    const next = this.#take(pos + 2, byteLength)
    this.#add(pos + 2, pos + 1, pos + 2, next)
    this.#bytes[pos] = 0xc4
    this.#bytes[pos + 1] = byteLength
    return next
  }

  #ext(pos: number, headBytes: number): number {
    const bytes = this.#bytes
    const byteLength = this.#uint(pos + 1, headBytes)
    const typeAt = pos + 1 + headBytes
    const next = this.#take(typeAt + 1, byteLength)
    if (headBytes === 1) {
      this.#add(pos + 3, typeAt, typeAt + 1, next)
      bytes[pos] = 0xc5
      bytes[pos + 1] = 0
      bytes[pos + 2] = byteLength
    } else if (headBytes === 4 || byteLength === 0xffff) {
      // Head and type of an ext 16 are four bytes, the head of a bin 32 five: the last of them lies on the data's first.
      this.#add(pos + 5, typeAt, typeAt + 1, next)
      bytes[pos] = 0xc6
      const rest = next - pos - 5
      for (let i = 0; i < 4; i++) bytes[pos + 1 + i] = rest >>> (24 - 8 * i)
    } else {
      this.#add(pos + 3, typeAt, typeAt + 1, next)
      bytes[pos] = 0xc5
      bytes[pos + 1] = (byteLength + 1) >> 8
      bytes[pos + 2] = byteLength + 1
    }
    return next
  }

  /** Notes an ext before its head is written over. `binStart`: where the data of its bin will begin. */
  #add(binStart: number, typeAt: number, start: number, end: number): void {
    this.costs.part()
    this.#finder.ext(this.#bytes[typeAt], start, end, binStart)
  }

  #textKey(start: number, byteLength: number): void {
    if (isProtoKey(this.#bytes, start, byteLength)) this.#finder.hide(start)
    else this.costs.add(textSlotsBytes(this.#bytes, start, byteLength))
  }

  #uint(pos: number, byteLength: number): number {
    this.#take(pos, byteLength)
    let n = 0
    for (let i = 0; i < byteLength; i++) n = n * 256 + this.#bytes[pos + i]
    return n
  }

  #take(pos: number, byteLength: number): number {
    if (byteLength > this.#bytes.length - pos) throw this.#truncated(pos, byteLength)
    return pos + byteLength
  }

  #truncated(pos: number, requested: number) {
    const available = Math.max(0, this.#bytes.length - pos)
    return this.#failed('TRUNCATED', 'metadata ends', { offset: pos, requested, available })
  }

  #failed(code: 'TRUNCATED' | 'TRAILING' | 'MALFORMED', what: string, fields: ErrorFields) {
    return decodeFailure(code, what, fields)
  }
}
