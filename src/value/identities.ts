/**
 * Which objects were met before, by what they are: the first few sit in a list that is searched; further ones go into a
 * Set, one operation each: its size tells whether the object was new. The first object met twice turns it into a Map,
 * which knows the number as well.
 */

const FEW = 24
/**
 * Objects in one Set, in all but the last of `PARTS`. V8 maps memory of its own for the table of a larger one, and gives it back
 * after the message: that costs as much as the table's use (39 ns an object instead of 17, measured for 6508). Each part is
 * another look for an object, so after a message that was too large for them there is but one.
 */
const PART = 4096
const PARTS = 3
/** Room for the numbers of so many objects to begin with, and so much of it is kept for the next message. */
const ROOM = 1024
const MOST_KEPT = 2 ** 16
/** Where there is no Set yet: nobody adds to it. */
const NONE = new Set<unknown>()

export class Identities {
  #size = 0
  /** The first few objects, and the number of each object. */
  readonly #few: unknown[] = []
  #numbers = new Int32Array(ROOM)
  /** Full parts, in the order in which their objects came; after them the Set that grows. */
  #parts: Set<unknown>[] = []
  #set = NONE
  /** Whether the message before was too large for parts. */
  #isLarge = false
  #map: Map<unknown, number> | undefined

  /** The number of an object met before; else notes it under this number and returns −1. */
  find(object: unknown, number: number): number {
    const size = this.#size
    if (size < FEW) {
      const few = this.#few
      for (let i = 0; i < size; i++) if (few[i] === object) return this.#numbers[i]
      few[size] = object
      this.#numbers[size] = number
      this.#size = size + 1
      if (size + 1 === FEW) this.#set = new Set(few)
      return -1
    }
    if (this.#map !== undefined) {
      const known = this.#map.get(object)
      if (known !== undefined) return known
      this.#map.set(object, number)
      return -1
    }
    const parts = this.#parts
    for (let i = 0; i < parts.length; i++) if (parts[i].has(object)) return this.#mapped(object)
    this.#set.add(object)
    if (parts.length * PART + this.#set.size === this.#size) return this.#mapped(object)
    if (this.#size === this.#numbers.length) this.#extend()
    this.#numbers[this.#size++] = number
    if (this.#size % PART === 0 && this.#size < PART * PARTS) this.#divide()
    return -1
  }

  /** Gives the object that was noted last another number. */
  renumber(object: unknown, number: number): void {
    if (this.#map !== undefined) this.#map.set(object, number)
    else this.#numbers[this.#size - 1] = number
  }

  /** Puts the objects into a Map, and returns the number of this one. */
  #mapped(object: unknown): number {
    const map = new Map<unknown, number>()
    for (const part of [...this.#parts, this.#set])
      for (const known of part) map.set(known, this.#numbers[map.size])
    this.#map = map
    return map.get(object) as number
  }

  /** Not a list, which V8 copies more often as it grows, and walks in each collection: 6 % of encode at 400 000 objects. */
  #extend(): void {
    const numbers = new Int32Array(2 * this.#size)
    numbers.set(this.#numbers)
    this.#numbers = numbers
  }

  #divide(): void {
    if (this.#isLarge) return
    this.#parts.push(this.#set)
    this.#set = new Set()
  }

  clear(): void {
    // Written over, not cut: a list that keeps its length is not allocated again for the next message.
    const size = this.#size
    for (let i = Math.min(size, FEW) - 1; i >= 0; i--) this.#few[i] = undefined
    this.#size = 0
    this.#isLarge = size > PART * PARTS
    if (size < FEW) return
    if (this.#numbers.length > MOST_KEPT) this.#numbers = new Int32Array(ROOM)
    this.#parts = []
    this.#set = NONE
    this.#map = undefined
  }
}
