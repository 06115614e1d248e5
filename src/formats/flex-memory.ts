/**
 * Memory of a document that is read in part: views are made one by one, on buffers whose lengths were checked before.
 *
 * Memory: a view out of band lies on its buffer (borrow) when it is aligned there, else on a copy of the run, which those
 * that are read with it or after it share if they can. A run in band is copied when a view on it is first read (own).
 */
import { isShared, LARGEST } from '../bytes/window.js'
import { decodeFailure } from '../errors.js'
import type { Limits } from '../limits.js'
import { markReadonly } from '../out-of-band.js'
import { ViewKind } from '../wire/flags.js'
import { KINDS, viewOn } from '../wire/views.js'
import { cannotAlign, expectAllowed, mustBeCopied } from './memory.js'
import { RECORD_IN_BAND, RECORD_READONLY, RECORD_SHARED, type ViewRecord } from './view-record.js'

type Buffer = ArrayBufferView | ArrayBufferLike

/** What the views on a run that were read so far ask for, and memory of our own under it. */
interface Home {
  /** Of the largest elements: where some are aligned, so are all smaller ones that can be. */
  readonly size: number
  readonly offset: number
  readonly copy: Uint8Array | undefined
}

export class LentMemory {
  readonly #limits: Readonly<Limits>
  readonly #buffers: readonly Buffer[]
  readonly #outOfBand = new Map<number, Home>()
  readonly #inBand = new Map<number, Home>()
  /** All records of the document, asked for when a view needs bytes that another record has. */
  readonly #records: () => readonly ViewRecord[]

  constructor(limits: Readonly<Limits>, buffers: readonly Buffer[], records: () => readonly ViewRecord[]) {
    this.#limits = limits
    this.#buffers = buffers
    this.#records = records
  }

  /** Takes note of views that are read together: where their runs lie the largest elements say, which all others can then share. */
  announce(records: readonly ViewRecord[]): void {
    for (const record of records.toSorted((a, b) => KINDS[b.kind].size - KINDS[a.kind].size))
      this.#run(record)
  }

  view(record: ViewRecord): ArrayBufferView | ArrayBufferLike {
    const { kind, flags, offset, byteLength } = record
    const run = this.#run(record)
    if (kind === ViewKind.ARRAY_BUFFER) return run.buffer
    const view = viewOn(kind, run.buffer, run.byteOffset + offset, byteLength / KINDS[kind].size)
    if (flags & RECORD_READONLY) markReadonly(view)
    return view
  }

  #run(record: ViewRecord): Uint8Array {
    expectAllowed(record, this.#limits, 0)
    return record.flags & RECORD_IN_BAND ? this.#own(record) : this.#lent(record)
  }

  #lent(record: ViewRecord): Uint8Array {
    const memory = this.#buffers[record.run]
    if (memory === undefined || memory.byteLength !== record.runBytes) {
      const fields = { buffer: record.run, requested: record.runBytes, available: memory?.byteLength ?? 0 }
      throw decodeFailure('BUFFERS', `buffer ${record.run} is not what a view lies on`, fields)
    }
    const run = ArrayBuffer.isView(memory)
      ? new Uint8Array(memory.buffer, memory.byteOffset, memory.byteLength)
      : new Uint8Array(memory)
    const mustShare = (record.flags & RECORD_SHARED) !== 0
    if (mustShare && !isShared(run.buffer)) {
      const what = `buffer ${record.run} is a copy of shared memory`
      throw decodeFailure('BUFFERS', what, { buffer: record.run })
    }
    const copy = homed(this.#outOfBand, record)
    if (copy !== undefined && fits(copy, record)) return copy
    if (fits(run, record)) return run
    if (mustShare) throw mustBeCopied()
    return kept(this.#outOfBand, record, run)
  }

  #own(record: ViewRecord): Uint8Array {
    const copy = homed(this.#inBand, record)
    if (copy !== undefined && fits(copy, record)) return copy
    const isFirst = record.bytes?.length === record.runBytes
    const first = isFirst
      ? record
      : this.#records().find(({ run, bytes }) => run === record.run && bytes?.length)
    if (first?.bytes?.length !== record.runBytes)
      throw decodeFailure('MALFORMED', 'a run without its bytes', {})
    return kept(this.#inBand, record, first.bytes)
  }
}

/** Whether a view can lie on the run where it is. */
function fits({ buffer, byteOffset, byteLength }: Uint8Array, { kind, offset }: ViewRecord): boolean {
  const isWhole = byteOffset === 0 && byteLength === buffer.byteLength
  return (byteOffset + offset) % KINDS[kind].size === 0 && (kind !== ViewKind.ARRAY_BUFFER || isWhole)
}

/** Takes note of a view, and returns the copy of its run, if there is one. @throws MALFORMED when no memory aligns all so far */
function homed(homes: Map<number, Home>, { run, kind, offset }: ViewRecord): Uint8Array | undefined {
  // An ArrayBuffer begins where any element is aligned.
  const size = kind === ViewKind.ARRAY_BUFFER ? LARGEST : KINDS[kind].size
  const home = homes.get(run)
  if (home !== undefined && (offset - home.offset) % Math.min(size, home.size) !== 0) throw cannotAlign()
  if (home === undefined || size > home.size) homes.set(run, { size, offset, copy: home?.copy })
  return home?.copy
}

/** A copy of a run, on which this view and those before it are aligned. */
function kept(homes: Map<number, Home>, { run }: ViewRecord, bytes: Uint8Array): Uint8Array {
  const { size, offset } = homes.get(run) as Home
  const phase = (size - (offset % size)) % size
  const memory = new Uint8Array(phase + bytes.length)
  memory.set(bytes, phase)
  const copy = memory.subarray(phase)
  homes.set(run, { size, offset, copy })
  return copy
}
