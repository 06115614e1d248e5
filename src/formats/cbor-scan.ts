/**
 * Reads CBOR (RFC 8949) without building anything, before cbor-x sees it: every length is there, every limit is kept, and
 * no tag is left in it: cbor-x gets some of them wrong (shared values past 65 535, Maps and Sets in themselves, bignums in
 * quadratic time). What they become is in `cbor-cover.ts`.
 */
import { decodeFailure } from '../errors.js'
import { checkLimit, type Limits, overLimit } from '../limits.js'
import { isByteOrderMark } from './byte-order-mark.js'
import { cover, coverStart, pair, wrap } from './cbor-cover.js'
import {
  ARRAY,
  BREAK,
  BYTES,
  INDEFINITE,
  type Item,
  isChunked,
  isNumber,
  itemAt,
  MAP,
  TAG,
  TEXT,
  truncated,
  UINT,
  wrong,
} from './cbor-item.js'
import { Levels, UNKNOWN } from './cbor-levels.js'
import * as tags from './cbor-tags.js'
import { Costs, isWasteful, ODD_SLOTS_BYTES, slotsBytes, textSlotsBytes } from './costs.js'
import { isProtoKey } from './proto-key.js'

/** What is told of the bytes while they are scanned. */
export interface Finder {
  /** A tag before an item whose head is `headAt`; cbor-x will make of all of it bytes that begin `at`. It is written over next. */
  tag(tag: number, item: Item, headAt: number, at: number): void
  /** A tag before an array or a map; cbor-x will make of its head bytes that begin `at`. */
  mark(tag: number, at: number): void
  /** Bytes of the sender's. */
  bin(byteLength: number, at: number): void
  /** A key `__proto__`, which cbor-x renames, begins here. */
  hide(at: number): void
}

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

/** Whether a key that begins with a byte may be an index below 10 000: text of up to four digits, or a number. */
const MAY_BE_INDEX = new Uint8Array(256).fill(1, 0, 0x1c).fill(1, 0x61, 0x65).fill(1, 0xf9, 0xfc)
const U8 = 0x18
const U16 = 0x19

/** Where no position is: chunks begin. */
const CHUNKS = -1

/** Low bits of a head whose count has eight bytes. */
const EIGHT_BYTES = 27

/**
 * Who reads a message: cbor-x, or our own reader, where cbor-x would make too much of it, or something else. Nobody, before its
 * chunks are put together: from the first of them on nothing was looked at.
 */
export type ReadBy = 'library' | 'us' | 'nobody'

/** @throws TRUNCATED, TRAILING, MALFORMED, LIMIT */
export function scan(
  bytes: Uint8Array,
  limits: Readonly<Limits>,
  outerDepth: number,
  finder: Finder,
): ReadBy {
  const scan = new Scan(bytes, limits, finder, outerDepth)
  if (!scan.run()) return 'nobody'
  return scan.isMisread || isWasteful(scan.costs, bytes.length) ? 'us' : 'library'
}

class Scan {
  readonly #bytes: Uint8Array
  readonly #limits: Readonly<Limits>
  readonly #finder: Finder
  readonly #levels: Levels
  readonly costs = new Costs()
  /** Whether cbor-x would read it as something else, or not at all. */
  isMisread = false
  #items = 0

  constructor(bytes: Uint8Array, limits: Readonly<Limits>, finder: Finder, outerDepth: number) {
    this.#bytes = bytes
    this.#limits = limits
    this.#finder = finder
    this.#levels = new Levels(outerDepth)
  }

