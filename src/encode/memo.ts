/**
 * Identity: which objects of the value were met before, and as which.
 *
 * A hash of the object's address is not to be had in JavaScript, and a Map costs 60 to 100 ns an object
 * (measured), so three structures share the work:
 * - the first few objects sit in a list that is searched;
 * - further ones go into a Set, one operation each: its size tells whether the object was new. The first
 *   object met twice turns it into a Map, which knows the number as well;
 * - arrays of numbers, which come by the hundred thousand (coordinates), are found by their content:
 *   the same array has the same numbers, so only arrays with equal numbers are compared by identity
 *   (pairs of floats: 40 to 50 ns each; what repeats too often falls back to a Map).
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
const GROWTH = 8
/** Arrays a slot, on average, from which the table grows. */
const LOAD = 2
/** A table up to this size (640 KiB) is kept for the next message. */
const MOST_KEPT = 2 ** 15
/** Arrays compared before their content is taken for a common one, such as [0, 0]. */
const CHAIN = 16

/** The memo of number arrays: a table of chains over their content, and a Map for those of common content. */
export class NumbersMemo {
  /** Arrays by number + 1; 0 ends a chain. */
  readonly #arrays: (readonly number[])[] = []
  #heads = new Int32Array(SLOTS)
  /** By array, the next of its chain, and its fingerprint. */
  #nexts = new Int32Array(SLOTS * LOAD + 1)
  #hashes = new Int32Array(SLOTS * LOAD + 1)
  #common: Map<unknown, number> | undefined
  count = 0

  /** The number of an array met before; else numbers it and returns −1. */
  find(array: readonly number[]): number {
    const arrays = this.#arrays
    const nexts = this.#nexts
    const heads = this.#heads
    const fingerprint = hash(array)
    const slot = fingerprint & (heads.length - 1)
    const head = heads[slot]
    let steps = 0
    for (let at = head; at !== 0 && steps < CHAIN; at = nexts[at], steps++) {
      if (arrays[at] === array) return at - 1
    }
    if (steps === CHAIN) {
      const number = this.#common?.get(array)
      if (number !== undefined) return number
    }
    const added = ++this.count
    arrays[added] = array
    this.#hashes[added] = fingerprint
    this.#put(added, steps)
    if (added === heads.length * LOAD) this.#grow()
    return -1
  }

  /** Puts an array in front of its chain of so many, or into the Map when that has no room. */
  #put(at: number, length: number): void {
    if (length === CHAIN) {
      this.#common ??= new Map()
      this.#common.set(this.#arrays[at], at - 1)
      return
    }
    const slot = this.#hashes[at] & (this.#heads.length - 1)
    this.#nexts[at] = this.#heads[slot]
    this.#heads[slot] = at
  }

  /** All are put in anew: what had no room in its chain may have it now, and would then be looked for there. */
  #grow(): void {
    const hashes = this.#hashes
    this.#allot(this.#heads.length * GROWTH)
    this.#hashes.set(hashes)
    this.#common = undefined
    const mask = this.#heads.length - 1
    for (let at = 1; at <= this.count; at++) {
      let length = 0
      for (let next = this.#heads[hashes[at] & mask]; next !== 0 && length < CHAIN; next = this.#nexts[next])
        length++
      this.#put(at, length)
    }
  }

  #allot(slots: number): void {
    this.#heads = new Int32Array(slots)
    this.#nexts = new Int32Array(slots * LOAD + 1)
    this.#hashes = new Int32Array(slots * LOAD + 1)
  }

  clear(): void {
    const { count } = this
    if (count === 0) return
    this.count = 0
    this.#common = undefined
    if (count > FEW) {
      this.#arrays.length = 0
      if (this.#heads.length > MOST_KEPT) this.#allot(SLOTS)
      else this.#heads.fill(0)
      return
    }
    // A few are undone one by one: cutting and filling took a seventh of a small message's time.
    const mask = this.#heads.length - 1
    for (let at = 1; at <= count; at++) {
      this.#arrays[at] = NO_NUMBERS
      this.#heads[this.#hashes[at] & mask] = 0
    }
  }
}

const NO_NUMBERS: readonly number[] = []

/** A fingerprint of the length and the first and last numbers: of each its whole part and 20 bits of fraction. */
function hash(array: readonly number[]): number {
  const { length } = array
  let h = length
  const head = length < 4 ? length : 3
  for (let i = 0; i < head; i++) h = mix(h, array[i])
  if (length > 3) h = mix(h, array[length - 1])
  // Neighbouring coordinates must not become neighbouring slots: murmur3's finish (Appleby 2011).
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35)
  return h ^ (h >>> 16)
}

function mix(h: number, n: number): number {
  return Math.imul(h, 0x9e37_79b1) ^ (n | 0) ^ Math.imul((n * 0x10_0000) | 0, 0x27d4_eb2f)
}
