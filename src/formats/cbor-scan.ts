/**
 * Reads CBOR (RFC 8949) without building anything, before cbor-x sees it: every length is there, every limit is kept, and
 * no tag is left in it. cbor-x answers for tags by a table that is the same for all its users, and gets some of them wrong
 * (shared values past 65 535, Maps and Sets in themselves, bignums in quadratic time). So each is written over, in place:
 *
 *      a tag before text, bytes or a number   →  bytes, as many as tag and content
 *      a tag before an array or a map         →  82 bytes content: an array whose first element is a mark
 *      a tag 259 before a map                 →  an array: mark, key, value, …
 */
import { decodeFailure, type ErrorFields } from '../errors.js'
import { checkLimit, type Limits, overLimit } from '../limits.js'
import * as tags from './cbor-tags.js'

/** What is told of the bytes while they are scanned. */
export interface Finder {
  /** A tag before an item whose head is `headAt`; cbor-x will make of all of it bytes that begin `at`. It is written over next. */
  content(tag: number, item: Item, headAt: number, at: number): void
  /** A tag before an array or a map; cbor-x will make of its head bytes that begin `at`. */
  mark(tag: number, at: number): void
  /** Bytes of the sender's. */
  bin(byteLength: number, at: number): void
  /** A key `__proto__`, which cbor-x renames, begins here. */
  hide(at: number): void
}

/** One head: its major type, what it counts or is, and where what belongs to it lies. */
export interface Item {
  readonly major: number
  /** The five low bits of its first byte. */
  readonly info: number
  /** A count, length, number or tag; of 64 bits it may be rounded. */
  readonly count: number
  /** The byte behind the head, and behind the content of text and bytes. */
  readonly start: number
  readonly end: number
}

const BYTES = 2
const TEXT = 3
const ARRAY = 4
const MAP = 5
const TAG = 6
const SIMPLE = 7
const INDEFINITE = 31
const PROTO = [...'__proto__'].map(unit => unit.charCodeAt(0))

const LONGEST_SHORT = 23
/** Arrays and maps of up to 23 elements. */
const FIRST_SHORT = 0x80
const FIRST_SHORT_MAP = 0xa0
const AFTER_SHORT = 0xb8

/** Bytes of an item that its first byte says all about; 0 for the others, and text as long as `__proto__`. */
function sizesOf(hasText: boolean): Uint8Array {
  const sizes = new Uint8Array(256)
  for (const major of [0, 1]) {
    sizes.fill(1, major << 5, (major << 5) + 24)
    for (let power = 0; power < 4; power++) sizes[(major << 5) + 24 + power] = 1 + (1 << power)
  }
  for (let length = 0; hasText && length < 24; length++) sizes[0x60 + length] = 1 + length
  sizes[0x69] = 0
  sizes.fill(1, 0xf4, 0xf8)
  for (const [byte, size] of [
    [0xf9, 3],
    [0xfa, 5],
    [0xfb, 9],
  ])
    sizes[byte] = size
  return sizes
}

const SIZES = sizesOf(true)
const CAREFUL_SIZES = sizesOf(false)

/** @throws TRUNCATED, TRAILING, MALFORMED, LIMIT */
export function scan(bytes: Uint8Array, limits: Readonly<Limits>, outerDepth: number, finder: Finder): void {
  new Scan(bytes, limits, finder, outerDepth).run()
}

interface Level {
  /** Whether its items are keys and values of an object. */
  isMap: boolean
  /** Whether its items come in twos. */
  isPaired: boolean
  isIndefinite: boolean
  depth: number
  /** Items that are still to come. */
  rest: number
}

/** Items still to come of an indefinite container: even, and more than any message has. */
const UNKNOWN = 2 ** 31 - 2

class Scan {
  readonly #bytes: Uint8Array
  readonly #limits: Readonly<Limits>
  readonly #finder: Finder
  /** Used again and again: an object for each container was as much as all the rest. */
  readonly #levels: Level[]
  #top = 0
  #items = 0

  constructor(bytes: Uint8Array, limits: Readonly<Limits>, finder: Finder, outerDepth: number) {
    this.#bytes = bytes
    this.#limits = limits
    this.#finder = finder
    this.#levels = [{ isMap: false, isPaired: false, isIndefinite: false, depth: outerDepth, rest: 1 }]
  }

