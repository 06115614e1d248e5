/**
 * Exts: what MessagePack and msgpackr have codes for keeps them, all else is code 79 ('O'), whose first byte says what.
 * The page is `spec/FORMATS.md`.
 *
 *      0       undefined, as msgpackr
 *      66 'B'  a BigInt past 64 bits: two's complement, big-endian, as msgpackr
 *      116 't' a typed array in band: kind, bytes, as msgpackr
 *      255     a timestamp (−1)
 *      79 'O'  V record of a view [run] · # u32 ref · and what marks an array as more than a list:
 *              [M, k, v, …] Map · [S, …] Set · [C, tag, parts] custom · [E, {…}] error · [R, source, flags] RegExp
 *              [D + u32 number, value] an object that is met again
 */
import { readU32 } from '../bytes/words.js'
import { checkLimit, type Limits } from '../limits.js'
import { ViewKind } from '../wire/flags.js'
import { KIND_NUMBERS, KINDS } from '../wire/views.js'
import { bigintOfComplement, complementLength } from './bigint.js'
import { dateMs } from './dates.js'
import { expectCounted, Mark } from './found.js'
import { Lifted } from './lifted.js'
import { malformed } from './malformed.js'

const UNDEFINED = 0
export const BIGINT = 66
export const TYPED = 116
export const TIMESTAMP = 255
export const OURS = 79

/** The one byte of a timestamp that is an invalid Date. */
const INVALID = 255

const codeOf = (letter: string): number => letter.charCodeAt(0)
export const VIEW = codeOf('V')
export const REF = codeOf('#')
export const MAP = codeOf('M')
export const SET = codeOf('S')
export const CUSTOM = codeOf('C')
export const ERROR = codeOf('E')
export const REGEXP = codeOf('R')
export const SHARED = codeOf('D')

/** msgpackr's numbers of typed arrays, by our kinds; absent where it has none. */
const TYPED_NAMES = [
  ...['Int8', 'Uint8', 'Uint8Clamped', 'Int16', 'Uint16', 'Int32', 'Uint32', 'Float32', 'Float64'],
  ...['BigInt64', 'BigUint64'],
]
const TYPED_KINDS: ReadonlyMap<number, number> = new Map([
  ...TYPED_NAMES.map((name, code) => [code, KIND_NUMBERS.get(`${name}Array`) as number] as const),
  [16, ViewKind.ARRAY_BUFFER],
  [17, ViewKind.DATA_VIEW],
])
export const TYPED_CODES: ReadonlyMap<number, number> = new Map(
  [...TYPED_KINDS].map(([code, kind]) => [kind, code]),
)

class ArrayMark extends Mark {
  readonly #letter: number
  /** The number of a shared object. */
  readonly #number: number

  constructor(letter: number, number: number) {
    super()
    this.#letter = letter
    this.#number = number
  }

