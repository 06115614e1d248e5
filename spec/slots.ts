/**
 * What an object is by its internal slots, whatever its prototype, its keys or a `Symbol.toStringTag` say of it.
 */

export type Memory = ArrayBuffer | SharedArrayBuffer

const getter = (prototype: object, name: string | symbol): (() => unknown) =>
  Object.getOwnPropertyDescriptor(prototype, name)!.get!

/** Each throws unless `this` has the internal slot: neither a subclass nor a `Symbol.toStringTag` can fool it. */
const probes = new Map<string, (this: never) => unknown>([
  ['Map', getter(Map.prototype, 'size')],
  ['Set', getter(Set.prototype, 'size')],
  ['ArrayBuffer', getter(ArrayBuffer.prototype, 'byteLength')],
  ['SharedArrayBuffer', getter(SharedArrayBuffer.prototype, 'byteLength')],
  ['Date', Date.prototype.getTime],
  ['RegExp', getter(RegExp.prototype, 'source')],
  ['Number', Number.prototype.valueOf],
  ['String', String.prototype.valueOf],
  ['Boolean', Boolean.prototype.valueOf],
  ['BigInt', BigInt.prototype.valueOf],
  ['Symbol', Symbol.prototype.valueOf],
])

const typedArrayTag = getter(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)

/** What an object is by its internal slots, whatever its prototype says; 'Object' when it has none that we know. */
export function brandOf(value: object): string {
  if (Array.isArray(value)) return 'Array'
  if (ArrayBuffer.isView(value)) return (typedArrayTag.call(value) as string | undefined) ?? 'DataView'
  const text = Object.prototype.toString.call(value)
  if (text === '[object Error]') return 'Error'
  const prototype = Object.getPrototypeOf(value)
  if (text === '[object Object]' && (prototype === Object.prototype || prototype === null)) return 'Object'
  // What it calls itself it nearly always is, and each of the others would throw.
  const claimed = text.slice(8, -1)
  for (const brand of [claimed, ...probes.keys()]) if (has(brand, value)) return brand
  return value instanceof Error ? 'Error' : 'Object'
}

function has(brand: string, value: object): boolean {
  const probe = probes.get(brand)
  try {
    probe?.call(value as never)
  } catch {
    return false
  }
  return probe !== undefined
}

/** What is in the slot of an object of this brand: the time of a Date, the primitive in a box. */
export function slotOf(brand: string, value: object): unknown {
  return probes.get(brand)?.call(value as never)
}

/** `undefined` when the view is out of its buffer's bounds, where a DataView throws and a typed array claims 0. */
export function byteLengthOf(view: ArrayBufferView): number | undefined {
  return isInBounds(view) ? view.byteLength : undefined
}

export function isCovering(view: ArrayBufferView): boolean {
  return isInBounds(view) && view.byteLength > 0
}

export function isInBounds(view: ArrayBufferView): boolean {
  try {
    if (view instanceof DataView) view.byteLength
    else Uint8Array.prototype.keys.call(view)
    return true
  } catch {
    return false
  }
}

export function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

export function isResizable(buffer: Memory): boolean {
  return buffer instanceof SharedArrayBuffer ? buffer.growable : buffer.resizable
}

export function room(view: ArrayBufferView): number {
  return view.buffer.maxByteLength - view.byteOffset
}

export function tracksLength(view: ArrayBufferView): boolean {
  const { buffer } = view
  if (buffer instanceof SharedArrayBuffer || !buffer.resizable || !isInBounds(view)) return false
  const { byteOffset, byteLength } = view
  const { byteLength: whole, maxByteLength } = buffer
  const element = view instanceof DataView ? 1 : (view as Uint8Array).BYTES_PER_ELEMENT
  if (whole - byteOffset - byteLength >= element) return false
  const grown = byteOffset + byteLength + element
  if (grown <= maxByteLength) {
    buffer.resize(grown)
    const tracks = view.byteLength !== byteLength
    buffer.resize(whole)
    return tracks
  }
  if (byteLength === 0) return false
  // No room to grow: cut one byte off. A fixed view falls out of bounds, a tracking one gets shorter.
  const cut = byteOffset + byteLength - 1
  const tail = new Uint8Array(buffer).slice(cut)
  buffer.resize(cut)
  const tracks = isInBounds(view)
  buffer.resize(whole)
  new Uint8Array(buffer).set(tail, cut)
  return tracks
}