  /** Whether all of it was read; not from where chunks begin. */
  run(): boolean {
    const bytes = this.#bytes
    const sizes = this.#limits.stringBytes < LONGEST_SHORT ? CAREFUL_SIZES : SIZES
    const end = bytes.length
    const levels = this.#levels
    let level = levels.top
    let pos = 0
    for (;;) {
      if (level.rest === 0) {
        const outer = levels.leave()
        if (outer === undefined) {
          this.#finish(pos)
          return true
        }
        level = outer
        this.costs.turn()
        continue
      }
      if (pos >= end) throw truncated(this.#bytes, pos, 1)
      const byte = bytes[pos]
      const size = sizes[byte]
      if (size !== 0) {
        // What is before an even number of a map's items is a key.
        if (level.isMap && (level.rest & 1) === 0 && MAY_BE_INDEX[byte] !== 0) this.#shortKey(byte, pos)
        level.rest--
        pos += size
        continue
      }
      if (byte >= FIRST_SHORT && byte < AFTER_SHORT && (byte & 31) <= LONGEST_SHORT) {
        level.rest--
        pos++
        this.#enterCounted(byte & 31, pos, byte >= FIRST_SHORT_MAP, byte >= FIRST_SHORT_MAP)
      } else {
        pos = this.#item(pos)
        if (pos === CHUNKS) return false
      }
      level = levels.top
    }
  }

  #finish(pos: number): void {
    const trailing = this.#bytes.length - pos
    if (trailing < 0) throw truncated(this.#bytes, pos, -trailing)
    if (trailing > 0) throw decodeFailure('TRAILING', `${trailing} bytes behind the value`, { offset: pos })
  }

  /** An item that needs looking at; returns the position behind it, or behind the head of a container, or `CHUNKS`. */
  #item(pos: number): number {
    const level = this.#levels.top
    if (this.#bytes[pos] === BREAK) return this.#break(pos)
    const isKey = level.isMap && (level.rest & 1) === 0
    level.rest--
    const item = itemAt(this.#bytes, pos)
    if (isChunked(item)) return CHUNKS
    switch (item.major) {
      case BYTES:
        // cbor-extract 2.2.2, which reads ahead once it has met text, knows no such head, of text neither.
        if (item.info === EIGHT_BYTES) this.isMisread = true
        this.#finder.bin(item.count, pos)
        return item.end
      case TEXT:
        checkLimit('stringBytes', this.#limits.stringBytes, item.count, pos)
        if (item.info === EIGHT_BYTES || isByteOrderMark(this.#bytes, item.start)) this.isMisread = true
        if (isKey) this.#textKey(item)
        return item.end
      case ARRAY:
      case MAP:
        this.#open(item, pos, item.major === MAP)
        return item.start
      case TAG:
        return this.#tag(item, pos, isKey)
    }
    throw wrong(`the byte ${this.#bytes[pos].toString(16)}`, pos)
  }

  #break(pos: number): number {
    const level = this.#levels.top
    const { isIndefinite, isPaired, rest } = level
    if (!isIndefinite || (isPaired && rest % 2 === 1)) throw wrong('a break where none belongs', pos)
    this.#countItems((UNKNOWN - rest) / (isPaired ? 2 : 1), pos)
    level.rest = 0
    return pos + 1
  }

  /** Goes into a container. */
  #open({ count, start, info }: Item, pos: number, isMap: boolean, isPaired = isMap): void {
    if (info === INDEFINITE) this.#enter(isMap, isPaired, UNKNOWN, true, 1, pos)
    else this.#enterCounted(count, start, isMap, isPaired)
  }

  /** Goes into a container of so many elements, or pairs, that begin here. */
  #enterCounted(count: number, start: number, isMap: boolean, isPaired: boolean): void {
    const elements = isPaired ? count * 2 : count
    if (elements > this.#bytes.length - start) throw truncated(this.#bytes, start, elements)
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
    const depth = this.#levels.top.depth + levels
    if (depth > max) throw overLimit('depth', max, depth, pos)
    this.#levels.enter(isMap, isPaired, rest, isIndefinite, depth)
    this.costs.turn()
  }

  #countItems(items: number, pos: number): void {
    this.#items += items
    if (this.#items > this.#limits.items) throw overLimit('items', this.#limits.items, this.#items, pos)
  }

  #tag(head: Item, pos: number, isKey: boolean): number {
    const { count: tag, start } = head
    const content = itemAt(this.#bytes, start)
    const kind = tags.contentOf(tag)
    if (isChunked(content)) return CHUNKS
    if (content.major === TAG && content.count === tags.SHARED && kind !== undefined && kind !== 'any') {
      // Others number what is behind a tag, we number all of it: the tags change places.
      const outer = this.#bytes.slice(pos, start)
      this.#bytes.copyWithin(pos, start, content.start)
      this.#bytes.set(outer, pos + content.start - start)
      return this.#tag(itemAt(this.#bytes, pos), pos, isKey)
    }
    this.costs.part()
    if (kind === 'map' && content.major === MAP && !isKey) {
      this.#open(content, pos, false, true)
      this.#finder.mark(tag, pair(this.#bytes, pos, content))
      return content.start
    }
    if (kind === 'array' || kind === 'map' || kind === 'record' || kind === 'any') {
      const wanted = kind === 'array' ? ARRAY : MAP
      if (isKey || (kind !== 'any' && content.major !== wanted)) throw this.#misplaced(tag, pos)
      if (start - pos < 2) throw this.#misplaced(tag, pos)
      this.#enter(false, false, 1, false, kind === 'any' ? 1 : 0, pos)
      this.#finder.mark(tag, wrap(this.#bytes, pos, start))
      return start
    }
    const isRight =
      (kind === 'text' && content.major === TEXT) ||
      (kind === 'bytes' && content.major === BYTES) ||
      (kind === 'uint' && content.major === UINT) ||
      (kind === 'number' && isNumber(content))
    if (isKey || !isRight) throw this.#misplaced(tag, pos)
    this.#finder.tag(tag, content, start, coverStart(pos, content.end))
    cover(this.#bytes, pos, content.end)
    return content.end
  }

  #misplaced(tag: number, pos: number) {
    return wrong(`tag ${tag}, unknown or out of place`, pos)
  }

  /** A key that is a number, or text of up to four bytes. */
  #shortKey(byte: number, pos: number): void {
    const bytes = this.#bytes
    if (byte < 24) this.costs.add(slotsBytes(byte))
    else if (byte >= TEXT << 5 && byte < ARRAY << 5)
      this.costs.add(textSlotsBytes(bytes, pos + 1, byte & INDEFINITE))
    else if (byte === U8) this.costs.add(slotsBytes(bytes[pos + 1]))
    else if (byte === U16) this.costs.add(slotsBytes(bytes[pos + 1] * 256 + bytes[pos + 2]))
    else this.costs.add(ODD_SLOTS_BYTES)
  }

  #textKey({ start, count }: Item): void {
    if (isProtoKey(this.#bytes, start, count)) this.#finder.hide(start)
    else this.costs.add(textSlotsBytes(this.#bytes, start, count))
  }
}
