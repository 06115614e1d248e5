/**
 * The machine that a pickle is a program for: a stack, marks on it, a memo, and what the program has used up of its
 * limits. Nothing here recurses, so no program can exhaust the engine's stack.
 *
 * Beside every value on the stack is its height: how many containers are inside each other in it, 0 for what has none.
 * What is not made yet has the negative one: a dict whose keys are not known, an object whose state is to come.
 */
import { Reader } from '../../../bytes/reader.js'
import { checkLimit, LIMITS, type Limits, overLimit } from '../../../limits.js'
import { Buffers } from '../../../value/buffers.js'
import { type FormatDecodeSettings, IDLE } from '../../format.js'
import type { DType } from '../dtype.js'
import type { PythonName } from '../objects.js'
import { markTuple } from '../origins.js'
import { FREE_SETS, type PickleSettings } from '../settings.js'

/** Stands on the stack and in the memo for a value that is not made yet. */
export abstract class Pending {
  /** The value, made of what is there when it is first needed. */
  abstract resolve(machine: Machine): unknown

  /** Takes a state. */
  build(machine: Machine, _state: unknown): void {
    throw machine.malformed('a state for what has none')
  }

  /** Takes items, in an array of their own. */
  extend(machine: Machine, _items: unknown[]): void {
    throw machine.malformed('items for what has none')
  }

  /** Takes the pairs of the stack from a place on. */
  update(machine: Machine, _start: number): void {
    throw machine.malformed('keys for what has none')
  }
}

function grown(heights: Int32Array): Int32Array<ArrayBuffer> {
  const twice = new Int32Array(heights.length * 2)
  twice.set(heights)
  return twice
}

const STACK = 256
/** Numbers of the memo may leave so many out: past that they are kept in a Map. */
const GAP = 1024
/** Empty tuples that a pickle may have before they are compared with its bytes. */
const FREE_TUPLES = 2048
/** Arrays with a shape, of which the same is asked. */
const FREE_ARRAYS = 2048
/** Copies of all buffers, at most. */
const MOST_COPIES = 8
const NEVER = Symbol('never')
/** What a copied field or entry counts for: a value takes 8 bytes, a field of an object up to 60, a pair that is kept 80. */
export const FIELD = 2
export const PAIR = 4

export abstract class Machine extends Reader {
  readonly options: PickleSettings
  settings: FormatDecodeSettings = IDLE
  limits: Readonly<Limits> = LIMITS.trusted
  readonly buffers = new Buffers()
  stack: unknown[] = []
  heights = new Int32Array(STACK)
  /** Values on the stack. */
  size = 0
  marks: number[] = []
  #memo: unknown[] = []
  #memoHeights = new Int32Array(STACK)
  #far: Map<number, readonly [unknown, number]> | undefined
  /** Copies of memory whose elements were not aligned in it. */
  copies = new Map<Uint8Array, Uint8Array>()
  /** What descriptions of a dtype mean. */
  dtypes = new Map<object, DType>()
  /** Names that were found on a list, by how they were given. */
  names = new Map<string, PythonName>()
  #noBytes: ArrayBuffer | undefined
  /** Whether the last pickle was let go of; not when the caller's stack ran out while it was. */
  isClean = true
  /** Containers around this machine: it may run inside of another one's call. */
  outerDepth = 0
  /** Whether a name was read whose objects are kept: what goes into them from now on must be what it was. */
  isKeeping = false
  items = 0
  entries = 0
  numberKeys = 0
  bigintKeys = 0
  #buffers = 0
  #bufferBytes = 0
  #copied = 0
  #moved = 0
  #sets = 0
  #arrays = 0
  #emptyTuples = 0

  constructor(options: PickleSettings) {
    super()
    this.options = options
  }

  begin(settings: FormatDecodeSettings): void {
    if (!this.isClean) this.finish()
    this.isClean = false
    this.settings = settings
    this.limits = settings.limits
    this.items = 0
    this.entries = 0
    this.numberKeys = 0
    this.bigintKeys = 0
    this.#buffers = 0
    this.#bufferBytes = 0
    this.#copied = 0
    this.#moved = 0
    this.#sets = 0
    this.#arrays = 0
    this.#emptyTuples = 0
    this.isKeeping = false
  }

