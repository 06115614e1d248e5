/**
 * Tags: registered ones where there are some, two of our own from the range that is first come, first served. The page is
 * `spec/FORMATS.md`.
 */
import { decodeFailure } from '../errors.js'
import { checkLimit, type Limits } from '../limits.js'
import { KIND_NUMBERS, KINDS } from '../wire/views.js'
import { bigintOf } from './bigint.js'
import { dateMs, parseRfc3339 } from './dates.js'
import { Mark } from './found.js'
import { half } from './half.js'
import { Lifted } from './lifted.js'
import { malformed } from './malformed.js'

/** RFC 8949. */
const DATE_TEXT = 0
export const DATE = 1
export const BIGINT = 2
export const NEGATIVE_BIGINT = 3
/** "Language-independent object": a name and its arguments. http://cbor.schmorp.de/generic-object */
export const OBJECT = 27
/** Value sharing. http://cbor.schmorp.de/value-sharing */
export const SHARED = 28
export const REF = 29
export const SET = 258
/** A map that is no object. */
export const MAP = 259
/** ECMAScript's, as [source, flags]. */
export const REGEXP = 21_066
/** 'OB', 0, 'V': bytes, a record of a view, and behind it the run when it is in band. */
export const VIEW = 0x4f42_0056
/** 'OB', 0, 'E': a map, an error's class and what it holds. */
export const ERROR = 0x4f42_0045

/** What may stand behind a tag, undefined for a tag that is not known. */
export type Content = 'text' | 'bytes' | 'uint' | 'number' | 'array' | 'map' | 'record' | 'any'

const CONTENTS: ReadonlyMap<number, Content> = new Map<number, Content>([
  [DATE_TEXT, 'text'],
  [DATE, 'number'],
  [BIGINT, 'bytes'],
  [NEGATIVE_BIGINT, 'bytes'],
  [OBJECT, 'array'],
  [SHARED, 'any'],
  [REF, 'uint'],
  [SET, 'array'],
  [MAP, 'map'],
  [REGEXP, 'array'],
  [VIEW, 'bytes'],
  [ERROR, 'record'],
])

/** RFC 8746: kinds by their tag, little-endian; big-endian ones of more than a byte are four below. */
const LITTLE: readonly (readonly [tag: number, name: string])[] = [
  [64, 'Uint8Array'],
  [68, 'Uint8ClampedArray'],
  [69, 'Uint16Array'],
  [70, 'Uint32Array'],
  [71, 'BigUint64Array'],
  [72, 'Int8Array'],
  [77, 'Int16Array'],
  [78, 'Int32Array'],
  [79, 'BigInt64Array'],
  [84, 'Float16Array'],
  [85, 'Float32Array'],
  [86, 'Float64Array'],
]
const KIND_OF: ReadonlyMap<number, number> = new Map(
  LITTLE.map(([tag, name]) => [tag, KIND_NUMBERS.get(name) as number]),
)
/** Tags of kinds, little-endian. A Uint8Array is plain bytes. */
export const TYPED_TAGS: ReadonlyMap<number, number> = new Map(
  LITTLE.filter(([, name]) => name !== 'Uint8Array').map(([tag, name]) => [
    KIND_NUMBERS.get(name) as number,
    tag,
  ]),
)

export function contentOf(tag: number): Content | undefined {
  return typedOf(tag) === undefined ? CONTENTS.get(tag) : 'bytes'
}

/** The kind that a tag of RFC 8746 stands for, and whether its elements are big-endian. */
function typedOf(tag: number): { kind: number; isSwapped: boolean } | undefined {
  const kind = KIND_OF.get(tag)
  if (kind !== undefined) return { kind, isSwapped: false }
  const swapped = KIND_OF.get(tag + 4)
  return swapped === undefined || KINDS[swapped].size === 1 ? undefined : { kind: swapped, isSwapped: true }
}

export function isTyped(tag: number): boolean {
  return typedOf(tag) !== undefined
}

