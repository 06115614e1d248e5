/**
 * numpy's dtypes: what an array's elements are. Those of one kind are a string as `dtype.str` gives it (`<f8`, `|b1`,
 * `<U5`, `<M8[ns]`); records and arrays inside of elements are described by objects.
 */

/** What the elements of an array are. */
export type DType = string | StructDType | SubarrayDType

/** Elements with named fields. */
export interface StructDType {
  /** Bytes of one element, gaps included. */
  readonly itemsize: number
  readonly fields: readonly DTypeField[]
}

export interface DTypeField {
  readonly name: string
  readonly dtype: DType
  /** Bytes from the start of the element. */
  readonly offset: number
  /** numpy's second name of a field. */
  readonly title?: string
}

/** Fields that are arrays of fixed shape. */
export interface SubarrayDType {
  readonly base: DType
  readonly shape: readonly number[]
}

/** Arrays that JavaScript has, by numpy's kind and size. */
const CLASSES: Readonly<Record<string, ArrayClass>> = {
  i1: Int8Array,
  u1: Uint8Array,
  i2: Int16Array,
  u2: Uint16Array,
  i4: Int32Array,
  u4: Uint32Array,
  i8: BigInt64Array,
  u8: BigUint64Array,
  f4: Float32Array,
  f8: Float64Array,
}

/** Those whose elements need a dtype to be understood: truth, and counts of a unit since 1970. */
const DISGUISED: Readonly<Record<string, ArrayClass>> = {
  b1: Uint8Array,
  m8: BigInt64Array,
  M8: BigInt64Array,
}

/** An array of JavaScript that holds elements of numpy. */
export type ElementArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array
interface ArrayClass {
  readonly name: string
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): ElementArray
}

/** What a dtype means here. */
export interface Layout {
  /** As numpy writes it, in the byte order of this machine where the elements become numbers. */
  readonly dtype: DType
  /** Bytes of one element. */
  readonly itemsize: number
  /** The class that holds the elements; absent where bytes do. */
  readonly ArrayClass: ArrayClass | undefined
  /** Whether the class alone says what they are. */
  readonly isPlain: boolean
  readonly isSwapped: boolean
  /** Whether the elements are objects of Python. */
  readonly isObject: boolean
}

/** The byte order of this machine. */
export const NATIVE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? '<' : '>'

const SIZES: Readonly<Record<string, readonly number[]>> = {
  b: [1],
  i: [1, 2, 4, 8],
  u: [1, 2, 4, 8],
  f: [2, 4, 8, 12, 16],
  c: [8, 16, 24, 32],
  m: [8],
  M: [8],
}

const GRAMMAR = /^([<>|=]?)([biufcmMSUVO?])(\d{0,9})(\[\d{0,9}(?:[YMWDhms]|[mμunpfa]s|generic)\])?$/

/** The last one: an array asks for its layout three times, and most arrays are of one dtype. */
let lastText = ''
let lastLayout: Layout | undefined

/** The layout of a dtype in numpy's own writing; `undefined` when it is none. */
export function parseDtype(text: string): Layout | undefined {
  if (text === lastText) return lastLayout
  const layout = parsed(text)
  // What is none may be any text, and long.
  if (layout === undefined) return undefined
  lastText = text
  lastLayout = layout
  return layout
}

function parsed(text: string): Layout | undefined {
  const [, order, letter, digits, unit] = GRAMMAR.exec(text === '?' ? 'b1' : text) ?? []
  if (letter === undefined) return undefined
  if (letter === 'O') return layout('|O', 8, undefined, false, false, true)
  const n = digits === '' ? (SIZES[letter] ? -1 : 0) : Number(digits)
  const isDate = letter === 'm' || letter === 'M'
  if ((SIZES[letter] && !SIZES[letter].includes(n)) || (unit !== undefined && !isDate)) return undefined
  const itemsize = letter === 'U' ? n * 4 : n
  const code = `${letter}${n}`
  const isOrdered = itemsize > 1 && letter !== 'S' && letter !== 'V'
  const isOther = isOrdered && (order === '<' || order === '>') && order !== NATIVE
  const plain = CLASSES[code] as ArrayClass | undefined
  const ArrayClass = plain ?? DISGUISED[code]
  // What becomes numbers is turned to this machine's order; bytes stay as they are, and so does what is said of them.
  const sign = !isOrdered && letter !== 'U' ? '|' : isOther && ArrayClass === undefined ? order : NATIVE
  const isSwapped = isOther && ArrayClass !== undefined
  return layout(`${sign}${code}${unit ?? ''}`, itemsize, ArrayClass, plain !== undefined, isSwapped, false)
}

function layout(
  dtype: DType,
  itemsize: number,
  ArrayClass: ArrayClass | undefined,
  isPlain: boolean,
  isSwapped: boolean,
  isObject: boolean,
): Layout {
  return { dtype, itemsize, ArrayClass, isPlain, isSwapped, isObject }
}

/** The layout of any dtype; `undefined` when it is none. */
export function layoutOf(dtype: DType): Layout | undefined {
  if (typeof dtype === 'string') return parseDtype(dtype)
  const itemsize = itemsizeOf(dtype)
  return itemsize === undefined ? undefined : layout(dtype, itemsize, undefined, false, false, false)
}

/** Bytes of one element; `undefined` for what is no dtype, or lies in no bytes. */
function itemsizeOf(dtype: DType): number | undefined {
  if (typeof dtype === 'string') {
    const known = parseDtype(dtype)
    return known?.isObject ? undefined : known?.itemsize
  }
  if (typeof dtype !== 'object' || dtype === null) return undefined
  if ('fields' in dtype) return isSize(dtype.itemsize) ? dtype.itemsize : undefined
  const base = itemsizeOf(dtype.base)
  const length = sizeOf(dtype.shape)
  const bytes = base === undefined || length === undefined ? undefined : base * length
  return isSize(bytes) ? bytes : undefined
}

function isSize(n: unknown): n is number {
  return Number.isSafeInteger(n) && (n as number) >= 0
}

/** Elements of an array of this shape; `undefined` when it is no shape, or they cannot be counted. */
export function sizeOf(shape: unknown): number | undefined {
  if (!Array.isArray(shape) || shape.length > MOST_DIMENSIONS || !shape.every(isSize)) return undefined
  // A length of 0 first: the others may be anything then.
  const size = shape.includes(0) ? 0 : shape.reduce((size, length) => size * length, 1)
  return isSize(size) ? size : undefined
}

/** As many as numpy has. */
const MOST_DIMENSIONS = 64

const CODES: ReadonlyMap<string, string> = new Map([
  ...Object.entries(CLASSES).map(([code, { name, BYTES_PER_ELEMENT }]): [string, string] => [
    name,
    `${BYTES_PER_ELEMENT === 1 ? '|' : NATIVE}${code}`,
  ]),
  ['Uint8ClampedArray', '|u1'],
  ['Float16Array', `${NATIVE}f2`],
])

/** numpy's dtype for a typed array of this class; `undefined` where it has none. */
export function dtypeOfClass(name: string): string | undefined {
  return CODES.get(name)
}
