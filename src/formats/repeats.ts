/**
 * Objects that are met twice while a value is lifted. That they are is known only when they are met again: then the value
 * is read once more, with numbers for those objects, and parts that refer to them.
 */
import { Memo } from '../value/memo.js'
import { stopped } from '../value/trace.js'
import { Budget } from './budget.js'
import { Lifted } from './lifted.js'

export abstract class Repeats extends Budget {
  readonly #memo = new Memo()
  /** Objects met twice, when the first reading found any; their numbers belong to the second. */
  #repeats: Map<object, number> | undefined
  /** Whether this is the second reading. */
  isSecond = false
  #nextNumber = 0
  /** Custom values being reduced that can only be rebuilt whole. */
  readonly unbuilt: unknown[] = []

  /** Whether the value must be read again. */
  get hasRepeats(): boolean {
    return this.#repeats !== undefined
  }

  /** Lets go of everything that belongs to the caller. */
  forget(): void {
    this.#memo.clear()
    this.#repeats = undefined
    this.isSecond = false
    this.#nextNumber = 0
    if (this.unbuilt.length > 0) this.unbuilt.length = 0
  }

  /** What an object becomes: a part that refers to it if it was met before, one with a number if it will be, else what is read. */
  identified(object: object, read: () => unknown): unknown {
    if (!this.settings.references) return read()
    if (this.isSecond) return this.numbered(object, read)
    return this.isRepeated(object) ? object : read()
  }

  /** Notes an object of the first reading, and whether it was met before. @throws UNSUPPORTED */
  isRepeated(object: object): boolean {
    return this.#noteRepeat(object, this.#memo.find(object))
  }

  /** The same for an array. */
  isRepeatedArray(array: readonly unknown[]): boolean {
    const isNumbers = typeof array[0] === 'number'
    const number = isNumbers
      ? this.#memo.findNumbers(array as readonly number[])
      : this.#memo.findArray(array)
    return this.#noteRepeat(array, number)
  }

  #noteRepeat(object: object, number: number): boolean {
    if (number < 0) return false
    if (this.unbuilt.includes(object))
      throw stopped('UNSUPPORTED', 'a cycle through a one-step type; wanted one with create and fill')
    this.#repeats ??= new Map()
    this.#repeats.set(object, -1)
    return true
  }

  /** What an object becomes in the second reading. */
  numbered(object: object, read: () => unknown): unknown {
    const known = this.#repeats?.get(object)
    if (known === undefined) return read()
    if (known >= 0) return new Lifted('ref', known)
    const number = this.#nextNumber++
    this.#repeats?.set(object, number)
    this.enter(2)
    const value = read()
    this.leave()
    if (typeof value === 'object' && !isPrimitive(value)) return new Lifted('shared', [number, value])
    // A box whose primitive is all that travels: it has no identity, and needs no number.
    this.#repeats?.delete(object)
    this.#nextNumber--
    return value
  }
}

/** Whether what was lifted is a number or a BigInt. */
function isPrimitive(value: object | null): boolean {
  return value instanceof Lifted && (value.is('zero') || value.is('bigint'))
}