/** The part of a tag before bytes (borrow), text or a number. `at`: byte of the metadata. @throws MALFORMED, LIMIT */
export function readContent(tag: number, content: Uint8Array, limits: Readonly<Limits>, at: number): Lifted {
  const typed = typedOf(tag)
  if (typed !== undefined) return readTyped(content, typed.kind, typed.isSwapped, at)
  if (tag === DATE) return new Lifted('date', dateMs(toMs(readNumber(content)), at))
  if (tag === DATE_TEXT) return new Lifted('date', parseDate(utf8.decode(content), at))
  if (tag === REF) return new Lifted('ref', readNumber(content))
  checkLimit('bigintBytes', limits.bigintBytes, content.length, at)
  const magnitude = bigintOf(content)
  return new Lifted('bigint', tag === BIGINT ? magnitude : -1n - magnitude)
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

function parseDate(text: string, at: number): number {
  const ms = parseRfc3339(text)
  if (ms === undefined) throw malformed('text that is not a date of RFC 3339', { offset: at })
  return ms
}

/** Milliseconds come back by rounding, of the fraction alone: of all of it the product is rounded already, from 4.4e15 ms on. */
function toMs(seconds: number): number {
  const whole = Math.trunc(seconds)
  return Number.isFinite(seconds) ? whole * 1000 + Math.round((seconds - whole) * 1000) : seconds
}

function readTyped(content: Uint8Array, kind: number, isSwapped: boolean, at: number): Lifted {
  const { size, name, class: known } = KINDS[kind]
  if (content.length % size !== 0) throw malformed('a typed array of odd length', { offset: at })
  if (known === undefined) throw decodeFailure('UNSUPPORTED', `no ${name} in this engine`, { offset: at })
  if (!isSwapped) return new Lifted('bytes', [kind, content])
  const bytes = new Uint8Array(content)
  for (let i = 0; i < bytes.length; i += size) bytes.subarray(i, i + size).reverse()
  return new Lifted('bytes', [kind, bytes])
}

/** A number of the major types 0, 1 and 7, head and all. */
function readNumber(item: Uint8Array): number {
  const major = item[0] >> 5
  const info = item[0] & 31
  if (major === 7) {
    const view = new DataView(item.buffer, item.byteOffset, item.length)
    return info === 25 ? half(view.getUint16(1)) : info === 26 ? view.getFloat32(1) : view.getFloat64(1)
  }
  let n = info < 24 ? info : 0
  for (let i = 1; i < item.length; i++) n = n * 256 + item[i]
  return major === 1 ? -1 - n : n
}

class TagMark extends Mark {
  readonly #tag: number
  /** The number of a shared object. */
  readonly #number: number

  constructor(tag: number, number: number) {
    super()
    this.#tag = tag
    this.#number = number
  }

  override read(array: readonly unknown[]): Lifted {
    if (this.#tag === MAP) return new Lifted('map', array.slice(1))
    const [, content] = array
    if (this.#tag === SHARED) return new Lifted('shared', [this.#number, content])
    if (this.#tag === ERROR) return new Lifted('error', content)
    if (Array.isArray(content)) {
      if (this.#tag === SET) return new Lifted('set', content)
      const [first, second] = content as unknown[]
      if (typeof first === 'string' && content.length === 2) {
        if (this.#tag === OBJECT) return new Lifted('custom', [first, second])
        if (typeof second === 'string') return new Lifted('regexp', [first, second])
      }
      if (this.#tag === REGEXP && content.length === 1 && typeof first === 'string')
        return new Lifted('regexp', [first, ''])
    }
    throw malformed(`tag ${this.#tag} with other content`)
  }
}

const MARKS: ReadonlyMap<number, TagMark> = new Map(
  [OBJECT, SET, MAP, REGEXP, ERROR].map(tag => [tag, new TagMark(tag, 0)]),
)

/** The mark of a tag, or, from −1 down, of the shared object of a number. */
export function markOf(note: number): Mark {
  return MARKS.get(note) ?? new TagMark(SHARED, -1 - note)
}
