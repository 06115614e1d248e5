/**
 * What the parts of the writer share while they walk a value: the bytes so far, the numbers of Python's memo, text, and
 * views, whose places are noted and filled in when it is known which of them go out of band.
 *
 * `value` is the way back to the dispatch, so that no part imports another.
 */
import { utf8Room, writeUtf8 } from '../../../bytes/utf8.js'
import { Writer } from '../../../bytes/writer.js'
import { checkLimit, overLimit } from '../../../limits.js'
import { SentKeys } from '../../../value/keys.js'
import { Memo } from '../../../value/memo.js'
import { stopped } from '../../../value/trace.js'
import { Views } from '../../../value/views.js'
import { type FormatEncodeSettings, IDLE } from '../../format.js'
import { partsOf } from '../objects.js'
import {
  BINGET,
  BINUNICODE,
  BINUNICODE8,
  LONG_BINGET,
  MEMOIZE,
  PROTO,
  PROTOCOL,
  SHORT_BINUNICODE,
  STACK_GLOBAL,
} from '../ops.js'
import { FREE_SETS, type PickleSettings } from '../settings.js'
import type { Splice } from './views.js'

const CACHE = 512
/** The longest string that is looked for among those before: to compare longer ones costs more than it saves. */
const LONGEST = 256
/** Stands for the number of an object whose parts are still being written. */
const UNBUILT = -1
const CYCLE = 'a cycle through what Python makes whole'

export abstract class Walk extends Writer {
  readonly options: PickleSettings
  settings = IDLE
  readonly #memo = new Memo()
  /** Numbers in Python's memo, by number in ours; of arrays that begin with a number, which ours counts apart. */
  #numbers: number[] = []
  #arrayNumbers: number[] = []
  #latest = 0
  /** Numbers that Python has given so far. */
  #given = 0
  readonly #texts: string[] = new Array<string>(CACHE).fill('')
  readonly #textNumbers = new Int32Array(CACHE)
  /** Slots to empty after the message: no string of the caller's may stay. */
  readonly #filled = new Int32Array(CACHE)
  #fills = 0
  /** Numbers of what is written as it was in Python, not as the same object is elsewhere. */
  #originals: Map<object, number> | undefined
  /** Objects of Python around what is written. */
  kept = 0
  /** Numbers of names, and of what else is written once a message. */
  #common: Map<string, number> | undefined
  readonly views = new Views()
  splices: Splice[] = []
  depth = 0
  items = 0
  #sets = 0
  readonly keys = new SentKeys()
  /** Whether the last message was let go of; not when the caller's stack ran out while it was. */
  isClean = true

  constructor(options: PickleSettings) {
    super()
    this.options = options
  }

  /** Writes any value. Reserves for itself. */
  abstract value(value: unknown): void

  begin(settings: FormatEncodeSettings): void {
    if (!this.isClean) this.end()
    this.isClean = false
    this.settings = settings
    this.limit = settings.limits.metaBytes
    this.depth = 0
    this.items = 0
    this.#sets = 0
    this.keys.begin(settings.limits)
    this.#given = 0
    this.kept = 0
    this.u8(PROTO)
    this.u8(PROTOCOL)
  }

