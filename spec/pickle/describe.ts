/** What is in a value that a pickle became, as `fixtures/python/make_pickles.py` describes the one that it was made of. */

import { type DType, NDArray, PythonName, PythonObject } from '../../src/formats/pickle/index.js'
import { isReadonly } from '../../src/index.js'

type Description = unknown

const NATIVE: Readonly<Record<string, string>> = {
  Int8Array: '|i1',
  Uint8Array: '|u1',
  Uint8ClampedArray: '|u1',
  Int16Array: '<i2',
  Uint16Array: '<u2',
  Int32Array: '<i4',
  Uint32Array: '<u4',
  BigInt64Array: '<i8',
  BigUint64Array: '<u8',
  Float32Array: '<f4',
  Float64Array: '<f8',
}

/** `bytes` of Python and arrays of `|u1` are both Uint8Arrays: the description that is wanted says which to look for. */
export function describe(value: unknown, wanted: Description): Description {
  return new Describer().of(value, wanted)
}

class Describer {
  readonly #known = new Map<object, number>()

  of(value: unknown, wanted: Description): Description {
    if (value === null || typeof value === 'boolean') return value
    if (typeof value === 'string') return { str: value }
    if (typeof value === 'number') return { number: ofNumber(value) }
    if (typeof value === 'bigint') return { number: String(value) }
    if (typeof value !== 'object') return { unexpected: typeof value }
    const number = this.#known.get(value)
    if (number !== undefined) return { ref: number }
    if (value instanceof PythonName) return { name: value.name }
    const { bytes, array, list } = (wanted ?? {}) as Record<string, unknown>
    const isConstant = bytes !== undefined && array === undefined && isReadonly(value as Uint8Array)
    const isEmptyTuple = Array.isArray(value) && value.length === 0 && Array.isArray(list)
    if (!isConstant && !isEmptyTuple) this.#known.set(value, this.#known.size)
    return this.#object(value, (wanted ?? {}) as Record<string, Description>)
  }

  #object(value: object, wanted: Record<string, Description>): Description {
    if (value instanceof NDArray) return this.#array(value)
    if (ArrayBuffer.isView(value)) {
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')
      if (!('array' in wanted)) return { bytes, readonly: isReadonly(value) }
      const { length } = value as Uint8Array
      return { array: NATIVE[value.constructor.name], shape: [length], bytes }
    }
    if (Array.isArray(value)) return { list: value.map((item, i) => this.of(item, at(wanted.list, i))) }
    if (value instanceof Set) return { set: sorted([...value].map(item => describe(item, undefined))) }
    if (value instanceof Date) return { date: value.getTime() }
    if (value instanceof PythonObject) return this.#kept(value, wanted)
    return this.#dict(value, wanted)
  }

  #dict(value: object, wanted: Record<string, Description>): Description {
    const entries = value instanceof Map ? [...value] : Object.entries(value)
    const keyed = entries
      .map(([key, item]) => [describe(key, undefined), item] as const)
      .sort(([a], [b]) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    return { dict: keyed.map(([key, item], i) => [key, this.of(item, at(at(wanted.dict, i), 1))]) }
  }

  #kept({ name, args, state }: PythonObject, wanted: Record<string, Description>): Description {
    return {
      object: name,
      args: args.map((arg, i) => this.of(arg, at(wanted.args, i))),
      ...(state === undefined ? {} : { state: this.of(state, wanted.state) }),
    }
  }

  #array(array: NDArray): Description {
    const { data, dtype, shape } = array
    const places = placesOf(array)
    if (Array.isArray(data)) {
      return { array: dtype, shape, items: places.map(place => this.of(data[place], undefined)) }
    }
    const itemsize = data.constructor.name === 'Uint8Array' ? itemsizeOf(dtype) : data.BYTES_PER_ELEMENT
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    const elements = places.map(place => bytes.subarray(place * itemsize, (place + 1) * itemsize))
    return { array: dtype, shape, bytes: Buffer.concat(elements).toString('hex') }
  }
}

function at(list: Description, index: number): Description {
  return Array.isArray(list) ? list[index] : undefined
}

function sorted(descriptions: Description[]): Description[] {
  return descriptions
    .map(one => [JSON.stringify(one), one] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, one]) => one)
}

/** Where the elements are in the data, with the last index varying fastest: by the strides alone. */
function placesOf({ shape, strides, offset }: NDArray): number[] {
  let places = [offset]
  for (const [axis, length] of shape.entries()) {
    places = places.flatMap(place => Array.from({ length }, (_, i) => place + i * strides[axis]!))
  }
  return places
}

function itemsizeOf(dtype: DType): number {
  if (typeof dtype !== 'string') {
    return 'fields' in dtype
      ? dtype.itemsize
      : itemsizeOf(dtype.base) * dtype.shape.reduce((a, b) => a * b, 1)
  }
  const size = Number(/\d+/.exec(dtype)?.[0] ?? 8)
  return dtype[1] === 'U' ? size * 4 : size
}

/** Whole numbers in digits, others as the bytes of the float. */
function ofNumber(n: number): string {
  if (Number.isNaN(n)) return 'nan'
  if (Number.isInteger(n) && Math.abs(n) <= 2 ** 53 && !Object.is(n, -0)) return String(n)
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(n)
  return bytes.toString('hex')
}
