/**
 * The head of a frame: how many bytes each part has, and so where it lies. `spec/FORMAT.md`, "Frames".
 *
 *      0            4         5       6       8           16          20         24
 *      +------------+---------+-------+-------+-----------+-----------+----------+
 *      | 4f55 5442  | version | flags | 0     | metadata  | buffers   | CRC-32C  |
 *      | "OUTB"     | u8      | u8    | u16   | bytes u64 | u32       | u32 or 0 |
 *      +------------+---------+-------+-------+-----------+-----------+----------+
 *      | bytes of each buffer, u64 … | with checksums: CRC-32C of each part, u32 … |
 *      +-----------------------------+---------------------------------------------+
 *      | metadata | 0… | buffer | 0… | buffer | 0…                  (all padded to 8)
 *
 * Every length is checked against the limits before the bytes that it announces are looked at.
 */
import { crc32c } from '../bytes/crc32c.js'
import { readU32, readU64, writeU32, writeU64 } from '../bytes/words.js'
import { type ErrorCode, type ErrorFields, failure, type OutbandError } from '../errors.js'
import { checkLimit, type Limits, type Measure } from '../limits.js'

/** Bytes of a head without its table. */
export const HEADER_BYTES = 24
/** A buffer from so many bytes on begins at a multiple of 64, as vector instructions like it, others at one of 8. */
const LARGE = 1024
const LARGE_STEP = 64
const STEP = 8
/** The most padding that there is in one place. */
export const MOST_PADDING = LARGE_STEP - 1

/** Magic number, version, flags (here: none) and two bytes of 0. */
const START = Uint8Array.of(0x4f, 0x55, 0x54, 0x42, 1, 0, 0, 0)
const VERSION_AT = 4
const FLAGS_AT = 5
const META_AT = 8
const BUFFERS_AT = 16
const CRC_AT = 20
const HAS_CHECKSUMS = 1
const IS_NOTE = 2
/** Bytes of the metadata of a note. */
export const NOTE_BYTES = 16

/** What the first 24 bytes say. */
export interface Header {
  readonly hasChecksums: boolean
  /** Whether it carries no packet, but a word from one end of the stream to the other. */
  readonly isNote: boolean
  readonly metaBytes: number
  /** Buffers announced. */
  readonly count: number
  /** Bytes of header and table: where the metadata begins. */
  readonly headBytes: number
}

/** What the whole head says. */
export interface Layout extends Header {
  /** Bytes of each buffer. */
  readonly lengths: readonly number[]
  /** CRC-32C of the metadata, then of each buffer; none when they are off. */
  readonly checksums: readonly number[] | undefined
  readonly frameBytes: number
}

/** Zeros between `position` in the frame and a buffer of so many bytes. */
export function paddingBefore(position: number, byteLength: number): number {
  const step = byteLength < LARGE ? STEP : LARGE_STEP
  return (step - (position % step)) % step
}

/** Zeros behind the last part. */
export function paddingBehind(position: number): number {
  return paddingBefore(position, 0)
}

function headBytesOf(count: number, hasChecksums: boolean): number {
  const table = HEADER_BYTES + count * 8
  return hasChecksums ? table + Math.ceil((count + 1) / 2) * 8 : table
}

/** The layout of a frame with these parts. */
export function layOut(
  metaBytes: number,
  lengths: readonly number[],
  checksums: readonly number[] | undefined,
): Layout {
  const count = lengths.length
  const hasChecksums = checksums !== undefined
  const headBytes = headBytesOf(count, hasChecksums)
  let end = headBytes + metaBytes
  for (const byteLength of lengths) end += paddingBefore(end, byteLength) + byteLength
  const frameBytes = end + paddingBehind(end)
  return { hasChecksums, isNote: false, metaBytes, count, headBytes, lengths, checksums, frameBytes }
}

