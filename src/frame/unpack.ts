/**
 * A frame that lies in memory as a whole, as the packet that it is.
 *
 *      frame     [ head ][ metadata ][ 0… ][ buffer ][ 0… ][ buffer ][ 0… ]
 *      packet              copied            borrow          borrow
 *
 * The metadata is copied so that it owns its memory, as that of every packet does, and so that nobody changes it while
 * it is read when the frame lies in shared memory; the head is read from a copy then too. Buffers are windows on the
 * frame wherever it begins: at an address that is a multiple of 8 they are aligned (64, the large ones), and at any
 * other `decode` copies those that its views cannot lie on, and no others.
 */
import { crc32c } from '../bytes/crc32c.js'
import { isBytes, isVolatile } from '../bytes/window.js'
import { expectArgument, expectOptions } from '../errors.js'
import { LIMITS, type Limits, type LimitsOption, resolveLimits } from '../limits.js'
import type { Packet } from '../packet.js'
import {
  checkPadding,
  checkPart,
  checkStart,
  expectChecksums,
  HEADER_BYTES,
  type Layout,
  paddingBefore,
  readHeader,
  readTable,
  unpackFailure,
} from './header.js'

/** Options of `unpack`. */
export interface UnpackOptions {
  /**
   * Checksums are compared when the frame has them. `true`: a frame without them is refused. `false`: they are not
   * looked at, so that a buffer is not read before it is used (for large mapped files).
   */
  checksum?: boolean | undefined
  /** `'trusted'` (default), `'untrusted'` for bytes from a hostile peer, or single limits over `trusted`. */
  limits?: LimitsOption | undefined
}

/**
 * The packet of a frame. Its buffers are windows on `bytes` (borrow); `meta` owns its memory.
 * @throws TRUNCATED, TRAILING, MALFORMED, VERSION, LIMIT, CHECKSUM
 */
export function unpack(bytes: Uint8Array, options: UnpackOptions = {}): Packet {
  expectOptions(options)
  const { checksum } = options
  expectArgument(isBytes(bytes), 'bytes', 'a Uint8Array')
  expectArgument(checksum === undefined || typeof checksum === 'boolean', 'checksum', 'a boolean')
  const layout = readLayout(bytes, resolveLimits(options.limits), checksum)
  const { frameBytes, isNote } = layout
  if (isNote) throw unpackFailure('MALFORMED', 'a note, which carries no packet')
  if (bytes.length < frameBytes) throw truncated(frameBytes, bytes.length)
  if (bytes.length > frameBytes) throw trailing(frameBytes, bytes.length)
  return cut(bytes, layout, checksum !== false && layout.hasChecksums)
}

/** What the head of a frame says; the rest of it may be missing. @throws as `unpack` does */
export function readLayout(
  bytes: Uint8Array,
  limits: Readonly<Limits> = LIMITS.trusted,
  checksum?: boolean,
): Layout {
  const { length } = bytes
  const start = settled(bytes, HEADER_BYTES)
  checkStart(start, length)
  if (length < HEADER_BYTES) throw truncated(HEADER_BYTES, length)
  const header = readHeader(start, limits)
  expectChecksums(header, checksum)
  const { headBytes } = header
  if (length < headBytes) throw truncated(headBytes, length)
  const table = settled(bytes, headBytes).subarray(HEADER_BYTES, headBytes)
  return readTable(header, start, table, limits, checksum !== false)
}

/** The bytes, the first of them copied when somebody else could change them between two looks. */
function settled(bytes: Uint8Array, byteLength: number): Uint8Array {
  return isVolatile(bytes.buffer) ? new Uint8Array(bytes.subarray(0, byteLength)) : bytes
}

function cut(bytes: Uint8Array, layout: Layout, isChecked: boolean): Packet {
  const { headBytes, metaBytes, lengths, frameBytes } = layout
  let end = headBytes + metaBytes
  const meta = new Uint8Array(bytes.subarray(headBytes, end))
  if (isChecked) checkPart(layout, -1, crc32c(meta))
  const buffers = lengths.map((byteLength, i) => {
    const start = end + paddingBefore(end, byteLength)
    checkPadding(bytes, end, start, end)
    end = start + byteLength
    // Not `subarray`, which of a Buffer makes another one.
    const buffer = new Uint8Array(bytes.buffer, bytes.byteOffset + start, byteLength)
    if (isChecked) checkPart(layout, i, crc32c(buffer))
    return buffer
  })
  checkPadding(bytes, end, frameBytes, end)
  return { meta, buffers }
}

/** The error for a frame that ends too early. */
export function truncated(requested: number, available: number) {
  return unpackFailure('TRUNCATED', 'the frame ends', { offset: available, requested, available })
}

/** The error for bytes behind a frame that is to be the only one. */
export function trailing(requested: number, available: number) {
  return unpackFailure('TRAILING', 'the frame goes on', { offset: requested, requested, available })
}
