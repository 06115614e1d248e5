/**
 * Shapes on arrival: their keys, and how to build an object of them. Shapes are kept from message to
 * message, found again by their bytes, and usually predicted: the shape after this one was that one before.
 *
 * A shape that repeats gets a generated constructor, an object literal with its keys, with which records
 * decode in less than half the time (cars.json: 52 µs instead of 116, measured); only when the limits allow
 * generated code.
 */
import { areDoubles, doublesOf, NO_DOUBLES } from '../bytes/doubles.js'
import type { Reader } from '../bytes/reader.js'
import { readText } from '../bytes/text.js'
import { isCostly, isIndex, Patience, readShape } from '../wire/shapes.js'

/** What a constructor takes its values from: the walk, as far as it needs it. */
interface Values {
  readonly hasRefs: boolean
  readonly memo: unknown[]
  value(): unknown
}

/** Builds an object from the values that follow on the wire. */
export type Build = (values: Values) => Record<string, unknown>

/** Objects of a shape before its constructor is generated. */
const WARM = 16
/** An object of more is a hash table to V8. */
const MOST_KEYS = 1020
/** Indices up to here are stored as in an array. */
const DENSE = 12
/** From here on a first index makes V8 store the elements in a dictionary (its `kMaxGap`). */
const GAP = 1024
const MOST_SHAPES = 1024
const MOST_BYTES = 2 ** 14
const MOST_KNOWN_BYTES = 2 ** 17

export const NO_SHAPES: readonly Shape[] = []
/** Of shapes that are not kept for the next message. */
const NO_BYTES = new Uint8Array(0)

export class Shape {
  readonly keys: readonly string[]
  /** What the shape part says of it; none of a shape that is not kept. */
  readonly bytes: Uint8Array
  /** The same as floats, by which it is compared. */
  readonly doubles: Float64Array
  isCostly = false
  /** An index key so far from 0 that V8 would make room for all below it, or `undefined`. */
  sparseKey: string | undefined = undefined
  #isKnown = false
  /** Predicted: the shape listed after this one. */
  next: Shape | undefined = undefined
  count = 0
  build: Build | undefined = undefined

  constructor(keys: readonly string[], bytes: Uint8Array) {
    this.keys = keys
    this.bytes = bytes
    // Such views cost as much as all the rest of a shape that occurs once.
    this.doubles = bytes === NO_BYTES ? NO_DOUBLES : doublesOf(bytes)
  }

  /** Looks at the keys before the first object is built: a hostile message may list shapes that it never uses. */
  prepare(): void {
    if (this.#isKnown) return
    this.#isKnown = true
    const { keys } = this
    this.isCostly = isCostly(keys)
    this.sparseKey = keys.find(isSparse)
  }

  /** A generated constructor once the shape is warm; undefined before, and where code is not allowed. */
  warmUp(): Build | undefined {
    if (++this.count === WARM && this.keys.length <= MOST_KEYS) this.build = generate(this.keys)
    return this.build
  }
}

export class Shapes {
  readonly #known = new Map<string, Shape>()
  #knownBytes = 0
  /** Whether a shape of the message before could not be kept. */
  #hadNoRoom = false
  readonly #patience = new Patience()
  /** The shapes of the message before, if all of them are known. */
  #last: readonly Shape[] = NO_SHAPES

  /** Reads the shape part. @throws TRUNCATED, MALFORMED */
  read(reader: Reader): readonly Shape[] {
    const count = reader.varint()
    if (count > reader.end - reader.pos) throw reader.truncated(count)
    if (this.#hadNoRoom) {
      this.#hadNoRoom = false
      if (this.#patience.isOver()) this.#forget()
    }
    const last = this.#last
    // The list of the message before serves again while it holds what comes.
    let shapes: Shape[] | undefined
    let areKnown = true
    // Asked of no empty list: its prototype may be polluted.
    let predicted = last.length > 0 ? last[0] : undefined
    for (let i = 0; i < count; i++) {
      const shape: Shape =
        predicted !== undefined && isNext(reader, predicted) ? predicted : this.#find(reader)
      if (shapes === undefined && shape !== last[i]) shapes = last.slice(0, i)
      // Only known shapes are predicted: links to others would keep the shapes of hostile messages alive.
      const isKnown = shape.bytes !== NO_BYTES
      areKnown &&= isKnown
      if (i > 0) (shapes ?? last)[i - 1].next = isKnown ? shape : undefined
      shapes?.push(shape)
      predicted = shape.next
    }
    const list = shapes ?? (count === last.length ? last : last.slice(0, count))
    this.#last = areKnown ? list : NO_SHAPES
    return list
  }

  #find(reader: Reader): Shape {
    const start = reader.pos
    const keys = readShape(reader)
    const byteLength = reader.pos - start
    if (byteLength > MOST_BYTES) return new Shape(keys, NO_BYTES)
    const name = readText(reader.bytes, start, byteLength, false)
    const known = this.#known.get(name)
    if (known !== undefined) return known
    // Those of one byte and of two, which are three, always have room: a hostile message may list them over and over.
    if (byteLength > 2 && this.#isFull()) {
      this.#hadNoRoom = true
      return new Shape(keys, NO_BYTES)
    }
    // A copy, which `slice` of a Buffer is not.
    const shape = new Shape(keys, new Uint8Array(reader.bytes.subarray(start, reader.pos)))
    this.#known.set(name, shape)
    this.#knownBytes += byteLength
    return shape
  }

  #isFull(): boolean {
    return this.#known.size >= MOST_SHAPES || this.#knownBytes >= MOST_KNOWN_BYTES
  }

  #forget(): void {
    this.#known.clear()
    this.#knownBytes = 0
    this.#last = NO_SHAPES
  }
}

/** Whether the shape's bytes come next; moves past them if so. They tell their own length, so a match is whole. */
function isNext(reader: Reader, { bytes, doubles }: Shape): boolean {
  const { pos, view } = reader
  const end = pos + bytes.length
  if (end > reader.end) return false
  if (doubles === NO_DOUBLES ? !isSame(reader.bytes, pos, bytes) : !areDoubles(view, pos, end, doubles))
    return false
  reader.pos = end
  return true
}

function isSame(bytes: Uint8Array, pos: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[pos + i] !== wanted[i]) return false
  return true
}

function isSparse(key: string): boolean {
  return isIndex(key) && Number(key) > DENSE
}

/** Undefined for keys that a literal would swallow, and where the host forbids generated code. */
function generate(keys: readonly string[]): Build | undefined {
  if (new Set(keys).size !== keys.length || keys.includes('__proto__')) return undefined
  const first = keys.find(isIndex)
  if (keys.some(isSparse) && !(Number(first) >= GAP)) return undefined
  const names = keys.map(key => JSON.stringify(key))
  // To V8 `undefined` is no constant, and it stores the elements of such a literal one by one (50 ns each,
  // measured); those of a literal of constants are copied as a whole.
  const empty = names.map((name, i) => `${name}:${isIndex(keys[i]) ? null : undefined}`).join(',')
  const fill = names.map(name => `o[${name}]=w.value();`).join('')
  try {
    return new Function('w', `const o={${empty}};if(w.hasRefs)w.memo.push(o);${fill}return o`) as Build
  } catch {
    return undefined
  }
}
