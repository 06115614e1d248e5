/**
 * Identity: which objects of the value were met before, and as which.
 *
 * A hash of the object's address is not to be had in JavaScript, and a Map costs 60 to 100 ns an object
 * (measured), so two structures share the work:
 * - `Identities` knows objects by what they are;
 * - arrays of numbers, and arrays that begin with one, come by the hundred thousand (coordinates) and are
 *   found by their content: the same array has the same numbers (unless the caller's code changes it
 *   meanwhile), so only arrays with equal numbers are compared by identity (20 to 40 ns each; what repeats
 *   too often falls back to a Map).
 */

import { Identities } from './identities.js'

const FEW_ARRAYS = 4
const NO_NUMBERS: readonly number[] = []
/** Arrays inside each other that are looked through for numbers. */
const NESTING = 4

export class Memo {
  /** Objects and number arrays numbered so far. */
  count = 0
  #numbersCount = 0
  readonly #objects = new Identities()
  /** The first arrays of numbers, by their number; with more of them, all are found by their content. */
  readonly #fewArrays: (readonly number[])[] = []
  readonly #arrays = new ArraysMemo()

  /** The number of an object met before; else numbers it and returns −1. */
  find(object: unknown): number {
    const number = this.#objects.find(object, this.count)
    if (number < 0) this.count++
    return number
  }

  /** The same for what a wrapper stands for, which was numbered just now and is no object of the message: both have one number. */
  findWithin(wrapper: object, object: object): number {
    this.count--
    const number = this.find(object)
    if (number >= 0) this.#objects.renumber(wrapper, number)
    return number
  }

