/**
 * A window is `byteOffset + byteLength` on an ArrayBuffer. What the language does not say directly about
 * memory is found out here: whether it is gone, shared, resizable, and whether a view tracks its length.
 */

/** Members of resizable memory, which the type library knows only from ES2024 on. */
interface Resizable {
  readonly resizable?: boolean
  readonly growable?: boolean
  readonly maxByteLength?: number
}

const typedArrayKeys = (Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array).keys

/** True when the view is detached or lies outside its shrunk buffer: its bytes cannot be read any more. */
export function isGone(view: ArrayBufferView): boolean {
  try {
    // Both throw for memory that is gone and for nothing else; byteLength of a typed array would say 0.
    if (view instanceof DataView) void view.byteLength
    else typedArrayKeys.call(view)
    return false
  } catch {
    return true
  }
}

/** True when the ArrayBuffer is detached. A SharedArrayBuffer never is. */
export function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength !== 0) return false
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}

export function isShared(buffer: ArrayBufferLike): boolean {
  return typeof SharedArrayBuffer === 'function' && buffer instanceof SharedArrayBuffer
}

/** `maxByteLength` of a resizable or growable buffer, −1 for a fixed one. */
export function maxBytes(buffer: ArrayBufferLike): number {
  const { resizable, growable, maxByteLength } = buffer as Resizable
  return (resizable || growable) && maxByteLength !== undefined ? maxByteLength : -1
}

/** Fresh memory: fixed when `max` is −1, else resizable up to `max` bytes. */
export function allocate(byteLength: number, max: number): ArrayBuffer {
  if (max < 0) return new ArrayBuffer(byteLength)
  return new (ArrayBuffer as new (n: number, o: object) => ArrayBuffer)(byteLength, { maxByteLength: max })
}

/**
 * True when a view of a resizable buffer follows its length. The language has no question for it:
 * - a typed array answers through `subarray`, which passes a length to its species only when there is one;
 * - a DataView is asked on a clone (one temporary copy of the buffer) that is grown by a byte;
 * - a DataView on growable shared memory cannot be asked: one that reaches the end is taken to track it.
 */
export function isLengthTracking(view: ArrayBufferView): boolean {
  const { buffer } = view
  const max = maxBytes(buffer)
  if (max < 0) return false
  const rest = buffer.byteLength - view.byteOffset
  if (!(view instanceof DataView)) {
    const { BYTES_PER_ELEMENT } = view as Uint8Array
    if (rest - view.byteLength >= BYTES_PER_ELEMENT) return false
    return subarrayTracks(view as Uint8Array)
  }
  if (rest !== view.byteLength) return false
  if (isShared(buffer)) return true
  const clone = structuredClone(view) as DataView & { buffer: { resize(n: number): void } }
  const length = clone.byteLength
  if (max > clone.buffer.byteLength) clone.buffer.resize(clone.buffer.byteLength + 1)
  else if (length > 0) clone.buffer.resize(clone.buffer.byteLength - 1)
  else return true
  return !isGone(clone) && clone.byteLength !== length
}

function subarrayTracks(view: Uint8Array): boolean {
  const ViewClass = view.constructor as typeof Uint8Array
  const probe = view.subarray(0)
  let length: number | undefined
  function species(this: unknown, ...args: [ArrayBuffer, number, number?]): Uint8Array {
    length = args[2]
    return new ViewClass(...args)
  }
  Object.defineProperty(probe, 'constructor', { value: { [Symbol.species]: species } })
  probe.subarray(0)
  return length === undefined
}
