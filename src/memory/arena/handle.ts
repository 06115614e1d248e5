/**
 * What travels in place of a buffer: 64 bytes, little-endian.
 *
 *      ┌───────┬───────┬──────────┬───────┬─────┬──────────────┬──────────────┬────────────┬────────────┐
 *      │ magic │ flags │ arena id │ lease │ tag │ block starts │ block length │ from there │ byteLength │
 *      └───────┴───────┴──────────┴───────┴─────┴──────────────┴──────────────┴────────────┴────────────┘
 *      0       4       8          24      28    32             40             48           56          64
 *
 * A buffer without bytes has a handle of zeros behind the flags. Nothing here is believed: the block must lie in the segment,
 * the window in the block, and the lease must have been given.
 */
import { constants } from 'node:buffer'
import { OutbandError } from '../../errors.js'
import { ALIGNMENT } from './allocator.js'

export const HANDLE_BYTES = 64
/** The longest ArrayBuffer; to ask koffi for a longer one ends the process. */
export const MAX_BLOCK = constants.MAX_LENGTH

const MAGIC = 0x48424f01
const READONLY = 1
const EMPTY = 2
const HIGH = 2 ** 32

export interface Handle {
  readonly isReadonly: boolean
  readonly lease: number
  readonly tag: number
  /** Where the block begins in the segment, and how long it is. */
  readonly blockOffset: number
  readonly blockBytes: number
  /** The window on the block. */
  readonly byteOffset: number
  readonly byteLength: number
}

/** The bytes of a handle, or of one for no bytes at all (own). */
export function writeHandle(arena: Uint8Array, handle: Handle | undefined): Uint8Array {
  const bytes = new Uint8Array(HANDLE_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC, true)
  if (handle === undefined) {
    view.setUint32(4, EMPTY, true)
    return bytes
  }
  view.setUint32(4, handle.isReadonly ? READONLY : 0, true)
  bytes.set(arena, 8)
  view.setUint32(24, handle.lease, true)
  view.setInt32(28, handle.tag, true)
  const { blockOffset, blockBytes, byteOffset, byteLength } = handle
  let at = 32
  for (const number of [blockOffset, blockBytes, byteOffset, byteLength]) {
    view.setUint32(at, number % HIGH, true)
    view.setUint32(at + 4, Math.floor(number / HIGH), true)
    at += 8
  }
  return bytes
}

/**
 * Reads a handle to a window in a segment of so many bytes; `undefined`: no bytes at all.
 * @throws MALFORMED for what is no such handle, SHM_STALE for one of another arena
 */
export function readHandle(bytes: Uint8Array, arena: Uint8Array, segmentBytes: number): Handle | undefined {
  if (bytes.length !== HANDLE_BYTES) throw malformed(`a handle of ${bytes.length} bytes`)
  // A copy: what the bytes lie on may be written meanwhile.
  const own = bytes.slice()
  const view = new DataView(own.buffer, own.byteOffset)
  const flags = view.getUint32(4, true)
  if (view.getUint32(0, true) !== MAGIC || flags > EMPTY) throw malformed('64 bytes that are not a handle')
  if (flags === EMPTY) {
    if (own.subarray(8).some(byte => byte !== 0)) throw malformed('a handle to nothing')
    return undefined
  }
  if (!arena.every((byte, i) => byte === own[8 + i])) {
    throw new OutbandError('SHM_STALE', 'arena: a handle of another arena')
  }
  const number = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * HIGH
  const [blockOffset, blockBytes, byteOffset, byteLength] = [number(32), number(40), number(48), number(56)]
  // Each sum is below 2**65: what is lost of it by rounding is far above any segment.
  const isInside =
    blockOffset >= ALIGNMENT &&
    blockOffset % ALIGNMENT === 0 &&
    blockOffset + blockBytes <= segmentBytes &&
    byteOffset + byteLength <= blockBytes &&
    byteLength > 0 &&
    blockBytes <= MAX_BLOCK
  if (!isInside) throw malformed(`${byteLength} bytes at ${byteOffset} of ${blockBytes} at ${blockOffset}`)
  const lease = view.getUint32(24, true)
  const tag = view.getInt32(28, true)
  return { isReadonly: flags === READONLY, lease, tag, blockOffset, blockBytes, byteOffset, byteLength }
}

function malformed(what: string): OutbandError {
  return new OutbandError('MALFORMED', `arena: ${what}, in place of a window`)
}
