/**
 * FlexBuffers, written with the builder of the `flatbuffers` package. Its own `encode` writes what its own reader cannot
 * read (25.9.23, measured): a fraction or an integer past 32 bits beside anything else in a vector or map, fractions of
 * different widths, integers past 64 bits. So numbers that need more than 32 bits stand apart, or in vectors of nothing but
 * float64, and the vector beside them stays narrow: any reader of FlexBuffers takes it.
 */
import { type Step, stopped, traced } from '../value/trace.js'
import { complementBytes } from './bigint.js'
import { builder as newBuilder } from './flatbuffers-package.js'
import { Lifted } from './lifted.js'
import { expectDistinct } from './mend.js'
import { bytesOf, RECORD_BYTES, type SentView, writeRecord } from './view-record.js'

type Builder = ReturnType<typeof newBuilder>
type StackValue = Builder['stack'][number]

/** Keys that must be looked at: text ends at a NUL, and has no lone surrogates. */
const ODD = /[\0\ud800-\udfff]/u
/** log2 of the bytes of a float64, as the package counts widths. */
const WIDTH64 = 3
const LEAST_INT = -(2n ** 63n)
const MOST_INT = 2n ** 63n - 1n

/** The first byte of every blob: bytes are blobs too, so nothing that a user sends can be one of ours. */
const codeOf = (letter: string): number => letter.charCodeAt(0)
export const BYTES = codeOf('B')
export const VIEW = codeOf('V')
export const UNDEFINED = codeOf('U')
export const BIGINT = codeOf('N')
export const DATE = codeOf('T')
export const HEAD = codeOf('H')
export const ARRAY = codeOf('A')
export const MAP = codeOf('M')
export const SET = codeOf('S')
export const CUSTOM = codeOf('C')
export const ERROR = codeOf('E')
export const REGEXP = codeOf('R')
export const SHARED = codeOf('D')

/** Metadata (own) of what was lifted, and of the lengths of the buffers that go beside it. @throws UNSUPPORTED */
export function writeFlex(tree: unknown, buffers: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const writer = new FlexWriter()
  return writer.write(tree, buffers)
}

class FlexWriter {
  readonly #builder: Builder = newBuilder()
  /** Objects that are met again, when they are written. */
  readonly #shared = new Map<number, StackValue>()

  write(tree: unknown, buffers: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
    if (buffers.length === 0) this.#add(tree)
    else this.#marked(headOf(buffers), [tree])
    return this.#builder.finish() as Uint8Array<ArrayBuffer>
  }