  run(): void {
    const bytes = this.#bytes
    const sizes = this.#limits.stringBytes < LONGEST_SHORT ? CAREFUL_SIZES : SIZES
    const end = bytes.length
    const levels = this.#levels
    let level = levels[0]
    let pos = 0
    for (;;) {
      if (level.rest === 0) {
        if (this.#top === 0) return this.#finish(pos)
        level = levels[--this.#top]
        continue
      }
      if (pos >= end) throw this.#truncated(pos, 1)
      const byte = bytes[pos]
      const size = sizes[byte]
      if (size !== 0) {
        level.rest--
        pos += size
        continue
      }
      if (byte >= FIRST_SHORT && byte < AFTER_SHORT && (byte & 31) <= LONGEST_SHORT) {
        level.rest--
        pos++
        this.#enterCounted(byte & 31, pos, byte >= FIRST_SHORT_MAP, byte >= FIRST_SHORT_MAP)
      } else pos = this.#item(pos)
      level = levels[this.#top]
    }
  }

  #finish(pos: number): void {
    const trailing = this.#bytes.length - pos
    if (trailing < 0) throw this.#truncated(pos, -trailing)
    if (trailing > 0) throw this.#failed('TRAILING', `${trailing} bytes behind the value`, { offset: pos })
  }

  /** An item that needs looking at; returns the position behind it, or behind the head of a container. */
  #item(pos: number): number {
    const level = this.#levels[this.#top]
    if (this.#bytes[pos] === 0xff) return this.#break(pos)
    // What is before an even number of a map's items is a key.
    const isKey = level.isMap && (level.rest & 1) === 0
    level.rest--
    const item = this.#head(pos)
    switch (item.major) {
      case BYTES:
        this.#finder.bin(item.count, pos)
        return item.end
      case TEXT:
        checkLimit('stringBytes', this.#limits.stringBytes, item.count, pos)
        if (isKey && item.count === PROTO.length) this.#key(item.start)
        return item.end
      case ARRAY:
      case MAP:
        this.#open(item, pos, item.major === MAP)
        return item.start
      case TAG:
        return this.#tag(item, pos, isKey)
    }
    throw this.#failed('MALFORMED', `the byte ${this.#bytes[pos].toString(16)}`, { offset: pos })
  }

  #break(pos: number): number {
    const level = this.#levels[this.#top]
    const { isIndefinite, isPaired, rest } = level
    if (!isIndefinite || (isPaired && rest % 2 === 1))
      throw this.#failed('MALFORMED', 'a break where none belongs', { offset: pos })
    this.#countItems((UNKNOWN - rest) / (isPaired ? 2 : 1), pos)
    level.rest = 0
    return pos + 1
  }

  /** The head at this position, and where its content ends, which is there. */
  #head(pos: number): Item {
    const bytes = this.#bytes
    if (pos >= bytes.length) throw this.#truncated(pos, 1)
    const major = bytes[pos] >> 5
    const info = bytes[pos] & 31
    if (info > 27 && info < INDEFINITE)
      throw this.#failed('MALFORMED', 'a head of reserved form', { offset: pos })
    const countBytes = info < 24 || info === INDEFINITE ? 0 : 1 << (info - 24)
    const start = pos + 1 + countBytes
    if (start > bytes.length) throw this.#truncated(pos, 1 + countBytes)
    let count = info < 24 ? info : 0
    for (let i = pos + 1; i < start; i++) count = count * 256 + bytes[i]
    const isRun = major === BYTES || major === TEXT
    if (info === INDEFINITE && !(major === ARRAY || major === MAP))
      throw this.#failed('MALFORMED', 'text or bytes in chunks', { offset: pos })
    if (isRun && count > bytes.length - start) throw this.#truncated(start, count)
    return { major, info, count, start, end: isRun ? start + count : start }
  }

  /** Goes into a container. */
  #open({ count, start, info }: Item, pos: number, isMap: boolean, isPaired = isMap): void {
    if (info === INDEFINITE) this.#enter(isMap, isPaired, UNKNOWN, true, 1, pos)
    else this.#enterCounted(count, start, isMap, isPaired)
  }

  /** Goes into a container of so many elements, or pairs, that begin here. */
  #enterCounted(count: number, start: number, isMap: boolean, isPaired: boolean): void {
    const elements = isPaired ? count * 2 : count
    if (elements > this.#bytes.length - start) throw this.#truncated(start, elements)
    this.#countItems(count, start)
    this.#enter(isMap, isPaired, elements, false, 1, start)
  }

