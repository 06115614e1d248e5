/**
 * A window is `byteOffset + byteLength` on an ArrayBuffer. What the language does not say directly about
 * memory is found out here: whether it is gone, shared, resizable, and whether a view tracks its length.
 */
import { isStackOverflow } from '../errors.js'
import { Marks } from './marks.js'
import { isBufferPrototype } from './text.js'

/** Members of resizable memory, which the type library knows only from ES2024 on. */
interface Resizable {
  readonly resizable?: boolean
  readonly growable?: boolean
  readonly maxByteLength?: number
}

// Slots are asked, not classes: they are the same in every realm (a test runner gives each file one of its own).
const TypedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array
const typedArrayName = slotOf(TypedArrayPrototype, Symbol.toStringTag)
const typedArrayBytes = slotOf(TypedArrayPrototype, 'byteLength')
const dataViewBytes = slotOf(DataView.prototype, 'byteLength')
const typedArrayBuffer = slotOf(TypedArrayPrototype, 'buffer')
const dataViewBuffer = slotOf(DataView.prototype, 'buffer')
const typedArrayOffset = slotOf(TypedArrayPrototype, 'byteOffset')
const dataViewOffset = slotOf(DataView.prototype, 'byteOffset')
const bufferBytes = slotOf(ArrayBuffer.prototype, 'byteLength')
const sharedBytes =
  typeof SharedArrayBuffer === 'function' ? slotOf(SharedArrayBuffer.prototype, 'byteLength') : undefined
const { keys: typedArrayKeys, subarray } = TypedArrayPrototype

/** Bytes of the largest elements; those of all are powers of two. */
export const LARGEST = 8

/** A getter or method of a built-in class, which throws for an object that only looks the part. */
export function slotOf(prototype: object, name: string | symbol): () => unknown {
  const { get, value } = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor
  return isWrapped(prototype, get) ? (get.call(prototype) as () => unknown) : (get ?? value)
}

/** Whether a getter is there for a method, as where all that is built in has been frozen. */
function isWrapped(prototype: object, get: (() => unknown) | undefined): get is () => unknown {
  try {
    return typeof get?.call(prototype) === 'function'
  } catch {
    return false
  }
}

/** Whether the value is what the slot belongs to, in any realm. */
export function hasSlot(value: unknown, slot: () => unknown): boolean {
  try {
    slot.call(value)
    return true
  } catch (error) {
    if (isStackOverflow(error)) throw error
    return false
  }
}

/** Name of a typed array's class, of any realm; undefined for a DataView. */
export function arrayName(view: unknown): string | undefined {
  return typedArrayName.call(view) as string | undefined
}

function isDataView(view: ArrayBufferView): boolean {
  return arrayName(view) === undefined
}

/** True for a Uint8Array of any realm. */
export function isBytes(value: unknown): value is Uint8Array {
  return arrayName(value) === 'Uint8Array'
}

/**
 * The ArrayBuffer of a view (borrow), whatever properties of its own that has. Where V8 (Node 20) compiles beside the program it leaves
 * `view.buffer` a lookup, but calls a getter that is a constant here at once: a tensor takes 4 % less there and back (measured).
 */
export function bufferOf(view: ArrayBufferView): ArrayBufferLike {
  return (isDataView(view) ? dataViewBuffer.call(view) : typedArrayBuffer.call(view)) as ArrayBufferLike
}

/** Where a view begins on its ArrayBuffer, in the same way. */
export function byteOffsetOf(view: ArrayBufferView): number {
  return (isDataView(view) ? dataViewOffset.call(view) : typedArrayOffset.call(view)) as number
}

/**
 * Bytes of a view or an ArrayBuffer; −1 when they cannot be read any more. Never ask a view's `length` for that: where code has met
 * resizable memory, V8 of Node 20 and 22 takes the length that it had before it was detached; `byteLength` is right.
 */
export function bytesUnder(memory: ArrayBufferView | ArrayBufferLike): number {
  return ArrayBuffer.isView(memory) ? windowBytes(memory) : memoryBytes(memory)
}

/** True when the bytes cannot be read any more: of a view, that its memory is detached, or has shrunk and ends before it. */
export function isGone(memory: ArrayBufferView | ArrayBufferLike): boolean {
  return bytesUnder(memory) < 0
}

function isViewGone(view: ArrayBufferView): boolean {
  // Both throw for memory that is gone and for nothing else.
  return !hasSlot(view, isDataView(view) ? dataViewBytes : typedArrayKeys)
}

/** Bytes of the window, −1 when they cannot be read any more: there a DataView throws and a typed array claims 0. */
export function windowBytes(view: ArrayBufferView): number {
  try {
    // Two calls, each of a function that V8 knows.
    const byteLength = (isDataView(view) ? dataViewBytes.call(view) : typedArrayBytes.call(view)) as number
    return byteLength === 0 && isViewGone(view) ? -1 : byteLength
  } catch (error) {
    if (isStackOverflow(error)) throw error
    return -1
  }
}

