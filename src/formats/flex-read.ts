/**
 * FlexBuffers, read where they lie (https://flatbuffers.dev/internals#flexbuffers). The reader of the `flatbuffers` package
 * fails on vectors of 64-bit elements, takes 0 and NaN for null, and reads a window from the start of its ArrayBuffer;
 * this one is checked by its DataView, byte by byte, as it goes. It cannot say beforehand that all of a document is right.
 *
 *      … vector: [keys offset, keys width,] length, elements, a type for each …   root · root type · root width
 */
import { checkLimit, type Limits } from '../limits.js'
import { setField } from '../value/properties.js'
import { isIndex } from '../wire/shapes.js'
import { malformed } from './malformed.js'

export const NULL = 0
export const INT = 1
export const UINT = 2
export const FLOAT = 3
export const KEY = 4
export const STRING = 5
export const INDIRECT_INT = 6
export const INDIRECT_UINT = 7
export const INDIRECT_FLOAT = 8
export const MAP = 9
export const VECTOR = 10
export const BLOB = 25
export const BOOL = 26

/** Vectors whose elements are all of one type: the type, and how many where the type says so too; else 0. */
const TYPED: ReadonlyMap<number, readonly [element: number, length: number]> = new Map([
  [11, [INT, 0]],
  [12, [UINT, 0]],
  [13, [FLOAT, 0]],
  [14, [KEY, 0]],
  // Such a vector does not say how wide the lengths of its texts are: all readers take them up to their zero.
  [15, [KEY, 0]],
  ...[2, 3, 4].flatMap(length =>
    [INT, UINT, FLOAT].map((element, i) => [16 + (length - 2) * 3 + i, [element, length]] as const),
  ),
  [36, [BOOL, 0]],
])

/** Up to this many bytes a loop beats the call into the engine, and the place that points to a text pays for a copy. */
const SHORT = 24
/** Elements and bytes that small documents may point to more often than they have them. */
const FREE = 8192
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** The bytes of a document (borrow). */
export class FlexBytes {
  readonly view: DataView
  readonly bytes: Uint8Array
  readonly limits: Readonly<Limits>
  readonly #keys = new Map<number, string>()
  /** Long ones, since the last `begin`. */
  readonly #texts = new Map<number, string>()
  #items = 0
  #spent = 0

  constructor(bytes: Uint8Array, limits: Readonly<Limits>) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.limits = limits
  }

  /** The value at the end, which all else belongs to. @throws MALFORMED */
  root(): FlexValue {
    const { length } = this.bytes
    const width = this.bytes[length - 1]
    const isWidth = width === 1 || width === 2 || width === 4 || width === 8
    if (!isWidth || length < width + 2) throw malformed('no FlexBuffer')
    return new FlexValue(this, length - 2 - width, width, this.bytes[length - 2])
  }

  /** Another value is read, which may be one that was read before. */
  begin(): void {
    this.#texts.clear()
    this.#items = 0
    this.#spent = 0
  }

  /** Counts elements of a container. @throws LIMIT, MALFORMED */
  count(items: number, at: number): void {
    this.#items += items
    checkLimit('items', this.limits.items, this.#items, at)
    this.spend(items, at)
  }

  /**
   * Counts elements, and bytes of keys, blobs and long texts. Each of them once is no more than there are bytes: more of them
   * means that many places lead to the same. @throws MALFORMED
   */
  spend(amount: number, at: number): void {
    this.#spent += amount
    if (this.#spent > this.bytes.length + FREE) throw malformed('more elements than bytes', { offset: at })
  }

  uint(at: number, width: number): number {
    if (width === 1) return this.view.getUint8(at)
    if (width === 2) return this.view.getUint16(at, true)
    return width === 4 ? this.view.getUint32(at, true) : Number(this.view.getBigUint64(at, true))
  }

  /** Where an offset that is stored here leads: backwards. */
  target(at: number, width: number): number {
    return at - this.uint(at, width)
  }

  /** A text; a long one, to which writers point from many places, is read once. */
  text(start: number, byteLength: number): string {
    if (byteLength <= SHORT) return this.#decoded(start, byteLength)
    let text = this.#texts.get(start)
    if (text === undefined) {
      this.spend(byteLength, start)
      text = this.#decoded(start, byteLength)
      this.#texts.set(start, text)
    }
    return text
  }

  #decoded(start: number, byteLength: number): string {
    checkLimit('stringBytes', this.limits.stringBytes, byteLength, start)
    if (start < 0 || start + byteLength > this.bytes.length)
      throw malformed('text past the end', { offset: start })
    if (byteLength <= SHORT) {
      let text = ''
      let i = 0
      for (; i < byteLength && this.bytes[start + i] < 128; i++)
        text += String.fromCharCode(this.bytes[start + i])
      if (i === byteLength) return text
    }
    return utf8.decode(this.bytes.subarray(start, start + byteLength))
  }

  /** A key, which ends with a zero; each is read once. */
  key(start: number): string {
    let key = this.#keys.get(start)
    if (key === undefined) {
      const end = start < 0 ? -1 : this.bytes.indexOf(0, start)
      if (end < 0) throw malformed('a key without an end', { offset: start })
      this.spend(end - start, start)
      key = this.#decoded(start, end - start)
      this.#keys.set(start, key)
    }
    return key
  }
}

