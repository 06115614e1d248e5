/**
 * Memory of a document that is read in part: views are made one by one, on buffers whose lengths were checked before.
 *
 * Memory: a view out of band lies on its buffer (borrow) when it is aligned there, else on a copy of the run that those
 * after it share if they can. A run in band is copied when a view on it is first read (own).
 */
import { decodeFailure } from '../errors.js'
import { markReadonly } from '../out-of-band.js'
import { ViewKind } from '../wire/flags.js'
import { KINDS, viewOn } from '../wire/views.js'
import { RECORD_IN_BAND, RECORD_READONLY, type ViewRecord } from './view-record.js'

type Buffer = ArrayBufferView | ArrayBufferLike

export class LentMemory {
  readonly #buffers: readonly Buffer[]
  readonly #copies = new Map<number, Uint8Array>()
  readonly #inBand = new Map<number, Uint8Array>()
  /** All records of the document, asked for when a view needs bytes that another record has. */
  readonly #records: () => readonly ViewRecord[]

  constructor(buffers: readonly Buffer[], records: () => readonly ViewRecord[]) {
    this.#buffers = buffers
    this.#records = records
  }

  view(record: ViewRecord): ArrayBufferView | ArrayBufferLike {
    const { kind, flags, offset, byteLength } = record
    const run = flags & RECORD_IN_BAND ? this.#own(record) : this.#lent(record)
    if (kind === ViewKind.ARRAY_BUFFER) return run.buffer
    const view = viewOn(kind, run.buffer, run.byteOffset + offset, byteLength / KINDS[kind].size)
    if (flags & RECORD_READONLY) markReadonly(view)
    return view
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
    if (fits(run, record)) return run
    const copy = this.#copies.get(record.run)
    if (copy !== undefined && fits(copy, record)) return copy
    return kept(this.#copies, record, run)
  }

  #own(record: ViewRecord): Uint8Array {
    const run = this.#inBand.get(record.run)
    if (run !== undefined && fits(run, record)) return run
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

/** A copy of a run, on which this view is aligned. */
function kept(
  copies: Map<number, Uint8Array>,
  { run, kind, offset }: ViewRecord,
  bytes: Uint8Array,
): Uint8Array {
  const { size } = KINDS[kind]
  const phase = (size - (offset % size)) % size
  const memory = new Uint8Array(phase + bytes.length)
  memory.set(bytes, phase)
  const copy = memory.subarray(phase)
  copies.set(run, copy)
  return copy
}