/** Bytes of an ArrayBuffer, whatever properties of its own it has; −1 when it is detached, which a SharedArrayBuffer never is. */
export function memoryBytes(buffer: ArrayBufferLike): number {
  const slot = isShared(buffer) ? (sharedBytes as () => unknown) : bufferBytes
  const byteLength = slot.call(buffer) as number
  if (byteLength > 0) return byteLength
  try {
    return new Uint8Array(buffer).length
  } catch {
    return -1
  }
}

export function isShared(buffer: unknown): boolean {
  return !(buffer instanceof ArrayBuffer) && sharedBytes !== undefined && hasSlot(buffer, sharedBytes)
}

/** Mapped memory, which other processes may write: an ArrayBuffer does not tell. */
const mapped = new Marks()

/** Notes that an ArrayBuffer lies on memory that others may have too. */
export function markMapped(buffer: ArrayBuffer): void {
  mapped.add(buffer)
}

/** True for memory that somebody else may change while it is read: shared between threads, or mapped. */
export function isVolatile(buffer: ArrayBufferLike): boolean {
  return mapped.has(buffer) || isShared(buffer)
}

/** True for an ArrayBuffer or a SharedArrayBuffer. */
export function isMemory(value: unknown): value is ArrayBufferLike {
  return value instanceof ArrayBuffer || hasSlot(value, bufferBytes) || isShared(value)
}

/** `maxByteLength` of a resizable or growable buffer, −1 for a fixed one. */
export function maxBytes(buffer: ArrayBufferLike): number {
  const resizable = buffer as Resizable
  return resizable.resizable || resizable.growable ? (resizable.maxByteLength ?? -1) : -1
}

/** Fresh memory: fixed when `max` is −1, else resizable up to `max` bytes. */
export function allocate(byteLength: number, max: number): ArrayBuffer {
  if (max < 0) return new ArrayBuffer(byteLength)
  return new (ArrayBuffer as new (n: number, o: object) => ArrayBuffer)(byteLength, { maxByteLength: max })
}

/**
 * True when a view of a resizable buffer follows its length. The language has no question for it:
 * - a typed array, or a Buffer, answers through `subarray`, which passes a length to its species only when there is one;
 * - a DataView, and an instance of a class of its own whose constructor must not be run, is asked on a clone
 *   (one temporary copy of the buffer) that is resized by an element;
 * - others, on growable shared memory or in an AudioWorklet, cannot be asked: one that reaches the very end is taken to track it.
 */
export function isLengthTracking(view: ArrayBufferView): boolean {
  const buffer = bufferOf(view)
  const max = maxBytes(buffer)
  if (max < 0) return false
  const rest = memoryBytes(buffer) - byteOffsetOf(view) - windowBytes(view)
  // Without its prototype a view does not say; none has larger elements.
  const elementBytes = isDataView(view) ? 1 : ((view as Partial<Uint8Array>).BYTES_PER_ELEMENT ?? LARGEST)
  if (rest >= elementBytes) return false
  // V8 refuses to make the probe when the memory is no multiple of the element (a view that follows may lie on such).
  if (rest === 0 && isPlainTypedArray(view)) return subarrayTracks(view as Uint8Array)
  const canClone = !isShared(buffer) && typeof structuredClone === 'function'
  return canClone ? cloneTracks(view, elementBytes) : rest === 0
}

/**
 * True for an instance of Uint8Array and the like, of this realm, or of Buffer; not of another class that extends them, nor with a
 * class of its own.
 */
function isPlainTypedArray(view: ArrayBufferView): boolean {
  if (Object.hasOwn(view, 'constructor')) return false
  const prototype = Object.getPrototypeOf(view)
  if (prototype === null) return false
  return Object.getPrototypeOf(prototype) === TypedArrayPrototype || isBufferPrototype(prototype)
}

function cloneTracks(view: ArrayBufferView, elementBytes: number): boolean {
  const clone = structuredClone(view)
  const buffer = clone.buffer as ArrayBufferLike & { resize(n: number): void }
  const { byteOffset, byteLength } = clone
  const end = byteOffset + byteLength
  const max = maxBytes(buffer)
  if (end + elementBytes <= max) buffer.resize(end + elementBytes)
  else if (byteLength > 0) buffer.resize(end - 1)
  else return true
  // A window of fixed length stays as it was, or is gone with the byte that was cut off.
  const left = windowBytes(clone)
  return left >= 0 && left !== byteLength
}

function subarrayTracks(view: Uint8Array): boolean {
  const probe = subarray.call(view, 0)
  let length: number | undefined
  function species(...args: [ArrayBuffer, number, number?]): Uint8Array {
    length = args[2]
    return probe
  }
  Object.defineProperty(probe, 'constructor', { value: { [Symbol.species]: species } })
  subarray.call(probe, 0)
  return length === undefined
}
