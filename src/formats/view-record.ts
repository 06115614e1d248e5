/**
 * What a format says of a view, for kinds of its own: 32 bytes, little-endian, and in front of them nothing that needs
 * JavaScript. The bytes of a run in band follow the first record on it.
 *
 *      u8 kind · u8 flags · u16 0 · u32 run · u64 offset · u64 byteLength · u64 runBytes
 */
import { decodeFailure } from '../errors.js'
import type { Entry, Run } from '../value/views.js'
import { KINDS, VIEW_KIND, VIEW_READONLY } from '../wire/views.js'

export interface ViewRecord {
  /** Place among the kinds of `wire/views.ts`. */
  readonly kind: number
  readonly flags: number
  /** Index among the buffers of the packet; among the runs in band for one of those. */
  readonly run: number
  /** Bytes from the start of the run. */
  readonly offset: number
  readonly byteLength: number
  /** Bytes of the whole run. */
  readonly runBytes: number
  /** The run itself, in the first record on one in band (borrow). */
  readonly bytes?: Uint8Array | undefined
}

export const RECORD_BYTES = 32
export const RECORD_READONLY = 1
export const RECORD_SHARED = 2
export const RECORD_IN_BAND = 4
const RECORD_KNOWN = 7

/** A view on its way out. */
export interface SentView {
  readonly entry: Entry
  /** Set when the runs are laid out. */
  record: ViewRecord
  /** Whether it is in band and its run is nothing but this view, so that a format may say it in its own way. */
  isAlone: boolean
}

const NO_RECORD: ViewRecord = { kind: 0, flags: 0, run: 0, offset: 0, byteLength: 0, runBytes: 0 }

export function sentView(entry: Entry): SentView {
  return { entry, record: NO_RECORD, isAlone: false }
}

/**
 * Makes the records of views whose runs are laid out. Runs are numbered on their side of the band, in order; those of
 * views that are alone, of a kind that the format has a way of its own for, have no number.
 */
export function makeRecords(
  views: readonly SentView[],
  copyShared: boolean,
  ownKinds: ReadonlySet<number>,
): void {
  const users = new Map<Run, number>()
  for (const { entry } of views) users.set(entry.run as Run, (users.get(entry.run as Run) ?? 0) + 1)
  const numbers = new Map<Run, number>()
  const counts: [inBand: number, outOfBand: number] = [0, 0]
  for (const view of views) {
    const { entry } = view
    const run = entry.run as Run
    const { window, isOutOfBand, isShared, start } = run
    const flags =
      (entry.kind & VIEW_READONLY ? RECORD_READONLY : 0) |
      (isShared && !copyShared ? RECORD_SHARED : 0) |
      (isOutOfBand ? 0 : RECORD_IN_BAND)
    const byteLength = entry.end - entry.start
    const isFirst = !numbers.has(run)
    const isWhole = byteLength === window.byteLength && users.get(run) === 1
    view.isAlone = flags === RECORD_IN_BAND && isWhole && ownKinds.has(entry.kind)
    if (isFirst && !view.isAlone) numbers.set(run, counts[Number(isOutOfBand)]++)
    view.record = {
      kind: entry.kind & VIEW_KIND,
      flags,
      run: numbers.get(run) ?? 0,
      offset: entry.start - start,
      byteLength,
      runBytes: window.byteLength,
      bytes: isFirst && !isOutOfBand ? window : undefined,
    }
  }
}

/** Writes the record at `pos`, which must have room for `RECORD_BYTES` and the run, if it is with it. */
export function writeRecord(bytes: Uint8Array, pos: number, record: ViewRecord): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + pos, RECORD_BYTES)
  view.setUint8(0, record.kind)
  view.setUint8(1, record.flags)
  view.setUint16(2, 0)
  view.setUint32(4, record.run, true)
  view.setBigUint64(8, BigInt(record.offset), true)
  view.setBigUint64(16, BigInt(record.byteLength), true)
  view.setBigUint64(24, BigInt(record.runBytes), true)
  if (record.bytes !== undefined) bytes.set(record.bytes, pos + RECORD_BYTES)
}

/** Reads a record (borrows a run in band). `at` is its byte in the metadata, for errors. @throws MALFORMED, UNSUPPORTED */
export function readRecord(bytes: Uint8Array, at: number): ViewRecord {
  const malformed = (what: string) => decodeFailure('MALFORMED', what, { offset: at })
  if (bytes.length < RECORD_BYTES) throw malformed('a short record of a view')
  const view = new DataView(bytes.buffer, bytes.byteOffset, RECORD_BYTES)
  const [kind, flags, run] = [view.getUint8(0), view.getUint8(1), view.getUint32(4, true)]
  const [offset, byteLength, runBytes] = [8, 16, 24].map(at => Number(view.getBigUint64(at, true)))
  const known = KINDS[kind]
  if (known === undefined || flags > RECORD_KNOWN || view.getUint16(2) !== 0)
    throw malformed('a view of unknown kind')
  const isInside = offset + byteLength <= runBytes && runBytes <= Number.MAX_SAFE_INTEGER
  const isWhole = kind !== 0 || byteLength === runBytes
  if (!isInside || !isWhole || byteLength % known.size !== 0)
    throw malformed(`a ${known.name} of ${byteLength} bytes at ${offset} in a run of ${runBytes}`)
  if (flags & RECORD_IN_BAND && flags & RECORD_SHARED) throw malformed('shared memory in band')
  const inBand = flags & RECORD_IN_BAND ? bytes.subarray(RECORD_BYTES) : undefined
  if (inBand === undefined && bytes.length > RECORD_BYTES) throw malformed('a record with bytes')
  return { kind, flags, run, offset, byteLength, runBytes, bytes: inBand }
}
