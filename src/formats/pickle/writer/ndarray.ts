/** `NDArray`s and dtypes as calls of numpy. */
import { isReadonly } from '../../../out-of-band.js'
import { stopped } from '../../../value/trace.js'
import { type DType, layoutOf } from '../dtype.js'
import { isInside, lengthOf, type NDArray, placesOf } from '../ndarray.js'
import {
  BUILD,
  EMPTY_DICT,
  EMPTY_LIST,
  MARK,
  NEWFALSE,
  NEWTRUE,
  REDUCE,
  SETITEMS,
  TUPLE,
  TUPLE1,
  TUPLE2,
  TUPLE3,
} from '../ops.js'
import { writeItems, writeList, writeTuple } from './containers.js'
import { writeNumber } from './scalars.js'
import { isArrayOf, writeMemory, writeVector, writeView } from './views.js'
import type { Walk } from './walk.js'

export function writeNDArray(walk: Walk, array: NDArray): void {
  const place = walk.latest
  const { data, shape, strides, order, offset, size } = array
  const layout = layoutOf(array.dtype)
  // Of another version of this package, perhaps.
  if (layout === undefined) throw stopped('UNSUPPORTED', 'an NDArray of a dtype that is not known here')
  // Not the array's own: the elements of `>f8` lie in a Float64Array, which has this machine's byte order.
  const { dtype } = layout
  const isThere = Array.isArray(data) || isInside(shape, strides, offset, lengthOf(data, layout))
  if (!isThere) throw stopped('DETACHED', 'an NDArray lost its memory, or some of it')
  walk.enter(1)
  if (Array.isArray(data)) writeObjects(walk, array, data)
  else if (order === 'K' || typeof dtype !== 'string') {
    // One that repeats its memory could be of any size.
    if (size > lengthOf(data, layout))
      throw stopped('UNSUPPORTED', 'an NDArray of more elements than its data has')
    const { itemsize } = layout
    walk.name('numpy.ndarray')
    walk.op(MARK)
    writeTuple(walk, shape)
    writeDType(walk, dtype)
    writeMemory(walk, data, offset * itemsize)
    writeTuple(
      walk,
      strides.map(stride => stride * itemsize),
    )
    walk.op(TUPLE)
    walk.op(REDUCE)
  } else {
    const unit = layout.ArrayClass === undefined ? layout.itemsize : 1
    const isWhole = offset === 0 && data.length === size * unit
    const window = isWhole ? data : data.subarray(offset * unit, (offset + size) * unit)
    walk.name('numpy.reshape')
    // As the value that it is elsewhere, so that it arrives as one.
    if (isWhole && isArrayOf(walk, data, dtype)) writeView(walk, data, false, isReadonly(data))
    else writeVector(walk, window, dtype, layout.itemsize)
    writeTuple(walk, shape)
    walk.text(order)
    walk.op(TUPLE3)
    walk.op(REDUCE)
  }
  walk.note(place)
  walk.depth--
}

/**
 * An empty array of objects, whose state are the objects, with the last index varying fastest: from a list numpy would guess another
 * shape.
 */
function writeObjects(walk: Walk, array: NDArray, data: readonly unknown[]): void {
  const { shape, order, size } = array
  if (size > data.length) throw stopped('UNSUPPORTED', 'an NDArray of more elements than its data has')
  walk.name('numpy.ndarray')
  writeTuple(walk, [0])
  walk.op(TUPLE1)
  walk.op(REDUCE)
  walk.op(MARK)
  writeNumber(walk, 1)
  writeTuple(walk, shape)
  walk.name('numpy.dtype')
  walk.text('O')
  walk.op(TUPLE1)
  walk.op(REDUCE)
  walk.op(order === 'F' ? NEWTRUE : NEWFALSE)
  walk.op(EMPTY_LIST)
  writeItems(
    walk,
    placesOf(array).map(place => data[place]),
  )
  walk.op(TUPLE)
  walk.op(BUILD)
}

/** What numpy makes a dtype of: its own writing, `{names, formats, offsets, itemsize}`, or `(base, shape)`. */
export function writeDType(walk: Walk, dtype: DType): void {
  if (typeof dtype === 'string') return walk.text(dtype)
  walk.enter(1)
  if ('base' in dtype) {
    writeDType(walk, dtype.base)
    writeTuple(walk, dtype.shape)
    walk.op(TUPLE2)
  } else {
    const { fields, itemsize } = dtype
    walk.op(EMPTY_DICT)
    walk.op(MARK)
    walk.text('names')
    writeList(walk, fields, ({ name }) => walk.text(name))
    walk.text('formats')
    writeList(walk, fields, field => writeDType(walk, field.dtype))
    walk.text('offsets')
    writeList(walk, fields, ({ offset }) => writeNumber(walk, offset))
    walk.text('itemsize')
    writeNumber(walk, itemsize)
    if (fields.some(({ title }) => title !== undefined)) {
      walk.text('titles')
      writeList(walk, fields, ({ title }) => walk.value(title))
    }
    walk.op(SETITEMS)
  }
  walk.depth--
}
