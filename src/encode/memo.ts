/**
 * Identity: which objects of the value were met before, and as which.
 *
 * A hash of the object's address is not to be had in JavaScript, and a Map costs 60 to 100 ns an object
 * (measured), so three structures share the work:
 * - the first few objects sit in a list that is searched;
 * - further ones go into a Set, one operation each: its size tells whether the object was new. The first
 *   object met twice turns it into a Map, which knows the number as well;
 * - arrays of numbers, which come by the hundred thousand (coordinates), are found by their content:
 *   the same array has the same numbers, so only arrays with equal numbers are compared by identity.
 */

const FEW = 24

export class Memo {
  /** Objects numbered so far. */
  count = 0
  readonly #few: unknown[] = []
  #set: Set<unknown> | undefined
  #map: Map<unknown, number> | undefined

  /** The number of an object met before; else numbers it and returns −1. */
  find(object: unknown): number {
    if (this.#map !== undefined) {
      const number = this.#map.get(object)
      if (number !== undefined) return number
      this.#map.set(object, this.count++)
      return -1
    }
    if (this.#set !== undefined) {
      this.#set.add(object)
      if (this.#set.size > this.count) {
        this.count++
        return -1
      }
      this.#map = new Map()
      for (const known of this.#set) this.#map.set(known, this.#map.size)
      return this.#map.get(object) as number
    }
    const few = this.#few
    for (let i = 0; i < this.count; i++) if (few[i] === object) return i
    few[this.count++] = object
    if (this.count === FEW) this.#set = new Set(few)
    return -1
  }

  clear(): void {
    // Written over, not cut: a list that keeps its length is not allocated again for the next message.
    for (let i = Math.min(this.count, FEW) - 1; i >= 0; i--) this.#few[i] = undefined
    this.count = 0
    this.#set = undefined
    this.#map = undefined
  }
}

const SLOTS = 64
/** Slots looked at before the content is taken for too common, on average over the message. */
const PROBES = 4

/** The memo of number arrays: open addressing over content, or, when contents repeat too often, a Map. */
export class NumbersMemo {
  readonly #arrays: (readonly number[])[] = []
  /** Number of an array + 1, or 0 for a free slot. */
  #slots = new Int32Array(SLOTS)
  #probes = 0
  #map: Map<unknown, number> | undefined

  /** The number of an array met before; else numbers it and returns −1. */
  find(array: readonly number[]): number {
    const count = this.#arrays.length
    if (this.#map !== undefined) {
      const number = this.#map.get(array)
      if (number !== undefined) return number
      this.#map.set(array, count)
      this.#arrays.push(array)
      return -1
    }
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = hash(array) & mask
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.#arrays[slots[slot] - 1] === array) return slots[slot] - 1
      this.#probes++
    }
    slots[slot] = count + 1
    this.#arrays.push(array)
    if (this.#probes > (count + SLOTS) * PROBES)
      this.#map = new Map(this.#arrays.map((known, i) => [known, i]))
    else if (count * 2 > mask) this.#grow()
    return -1
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 4)
    const mask = slots.length - 1
    for (let i = 0; i < this.#arrays.length; i++) {
      let slot = hash(this.#arrays[i]) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = i + 1
    }
    this.#slots = slots
  }

  clear(): void {
    if (this.#arrays.length === 0) return
    this.#arrays.length = 0
    this.#probes = 0
    this.#map = undefined
    if (this.#slots.length > SLOTS) this.#slots = new Int32Array(SLOTS)
    else this.#slots.fill(0)
  }
}

/** A fingerprint of the first and last numbers and the length: whole part and 20 bits of fraction. */
function hash(array: readonly number[]): number {
  const { length } = array
  let h = length
  const head = length < 4 ? length : 3
  for (let i = 0; i < head; i++) h = mix(h, array[i])
  if (length > 3) h = mix(h, array[length - 1])
  return h ^ (h >>> 15)
}

function mix(h: number, n: number): number {
  return Math.imul(h ^ (n | 0) ^ Math.imul((n * 0x10_0000) | 0, 0x85eb_ca6b), 0x9e37_79b1) ^ (h >>> 13)
}
