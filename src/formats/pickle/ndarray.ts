/** Arrays with a shape, as numpy has them: elements in one array of JavaScript, and how they lie in it. */
import { branded } from '../../brand.js'
import { arrayName } from '../../bytes/window.js'
import { expectArgument, expectOptions } from '../../errors.js'
import { type CustomType, defineType } from '../../registry.js'
import { type DType, dtypeOfClass, type ElementArray, type Layout, layoutOf, sizeOf } from './dtype.js'

/** How the elements of an array are laid out: the last index varies fastest (C), the first (F), or as the strides say (K). */
export type Order = 'C' | 'F' | 'K'

/** What an `NDArray` says beside its elements and its shape. */
export interface NDArrayOptions {
  /** numpy's name of the elements; by default what the class of `data` says. */
  readonly dtype?: DType | undefined
  readonly order?: Order | undefined
  /** In elements, which may be negative; by default what the order says. */
  readonly strides?: readonly number[] | undefined
  /** Of the first element in `data`, in elements. */
  readonly offset?: number | undefined
}

/** What arrays of the package `ndarray` and the like have. */
export interface NDArrayLike<T> {
  readonly data: T
  readonly shape: readonly number[]
  readonly stride: readonly number[]
  readonly offset: number
}

/** What the elements are in: an array of numbers, bytes where JavaScript has none, or values of any kind. */
export type NDArrayData = ElementArray | unknown[]

/**
 * An array with a shape. Borrows `data`; `ndarray(a.data, a.shape, a.strides, a.offset)` is one of the package `ndarray` on the
 * same memory. Where JavaScript has no array for the dtype (`<f2`, `<c16`, `<U5`, records), `data` has the bytes.
 * @throws TypeError when the elements do not lie in `data`
 */
export class NDArray<T extends NDArrayData = NDArrayData> {
  readonly data: T
  readonly shape: number[]
  readonly strides: number[]
  readonly dtype: DType
  readonly order: Order
  readonly offset: number

  constructor(data: T, shape: readonly number[], options: NDArrayOptions = {}) {
    expectOptions(options)
    const { dtype = dtypeOf(data), strides, offset = 0 } = options
    const order = options.order ?? (strides === undefined ? 'C' : orderOf(shape, strides))
    const size = sizeOf(shape)
    expectArgument(size !== undefined, 'NDArray', 'a shape of lengths')
    const layout = layoutOf(dtype)
    expectArgument(layout !== undefined, 'dtype', "one of numpy, such as '<f4'")
    expectArgument(holds(data, layout), 'NDArray', 'data of the dtype, in whole elements')
    expectArgument(order === 'C' || order === 'F' || order === 'K', 'NDArray', "an order 'C', 'F' or 'K'")
    const isSaid =
      order === 'K' ? strides !== undefined : strides === undefined || isOrder(order, shape, strides)
    expectArgument(isSaid, 'NDArray', `strides of the order '${order}'`)
    this.data = data
    this.shape = [...shape]
    this.strides = order === 'K' ? [...(strides as number[])] : stridesOf(shape, order)
    this.dtype = dtype
    this.order = order
    this.offset = offset
    const length = lengthOf(data, layout)
    expectArgument(
      isInside(this.shape, this.strides, offset, length),
      'NDArray',
      `elements in data of ${length}`,
    )
    Object.freeze(this)
  }

  /** An array of the package `ndarray`, or one like it; borrows its data. */
  static from<T extends NDArrayData>({ data, shape, stride, offset }: NDArrayLike<T>): NDArray<T> {
    return new NDArray(data, shape, { strides: stride, offset })
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape) as number
  }

  /** Where the element of these indices is in `data`, in elements. */
  index(...indices: number[]): number {
    return indices.reduce((at, index, axis) => at + index * this.strides[axis], this.offset)
  }
}

/** Whether it is an `NDArray`, of whatever copy of the package. */
export const isNDArray: (value: unknown) => value is NDArray = branded(NDArray, 'NDArray')

/** numpy's name of what a typed array holds, objects for an array. @throws TypeError when it has none */
function dtypeOf(data: NDArrayData): DType {
  const dtype = Array.isArray(data) ? '|O' : dtypeOfClass(arrayName(data) ?? '')
  expectArgument(dtype !== undefined, 'NDArray', 'data that is a typed array or an array')
  return dtype
}

/** Whether data is of the class in which elements of the layout are kept, and has whole ones. */
function holds(data: NDArrayData, { ArrayClass, itemsize, isObject }: Layout): boolean {
  if (isObject) return Array.isArray(data)
  const name = arrayName(data)
  if (ArrayClass !== undefined && ArrayClass !== Uint8Array) return name === ArrayClass.name
  return (name === 'Uint8Array' || name === 'Uint8ClampedArray') && data.length % itemsize === 0
}

/** Whole elements that data has. */
export function lengthOf(data: NDArrayData, { ArrayClass, itemsize, isObject }: Layout): number {
  return ArrayClass !== undefined || isObject ? data.length : Math.floor(data.length / itemsize)
}

/** Elements from one to the next, by axis, where nothing lies between them. */
export function stridesOf(shape: readonly number[], order: Order): number[] {
  const strides = new Array<number>(shape.length)
  let step = 1
  for (let i = 0; i < shape.length; i++) {
    const axis = order === 'F' ? i : shape.length - 1 - i
    strides[axis] = step
    step *= Math.max(1, shape[axis])
  }
  return strides
}

/** Where the elements are in the data, with the last index varying fastest. */
export function placesOf({ shape, strides, offset, size }: NDArray): number[] {
  const steps = stridesOf(shape, 'C')
  return Array.from({ length: size }, (_, i) => {
    let place = offset
    for (const [axis, step] of steps.entries()) place += (Math.floor(i / step) % shape[axis]) * strides[axis]
    return place
  })
}

/** The order that strides amount to. */
function orderOf(shape: readonly number[], strides: readonly number[]): Order {
  return (['C', 'F'] as const).find(order => isOrder(order, shape, strides)) ?? 'K'
}

/** Whether the strides amount to the order. Axes of one element may have any. */
function isOrder(order: Order, shape: readonly number[], strides: readonly number[]): boolean {
  const isEmpty = shape.includes(0)
  const wanted = stridesOf(shape, order)
  return shape.every((length, axis) => isEmpty || length === 1 || strides[axis] === wanted[axis])
}

/** Whether every element lies in `length` elements of data. */
export function isInside(
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
  length: number,
): boolean {
  if (strides.length !== shape.length || ![offset, ...strides].every(Number.isSafeInteger)) return false
  let low = offset
  let high = offset
  for (const [axis, count] of shape.entries()) {
    if (count === 0) return offset >= 0 && offset <= length
    const reach = (count - 1) * strides[axis]
    if (reach < 0) low += reach
    else high += reach
  }
  return low >= 0 && high < length
}

/** `NDArray` as a custom type of the metadata of our own, for `registry`. The array's memory travels as any other does. */
export const ndarrayType: CustomType<NDArray> = defineType({
  class: NDArray,
  tag: 'outband.NDArray',
  reduce: ({ data, shape, strides, dtype, order, offset }: NDArray) => ({
    data,
    shape,
    strides,
    dtype,
    order,
    offset,
  }),
  rebuild: ({ data, shape, strides, dtype, order, offset }) =>
    new NDArray(data, shape, { strides, dtype, order, offset }),
})
