/** Arrays, plain objects, Maps and Sets. */
import { checkKey, countEntries } from '../value/keys.js'
import { define, defineField } from '../value/properties.js'
import { numberBytes, Op } from '../wire/ops.js'
import { isIndex } from '../wire/shapes.js'
import type { Shape } from './shapes.js'
import type { Walk } from './walk.js'

const { hasOwn, prototype: ObjectPrototype } = Object

export function decodeArray(walk: Walk, length: number): unknown[] {
  walk.enter(length)
  // `new Array(0)` reserves four elements, 88 bytes for an op of one.
  const array = length === 0 ? [] : new Array<unknown>(length)
  walk.note(array)
  for (let i = 0; i < length; i++) {
    if (walk.bytes[walk.pos] === Op.HOLE && walk.pos < walk.end) walk.pos++
    else array[i] = walk.value()
  }
  walk.depth--
  return array
}

/** Properties of an array beside its elements: an object record that is not an object of its own. */
export function decodeArrayProps(walk: Walk): unknown {
  // The op is looked at first: anything but an array could go deeper here without counting depth.
  const op = walk.peek()
  const isArray =
    (op >= Op.ARRAY && op < Op.OBJECT) ||
    (op >= Op.NUMBERS_I8 && op <= Op.NUMBERS_F64) ||
    op === Op.ARRAY_LONG
  if (!isArray) throw walk.malformed('properties of no array')
  const array = walk.value() as unknown[]
  // An index or `length` here would make an array longer than what was paid for in bytes.
  fillProperties(walk, array, key => key === 'length' || isIndex(key))
  return array
}

/** Own properties of an array or an error: an object record that is not an object of its own. */
export function fillProperties(walk: Walk, target: object, isForbidden: (key: string) => boolean): void {
  if (walk.u8() !== Op.OBJECT_LONG) throw walk.malformed('properties that are no record')
  const shape = shapeAt(walk)
  if (shape.keys.some(isForbidden)) throw walk.malformed('properties of a forbidden name')
  fill(walk, target as Record<string, unknown>, shape, false)
}

export function decodeNumbers(walk: Walk, op: number): number[] {
  const length = walk.varint()
  walk.enter(length)
  walk.depth--
  const pos = walk.take(length * numberBytes(op))
  const numbers = readNumbers(walk, op, pos, length)
  if (walk.hasRefs) walk.numbers.push(numbers)
  return numbers
}

function readNumbers(walk: Walk, op: number, pos: number, length: number): number[] {
  const { bytes, view } = walk
  // A literal is exactly as large as it must be and never has holes; pairs are what there is most of.
  if (length === 2) {
    if (op === Op.NUMBERS_I8) return [(bytes[pos] << 24) >> 24, (bytes[pos + 1] << 24) >> 24]
    if (op === Op.NUMBERS_I16) return [view.getInt16(pos, true), view.getInt16(pos + 2, true)]
    if (op === Op.NUMBERS_F64) return [view.getFloat64(pos, true), view.getFloat64(pos + 8, true)]
    return [view.getInt32(pos, true), view.getInt32(pos + 4, true)]
  }
  const numbers = new Array<number>(length)
  if (op === Op.NUMBERS_I8) for (let i = 0; i < length; i++) numbers[i] = (bytes[pos + i] << 24) >> 24
  else if (op === Op.NUMBERS_I16)
    for (let i = 0; i < length; i++) numbers[i] = view.getInt16(pos + i * 2, true)
  else if (op === Op.NUMBERS_F64)
    for (let i = 0; i < length; i++) numbers[i] = view.getFloat64(pos + i * 8, true)
  else for (let i = 0; i < length; i++) numbers[i] = view.getInt32(pos + i * 4, true)
  return numbers
}

function readId(walk: Walk): number {
  const at = walk.take(3)
  return walk.bytes[at] | (walk.bytes[at + 1] << 8) | (walk.bytes[at + 2] << 16)
}

function shapeAt(walk: Walk, id = readId(walk)): Shape {
  if (id >= walk.shapes.length) throw walk.malformed(`unknown shape ${id}`)
  const shape = walk.shapes[id]
  shape.prepare()
  return shape
}

/** An object by the short op, which names only shapes whose objects are small. */
export function decodeSmallObject(walk: Walk, id: number): Record<string, unknown> {
  const shape = shapeAt(walk, id)
  if (shape.isCostly) throw walk.malformed(`costly shape ${id} in a short op`)
  return object(walk, shape)
}

export function decodeObject(walk: Walk): Record<string, unknown> {
  return object(walk, shapeAt(walk))
}

function object(walk: Walk, shape: Shape): Record<string, unknown> {
  const build = walk.limits.codegen ? (shape.build ?? shape.warmUp()) : undefined
  if (build === undefined) return record(walk, shape, {})
  walk.enter(shape.keys.length)
  const built = build(walk)
  walk.depth--
  return built
}

export function decodeNullObject(walk: Walk): Record<string, unknown> {
  const shape = shapeAt(walk)
  // `Object.create(null)` is a hash table of 185 bytes from the first: too much beside the elements that indices take.
  const object = shape.isCostly ? Object.setPrototypeOf({}, null) : Object.create(null)
  return record(walk, shape, object as Record<string, unknown>)
}

function record(walk: Walk, shape: Shape, object: Record<string, unknown>): Record<string, unknown> {
  walk.note(object)
  fill(walk, object, shape, true)
  return object
}

/**
 * Sets own properties, whatever their names: `__proto__` is a key like any other, and the last of equal keys wins. What the object
 * inherits, perhaps with a setter, is not assigned to. A plain object inherits from one alone, and `hasOwn` takes 14 ns where `in`
 * takes 70: for a key that was never asked for before, V8 leaves `in` to its runtime (measured).
 */
function fill(walk: Walk, object: Record<string, unknown>, shape: Shape, isPlain: boolean): void {
  const { keys, sparseKey } = shape
  walk.enter(keys.length)
  // Makes V8 keep the elements in a dictionary instead of up to 12 KiB of empty slots.
  if (sparseKey !== undefined) defineField(object, sparseKey, undefined)
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]
    const value = walk.value()
    if (isPlain ? hasOwn(ObjectPrototype, key) : key in object) define(object, key, value, true)
    else object[key] = value
  }
  walk.depth--
}

export function decodeMap(walk: Walk): Map<unknown, unknown> {
  const count = walk.u32()
  walk.enter(count * 2)
  countEntries(walk, count)
  const map = new Map<unknown, unknown>()
  walk.note(map)
  for (let i = 0; i < count; i++) {
    const key = walk.value()
    checkKey(walk, key)
    map.set(key, walk.value())
  }
  walk.depth--
  return map
}

export function decodeSet(walk: Walk): Set<unknown> {
  const count = walk.u32()
  walk.enter(count)
  countEntries(walk, count)
  const set = new Set<unknown>()
  walk.note(set)
  for (let i = 0; i < count; i++) {
    const member = walk.value()
    checkKey(walk, member)
    set.add(member)
  }
  walk.depth--
  return set
}
