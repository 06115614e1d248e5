/**
 * What a value that was read had been in Python, where JavaScript has one class for several. It matters inside of objects that are
 * kept alone: elsewhere an array is a list, and a Uint8Array numpy's.
 */
import { isBytes } from '../../bytes/window.js'
import { isReadonly } from '../../out-of-band.js'

const tuples = new WeakSet<readonly unknown[]>()
const bytearrays = new WeakSet<Uint8Array>()
const vectors = new WeakSet<ArrayBufferView>()

export function markTuple(array: readonly unknown[]): void {
  tuples.add(array)
}

export function wasTuple(array: readonly unknown[]): boolean {
  return tuples.has(array)
}

export function markBytearray(bytes: Uint8Array): void {
  bytearrays.add(bytes)
}

/** For read-only arrays of numpy: others that are read-only were `bytes`, which are too many to be noted. */
export function markVector(view: ArrayBufferView): void {
  vectors.add(view)
}

/** Whether it was `bytes` or a `bytearray`. */
export function wasBytes(view: ArrayBufferView): view is Uint8Array {
  return isBytes(view) && (bytearrays.has(view) || (isReadonly(view) && !vectors.has(view)))
}