/** Where each part lies in the frame, the metadata first, and how long it is. */
export function* partsOf({
  headBytes,
  metaBytes,
  lengths,
}: Layout): Generator<[start: number, byteLength: number]> {
  yield [headBytes, metaBytes]
  let end = headBytes + metaBytes
  for (const byteLength of lengths) {
    const start = end + paddingBefore(end, byteLength)
    yield [start, byteLength]
    end = start + byteLength
  }
}

/** Writes the head at the start of `bytes`, which are 0 and have room for `headBytes`. */
export function writeHead(bytes: Uint8Array, layout: Layout): void {
  const { metaBytes, lengths, count, checksums, headBytes } = layout
  for (let at = 0; at <= VERSION_AT; at++) bytes[at] = START[at]
  writeU64(bytes, META_AT, metaBytes)
  writeU32(bytes, BUFFERS_AT, count)
  let at = HEADER_BYTES
  for (const byteLength of lengths) {
    writeU64(bytes, at, byteLength)
    at += 8
  }
  if (checksums === undefined) return
  bytes[FLAGS_AT] = HAS_CHECKSUMS
  for (const checksum of checksums) {
    writeU32(bytes, at, checksum)
    at += 4
  }
  writeU32(bytes, CRC_AT, headChecksum(bytes, bytes.subarray(HEADER_BYTES, headBytes)))
}

/** CRC-32C of the head but for the four bytes that it is written to. */
function headChecksum(start: Uint8Array, table: Uint8Array): number {
  return crc32c(table, crc32c(start.subarray(0, CRC_AT)))
}

/** @throws MALFORMED past 2**53, which no limit and no memory reaches */
export function readLength(bytes: Uint8Array, at: number, offset: number): number {
  const n = readU64(bytes, at)
  if (n > Number.MAX_SAFE_INTEGER) throw unpackFailure('MALFORMED', 'a length past 2**53', { offset })
  return n
}

/** An error of `unpack`, or of a `Deframer`, which is one that waits. */
export function unpackFailure(code: ErrorCode, what: string, fields: ErrorFields = {}): OutbandError {
  return failure('unpack', code, what, fields)
}

function check(limits: Readonly<Limits>, limit: Measure, requested: number, offset: number): void {
  checkLimit(limit, limits[limit], requested, offset, 'unpack')
}

/** Writes magic number and version over the bytes where they belong. */
export function restoreStart(bytes: Uint8Array): void {
  bytes.set(START.subarray(0, Math.min(bytes.length, FLAGS_AT)))
}

/** Whether bytes begin as those of a frame do. */
export function isFrame(bytes: Uint8Array): boolean {
  return bytes.length >= VERSION_AT && START.subarray(0, VERSION_AT).every((byte, at) => bytes[at] === byte)
}

/**
 * Looks at the first `length` bytes of a frame, of which there may be fewer than a header: a stream that is none is
 * refused at the first byte that tells, not when a header's worth of it has come.
 * @throws MALFORMED, VERSION
 */
export function checkStart(bytes: Uint8Array, length: number): void {
  for (let at = 0; at < Math.min(length, START.length); at++) {
    const byte = bytes[at]
    if (byte === START[at] || (at === FLAGS_AT && (byte === HAS_CHECKSUMS || byte === IS_NOTE))) continue
    const offset = at
    if (at < VERSION_AT) throw unpackFailure('MALFORMED', 'no magic number', { offset })
    if (at === VERSION_AT) throw unpackFailure('VERSION', `version ${byte}, not ${START[at]},`, { offset })
    throw unpackFailure('MALFORMED', at === FLAGS_AT ? `flags ${byte}` : `${byte} where 0 must be`, {
      offset,
    })
  }
}

/**
 * Reads the first 24 bytes, which `checkStart` has seen.
 * @throws LIMIT, MALFORMED, CHECKSUM
 */
