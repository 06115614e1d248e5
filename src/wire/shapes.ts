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

/** Reused: a message may have thousands of shapes that occur once. */
const out = new Writer()

/** The keys as the shape part has them (own). */
export function shapeBytes(keys: readonly string[]): Uint8Array {
  out.rewind()
  out.reserve(9)
  out.varint(keys.length)
  for (const key of keys) out.segment(key)
  return out.finish()
}

/** Reads one shape; its keys may repeat or be anything. @throws TRUNCATED, MALFORMED */
export function readShape(reader: Reader): string[] {
  const length = reader.varint()
  if (length > reader.end - reader.pos) throw reader.truncated(length)
  const keys: string[] = []
  for (let i = 0; i < length; i++) keys.push(reader.segment())
  return keys
}