  /** Lets go of everything that belongs to the caller. */
  end(): void {
    this.#memo.clear()
    if (this.#numbers.length > 0) this.#numbers = []
    if (this.#arrayNumbers.length > 0) this.#arrayNumbers = []
    if (this.#fills >= CACHE) this.#texts.fill('')
    else for (let i = 0; i < this.#fills; i++) this.#texts[this.#filled[i]] = ''
    this.#fills = 0
    this.#common = undefined
    this.#originals = undefined
    this.views.clear()
    if (this.splices.length > 0) this.splices = []
    this.rewind()
    this.settings = IDLE
    this.isClean = true
  }

  /** Writes an op; the reserve of 16 bytes that `value` makes is enough for a few. */
  op(op: number): void {
    this.reserve(1)
    this.u8(op)
  }

  /** The number that the top of Python's stack gets in its memo. */
  memoize(): number {
    this.op(MEMOIZE)
    return this.#given++
  }

  /** Counts numbers that are given where a view is filled in. */
  reserveNumber(): number {
    return this.#given++
  }

  get(number: number): void {
    writeGet(this, number)
  }

  /** Notes an object; when it was met before, writes where it is in the memo and returns true. */
  isRepeated(object: unknown): boolean {
    return this.settings.references && this.#repeats(this.#memo.find(object), this.#numbers, false)
  }

  /** The same for an array. */
  isRepeatedArray(array: readonly unknown[]): boolean {
    if (!this.settings.references) return false
    if (typeof array[0] === 'number') {
      // By its first and last numbers: the search passes over what is no number.
      return this.#repeats(this.#memo.findNumbers(array as readonly number[]), this.#arrayNumbers, true)
    }
    return this.#repeats(this.#memo.findArray(array), this.#numbers, false)
  }

  #repeats(number: number, numbers: number[], isApart: boolean): boolean {
    if (number < 0) {
      const place = numbers.push(UNBUILT) - 1
      this.#latest = isApart ? ~place : place
      return false
    }
    const given = numbers[number]
    if (given === UNBUILT) throw stopped('UNSUPPORTED', CYCLE)
    this.get(given)
    return true
  }

  /** The place of the object that was just found to be new. */
  get latest(): number {
    return this.#latest
  }

  /** Gives the top of Python's stack a number, under which the object of this place is found from now on. */
  note(place: number): void {
    if (this.settings.references) this.noteAs(place, this.memoize())
  }

  /** The same with a number that was reserved. */
  noteAs(place: number, number: number): void {
    if (!this.settings.references) return
    if (place < 0) this.#arrayNumbers[~place] = number
    else this.#numbers[place] = number
  }

  text(text: string): void {
    const units = text.length
    if (units === 0 || units > LONGEST) return this.#plainText(text)
    const at = (units * 37 + text.charCodeAt(0) * 5 + text.charCodeAt(units - 1) * 11) & (CACHE - 1)
    if (this.#texts[at] === text) return this.get(this.#textNumbers[at])
    this.#plainText(text)
    this.#texts[at] = text
    this.#filled[this.#fills++ & (CACHE - 1)] = at
    this.#textNumbers[at] = this.memoize()
  }

  /** SHORT_BINUNICODE u8 · BINUNICODE u32 · BINUNICODE8 u64, then UTF-8; the length is known last. */
  #plainText(text: string): void {
    const room = utf8Room(text)
    this.reserve(room + 9)
    const headBytes = room < 256 ? 2 : room < 2 ** 32 ? 5 : 9
    const start = this.pos + headBytes
    const end = writeUtf8(this.bytes, start, text)
    const byteLength = end - start
    checkLimit('stringBytes', this.settings.limits.stringBytes, byteLength)
    if (headBytes === 2) {
      this.u8(SHORT_BINUNICODE)
      this.u8(byteLength)
    } else {
      this.u8(headBytes === 5 ? BINUNICODE : BINUNICODE8)
      this.u32(byteLength)
      if (headBytes === 9) this.u32(byteLength / 2 ** 32)
    }
    this.pos = end
  }

  /** A class or function of Python: `module.name`, `module:outer.inner`. */
  name(place: string): void {
    this.once(place, () => {
      const { module, name } = partsOf(place)
      this.text(module === '' ? OWN_MODULE : module)
      this.text(name)
      this.op(STACK_GLOBAL)
    })
  }

  /** Writes what all of a message have in common, the first time; then where it is in the memo. */
  once(key: string, write: () => void): void {
    this.#common ??= new Map()
    const known = this.#common.get(key)
    if (known !== undefined) return this.get(known)
    write()
    this.#common.set(key, this.memoize())
  }

  /** Counts a Set or Map, as who reads it does. @throws LIMIT */
  newSet(): void {
    if (++this.#sets > FREE_SETS) checkLimit('entries', this.settings.limits.entries, this.#sets)
  }

  /** Writes an object as it was in Python, the first time; then where that is in the memo. */
  original(object: object, write: () => void): void {
    if (!this.settings.references) return write()
    this.#originals ??= new Map()
    const known = this.#originals.get(object)
    if (known === UNBUILT) throw stopped('UNSUPPORTED', CYCLE)
    if (known !== undefined) return this.get(known)
    this.#originals.set(object, UNBUILT)
    write()
    this.#originals.set(object, this.memoize())
  }

  /** Goes one container down, one of `items` elements. The caller counts `depth` down again. */
  enter(items: number): void {
    const { limits } = this.settings
    if (++this.depth > limits.depth) throw overLimit('depth', limits.depth, this.depth)
    this.items += items
    if (this.items > limits.items) throw overLimit('items', limits.items, this.items)
  }
}

/** Where Python looks for a type whose tag names no module. */
export const OWN_MODULE = 'outband'

export function writeGet(out: Writer, number: number): void {
  out.reserve(5)
  if (number < 256) {
    out.u8(BINGET)
    out.u8(number)
  } else {
    out.u8(LONG_BINGET)
    out.u32(number)
  }
}