export function readHeader(bytes: Uint8Array, limits: Readonly<Limits>): Header {
  const hasChecksums = bytes[FLAGS_AT] === HAS_CHECKSUMS
  const isNote = bytes[FLAGS_AT] === IS_NOTE
  const metaBytes = readLength(bytes, META_AT, META_AT)
  const count = readU32(bytes, BUFFERS_AT)
  check(limits, 'metaBytes', metaBytes, META_AT)
  check(limits, 'buffers', count, BUFFERS_AT)
  if (!hasChecksums && readU32(bytes, CRC_AT) !== 0)
    throw unpackFailure('MALFORMED', 'a checksum where checksums are off', { offset: CRC_AT })
  if (isNote && (metaBytes !== NOTE_BYTES || count !== 0))
    throw unpackFailure('MALFORMED', 'a note of no known form', { offset: META_AT })
  return { hasChecksums, isNote, metaBytes, count, headBytes: headBytesOf(count, hasChecksums) }
}

/**
 * Reads the table, which is the bytes from 24 to `headBytes`.
 * @throws CHECKSUM, LIMIT, MALFORMED
 */
export function readTable(
  header: Header,
  start: Uint8Array,
  table: Uint8Array,
  limits: Readonly<Limits>,
  isChecked: boolean,
): Layout {
  const { hasChecksums, count, metaBytes } = header
  if (isChecked && hasChecksums && headChecksum(start, table) !== readU32(start, CRC_AT)) {
    throw unpackFailure('CHECKSUM', 'the head is not what was sent')
  }
  const lengths: number[] = []
  let total = 0
  for (let at = 0; at < count * 8; at += 8) {
    const offset = HEADER_BYTES + at
    const byteLength = readLength(table, at, offset)
    check(limits, 'bufferBytes', byteLength, offset)
    total += byteLength
    check(limits, 'totalBytes', total, offset)
    lengths.push(byteLength)
  }
  const layout = layOut(metaBytes, lengths, hasChecksums ? readChecksums(table, count) : undefined)
  if (layout.frameBytes <= Number.MAX_SAFE_INTEGER) return { ...layout, isNote: header.isNote }
  throw unpackFailure('MALFORMED', 'a frame past 2**53')
}

function readChecksums(table: Uint8Array, count: number): number[] {
  const checksums: number[] = []
  let at = count * 8
  for (; checksums.length <= count; at += 4) checksums.push(readU32(table, at))
  if (at < table.length && readU32(table, at) !== 0)
    throw unpackFailure('MALFORMED', 'padding that is not 0', { offset: HEADER_BYTES + at })
  return checksums
}

/** @throws MALFORMED unless the bytes are zeros; `offset` is that of the first one in the frame. */
export function checkPadding(bytes: Uint8Array, start: number, end: number, offset: number): void {
  for (let at = start; at < end; at++) {
    if (bytes[at] === 0) continue
    throw unpackFailure('MALFORMED', 'padding that is not 0', { offset: offset + at - start })
  }
}

/** @throws CHECKSUM unless the part, −1 for the metadata or the number of a buffer, has the checksum that was sent. */
export function checkPart(layout: Layout, part: number, checksum: number): void {
  if (layout.checksums?.[part + 1] === checksum) return
  if (part < 0) throw unpackFailure('CHECKSUM', 'the metadata is not what was sent')
  throw unpackFailure('CHECKSUM', `buffer ${part} is not what was sent`, { buffer: part })
}

/** The frame, flagged as a note. */
export function noteFlagged(frame: Uint8Array): Uint8Array {
  frame[FLAGS_AT] = IS_NOTE
  return frame
}

/** @throws CHECKSUM when checksums are demanded of a packet that has none. */
export function expectChecksums({ hasChecksums, isNote }: Header, wanted: boolean | undefined): void {
  if (wanted === true && !hasChecksums && !isNote)
    throw unpackFailure('CHECKSUM', 'no checksums', { offset: FLAGS_AT })
}
