/** One item of CBOR: its head, and how far its content reaches. */
import { decodeFailure, type OutbandError } from '../errors.js'

/** Major types. */
export const UINT = 0
export const BYTES = 2
export const TEXT = 3
export const ARRAY = 4
export const MAP = 5
export const TAG = 6
const SIMPLE = 7
/** The low bits of a head that says no count. */
export const INDEFINITE = 31
/** The end of what is indefinite. */
export const BREAK = 0xff

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

/** The head at this position, and where its content ends, which is there. @throws TRUNCATED, MALFORMED */
export function itemAt(bytes: Uint8Array, pos: number): Item {
  if (pos >= bytes.length) throw truncated(bytes, pos, 1)
  const major = bytes[pos] >> 5
  const info = bytes[pos] & 31
  if (info > 27 && info < INDEFINITE) throw wrong('a head of reserved form', pos)
  const countBytes = info < 24 || info === INDEFINITE ? 0 : 1 << (info - 24)
  const start = pos + 1 + countBytes
  if (start > bytes.length) throw truncated(bytes, pos, 1 + countBytes)
  let count = info < 24 ? info : 0
  for (let i = pos + 1; i < start; i++) count = count * 256 + bytes[i]
  const isRun = major === BYTES || major === TEXT
  if (info === INDEFINITE && (major < BYTES || major > MAP)) throw wrong('a head of reserved form', pos)
  if (isRun && count > bytes.length - start) throw truncated(bytes, start, count)
  return { major, info, count, start, end: isRun ? start + count : start }
}

/** Text or bytes that come in chunks, which are items of their own behind the head. */
export function isChunked({ major, info }: Item): boolean {
  return info === INDEFINITE && (major === BYTES || major === TEXT)
}

/** An integer, or a float of 16, 32 or 64 bits. */
export function isNumber({ major, info }: Item): boolean {
  return major < 2 || (major === SIMPLE && info > 24 && info < 28)
}

/** The error for bytes that end too early. */
export function truncated(bytes: Uint8Array, pos: number, requested: number): OutbandError {
  const available = Math.max(0, bytes.length - pos)
  return decodeFailure('TRUNCATED', 'metadata ends', { offset: pos, requested, available })
}

/** The error for bytes that make no sense. */
export function wrong(what: string, pos: number): OutbandError {
  return decodeFailure('MALFORMED', what, { offset: pos })
}