  /** Lets go of everything that belongs to the caller. */
  finish(): void {
    this.stack = []
    if (this.heights.length > STACK) this.heights = new Int32Array(STACK)
    this.size = 0
    this.marks = []
    this.#memo = []
    if (this.#memoHeights.length > STACK) this.#memoHeights = new Int32Array(STACK)
    this.#far = undefined
    this.#noBytes = undefined
    if (this.copies.size > 0) this.copies = new Map()
    if (this.dtypes.size > 0) this.dtypes = new Map()
    if (this.names.size > 0) this.names = new Map()
    this.buffers.end()
    this.release()
    this.settings = IDLE
    this.isClean = true
  }

  push(value: unknown, height: number): void {
    const at = this.size++
    if (at === this.heights.length) this.heights = grown(this.heights)
    this.stack[at] = value
    this.heights[at] = height
  }

  /** Pushes what a call gave: a container like its arguments, unless it can hold nothing. */
  pushMade(made: unknown, height: number): void {
    if (made instanceof Pending) return this.push(made, -height)
    const isLeaf = typeof made !== 'object' || ArrayBuffer.isView(made) || made instanceof Date
    this.push(made, isLeaf ? 0 : height)
  }

  /** Where the values begin that may be popped. */
  get floor(): number {
    const { marks } = this
    return marks.length === 0 ? 0 : marks[marks.length - 1]
  }

  /** Where the top `count` values begin. @throws MALFORMED when a mark or the bottom is among them */
  below(count: number): number {
    const at = this.size - count
    if (at < this.floor) throw this.malformed('more values wanted than are on the stack')
    return at
  }

  /** Where the values since the last mark begin, which is taken away. */
  popMark(): number {
    const at = this.marks.pop()
    if (at === undefined) throw this.malformed('no mark on the stack')
    return at
  }

  /** The value at a place, made if it was not. */
  valueAt(at: number): unknown {
    const value = this.stack[at]
    return this.heights[at] < 0 ? (value as Pending).resolve(this) : value
  }

  /** One more than the height of all values from a place on. @throws LIMIT */
  heightOver(start: number): number {
    const { heights, size } = this
    let most = 0
    for (let i = start; i < size; i++) {
      const height = heights[i]
      if (height > most) most = height
      else if (-height > most) most = -height
    }
    return this.checkHeight(most + 1)
  }

  checkHeight(height: number): number {
    const depth = height + this.outerDepth
    if (depth > this.limits.depth) throw overLimit('depth', this.limits.depth, depth, this.pos)
    return height
  }

  /** The values from a place on, made and taken from the stack (own). */
  popFrom(start: number): unknown[] {
    const { heights, size, stack } = this
    const values = stack.slice(start, size)
    for (let i = start; i < size; i++)
      if (heights[i] < 0) values[i - start] = (stack[i] as Pending).resolve(this)
    this.dropFrom(start)
    return values
  }

  /** Takes the values from a place on from the stack. */
  dropFrom(start: number): void {
    this.size = start
    // Not at every pop: shortening an array costs more than to keep a few values until the next push.
    if (this.stack.length > start + STACK) this.stack.length = start
  }

  /**
   * A number of a length, place or unit. Everything else is refused before the language turns it into one: it would spell out
   * a tuple, whose parts may be named a billion times. @throws MALFORMED
   */
  integer(value: unknown): number {
    if (!Number.isSafeInteger(value)) throw this.malformed('no whole number')
    return value as number
  }

  count(items: number): void {
    this.items += items
    if (this.items > this.limits.items) throw overLimit('items', this.limits.items, this.items, this.pos)
  }

  memoize(): void {
    const top = this.below(1)
    this.#note(this.stack[top], this.heights[top])
  }

  #note(value: unknown, height: number): void {
    const number = this.#memo.length
    if (number === this.#memoHeights.length) this.#memoHeights = grown(this.#memoHeights)
    this.#memoHeights[number] = height
    this.#memo.push(value)
  }

  put(number: number): void {
    const top = this.below(1)
    const length = this.#memo.length
    if (number === length) return this.memoize()
    if (number < length) {
      this.#memo[number] = this.stack[top]
      this.#memoHeights[number] = this.heights[top]
    } else if (number < length + GAP) {
      for (let i = length; i < number; i++) this.#note(NEVER, 0)
      this.memoize()
    } else {
      this.#far ??= new Map()
      this.#far.set(number, [this.stack[top], this.heights[top]])
      checkLimit('numberKeys', this.limits.numberKeys, this.#far.size, this.pos)
    }
  }

  get(number: number): void {
    if (number < this.#memo.length) {
      const value = this.#memo[number]
      if (value === NEVER) throw this.malformed(`nothing in the memo under ${number}`)
      return this.push(value, this.#memoHeights[number])
    }
    const far = this.#far?.get(number)
    if (far === undefined) throw this.malformed(`nothing in the memo under ${number}`)
    this.push(far[0], far[1])
  }

  /** Takes note that objects are kept. Tuples that are there already may become part of them through the memo. */
  keep(): void {
    if (this.isKeeping) return
    this.isKeeping = true
    // Lists are still pending there.
    for (const value of this.#memo) if (Array.isArray(value)) this.noteTuple(value)
    for (const [value] of this.#far?.values() ?? []) if (Array.isArray(value)) this.noteTuple(value)
  }

  /** Takes note of a tuple that may go into an object that is kept. A mark takes some 60 bytes, an empty tuple one of the pickle. */
  noteTuple(array: readonly unknown[]): void {
    if (array.length > 0 || ++this.#emptyTuples < FREE_TUPLES + this.pos / 8) markTuple(array)
  }

  /** What all empty bytes of this pickle lie on. */
  get noBytes(): ArrayBuffer {
    this.#noBytes ??= new ArrayBuffer(0)
    return this.#noBytes
  }

  /**
   * Counts what is copied from values that are there already. A program may name a large one a thousand times, in two
   * bytes each; in one that Python wrote no byte is copied more than twice (text, bytes, bytearray).
   */
  copy(units: number): void {
    this.#copied += units
    if (this.#copied > this.end * 2) throw this.malformed('more copies than bytes')
  }

  /** Values that are there already, from a place on, and more of them behind, in an array of their own. Counted. */
  copyOf(values: readonly unknown[], start = 0, more: readonly unknown[] = []): unknown[] {
    this.copy(values.length + more.length)
    return [...values.slice(start), ...more]
  }

  /** Counts a Set or Map, which takes some 150 bytes where one of the pickle can be enough. */
  newSet(): void {
    if (++this.#sets > FREE_SETS + this.pos / 2) throw this.malformed('more sets than bytes for them')
    if (this.#sets > FREE_SETS) checkLimit('entries', this.limits.entries, this.#sets, this.pos)
  }

  /** Counts an array with a shape of so many axes: it takes 350 bytes and 3 µs where five of the pickle can be enough. numpy writes 13, we 10. */
  newArray(axes: number): void {
    if (++this.#arrays > FREE_ARRAYS + this.pos / 8) throw this.malformed('more arrays than bytes for them')
    // Its own shape and strides: a shape of 64 axes may be named a thousand times, in two bytes each.
    this.copy(axes * 2)
  }

  /**
   * Counts the copy of a buffer that cannot be used as it lies. Views that overlap are copied one by one; a program may make
   * many of one buffer.
   */
  copyBuffer(byteLength: number): void {
    this.#moved += byteLength
    if (this.#moved > this.#bufferBytes * MOST_COPIES) throw this.malformed('more copies than buffers')
  }

  /** Counts a buffer, in band or out of it. */
  countBuffer(byteLength: number): void {
    checkLimit('buffers', this.limits.buffers, ++this.#buffers, this.pos)
    checkLimit('bufferBytes', this.limits.bufferBytes, byteLength, this.pos)
    this.#bufferBytes += byteLength
    checkLimit('totalBytes', this.limits.totalBytes, this.#bufferBytes, this.pos)
  }
}