  override read(array: readonly unknown[]): Lifted {
    const [, first, second] = array
    const { length } = array
    const letter = this.#letter
    if (letter === MAP) return new Lifted('map', array.slice(1))
    if (letter === SET) return new Lifted('set', array.slice(1))
    if (letter === SHARED && length === 2) return new Lifted('shared', [this.#number, first])
    if (letter === ERROR && length === 2) return new Lifted('error', first)
    if (length === 3 && typeof first === 'string') {
      if (letter === CUSTOM) return new Lifted('custom', [first, second])
      if (letter === REGEXP && typeof second === 'string') return new Lifted('regexp', [first, second])
    }
    throw malformed('a marked array of another length')
  }
}

const NOTHING = new Lifted('undefined', undefined)
const isByte = (content: Uint8Array, byte: number): boolean => content.length === 1 && content[0] === byte

/**
 * What stands for an ext that is no view, or a mark. `at`: its byte in the metadata, for errors. The bytes are borrowed.
 * @throws MALFORMED, LIMIT
 */
export function readExt(
  type: number,
  content: Uint8Array,
  limits: Readonly<Limits>,
  at: number,
): Lifted | Mark {
  switch (type) {
    case UNDEFINED:
      if (!isByte(content, 0))
        throw malformed('an undefined whose data is not the one byte 0', { offset: at })
      return NOTHING
    case BIGINT:
      checkLimit('bigintBytes', limits.bigintBytes, complementLength(content), at)
      return new Lifted('bigint', bigintOfComplement(content))
    case TYPED:
      return readTyped(content, at)
    case TIMESTAMP:
      return new Lifted('date', readTimestamp(content, at))
    case OURS:
      return readOurs(content, at)
  }
  throw malformed(`an ext of unknown code ${type}`, { offset: at })
}

function readTyped(content: Uint8Array, at: number): Lifted {
  const kind = TYPED_KINDS.get(content[0])
  const byteLength = content.length - 1
  if (kind === undefined || byteLength % KINDS[kind].size !== 0)
    throw malformed('a typed array of unknown kind or odd length', { offset: at })
  return new Lifted('bytes', [kind, content.subarray(1)])
}

function readOurs(content: Uint8Array, at: number): Lifted | Mark {
  const [letter] = content
  const { length } = content
  const hasNumber = letter === REF || letter === SHARED
  if (length !== (hasNumber ? 5 : 1) || !(hasNumber || MARKS.has(letter)))
    throw malformed('an ext 79 of unknown meaning', { offset: at })
  if (!hasNumber) return MARKS.get(letter) as Mark
  const number = readU32(content, 1)
  if (letter === REF) return new Lifted('ref', number)
  expectCounted(number, at)
  return new ArrayMark(letter, number)
}

const MARKS: ReadonlyMap<number, Mark> = new Map(
  [MAP, SET, CUSTOM, ERROR, REGEXP].map(letter => [letter, new ArrayMark(letter, 0)]),
)

/**
 * Milliseconds since 1970: 32 bits of seconds, or 30 of nanoseconds and 34 of seconds, or 32 of nanoseconds and 64 of
 * seconds, big-endian. NaN for the single byte FF, msgpackr's invalid date. Of nanoseconds it is the millisecond that has
 * begun, before 1970 too, where a Date would cut off the other way.
 */
function readTimestamp(content: Uint8Array, at: number): number {
  const { length } = content
  const view = new DataView(content.buffer, content.byteOffset, length)
  if (isByte(content, INVALID)) return Number.NaN
  if (length === 4) return view.getUint32(0) * 1000
  if (length === 8) {
    const seconds = (view.getUint32(0) & 3) * 2 ** 32 + view.getUint32(4)
    return seconds * 1000 + millisOf(view.getUint32(0) >>> 2, at)
  }
  if (length !== 12) throw malformed('a timestamp of unknown length', { offset: at })
  return dateMs(Number(view.getBigInt64(4)) * 1000 + millisOf(view.getUint32(0), at), at)
}

function millisOf(nanoseconds: number, at: number): number {
  if (nanoseconds >= 1e9) throw malformed('a second of too many nanoseconds', { offset: at })
  return Math.floor(nanoseconds / 1e6)
}

/** The data of a timestamp, in its shortest form. */
export function timestampBytes(ms: number): Uint8Array {
  if (Number.isNaN(ms)) return Uint8Array.of(INVALID)
  const seconds = Math.floor(ms / 1000)
  const nanoseconds = (ms - seconds * 1000) * 1e6
  const isShort = seconds >= 0 && seconds < 2 ** 34
  const view = new DataView(new ArrayBuffer(!isShort ? 12 : nanoseconds > 0 || seconds >= 2 ** 32 ? 8 : 4))
  if (view.byteLength === 4) view.setUint32(0, seconds)
  else if (isShort) view.setBigUint64(0, (BigInt(nanoseconds) << 34n) | BigInt(seconds))
  else {
    view.setUint32(0, nanoseconds)
    view.setBigInt64(4, BigInt(seconds))
  }
  return new Uint8Array(view.buffer)
}
