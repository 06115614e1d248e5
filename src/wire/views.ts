/**
 * Views and the memory under them, as the view part of the metadata lists them: first the runs (a run is
 * the bytes between the first and last byte that overlapping or touching views cover), then the views.
 */

import { asBuffer } from '../bytes/text.js'
import { ViewFlag, ViewKind } from './flags.js'

type ViewClass = new (buffer: ArrayBufferLike, byteOffset: number, length?: number) => ArrayBufferView

export interface Kind {
  readonly name: string
  /** Bytes of one element; the unit of a view's length. */
  readonly size: number
  /** Absent where the engine lacks it (Float16Array on Node 20). */
  readonly class: ViewClass | undefined
}

function kind(name: string): Kind {
  const known = (globalThis as Record<string, unknown>)[name] as (ViewClass & Partial<Sized>) | undefined
  // Not every engine has Float16Array; bytes and DataViews are counted in bytes.
  return { name, size: known?.BYTES_PER_ELEMENT ?? (name === 'Float16Array' ? 2 : 1), class: known }
}

interface Sized {
  readonly BYTES_PER_ELEMENT: number
}

/** Kinds by their number on the wire. */
export const KINDS: readonly Kind[] = [
  'ArrayBuffer', // a SharedArrayBuffer when its run is shared
  'DataView',
  'Buffer',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
].map(kind)

/** Number of a kind by the name of its class. */
export const KIND_NUMBERS: ReadonlyMap<string, number> = new Map(
  KINDS.map((kind, number) => [kind.name, number]),
)

/** Whether what has this kind byte lives by the whole of its memory: an ArrayBuffer, or a view that follows the length of one. */
export function isBound(kind: number): boolean {
  return (kind & ViewFlag.KIND) === ViewKind.ARRAY_BUFFER || (kind & ViewFlag.TRACKING) !== 0
}

/** A view of this kind (borrow); without a length, in elements, it follows that of its memory. */
export function viewOn(
  kind: number,
  buffer: ArrayBufferLike,
  byteOffset: number,
  length?: number,
): ArrayBufferView {
  if (kind === ViewKind.BUFFER) return asBuffer(buffer, byteOffset, length)
  const ViewClass = KINDS[kind].class as NonNullable<Kind['class']>
  return new ViewClass(buffer, byteOffset, length)
}

interface ResizableBuffer extends ArrayBuffer {
  resize(byteLength: number): void
}

/**
 * Runs `make` while memory is shorter by so many bytes: V8 makes no view that follows memory of no whole number of its elements,
 * though memory may become so later. It may be the sender's own, so it is whole again whatever happens.
 */
export function whileShorter(memory: ArrayBufferLike, bytes: number, make: () => void): void {
  const buffer = memory as ResizableBuffer
  const { byteLength } = buffer
  const end = buffer.slice(byteLength - bytes)
  buffer.resize(byteLength - bytes)
  try {
    make()
  } finally {
    buffer.resize(byteLength)
    new Uint8Array(buffer).set(new Uint8Array(end), byteLength - bytes)
  }
}
