/** The head of a frame in a file, and its metadata: read without what follows, and no more of it than there is. */
import { isOutbandError } from '../errors.js'
import {
  checkStart,
  HEADER_BYTES,
  type Layout,
  readHeader,
  restoreStart,
  unpackFailure,
} from '../frame/header.js'
import { readLayout, truncated } from '../frame/unpack.js'
import { type Limits, UNLIMITED } from '../limits.js'
import { type Readable, readInto } from './disk.js'

/** Bytes that are read at first: most heads, and much metadata. */
const FIRST = 4096

/** What is held against a head. */
export interface HeadSettings {
  readonly limits: Readonly<Limits>
  /** Whether its checksum is compared, when it has one. */
  readonly isChecked: boolean
}

/** The head of a frame, and what was read with it. */
export interface Head {
  readonly layout: Layout
  /** The frame from its first byte on: the whole head, and perhaps more. */
  readonly bytes: Uint8Array
}

/**
 * The head of the frame that begins at byte `at` of a file of `size` bytes. One that the limits refuse may be good only if it
 * has its checksum and its frame ends in the file: a bit of a length that changed is CHECKSUM or TRUNCATED, whatever the limits.
 * One that begins as no frame does, and has the checksum of one that would, was changed there: CHECKSUM.
 * @throws TRUNCATED, MALFORMED, VERSION, LIMIT, CHECKSUM; Node's own errors
 */
export async function readHead(
  file: Readable,
  at: number,
  size: number,
  settings: HeadSettings,
): Promise<Head> {
  try {
    return await headWithin(file, at, size, settings)
  } catch (error) {
    if (isOutbandError(error, 'MALFORMED', 'VERSION')) {
      if (!(await isSpoilt(file, at, size, settings.limits))) throw error
      const fields = error.offset === undefined ? {} : { offset: error.offset }
      throw unpackFailure('CHECKSUM', 'the head is not what was sent', fields)
    }
    if (!isOutbandError(error, 'LIMIT')) throw error
    const { frameBytes } = await announcedLayout(file, at, size, settings)
    throw frameBytes > size - at ? truncated(frameBytes, size - at) : error
  }
}

/**
 * What the head at this place announces, whatever the limits say of that: only the table, which is read, is held against
 * that of buffers.
 * @throws as `readHead` does
 */
export async function announcedLayout(
  file: Readable,
  at: number,
  size: number,
  { limits, isChecked }: HeadSettings,
): Promise<Layout> {
  const start = await extended(file, new Uint8Array(0), at, Math.min(HEADER_BYTES, size - at))
  checkStart(start, start.length)
  if (start.length === HEADER_BYTES) {
    const { headBytes, metaBytes, count } = readHeader(start, UNLIMITED)
    const least = headBytes + metaBytes
    if (count > limits.buffers && least > size - at) throw truncated(least, size - at)
  }
  const tableLimits = { ...UNLIMITED, buffers: limits.buffers }
  const { layout } = await headWithin(file, at, size, { limits: tableLimits, isChecked })
  return layout
}

async function headWithin(file: Readable, at: number, size: number, settings: HeadSettings): Promise<Head> {
  const bytes = await extended(file, new Uint8Array(0), at, Math.min(FIRST, size - at))
  return headFrom(bytes, file, at, size, settings)
}

/** The head that begins with these bytes; the rest of it is in the file. */
async function headFrom(
  first: Uint8Array,
  file: Readable,
  at: number,
  size: number,
  { limits, isChecked }: HeadSettings,
): Promise<Head> {
  let bytes = first
  checkStart(bytes, bytes.length)
  if (bytes.length >= HEADER_BYTES) {
    const { headBytes } = readHeader(bytes, limits)
    bytes = await extended(file, bytes, at, Math.min(headBytes, size - at))
  }
  return { layout: readLayout(bytes, limits, isChecked ? undefined : false), bytes }
}

/** Whether a head would have its checksum, had it the magic number and the version of a frame. */
export async function isSpoilt(
  file: Readable,
  at: number,
  size: number,
  limits: Readonly<Limits>,
): Promise<boolean> {
  const bytes = await extended(file, new Uint8Array(0), at, Math.min(FIRST, size - at))
  restoreStart(bytes)
  try {
    const { layout } = await headFrom(bytes, file, at, size, { limits, isChecked: true })
    return layout.hasChecksums
  } catch (error) {
    if (isOutbandError(error)) return false
    throw error
  }
}

/** The metadata (own), or what there is of it. */
export async function readMeta(
  file: Readable,
  at: number,
  size: number,
  { layout, bytes }: Head,
): Promise<Uint8Array<ArrayBuffer>> {
  const { headBytes, metaBytes } = layout
  const end = Math.min(headBytes + metaBytes, size - at)
  const frame = await extended(file, bytes, at, end)
  return frame.slice(headBytes, end)
}

/** The bytes from `at` on, of which some are there already; fewer than wanted where the file ends. */
async function extended(
  file: Readable,
  bytes: Uint8Array,
  at: number,
  byteLength: number,
): Promise<Uint8Array> {
  if (bytes.length >= byteLength) return bytes
  const longer = new Uint8Array(byteLength)
  longer.set(bytes)
  const read = await readInto(file, longer.subarray(bytes.length), at + bytes.length)
  return longer.subarray(0, bytes.length + read)
}
