/**
 * The memory under the views of a message: announced by its records, checked against the buffers that came with the
 * packet before anything is built, then lent to views. The counterpart of `value/runs.ts`.
 *
 * Memory: a buffer is used where it lies (borrow) if every view on it is aligned there, else copied once, whole. What
 * is in band is copied (own).
 */
import { bufferOf, byteOffsetOf, isShared, LARGEST } from '../bytes/window.js'
import { decodeFailure, type OutbandError } from '../errors.js'
import { checkLimit, forbidden, type Limits } from '../limits.js'
import { markReadonly } from '../out-of-band.js'
import type { PacketLike } from '../packet.js'
import { takeAll } from '../value/buffers.js'
import { ViewKind } from '../wire/flags.js'
import { KINDS, viewOn } from '../wire/views.js'
import { malformed } from './malformed.js'
import { RECORD_IN_BAND, RECORD_READONLY, RECORD_SHARED, type ViewRecord } from './view-record.js'

interface Run {
  readonly byteLength: number
  readonly records: ViewRecord[]
  buffer: ArrayBufferLike
  byteOffset: number
}

const NO_BYTES = new ArrayBuffer(0)
export class Memory {
  readonly #limits: Readonly<Limits>
  readonly #outOfBand: Run[] = []
  readonly #inBand: Run[] = []
  #count = 0
  #totalBytes = 0

  constructor(limits: Readonly<Limits>) {
    this.#limits = limits
  }

  /** Runs out of band that were announced. */
  get outOfBand(): number {
    return this.#outOfBand.length
  }

  /** Counts a run that needs no record. `at`: byte of the metadata. @throws LIMIT */
  count(byteLength: number, at: number): void {
    const limits = this.#limits
    checkLimit('buffers', limits.buffers, ++this.#count, at)
    checkLimit('bufferBytes', limits.bufferBytes, byteLength, at)
    this.#totalBytes += byteLength
    checkLimit('totalBytes', limits.totalBytes, this.#totalBytes, at)
  }

  /** Takes note of a view. Runs are numbered in the order in which records first name them. @throws MALFORMED, LIMIT */
  announce(record: ViewRecord, at: number): void {
    const isInBand = (record.flags & RECORD_IN_BAND) !== 0
    const runs = isInBand ? this.#inBand : this.#outOfBand
    const { run: number, runBytes, bytes } = record
    if (number > runs.length) throw decodeFailure('MALFORMED', `a view on run ${number}`, { offset: at })
    if (number === runs.length) {
      this.count(runBytes, at)
      runs.push({ byteLength: runBytes, records: [], buffer: NO_BYTES, byteOffset: 0 })
      if (isInBand && bytes?.length !== runBytes)
        throw decodeFailure('MALFORMED', 'a run without its bytes', { offset: at })
    } else if (runs[number].byteLength !== runBytes || bytes?.length) {
      throw decodeFailure('MALFORMED', `two announcements of run ${number}`, { offset: at })
    }
    expectAllowed(record, this.#limits, at)
    runs[number].records.push(record)
  }

  /** Takes the buffers that were announced, no more and no fewer, and puts views where they can lie. @throws BUFFERS */
  receive(list: PacketLike['buffers']): void {
    takeAll(list, buffers => {
      for (const run of this.#outOfBand) {
        const memory = buffers.take(run.byteLength)
        if (ArrayBuffer.isView(memory)) {
          run.buffer = bufferOf(memory)
          run.byteOffset = byteOffsetOf(memory)
        } else run.buffer = memory
        const wantsShared = run.records.some(({ flags }) => flags & RECORD_SHARED)
        if (wantsShared && !isShared(run.buffer)) throw buffers.unshared()
      }
    })
    for (const run of this.#outOfBand) settle(run)
    for (const run of this.#inBand) own(run, run.records[0].bytes as Uint8Array)
  }

  /** The view of a record that was announced. */
  view({ kind, flags, run: number, offset, byteLength }: ViewRecord): ArrayBufferView | ArrayBufferLike {
    const { buffer, byteOffset } = (flags & RECORD_IN_BAND ? this.#inBand : this.#outOfBand)[number]
    if (kind === ViewKind.ARRAY_BUFFER) return buffer
    const view = viewOn(kind, buffer, byteOffset + offset, byteLength / KINDS[kind].size)
    if (flags & RECORD_READONLY) markReadonly(view)
    return view
  }
}

/** @throws UNSUPPORTED for a view that the limits or the engine do not have */
export function expectAllowed({ flags, kind }: ViewRecord, limits: Readonly<Limits>, at: number): void {
  if (flags & RECORD_SHARED && !limits.shared) throw forbidden('decode', 'shared', { offset: at })
  const { class: known, name } = KINDS[kind]
  if (known === undefined && kind !== ViewKind.BUFFER)
    throw decodeFailure('UNSUPPORTED', `no ${name} in this engine`, { offset: at })
}

/** For a message that announces no memory. @throws BUFFERS when there is some */
export function receiveNone(list: PacketLike['buffers']): void {
  if (Array.isArray(list) && list.length === 0) return
  takeAll(list, () => {})
}

/** Leaves a run where it lies if its views can lie there. */
function settle(run: Run): void {
  const { buffer, byteOffset, byteLength, records } = run
  const isWhole = byteOffset === 0 && byteLength === buffer.byteLength
  const fits = records.every(
    ({ kind, offset }) =>
      (byteOffset + offset) % KINDS[kind].size === 0 && (kind !== ViewKind.ARRAY_BUFFER || isWhole),
  )
  if (fits) return
  if (records.some(({ flags }) => flags & RECORD_SHARED)) throw mustBeCopied()
  own(run, new Uint8Array(buffer, byteOffset, byteLength))
}

/** The error for memory that the sender shared and that views cannot lie on. */
export function mustBeCopied(): OutbandError {
  return malformed('shared memory that must be copied')
}

/** The error for views on one run that were never aligned, all of them, anywhere. */
export function cannotAlign(): OutbandError {
  return malformed('views that no memory can align')
}

/** Copies a run to fresh memory, as many bytes in as its views need to be aligned. @throws MALFORMED when none will do */
function own(run: Run, bytes: Uint8Array): void {
  const { records } = run
  const isBuffer = records.some(({ kind }) => kind === ViewKind.ARRAY_BUFFER)
  let phase = 0
  while (records.some(({ kind, offset }) => (phase + offset) % KINDS[kind].size !== 0)) {
    if (++phase === LARGEST || isBuffer) throw cannotAlign()
  }
  const memory = new Uint8Array(phase + bytes.length)
  memory.set(bytes, phase)
  run.buffer = memory.buffer
  run.byteOffset = phase
}
