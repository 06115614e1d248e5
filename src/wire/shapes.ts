/**
 * A shape is an ordered list of keys. The shape part of the metadata lists each once:
 *
 *      varint n · n × ( varint units << 1 | wide · units × 1 or 2 bytes )
 */
import type { Reader } from '../bytes/reader.js'
import { Writer } from '../bytes/writer.js'

/** Whether a key is an array index, `0` to `2**32 − 2` in shortest form: engines keep those apart and put them first. */
export function isIndex(key: string): boolean {
  const { length } = key
  const first = key.charCodeAt(0)
  // Most keys are told by their first unit.
  if (!(first >= 48 && first <= 57) || length > 10) return false
  if (first === 48) return length === 1
  for (let i = 1; i < length; i++) {
    const unit = key.charCodeAt(i)
    if (unit < 48 || unit > 57) return false
  }
  return length < 10 || Number(key) < 0xffff_ffff
}

/**
 * Shapes that only the long op may name: without keys, or with indices for keys. An object of them takes
 * 60 to 300 bytes, too much for the two bytes that it would cost a hostile sender otherwise.
 */
export function isCostly(keys: readonly string[]): boolean {
  return keys.length === 0 || keys.some(isIndex)
}

const MOST_WAITED = 64

/**
 * When what is kept of shapes has no room for those of a message, it begins anew: after one such message at first, and after twice
 * as many each time. Else one message of ever new shapes (ids for keys) between others would make them all be learned again.
 */
export class Patience {
  #wait = 1
  #left = 1

  /** There was no room for a message: whether to begin anew. */
  isOver(): boolean {
    if (--this.#left > 0) return false
    this.#wait = Math.min(this.#wait * 2, MOST_WAITED)
    this.#left = this.#wait
    return true
  }
}

/** Reused: a message may have thousands of shapes that occur once. */
const scratch = new Writer()

/** The keys as the shape part has them (own). */
export function shapeBytes(keys: readonly string[]): Uint8Array {
  scratch.rewind()
  writeShape(scratch, keys)
  return scratch.finish()
}

/** Appends the keys as the shape part has them. */
export function writeShape(out: Writer, keys: readonly string[]): void {
  out.reserve(9)
  out.varint(keys.length)
  for (const key of keys) out.segment(key)
}

/** Reads one shape; its keys may repeat or be anything. @throws TRUNCATED, MALFORMED */
export function readShape(reader: Reader): string[] {
  const length = reader.varint()
  if (length > reader.end - reader.pos) throw reader.truncated(length)
  // As long as it will be: one that grows is made for seventeen, and a shape of one key may take three bytes.
  const keys = new Array<string>(length)
  for (let i = 0; i < length; i++) keys[i] = reader.segment()
  return keys
}
