/**
 * What a format says of a view, for kinds of its own: 32 bytes, little-endian, and in front of them nothing that needs
 * JavaScript. The bytes of a run in band follow the first record on it.
 *
 *      u8 kind · u8 flags · u16 0 · u32 run · u64 offset · u64 byteLength · u64 runBytes
 */

import { readU32, readU64, writeU32, writeU64 } from '../bytes/words.js'
import { named } from '../errors.js'
import { type Entry, lostMeanwhile, type Run } from '../value/views.js'
import { ViewFlag, ViewKind } from '../wire/flags.js'
import { KINDS } from '../wire/views.js'
import { malformed } from './malformed.js'

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
  if (views.length === 1) {
    // Alone in a message, as many are: nothing is to be counted.
    const [view] = views
    setRecord(view, 0, true, true, copyShared, ownKinds)
    return
  }
  const users = new Map<Run, number>()
  for (const { entry } of views) users.set(entry.run, (users.get(entry.run) ?? 0) + 1)
  const numbers = new Map<Run, number>()
  const counts: [inBand: number, outOfBand: number] = [0, 0]
  for (const view of views) {
    const run = view.entry.run
    const number = numbers.get(run)
    const next = counts[Number(run.isOutOfBand)]
    setRecord(view, number ?? next, number === undefined, users.get(run) === 1, copyShared, ownKinds)
    if (number !== undefined || view.isAlone) continue
    numbers.set(run, next)
    counts[Number(run.isOutOfBand)]++
  }
}

function setRecord(
  view: SentView,
  number: number,
  isFirst: boolean,
  isOnly: boolean,
  copyShared: boolean,
  ownKinds: ReadonlySet<number>,
): void {
  const { kind, start, end, run } = view.entry
  const { window, isOutOfBand, isShared, start: runStart } = run
  const flags =
    (kind & ViewFlag.READONLY ? RECORD_READONLY : 0) |
    (isShared && !copyShared ? RECORD_SHARED : 0) |
    (isOutOfBand ? 0 : RECORD_IN_BAND)
  const byteLength = end - start
  const runBytes = window.byteLength
  view.isAlone = isOnly && flags === RECORD_IN_BAND && byteLength === runBytes && ownKinds.has(kind)
  view.record = {
    kind: kind & ViewFlag.KIND,
    flags,
    run: number,
    offset: start - runStart,
    byteLength,
    runBytes,
    bytes: isFirst && !isOutOfBand ? window : undefined,
  }
}

/**
 * The bytes of the run that go with the record of a view, if any do (borrow). @throws DETACHED when a getter that the library
 * calls once more took them away
 */
export function bytesOf({ entry, record }: SentView): Uint8Array | undefined {
  const { bytes, runBytes } = record
  if (bytes !== undefined && bytes.byteLength !== runBytes) throw lostMeanwhile(entry.source)
  return bytes
}

/** Writes the record at `pos`, which must have room for `RECORD_BYTES` and the run, if it is with it. */
export function writeRecord(bytes: Uint8Array, pos: number, record: ViewRecord): void {
  bytes[pos] = record.kind
  bytes[pos + 1] = record.flags
  bytes[pos + 2] = 0
  bytes[pos + 3] = 0
  writeU32(bytes, pos + 4, record.run)
  writeU64(bytes, pos + 8, record.offset)
  writeU64(bytes, pos + 16, record.byteLength)
  writeU64(bytes, pos + 24, record.runBytes)
  if (record.bytes !== undefined) bytes.set(record.bytes, pos + RECORD_BYTES)
}

/** Reads a record (borrows a run in band). `at` is its byte in the metadata, for errors. @throws MALFORMED, UNSUPPORTED */
export function readRecord(bytes: Uint8Array, at: number): ViewRecord {
  if (bytes.length < RECORD_BYTES) throw malformed('a short record of a view', { offset: at })
  const kind = bytes[0]
  const flags = bytes[1]
  const run = readU32(bytes, 4)
  const offset = readU64(bytes, 8)
  const byteLength = readU64(bytes, 16)
  const runBytes = readU64(bytes, 24)
  const known = KINDS[kind]
  if (known === undefined || flags > RECORD_KNOWN || bytes[2] !== 0 || bytes[3] !== 0)
    throw malformed('a view of unknown kind', { offset: at })
  const isInside = offset + byteLength <= runBytes && runBytes <= Number.MAX_SAFE_INTEGER
  const isWhole = kind !== ViewKind.ARRAY_BUFFER || byteLength === runBytes
  if (!isInside || !isWhole || byteLength % known.size !== 0) {
    const what = `${named(known.name)} of ${byteLength} bytes at ${offset} in a run of ${runBytes}`
    throw malformed(what, { offset: at })
  }
  const isInBand = (flags & RECORD_IN_BAND) !== 0
  if (isInBand && flags & RECORD_SHARED) throw malformed('shared memory in band', { offset: at })
  if (!isInBand && bytes.length > RECORD_BYTES) throw malformed('a record with bytes', { offset: at })
  const inBand = isInBand ? bytes.subarray(RECORD_BYTES) : undefined
  return { kind, flags, run, offset, byteLength, runBytes, bytes: inBand }
}