  #add(value: unknown): void {
    const builder = this.#builder
    if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'bigint') this.#bigint(value)
    else if (value === undefined) this.#blob(lettered(UNDEFINED))
    else if (typeof value !== 'object' || value === null) builder.add(value)
    else if (Array.isArray(value)) this.#array(value)
    else if (value instanceof Lifted) this.#part(value)
    else this.#object(value as Record<string, unknown>)
  }

  #number(n: number): void {
    if ((n | 0) === n) this.#builder.addInt(n)
    else this.#builder.addFloat(n, true)
  }

  /** Apart, which tells it from a number. */
  #bigint(n: bigint): void {
    const isSmall = n === BigInt.asIntN(32, n)
    const isSigned = n >= LEAST_INT && n <= MOST_INT
    // The package takes BigInts here, which its types do not say, and only where they need 64 bits.
    const value = (isSmall ? Number(n) : n) as number
    if (isSigned) this.#builder.addInt(value, true)
    else this.#builder.addUInt(value, true)
  }

  #array(array: readonly unknown[]): void {
    const builder = this.#builder
    // A vector of nothing but text is read up to the first zero of each.
    if (isAll(array, isText) && !isAll(array, isWithoutZero)) return this.#marked(lettered(ARRAY), array)
    const isFloats = isAll(array, isNumber) && !isAll(array, isInt32)
    builder.startVector()
    for (let i = 0; i < array.length; i++) {
      if (isFloats) builder.stack.push(this.#float64(array[i] as number))
      else this.#under(i, array[i])
    }
    builder.end()
  }

  /** The package would make it a float32 where that is exact, and mix widths. */
  #float64(n: number): StackValue {
    const { floatStackValue } = this.#builder as unknown as { floatStackValue(n: number): StackValue }
    const value = floatStackValue.call(this.#builder, n)
    value.width = WIDTH64
    return value
  }

  /** `transparent`: the key of an object whose keys are those of this one to the user. */
  #object(object: Record<string, unknown>, transparent?: string): void {
    this.#builder.startMap()
    const keys = Object.keys(object)
    if (keys.some(key => ODD.test(key))) {
      if (keys.some(key => key.includes('\0')))
        throw stopped('UNSUPPORTED', 'a key with a NUL cannot travel in FlexBuffers')
      expectDistinct(keys)
    }
    for (const key of keys) {
      this.#builder.addKey(key)
      if (key === transparent) this.#add(object[key])
      else this.#under(key, object[key])
    }
    this.#builder.end()
  }

  #under(step: string | number, value: unknown): void {
    try {
      this.#add(value)
    } catch (error) {
      throw traced(error, step)
    }
  }

  #part(part: Lifted): void {
    if (part.is('view')) this.#view(part.content as SentView)
    else if (part.is('zero')) this.#builder.addFloat(-0, true)
    else if (part.is('date')) this.#blob(dateBytes(part.content))
    else if (part.is('bigint')) this.#blob(lettered(BIGINT, complementBytes(part.content)))
    else if (part.is('map')) this.#marked(lettered(MAP), part.content, i => ({ within: `entry ${i >> 1}` }))
    else if (part.is('set')) this.#marked(lettered(SET), part.content, i => ({ within: `member ${i}` }))
    else if (part.is('error')) this.#error(part.content as Record<string, unknown>)
    else if (part.is('custom'))
      this.#marked(lettered(CUSTOM), part.content, () => ({ within: part.content[0] }))
    else if (part.is('regexp')) this.#marked(lettered(REGEXP), part.content)
    else if (part.is('ref')) this.#again(part.content)
    else if (part.is('shared')) {
      const [number, value] = part.content
      this.#marked(
        lettered(
          SHARED,
          Uint8Array.from([0, 8, 16, 24], bit => number >>> bit),
        ),
        [value],
      )
      this.#shared.set(number, this.#builder.stack[this.#builder.stack.length - 1])
    }
  }

  /** FlexBuffers point back to what is written: an object may have many places, and cannot hold itself. */
  #again(number: number): void {
    const written = this.#shared.get(number)
    if (written === undefined) throw stopped('UNSUPPORTED', 'a cycle cannot travel in FlexBuffers')
    this.#builder.stack.push(written)
  }

  /** `stepTo`: where an element of the rest is to the user, if it is anywhere. */
  #marked(mark: Uint8Array<ArrayBuffer>, rest: readonly unknown[], stepTo?: (i: number) => Step): void {
    this.#builder.startVector()
    this.#blob(mark)
    let i = 0
    try {
      for (; i < rest.length; i++) this.#add(rest[i])
    } catch (error) {
      throw stepTo === undefined ? error : traced(error, stepTo(i))
    }
    this.#builder.end()
  }

  #error(sent: Record<string, unknown>): void {
    this.#builder.startVector()
    this.#blob(lettered(ERROR))
    this.#object(sent, 'fields')
    this.#builder.end()
  }

  #view(view: SentView): void {
    const { record, isAlone } = view
    const bytes = bytesOf(view)
    if (isAlone && bytes !== undefined) return this.#blob(lettered(BYTES, bytes))
    const blob = new Uint8Array(1 + RECORD_BYTES + (bytes?.length ?? 0))
    blob[0] = VIEW
    writeRecord(blob, 1, record)
    this.#blob(blob)
  }

  /** The package writes the whole ArrayBuffer of a view. */
  #blob(bytes: Uint8Array<ArrayBuffer>): void {
    this.#builder.add(bytes)
  }
}

const isText = (value: unknown): boolean => typeof value === 'string'
const isWithoutZero = (value: unknown): boolean => !(value as string).includes('\0')
const isNumber = (value: unknown): boolean => typeof value === 'number'
const isInt32 = (value: unknown): boolean => ((value as number) | 0) === value

/** Not `every`, which passes over holes; and an array may have properties of any name. */
function isAll(array: readonly unknown[], is: (element: unknown) => boolean): boolean {
  for (let i = 0; i < array.length; i++) if (!is(array[i])) return false
  return true
}

function lettered(letter: number, content: Uint8Array = NOTHING): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(1 + content.length)
  bytes[0] = letter
  bytes.set(content, 1)
  return bytes
}

const NOTHING = new Uint8Array(0)

function dateBytes(ms: number): Uint8Array<ArrayBuffer> {
  const bytes = lettered(DATE, new Uint8Array(8))
  new DataView(bytes.buffer).setFloat64(1, ms, true)
  return bytes
}

/** 'H' · u64 length of each buffer */
function headOf(buffers: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = lettered(HEAD, new Uint8Array(8 * buffers.length))
  const view = new DataView(bytes.buffer)
  for (const [i, { byteLength }] of buffers.entries()) view.setBigUint64(1 + 8 * i, BigInt(byteLength), true)
  return bytes
}