/** One value: where it is, and what it is. */
export class FlexValue {
  readonly #doc: FlexBytes
  readonly #at: number
  /** Bytes of the slot that it is in. */
  readonly #slot: number
  readonly type: number
  /** Bytes of what it points to: of each element, or of a length. */
  readonly #width: number

  constructor(doc: FlexBytes, at: number, slot: number, packedType: number) {
    this.#doc = doc
    this.#at = at
    this.#slot = slot
    this.type = packedType >> 2
    this.#width = 1 << (packedType & 3)
  }

  #target(): number {
    return this.#doc.target(this.#at, this.#slot)
  }

  get isVector(): boolean {
    return this.type === VECTOR || TYPED.has(this.type)
  }

  get isText(): boolean {
    return this.type === STRING || this.type === KEY
  }

  /** What is no container and no blob. @throws MALFORMED, LIMIT */
  scalar(): string | number | bigint | boolean | null {
    const { view } = this.#doc
    switch (this.type) {
      case NULL:
        return null
      case BOOL:
        return this.#doc.uint(this.#at, this.#slot) !== 0
      case INT:
        return this.#slot === 8
          ? narrowed(view.getBigInt64(this.#at, true))
          : readInt(view, this.#at, this.#slot)
      case UINT:
        return this.#slot === 8
          ? narrowed(view.getBigUint64(this.#at, true))
          : this.#doc.uint(this.#at, this.#slot)
      case FLOAT:
        return readFloat(view, this.#at, this.#slot)
      case INDIRECT_FLOAT:
        return readFloat(view, this.#target(), this.#width)
      case INDIRECT_INT:
        return this.#width === 8
          ? view.getBigInt64(this.#target(), true)
          : BigInt(readInt(view, this.#target(), this.#width))
      case INDIRECT_UINT:
        return this.#width === 8
          ? view.getBigUint64(this.#target(), true)
          : BigInt(this.#doc.uint(this.#target(), this.#width))
      case STRING:
        return this.#doc.text(this.#target(), this.#length())
      case KEY:
        return this.#doc.key(this.#target())
    }
    throw malformed(`a value of unknown type ${this.type}`, { offset: this.#at })
  }

  #length(): number {
    return this.#doc.uint(this.#target() - this.#width, this.#width)
  }

  /** Elements of a vector, keys of a map, bytes of a blob. @throws MALFORMED */
  get length(): number {
    const fixed = TYPED.get(this.type)?.[1] ?? 0
    const length = fixed > 0 ? fixed : this.#length()
    const width = this.type === BLOB ? 1 : this.#width
    if (this.#target() < 0 || this.#target() + length * width > this.#doc.bytes.length)
      throw malformed('a vector past the end', { offset: this.#at })
    return length
  }

  /** The bytes of a blob (borrow). */
  blob(): Uint8Array {
    const target = this.#target()
    return this.#doc.bytes.subarray(target, target + this.length)
  }

  /** Element of a vector, or value of a map by the place of its key. The index is below `length`. */
  at(index: number, length: number): FlexValue {
    const target = this.#target()
    const element = TYPED.get(this.type)?.[0]
    const packed =
      element === undefined ? this.#doc.view.getUint8(target + length * this.#width + index) : element << 2
    return new FlexValue(this.#doc, target + index * this.#width, this.#width, packed)
  }

  /** Key of a map, by its place: keys are in the order of their bytes. */
  keyAt(index: number): string {
    return this.#doc.key(this.#keyStart(index))
  }

  #keyStart(index: number): number {
    const doc = this.#doc
    const keys = doc.target(this.#target() - 3 * this.#width, this.#width)
    const width = doc.uint(this.#target() - 2 * this.#width, this.#width)
    if (width !== 1 && width !== 2 && width !== 4 && width !== 8) throw malformed('keys of no width')
    return doc.target(keys + index * width, width)
  }

  /** The place of a key in a map, −1 when it has none. */
  find(key: Uint8Array): number {
    // A zero would be taken for the end of one key, and what follows for the next.
    if (key.includes(0)) return -1
    let low = 0
    let high = this.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const order = this.#compare(key, this.#keyStart(middle))
      if (order === 0) return middle
      if (order < 0) high = middle - 1
      else low = middle + 1
    }
    return -1
  }

  #compare(key: Uint8Array, start: number): number {
    const { view } = this.#doc
    for (let i = 0; i < key.length; i++) {
      const order = key[i] - view.getUint8(start + i)
      if (order !== 0) return order
    }
    return view.getUint8(start + key.length) === 0 ? 0 : -1
  }

  /** The value as arrays, objects and scalars; blobs, and vectors that begin with one, as `part` says. */
  read(part: (value: FlexValue, depth: number) => unknown, depth: number): unknown {
    const { isVector, type } = this
    if (!isVector && type !== MAP) return type === BLOB ? part(this, depth) : this.scalar()
    const doc = this.#doc
    const { length } = this
    checkLimit('depth', doc.limits.depth, depth + 1, this.#at)
    doc.count(length, this.#at)
    if (!isVector) return this.#object(part, depth + 1, length)
    if (length > 0 && this.at(0, length).type === BLOB) return part(this, depth)
    const array = new Array<unknown>(length)
    for (let i = 0; i < length; i++) array[i] = this.at(i, length).read(part, depth + 1)
    return array
  }

  #object(part: (value: FlexValue, depth: number) => unknown, depth: number, length: number): object {
    const object: Record<string, unknown> = {}
    const keys: string[] = []
    for (let i = 0; i < length; i++) keys.push(this.keyAt(i))
    if (!keys.some(isIndex)) {
      for (let i = 0; i < length; i++) setField(object, keys[i], this.at(i, length).read(part, depth))
      return object
    }
    // The engine has indices first, by their number. What has two places must be read in the order of whoever reads the object.
    const places = new Map(keys.map((key, i) => [key, i]))
    for (const key of keys) setField(object, key, undefined)
    for (const key of Object.keys(object)) {
      setField(object, key, this.at(places.get(key) as number, length).read(part, depth))
    }
    return object
  }
}

/** Of 8, 16 or 32 bits. */
function readInt(view: DataView, at: number, width: number): number {
  return width === 1 ? view.getInt8(at) : width === 2 ? view.getInt16(at, true) : view.getInt32(at, true)
}

/** We write BigInts apart: what others write in its slot is a number, if it can be one. */
function narrowed(n: bigint): number | bigint {
  return n >= Number.MIN_SAFE_INTEGER && n <= Number.MAX_SAFE_INTEGER ? Number(n) : n
}

function readFloat(view: DataView, at: number, width: number): number {
  if (width < 4) throw malformed('a float of 16 bits', { offset: at })
  return width === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true)
}
