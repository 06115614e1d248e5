/**
 * Views and the memory under them, as the view part of the metadata lists them: first the runs (a run is
 * the bytes between the first and last byte that overlapping or touching views cover), then the views.
 */

/** Bits of a run's flags byte; the three highest are its phase. */
export const RUN_OUT_OF_BAND = 1
export const RUN_READONLY = 2
export const RUN_SHARED = 4
export const RUN_RESIZABLE = 8
export const RUN_KNOWN = 0b1110_1111
/**
 * A run's start modulo 8 in the sender's memory. A receiver that must copy the run puts it at the same
 * phase, so that every view that was aligned is aligned again.
 */
export const PHASE_SHIFT = 5

/** Bits of a view's kind byte beside the kind. */
export const VIEW_KIND = 31
export const VIEW_READONLY = 32
export const VIEW_TRACKING = 64
/** The view is the whole of the next run that no view before it was on: nothing else is said of it. */
export const VIEW_WHOLE = 128

export const KIND_ARRAY_BUFFER = 0
export const KIND_DATA_VIEW = 1
export const KIND_BUFFER = 2

type ViewClass = new (buffer: ArrayBufferLike, byteOffset: number, length?: number) => ArrayBufferView

export interface Kind {
  readonly name: string
  /** Bytes of one element; the unit of a view's length. */
  readonly size: number
  /** Absent where the engine lacks it (Float16Array on Node 20). */
  readonly class: ViewClass | undefined
}

const row = (name: string, size: number): Kind => ({
  name,
  size,
  class: (globalThis as Record<string, unknown>)[name] as ViewClass | undefined,
})

/** Kinds by their number on the wire. */
export const KINDS: readonly Kind[] = [
  row('ArrayBuffer', 1), // a SharedArrayBuffer when its run is shared
  row('DataView', 1),
  row('Buffer', 1),
  row('Int8Array', 1),
  row('Uint8Array', 1),
  row('Uint8ClampedArray', 1),
  row('Int16Array', 2),
  row('Uint16Array', 2),
  row('Int32Array', 4),
  row('Uint32Array', 4),
  row('Float16Array', 2),
  row('Float32Array', 4),
  row('Float64Array', 8),
  row('BigInt64Array', 8),
  row('BigUint64Array', 8),
]

/** Number of a kind by the name of its class. */
export const KIND_NUMBERS: ReadonlyMap<string, number> = new Map(
  KINDS.map((kind, number) => [kind.name, number]),
)
