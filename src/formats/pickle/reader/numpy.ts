/** What numpy's pickles call: arrays out of a buffer, or of their bytes, and single elements. */

import { arrayName } from '../../../bytes/window.js'
import { isReadonly, markReadonly } from '../../../out-of-band.js'
import { half } from '../../half.js'
import { dtypeOfClass, type Layout, layoutOf, sizeOf } from '../dtype.js'
import { isInside, NDArray, type NDArrayData, stridesOf } from '../ndarray.js'
import {
  arrayOf,
  elementsOf,
  newArray,
  noBytes,
  objectsOf,
  orderOf,
  shaped,
  shapeOf,
  wrongSize,
} from './arrays.js'
import { layoutFor } from './dtypes.js'
import { type Machine, Pending } from './machine.js'
import { aligned } from './memory.js'
import { fitted } from './scalars.js'

/** An array whose elements come as its state. */
export class PendingArray extends Pending {
  #made: unknown

  override resolve(machine: Machine): unknown {
    if (this.#made !== undefined) return this.#made
    // Twice on the stack: below, where it waits for its elements, and as one of them.
    const { stack, size } = machine
    if (stack.indexOf(this) < stack.lastIndexOf(this, size - 1))
      throw machine.failed('UNSUPPORTED', 'an array of objects that is part of itself')
    throw machine.malformed('an array without its elements')
  }

  /** `(version, shape, dtype, whether in F order, bytes or list)`; older ones have no version. */
  override build(machine: Machine, state: unknown): void {
    if (!Array.isArray(state) || this.#made !== undefined)
      throw machine.malformed('a state that is none of an array')
    const [shape, dtype, isFortran, elements] = state.length === 5 ? state.slice(1) : state
    const layout = layoutFor(machine, dtype)
    // Python lists the elements where objects are among their fields.
    if (Array.isArray(elements) && !layout.isObject)
      throw machine.failed('UNSUPPORTED', 'records with objects of Python among their fields')
    const order = isFortran === true || isFortran === 1 ? 'F' : 'C'
    this.#made = layout.isObject
      ? objectsOf(machine, elements, shape, order)
      : arrayOf(machine, ownBytes(machine, elements), layout, shape, order)
  }
}

/** An object of a subclass, made of its array; what else there is in its state it gets as its own. */
export class PendingSubarray extends PendingArray {
  readonly #make: (array: unknown) => Pending
  #object: Pending | undefined

  constructor(make: (array: unknown) => Pending) {
    super()
    this.#make = make
  }

  override resolve(machine: Machine): unknown {
    return this.#object === undefined ? super.resolve(machine) : this.#object.resolve(machine)
  }

  override build(machine: Machine, state: unknown): void {
    const [array, more] = statesOf(machine, state)
    super.build(machine, array)
    this.#object = this.#make(super.resolve(machine))
    if (more !== undefined) this.#object.build(machine, more)
  }
}

/** The array's own part of a state and the rest, as subclasses put them together: `(array's, rest)`, or the rest behind it. */
function statesOf(machine: Machine, state: unknown): readonly [array: unknown, more?: unknown] {
  if (!Array.isArray(state)) return [state]
  if (state.length === 2) return [state[0], state[1]]
  if (state.length <= STATE) return [state]
  const more = machine.copyOf(state, STATE)
  return [state.slice(0, STATE), more.length === 1 ? more[0] : more]
}

/** Parts of an array's state. */
const STATE = 5

/** Bytes that may be written to. Single bytes are one object in Python, and so is what many small arrays are made of. */
function ownBytes(machine: Machine, given: unknown): Uint8Array {
  const bytes = bytesOf(machine, given)
  if (bytes.length > 1) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  machine.copy(bytes.length)
  return new Uint8Array(bytes)
}

/** Bytes; of Python 2 they are text of one unit a byte. */
export function bytesOf(machine: Machine, given: unknown): Uint8Array {
  if (given instanceof Uint8Array) return given
  if (typeof given !== 'string') throw machine.malformed('bytes that are none')
  machine.copy(given.length)
  const bytes = new Uint8Array(given.length)
  for (let i = 0; i < given.length; i++) {
    const unit = given.charCodeAt(i)
    if (unit > 255) throw machine.malformed('text that is not latin1')
    bytes[i] = unit
  }
  return bytes
}

function memoryOf(machine: Machine, given: unknown): Uint8Array {
  if (given instanceof Uint8Array) return given
  throw machine.malformed('an array on what is no memory')
}

/** The same memory from `start` on, read-only when all of it is. */
function windowed(memory: Uint8Array, start: number, byteLength: number): Uint8Array {
  if (start === 0 && byteLength === memory.length) return memory
  const window = memory.subarray(start, start + byteLength)
  if (isReadonly(memory)) markReadonly(window)
  return window
}

/**
 * `numpy.core.numeric._frombuffer(buffer, dtype, shape, order, axes)`. With the order K, of numpy 2.3 and later, the shape is
 * that of the memory, whose axes are then put in order.
 */
export function fromBufferWithShape(machine: Machine, args: readonly unknown[]): unknown {
  const [buffer, dtype, shape, order, axes] = args
  const memory = memoryOf(machine, buffer)
  const layout = layoutFor(machine, dtype)
  if (order !== 'K' || axes === undefined || axes === null) {
    return arrayOf(machine, memory, layout, shape, orderOf(machine, order))
  }
  const lengths = shapeOf(machine, shape)
  const isPermutation =
    Array.isArray(axes) && axes.length === lengths.length && lengths.every((_, axis) => axes.includes(axis))
  if (!isPermutation) throw machine.malformed('axes that are not those of the shape')
  const strides = stridesOf(lengths, 'C')
  const turned = (list: readonly number[]) => axes.map(axis => list[axis as number])
  return arrayOf(machine, memory, layout, turned(lengths), 'K', turned(strides))
}

/** `numpy.frombuffer(buffer, dtype, count, offset)` */
export function fromBuffer(machine: Machine, args: readonly unknown[]): unknown {
  const [buffer, dtype = 'f8', count = -1, offset = 0] = args
  const memory = memoryOf(machine, buffer)
  const layout = layoutFor(machine, dtype)
  const at = machine.integer(offset)
  const rest = restFrom(machine, memory, layout, at)
  const length = count === -1 ? rest / layout.itemsize : machine.integer(count)
  if (!Number.isInteger(length) || length < 0 || length * layout.itemsize > rest)
    throw wrongSize(machine, length, rest)
  const home = homeOf(machine, memory, layout, at)
  const window = windowed(home, at, length * layout.itemsize)
  return arrayOf(machine, window, layout, [length], 'C')
}

/** Bytes from an offset on. @throws MALFORMED when it is outside */
function restFrom(machine: Machine, memory: Uint8Array, { itemsize, isObject }: Layout, at: number): number {
  if (isObject) throw machine.malformed('an array on memory of elements that lie in none')
  if (itemsize === 0) throw noBytes(machine)
  if (at < 0 || at > memory.length) throw wrongSize(machine, at, memory.length)
  return memory.length - at
}

/** The memory in which elements from `offset` on are aligned, where that matters. */
function homeOf(machine: Machine, memory: Uint8Array, layout: Layout, offset: number): Uint8Array {
  const { ArrayClass, isSwapped, itemsize } = layout
  return aligned(machine, memory, offset, ArrayClass === undefined || isSwapped ? 1 : itemsize)
}

/** `numpy.reshape(array, shape, order)` */
export function reshape(machine: Machine, args: readonly unknown[]): unknown {
  const [array, shape, order = 'C'] = args
  const isShaped = array instanceof NDArray
  const dtype = isShaped ? array.dtype : dtypeOfClass(arrayName(array) ?? '')
  // Of one axis: what is behind the strides of more is another question.
  if (dtype === undefined || (isShaped && (array.shape.length !== 1 || array.order === 'K')))
    throw machine.malformed('a shape for what is no vector')
  const data = isShaped ? array.data : (array as NDArrayData)
  const size = isShaped ? array.size : data.length
  const lengths = shapeOf(machine, shape)
  if (sizeOf(lengths) !== size) throw wrongSize(machine, sizeOf(lengths) as number, size)
  const isPlain = layoutOf(dtype)?.isPlain === true
  return shaped(machine, { data, dtype, isPlain }, lengths, orderOf(machine, order))
}

/** `numpy.ndarray(shape, dtype, buffer, offset, strides, order)`; without a buffer the elements come as its state. */
export function ndarray(machine: Machine, args: readonly unknown[]): unknown {
  const [shape, dtype = 'f8', buffer, offset = 0, strides, order] = args
  if (buffer === undefined || buffer === null) return new PendingArray()
  const memory = memoryOf(machine, buffer)
  const layout = layoutFor(machine, dtype)
  const { itemsize } = layout
  const at = machine.integer(offset)
  const rest = restFrom(machine, memory, layout, at)
  const lengths = shapeOf(machine, shape)
  const size = sizeOf(lengths) as number
  const home = homeOf(machine, memory, layout, at)
  if (!Array.isArray(strides)) {
    if (size * itemsize > rest) throw wrongSize(machine, size * itemsize, rest)
    return arrayOf(
      machine,
      windowed(home, at, size * itemsize),
      layout,
      lengths,
      orderOf(machine, order ?? 'C'),
    )
  }
  // From the first element that there could be: negative strides lead to what lies in front.
  const phase = at % itemsize
  const length = Math.floor((memory.length - phase) / itemsize)
  const steps = strides.map(stride => machine.integer(stride) / itemsize)
  const first = (at - phase) / itemsize
  // Elements that are one and the same would make any size.
  if (size > length || !isInside(lengths, steps, first, length)) throw wrongSize(machine, size, length)
  const elements = elementsOf(machine, windowed(home, phase, length * itemsize), layout, length)
  return newArray(machine, elements.data, lengths, {
    dtype: elements.dtype,
    strides: steps,
    offset: first,
  })
}

/** `numpy.core.multiarray.scalar(dtype, bytes)`: a number, text or bytes where that says it all, else an array of no axes. */
export function scalar(machine: Machine, args: readonly unknown[]): unknown {
  const layout = layoutFor(machine, args[0])
  if (layout.isObject) return args[1]
  const bytes = bytesOf(machine, args[1])
  if (bytes.length !== layout.itemsize) throw wrongSize(machine, layout.itemsize, bytes.length)
  machine.copy(bytes.length)
  const own = new Uint8Array(bytes)
  const { dtype } = layout
  if (typeof dtype !== 'string') return arrayOf(machine, own, layout, [], 'C')
  const view = new DataView(own.buffer)
  switch (dtype[1]) {
    case 'b':
      return own[0] !== 0
    case 'S':
      return own
    case 'U':
      return characters(machine, view, dtype[0] === '<')
    case 'f':
      if (layout.itemsize === 2) return half(view.getUint16(0, dtype[0] === '<'))
  }
  if (!layout.isPlain) return arrayOf(machine, own, layout, [], 'C')
  const value = (elementsOf(machine, own, layout, 1).data as ArrayLike<number | bigint>)[0]
  return typeof value === 'bigint' ? fitted(value) : value
}

/** Text of four bytes a character. */
function characters(machine: Machine, view: DataView, isLittle: boolean): string {
  let text = ''
  for (let at = 0; at < view.byteLength; at += 4) {
    const point = view.getUint32(at, isLittle)
    if (point > 0x10_ffff) throw machine.malformed('a character past U+10FFFF')
    text += String.fromCodePoint(point)
  }
  return text
}
