/**
 * Memory and a dtype as an array of JavaScript.
 *
 * Memory: the elements lie where they came (borrow; `out.buffer === in.buffer`) unless they are not aligned there, or of
 * the other byte order: then on a copy (own).
 */
import { isReadonly, markReadonly } from '../../../out-of-band.js'
import { type DType, type ElementArray, type Layout, sizeOf } from '../dtype.js'
import { NDArray, type NDArrayData, type NDArrayOptions, type Order, placesOf } from '../ndarray.js'
import { markVector } from '../origins.js'
import type { Machine } from './machine.js'
import { aligned } from './memory.js'

/** Elements, and what they are: the dtype may be another than that of the memory. */
interface Elements {
  readonly data: NDArrayData
  readonly dtype: DType
  readonly isPlain: boolean
}

/** An array of this shape on all of the memory. @throws MALFORMED when it is of another size */
export function arrayOf(
  machine: Machine,
  memory: Uint8Array,
  layout: Layout,
  shape: unknown,
  order: Order,
  strides?: readonly number[],
): unknown {
  const lengths = shapeOf(machine, shape)
  const length = sizeOf(lengths) as number
  if (layout.itemsize === 0) throw noBytes(machine)
  if (length * layout.itemsize !== memory.length)
    throw wrongSize(machine, length * layout.itemsize, memory.length)
  return shaped(machine, elementsOf(machine, memory, layout, length), lengths, order, strides)
}

/** The elements in this shape: as they are, where a typed array says it all. */
export function shaped(
  machine: Machine,
  { data, dtype, isPlain }: Elements,
  shape: readonly number[],
  order: Order,
  strides?: readonly number[],
): unknown {
  const isVector = shape.length === 1 && strides === undefined
  if (isVector && isPlain && machine.options.isVectorPlain) return data
  return newArray(machine, data, shape, { dtype, order, strides })
}

export function newArray(
  machine: Machine,
  data: NDArrayData,
  shape: readonly number[],
  options: NDArrayOptions,
): NDArray {
  machine.newArray(shape.length)
  return new NDArray(data, shape, options)
}

/** `length` elements on all of the memory. */
export function elementsOf(machine: Machine, memory: Uint8Array, layout: Layout, length: number): Elements {
  const { dtype, isPlain, itemsize, ArrayClass } = layout
  if (ArrayClass === undefined) return { data: memory, dtype, isPlain }
  const isInt64 = isPlain && (ArrayClass === BigInt64Array || ArrayClass === BigUint64Array)
  const isWide = isInt64 && machine.options.isInt64Number
  let data: ElementArray
  if (isWide) data = numbers(machine, memory, layout, length)
  else if (layout.isSwapped) data = swapped(machine, memory, layout)
  else {
    const bytes = aligned(machine, memory, 0, itemsize)
    data = new ArrayClass(bytes.buffer, bytes.byteOffset, length)
    if (isReadonly(memory)) {
      markReadonly(data)
      if (itemsize === 1) markVector(data)
    }
  }
  return { data, dtype: isWide ? '<f8' : dtype, isPlain }
}

/** A copy in the byte order of this machine. */
function swapped(machine: Machine, memory: Uint8Array, { itemsize, ArrayClass }: Layout): ElementArray {
  machine.copyBuffer(memory.length)
  const bytes = new Uint8Array(memory.length)
  for (let at = 0; at < bytes.length; at += itemsize)
    for (let i = 0; i < itemsize; i++) bytes[at + i] = memory[at + itemsize - 1 - i]
  return new (ArrayClass as typeof Float64Array)(bytes.buffer)
}

/** 64-bit integers as numbers (a copy). @throws UNSUPPORTED when one of them would not be exact */
function numbers(machine: Machine, memory: Uint8Array, layout: Layout, length: number): Float64Array {
  machine.copyBuffer(memory.length)
  const view = new DataView(memory.buffer, memory.byteOffset, memory.length)
  const isLittle = ((layout.dtype as string)[0] === '<') !== layout.isSwapped
  const isSigned = layout.ArrayClass === BigInt64Array
  const data = new Float64Array(length)
  for (let i = 0, at = 0; i < length; i++, at += 8) {
    const high = isLittle ? at + 4 : at
    const n =
      (isSigned ? view.getInt32(high, isLittle) : view.getUint32(high, isLittle)) * 2 ** 32 +
      view.getUint32(isLittle ? at : at + 4, isLittle)
    if (!Number.isSafeInteger(n))
      throw machine.failed('UNSUPPORTED', "an integer past 2**53; wanted int64: 'bigint'")
    data[i] = n
  }
  return data
}

/** An array of objects: numpy lists them with the last index varying fastest, whatever the order of the array. */
export function objectsOf(machine: Machine, list: unknown, shape: unknown, order: Order): NDArray {
  const lengths = shapeOf(machine, shape)
  const size = sizeOf(lengths) as number
  if (!Array.isArray(list)) throw machine.malformed('an array without its elements')
  if (list.length !== size) throw wrongSize(machine, size, list.length)
  if (order === 'C') return newArray(machine, list, lengths, { dtype: '|O' })
  const data = machine.copyOf(list)
  const array = newArray(machine, data, lengths, { dtype: '|O', order })
  for (const [i, place] of placesOf(array).entries()) data[place] = list[i]
  return array
}

export function shapeOf(machine: Machine, shape: unknown): readonly number[] {
  const lengths = Number.isInteger(shape) ? [shape] : shape
  if (sizeOf(lengths) === undefined) throw machine.malformed('a shape that is none')
  return lengths as readonly number[]
}

export function orderOf(machine: Machine, order: unknown): Order {
  if (order === 'C' || order === 'F') return order
  if (order === 'A' || order === 'K') return 'C'
  throw machine.malformed('an order that is none')
}

/** Elements of no bytes would make any size. */
export function noBytes(machine: Machine) {
  return machine.failed('UNSUPPORTED', 'an array of elements that have no bytes')
}

export function wrongSize(machine: Machine, requested: number, available: number) {
  return machine.malformed('an array of another size than its memory', { requested, available })
}