  /** The same for an array of anything. */
  findArray(array: readonly unknown[]): number {
    const numbers = firstNumbers(array)
    if (numbers === undefined) return this.find(array)
    const number = this.#arrays.find(
      array,
      fingerprint(numbers) ^ Math.imul(array.length, 0x9e37_79b1),
      this.count,
    )
    if (number < 0) this.count++
    return number
  }

  /** The same for an array of numbers, which are counted apart. */
  findNumbers(array: readonly number[]): number {
    const few = this.#fewArrays
    const count = this.#numbersCount
    if (count <= FEW_ARRAYS) for (let i = count - 1; i >= 0; i--) if (few[i] === array) return i
    if (count < FEW_ARRAYS) few[count] = array
    else {
      // One too many: from now on the first are found by their content as well.
      if (count === FEW_ARRAYS)
        for (const [i, one] of few.entries()) this.#arrays.find(one, fingerprint(one), i)
      const number = this.#arrays.find(array, fingerprint(array), count)
      if (number >= 0) return number
    }
    this.#numbersCount++
    return -1
  }

  clear(): void {
    this.count = 0
    for (let i = Math.min(this.#numbersCount, FEW_ARRAYS) - 1; i >= 0; i--) this.#fewArrays[i] = NO_NUMBERS
    this.#numbersCount = 0
    this.#objects.clear()
    this.#arrays.clear()
  }
}

/** The array that begins with a number, at the beginning of the array: `[1, 2]` of `[[[1, 2], …], …]`. */
function firstNumbers(array: readonly unknown[]): readonly unknown[] | undefined {
  let first = array[0]
  for (let depth = 0; depth < NESTING && Array.isArray(first); depth++) {
    const inner: unknown = first[0]
    if (typeof inner === 'number') return first
    first = inner
  }
  return undefined
}

const SLOTS = 64
const GROWTH = 4
/** Arrays a slot, on average, from which the table grows. */
const LOAD = 1
/** A table up to this size (1.5 MiB) is kept for the next message. */
const MOST_KEPT = 2 ** 16
/** Arrays that are undone one by one: filling the table took a seventh of a small message's time. */
const FEW = 24
/** Arrays compared before their content is taken for a common one, such as [0, 0]. */
const CHAIN = 16

const NO_ARRAY: readonly unknown[] = []

/** A table of chains over the content of arrays, and a Map for those of common content. */
class ArraysMemo {
  /** Arrays from 1 on; 0 ends a chain. */
  readonly #arrays: (readonly unknown[])[] = [NO_ARRAY]
  #heads = new Int32Array(SLOTS)
  /** By array: its number, the next of its chain, and its fingerprint. */
  #numbers = new Int32Array(SLOTS * LOAD + 1)
  #nexts = new Int32Array(SLOTS * LOAD + 1)
  #hashes = new Int32Array(SLOTS * LOAD + 1)
  #common: Map<unknown, number> | undefined
  #count = 0

  /** The number of an array met before; else notes it under this number and returns −1. */
  find(array: readonly unknown[], hash: number, number: number): number {
    const arrays = this.#arrays
    const nexts = this.#nexts
    const heads = this.#heads
    const hashes = this.#hashes
    const slot = hash & (heads.length - 1)
    const head = heads[slot]
    let steps = 0
    for (let at = head; at !== 0 && steps < CHAIN; at = nexts[at], steps++) {
      // To compare two arrays V8 looks into both, and the one met before is in cold memory by now.
      if (hashes[at] === hash && arrays[at] === array) return this.#numbers[at]
    }
    if (steps === CHAIN) {
      const known = this.#common?.get(array)
      if (known !== undefined) return known
    }
    const added = ++this.#count
    arrays[added] = array
    this.#numbers[added] = number
    this.#hashes[added] = hash
    this.#put(added, steps)
    if (added === heads.length * LOAD) this.#grow()
    return -1
  }

  /** Puts an array in front of its chain of so many, or into the Map when that has no room. */
  #put(at: number, length: number): void {
    if (length === CHAIN) {
      this.#common ??= new Map()
      this.#common.set(this.#arrays[at], this.#numbers[at])
      return
    }
    const slot = this.#hashes[at] & (this.#heads.length - 1)
    this.#nexts[at] = this.#heads[slot]
    this.#heads[slot] = at
  }

  /** All are put in anew: what had no room in its chain may have it now, and would then be looked for there. */
  #grow(): void {
    const numbers = this.#numbers
    const hashes = this.#hashes
    this.#allot(this.#heads.length * GROWTH)
    this.#numbers.set(numbers)
    this.#hashes.set(hashes)
    this.#common = undefined
    const mask = this.#heads.length - 1
    for (let at = 1; at <= this.#count; at++) {
      let length = 0
      for (let next = this.#heads[hashes[at] & mask]; next !== 0 && length < CHAIN; next = this.#nexts[next])
        length++
      this.#put(at, length)
    }
  }

  #allot(slots: number): void {
    this.#heads = new Int32Array(slots)
    this.#numbers = new Int32Array(slots * LOAD + 1)
    this.#nexts = new Int32Array(slots * LOAD + 1)
    this.#hashes = new Int32Array(slots * LOAD + 1)
  }

  clear(): void {
    const count = this.#count
    if (count === 0) return
    this.#count = 0
    this.#common = undefined
    if (this.#heads.length > MOST_KEPT) {
      this.#arrays.length = 1
      this.#allot(SLOTS)
      return
    }
    // Written over, not cut, so that the list need not grow again.
    this.#arrays.fill(NO_ARRAY, 1, count + 1)
    if (count > FEW) {
      this.#heads.fill(0)
      return
    }
    const mask = this.#heads.length - 1
    for (let at = 1; at <= count; at++) this.#heads[this.#hashes[at] & mask] = 0
  }
}

/** A fingerprint of the length and the first and last numbers: of each its whole part and 20 bits of fraction. */
function fingerprint(array: readonly unknown[]): number {
  // A Proxy may say anything.
  const length = typeof array.length === 'number' ? array.length : 0
  let h = length
  const head = length < 4 ? length : 3
  for (let i = 0; i < head; i++) h = mix(h, array[i])
  if (length > 3) h = mix(h, array[length - 1])
  // Neighbouring coordinates must not become neighbouring slots: murmur3's finish (Appleby 2011).
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35)
  return h ^ (h >>> 16)
}

function mix(h: number, n: unknown): number {
  // To ask an object for a number would run code of its own.
  if (typeof n !== 'number') return h
  const whole = n | 0
  h = Math.imul(h, 0x9e37_79b1) ^ whole
  return whole === n ? h : h ^ Math.imul((n * 0x10_0000) | 0, 0x27d4_eb2f)
}
