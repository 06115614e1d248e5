/**
 * What the parts of the writer share while they walk a value: the bytes so far, the numbers of Python's memo, text, and
 * views, whose places are noted and filled in when it is known which of them go out of band.
 *
 * `value` is the way back to the dispatch, so that no part imports another.
 */
import { utf8Room, writeUtf8 } from '../../../bytes/utf8.js'
import { Writer } from '../../../bytes/writer.js'
import { checkLimit, overLimit } from '../../../limits.js'
import { Memo } from '../../../value/memo.js'
import { stopped } from '../../../value/trace.js'
import { Views } from '../../../value/views.js'
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
import type { WriteSettings } from '../settings.js'
import type { Splice } from './views.js'

const CACHE = 512
/** The longest string that is looked for among those before: to compare longer ones costs more than it saves. */
const LONGEST = 256
/** Stands for the number of an object whose parts are still being written. */
const UNBUILT = -1

export abstract class Walk extends Writer {
  settings: WriteSettings
  readonly #memo = new Memo()
  /** Number in Python's memo, by number in ours. */
  #numbers: number[] = []
  /** Numbers that Python has given so far. */
  #given = 0
  readonly #texts: string[] = new Array<string>(CACHE).fill('')
  readonly #textNumbers = new Int32Array(CACHE)
  /** Numbers of names, and of what else is written once a message. */
  #common = new Map<string, number>()
  readonly views = new Views()
  splices: Splice[] = []
  depth = 0
  items = 0

  constructor(settings: WriteSettings) {
    super()
    this.settings = settings
  }

  /** Writes any value. Reserves for itself. */
  abstract value(value: unknown): void

  begin(settings: WriteSettings): void {
    this.settings = settings
    this.limit = settings.limits.metaBytes
    this.depth = 0
    this.items = 0
    this.#given = 0
    this.u8(PROTO)
    this.u8(PROTOCOL)
  }

  /** Lets go of everything that belongs to the caller. */
  end(): void {
    this.#memo.clear()
    this.#numbers = []
    this.#texts.fill('')
    if (this.#common.size > 0) this.#common = new Map()
    this.views.clear()
    if (this.splices.length > 0) this.splices = []
    this.rewind()
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
    return this.settings.references && this.#repeats(this.#memo.find(object))
  }

  /** The same for an array. */
  isRepeatedArray(array: readonly unknown[]): boolean {
    return this.settings.references && this.#repeats(this.#memo.findArray(array))
  }

  #repeats(number: number): boolean {
    if (number < 0) {
      this.#numbers[this.#memo.count - 1] = UNBUILT
      return false
    }
    const given = this.#numbers[number]
    if (given === UNBUILT) throw stopped('UNSUPPORTED', 'a cycle through what Python makes whole')
    this.get(given)
    return true
  }

  /** The place in our memo of the object that was just found to be new. */
  get latest(): number {
    return this.#memo.count - 1
  }

  /** Gives the top of Python's stack a number, under which the object of this place is found from now on. */
  note(place: number): void {
    if (this.settings.references) this.#numbers[place] = this.memoize()
  }

  /** The same with a number that was reserved. */
  noteAs(place: number, number: number): void {
    if (this.settings.references) this.#numbers[place] = number
  }

  text(text: string): void {
    const units = text.length
    if (units === 0 || units > LONGEST) return this.#plainText(text)
    const at = (units * 37 + text.charCodeAt(0) * 5 + text.charCodeAt(units - 1) * 11) & (CACHE - 1)
    if (this.#texts[at] === text) return this.get(this.#textNumbers[at])
    this.#plainText(text)
    this.#texts[at] = text
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

  /** A class or function of Python: `module.name`. */
  name(name: string): void {
    this.once(name, () => {
      const dot = name.lastIndexOf('.')
      this.text(dot < 0 ? OWN_MODULE : name.slice(0, dot))
      this.text(name.slice(dot + 1))
      this.op(STACK_GLOBAL)
    })
  }

  /** Writes what all of a message have in common, the first time; then where it is in the memo. */
  once(key: string, write: () => void): void {
    const known = this.#common.get(key)
    if (known !== undefined) return this.get(known)
    write()
    this.#common.set(key, this.memoize())
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