  #enter(
    isMap: boolean,
    isPaired: boolean,
    rest: number,
    isIndefinite: boolean,
    levels: number,
    pos: number,
  ): void {
    const { depth: max } = this.#limits
    const depth = this.#levels[this.#top].depth + levels
    if (depth > max) throw overLimit('depth', max, depth, pos)
    const level = this.#levels[++this.#top]
    if (level === undefined) {
      this.#levels.push({ isMap, isPaired, isIndefinite, depth, rest })
      return
    }
    level.isMap = isMap
    level.isPaired = isPaired
    level.isIndefinite = isIndefinite
    level.depth = depth
    level.rest = rest
  }

  #countItems(items: number, pos: number): void {
    this.#items += items
    if (this.#items > this.#limits.items) throw overLimit('items', this.#limits.items, this.#items, pos)
  }

  #tag(head: Item, pos: number, isKey: boolean): number {
    const { count: tag, start } = head
    const content = this.#head(start)
    const kind = tags.contentOf(tag)
    if (kind === 'map' && content.major === MAP && !isKey) return this.#pairs(tag, content, pos)
    if (kind === 'array' || kind === 'map' || kind === 'record' || kind === 'any') {
      const wanted = kind === 'array' ? ARRAY : MAP
      if (isKey || (kind !== 'any' && content.major !== wanted)) throw this.#misplaced(tag, pos)
      this.#wrap(tag, pos, start, kind === 'any' ? 1 : 0)
      return start
    }
    const isRight =
      (kind === 'text' && content.major === TEXT) ||
      (kind === 'bytes' && content.major === BYTES) ||
      (kind === 'uint' && content.major === 0) ||
      (kind === 'number' && isNumber(content))
    if (isKey || !isRight) throw this.#misplaced(tag, pos)
    this.#cover(tag, content, start, pos)
    return content.end
  }

  #misplaced(tag: number, pos: number) {
    return this.#failed('MALFORMED', `tag ${tag}, unknown or out of place`, { offset: pos })
  }

  /** Makes tag and content bytes of the same extent. */
  #cover(tag: number, content: Item, headAt: number, pos: number): void {
    const total = content.end - pos
    const head = total <= 24 ? 1 : total <= 257 ? 2 : total <= 65_538 ? 3 : 5
    this.#finder.content(tag, content, headAt, pos + head)
    this.#bytes[pos] = head === 1 ? 0x40 + total - 1 : head === 2 ? 0x58 : head === 3 ? 0x59 : 0x5a
    this.#count(pos + 1, head - 1, total - head)
  }

  /** Makes a tag before any value an array of two: a mark, and the value. */
  #wrap(tag: number, pos: number, start: number, levels: number): void {
    if (start - pos < 2) throw this.#misplaced(tag, pos)
    this.#enter(false, false, 1, false, levels, pos)
    this.#bytes[pos] = 0x82
    this.#bytes[pos + 1] = 0x40 + (start - pos - 2)
    this.#finder.mark(tag, pos + 2)
  }

  /** Makes a tag and the head of its map the head of an array, and a mark. */
  #pairs(tag: number, map: Item, pos: number): number {
    const bytes = this.#bytes
    const total = map.start - pos
    this.#open(map, pos, false, true)
    // The whole head of the array, with room behind it for the mark, which takes what is left.
    const head = map.info === INDEFINITE ? 1 : total === 4 ? 2 : total === 5 ? 3 : 5
    bytes[pos] = head === 1 ? 0x9f : head === 2 ? 0x98 : head === 3 ? 0x99 : 0x9a
    this.#count(pos + 1, head - 1, map.count * 2 + 1)
    bytes[pos + head] = 0x40 + (total - head - 1)
    this.#finder.mark(tag, pos + head + 1)
    return map.start
  }

  #count(pos: number, byteLength: number, count: number): void {
    for (let i = byteLength - 1; i >= 0; i--, count = Math.floor(count / 256))
      this.#bytes[pos + i] = count % 256
  }

  #key(start: number): void {
    for (let i = 0; i < PROTO.length; i++) if (this.#bytes[start + i] !== PROTO[i]) return
    this.#finder.hide(start)
  }

  #truncated(pos: number, requested: number) {
    const available = Math.max(0, this.#bytes.length - pos)
    return this.#failed('TRUNCATED', 'metadata ends', { offset: pos, requested, available })
  }

  #failed(code: 'TRUNCATED' | 'TRAILING' | 'MALFORMED', what: string, fields: ErrorFields) {
    return decodeFailure(code, what, fields)
  }
}

/** An integer, or a float of 16, 32 or 64 bits. */
function isNumber({ major, info }: Item): boolean {
  return major < 2 || (major === SIMPLE && info > 24 && info < 28)
}
