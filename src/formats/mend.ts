/** Lone surrogates have no UTF-8: in their place goes U+FFFD, or readers in other languages would refuse the whole message. */
import { define } from '../value/properties.js'
import { stopped } from '../value/trace.js'
import { Lifted } from './lifted.js'

const LONE = /[\ud800-\udfff]/u
const ALL_LONE = new RegExp(LONE, 'gu')

/**
 * The length of short text whose head ends with this byte, −1 when none does. Longer text libraries leave to the engine,
 * which mends it.
 */
export type TextLength = (bytes: Uint8Array, headEnd: number) => number

/** More than the bytes of any text that a library writes itself. */
const LONGEST = 256

/**
 * Whether this value has text that is no UTF-8: what a library wrote of it shows that, or has U+FFFD, which the engine writes
 * in its place (msgpackr as well, from 2.1.4 on) and which makes one of two keys.
 */
export function isIllFormed(written: Uint8Array, value: unknown, textLength: TextLength): boolean {
  for (let at = written.indexOf(0xef); at >= 0; at = written.indexOf(0xef, at + 1)) {
    if (written[at + 1] === 0xbf && written[at + 2] === 0xbd) return hasLone(value)
  }
  for (let at = written.indexOf(0xed); at >= 0; at = written.indexOf(0xed, at + 1)) {
    // A surrogate is ED A0…BF 80…BF, which a number may look like too, unless it cannot stand in text.
    if ((written[at + 1] & 0xe0) === 0xa0 && isInText(written, at, textLength)) return hasLone(value)
  }
  return false
}

/** Whether bytes before this one could be the head of text, and all that belongs to it were text. */
function isInText(bytes: Uint8Array, at: number, textLength: TextLength): boolean {
  for (let head = at - 1; head >= 0 && head > at - LONGEST; head--) {
    const end = head + 1 + textLength(bytes, head)
    if (end > at && end <= bytes.length && isText(bytes, head + 1, end)) return true
  }
  return false
}

/** Whether bytes have the form of UTF-8, surrogates included. */
function isText(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start
  while (at < end) {
    const byte = bytes[at++]
    let rest = byte < 0x80 ? 0 : byte < 0xc2 ? -1 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : byte < 0xf5 ? 3 : -1
    if (rest < 0 || at + rest > end) return false
    for (; rest > 0; rest--) if ((bytes[at++] & 0xc0) !== 0x80) return false
  }
  return true
}

function hasLone(value: unknown): boolean {
  if (typeof value === 'string') return LONE.test(value)
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (mayBeText(value[i]) && hasLone(value[i])) return true
    return false
  }
  if (value instanceof Lifted) return isDeep(value) && hasLone(value.content)
  for (const key in value) {
    const field = (value as Record<string, unknown>)[key]
    if (LONE.test(key) || (mayBeText(field) && hasLone(field))) return true
  }
  return false
}

const mayBeText = (value: unknown): boolean => typeof value === 'string' || typeof value === 'object'

/** Whether there may be text in a part. */
function isDeep(part: Lifted): boolean {
  return !(part.is('view') || part.is('bytes'))
}

/** A copy of what was lifted, all text and all keys well-formed. Its getters have been read. */
export function mended(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(ALL_LONE, '\ufffd')
  if (typeof value !== 'object' || value === null) return value
  // By its indices: what it is iterated by may be a property of its own.
  if (Array.isArray(value)) return Array.from({ length: value.length }, (_, i) => mended(value[i]))
  if (value instanceof Lifted)
    return isDeep(value) ? new Lifted(value.kind, mended(value.content) as never) : value
  const copy = {}
  expectDistinct(Object.keys(value))
  for (const [key, field] of Object.entries(value)) define(copy, mended(key) as string, mended(field), true)
  return copy
}

/** @throws UNSUPPORTED for keys of an object of which mending makes one: what one of them held would be announced, and lost */
export function expectDistinct(keys: readonly string[]): void {
  if (new Set(keys.map(mended)).size < keys.length)
    throw stopped('UNSUPPORTED', 'keys that are the same in UTF-8, which has no lone surrogates')
}
