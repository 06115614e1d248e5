/**
 * Tags are written over, in place, by what cbor-x makes bytes of: it answers for tags by a table that is the same for all
 * its users. What it makes is known again by where it lies.
 *
 *      a tag before text, bytes or a number   →  bytes, as many as tag and content
 *      a tag before an array or a map         →  82 bytes content: an array whose first element is a mark
 *      a tag 259 before a map                 →  an array: mark, key, value, …
 */
import { INDEFINITE, type Item } from './cbor-item.js'

/** Makes tag and content bytes of the same extent, which begin at `coverStart`. */
export function cover(bytes: Uint8Array, pos: number, end: number): void {
  const head = coverHead(end - pos)
  bytes[pos] = head === 1 ? 0x40 + end - pos - 1 : head === 2 ? 0x58 : head === 3 ? 0x59 : 0x5a
  putCount(bytes, pos + 1, head - 1, end - pos - head)
}

/** Where the bytes that a tag and its content become begin. */
export function coverStart(pos: number, end: number): number {
  return pos + coverHead(end - pos)
}

function coverHead(total: number): number {
  return total <= 24 ? 1 : total <= 257 ? 2 : total <= 65_538 ? 3 : 5
}

/** Makes a tag before any value an array of two, a mark and the value, and returns where the mark begins. */
export function wrap(bytes: Uint8Array, pos: number, start: number): number {
  bytes[pos] = 0x82
  bytes[pos + 1] = 0x40 + (start - pos - 2)
  return pos + 2
}

/** Makes a tag and the head of its map the head of an array and a mark, and returns where the mark begins. */
export function pair(bytes: Uint8Array, pos: number, map: Item): number {
  const total = map.start - pos
  // The whole head of the array, with room behind it for the mark, which takes what is left.
  const head = map.info === INDEFINITE ? 1 : total === 4 ? 2 : total === 5 ? 3 : 5
  bytes[pos] = head === 1 ? 0x9f : head === 2 ? 0x98 : head === 3 ? 0x99 : 0x9a
  putCount(bytes, pos + 1, head - 1, map.count * 2 + 1)
  bytes[pos + head] = 0x40 + (total - head - 1)
  return pos + head + 1
}

/** Big-endian. */
export function putCount(bytes: Uint8Array, pos: number, byteLength: number, count: number): void {
  for (let i = byteLength - 1; i >= 0; i--, count = Math.floor(count / 256)) bytes[pos + i] = count % 256
}
