/** Arrays, plain objects, Maps and Sets. */

import { SLACK } from '../bytes/writer.js'
import { expectOwnClass } from '../value/builtins.js'
import { checkKey, entriesOf, membersOf } from '../value/keys.js'
import { lengthOf } from '../value/properties.js'
import { stopped, traced } from '../value/trace.js'
import { numberBytes, Op } from '../wire/ops.js'
import { isIndex } from '../wire/shapes.js'
import type { ShapeNode } from './shapes.js'
import type { Walk } from './walk.js'

const hasOwn = Object.hasOwn
const { includes } = Array.prototype

export function encodeArray(walk: Walk, array: readonly unknown[], slot: ShapeNode): void {
  const length = lengthOf(array)
  if (length > 0 && typeof array[0] === 'number') {
    const op = numbersOp(array, length)
    if (op !== 0) return encodeNumbers(walk, array as readonly number[], length, op, slot)
  }
  if (walk.isRepeatedArray(array)) return
  walk.enter(length)
  const names = searched(walk, array, slot)
  if (names.length > 0) walk.u8(Op.ARRAY_PROPS)
  if (length < Op.ARRAYS) walk.u8(Op.ARRAY | length)
  else {
    walk.u8(Op.ARRAY_LONG)
    walk.varint(length)
  }
  encodeElements(walk, array, length, slot)
  walk.depth--
  if (names.length > 0) encodeRecord(walk, array, names)
}

/**
 * A function of little but its loop. V8 (Node 20) replaces the code of a long loop while it runs; when it throws away the code
 * of the whole function later, each call starts in slow code, goes on in the loop's, and is never counted as one to be made
 * fast again. As part of `encodeArray` that took 1.5 to 1.8 times as long, in one process of six (us-10m.json, measured).
 */
function encodeElements(walk: Walk, array: readonly unknown[], length: number, slot: ShapeNode): void {
  const isNested = Array.isArray(array[0]) && walk.settings.types === undefined
  let i = 0
  try {
    for (; i < length; i++) {
      const element = array[i]
      if (element === undefined && !hasOwn(array, i)) {
        walk.reserve(1)
        walk.u8(Op.HOLE)
      } else if (isNested && Array.isArray(element)) {
        // Without the dispatch: a tenth of coordinates.
        if (walk.pos >= walk.room) walk.reserve(SLACK)
        encodeArray(walk, element, slot)
      } else walk.value(element, slot)
    }
  } catch (error) {
    throw traced(error, i)
  }
}

/** For `numbersOp`: the bit that no integer needs beside its sign. */
const FRACTION = 1 << 31

/** The op that holds the array's numbers exactly; 0 when something else is among them. */
function numbersOp(array: readonly unknown[], length: number): number {
  // The bits that any of the integers needs beside its sign.
  let bits = 0
  for (let i = 0; i < length; i++) {
    const n = array[i]
    if (typeof n !== 'number') return 0
    const whole = n | 0
    bits |= whole === n && (n !== 0 || 1 / n > 0) ? whole ^ (whole >> 31) : FRACTION
  }
  if (bits & FRACTION) return Op.NUMBERS_F64
  if (bits < 128) return Op.NUMBERS_I8
  return bits < 32_768 ? Op.NUMBERS_I16 : Op.NUMBERS_I32
}

function encodeNumbers(
  walk: Walk,
  array: readonly number[],
  length: number,
  op: number,
  slot: ShapeNode,
): void {
  if (walk.settings.references) {
    const number = walk.memo.findNumbers(array)
    if (number >= 0) return walk.ref(Op.REF_NUMBERS, number)
  }
  walk.enter(length)
  const names = length <= LONGEST_SEARCHED || walk.settings.strict ? searched(walk, array, slot) : NO_NAMES
  walk.reserve(length * numberBytes(op) + 10)
  if (names.length > 0) walk.u8(Op.ARRAY_PROPS)
  walk.u8(op)
  walk.varint(length)
  const { bytes, view } = walk
  let { pos } = walk
  if (op === Op.NUMBERS_I8) for (let i = 0; i < length; i++) bytes[pos++] = numberAt(array, i)
  else if (op === Op.NUMBERS_I16)
    for (let i = 0; i < length; i++, pos += 2) view.setInt16(pos, numberAt(array, i), true)
  else if (op === Op.NUMBERS_I32)
    for (let i = 0; i < length; i++, pos += 4) view.setInt32(pos, numberAt(array, i), true)
  else for (let i = 0; i < length; i++, pos += 8) view.setFloat64(pos, numberAt(array, i), true)
  walk.pos = pos
  walk.depth--
  if (names.length > 0) encodeRecord(walk, array, names)
}

/** An element that was a number when the array was looked through; an accessor's may be something else by now. */
function numberAt(array: readonly unknown[], i: number): number {
  const n = array[i]
  if (typeof n !== 'number') throw traced(stopped('UNSUPPORTED', 'an element that is a number no more'), i)
  return n
}

const NO_NAMES: readonly string[] = []
/**
 * Arrays at one place that are all searched, beside the one around them, whose place is the same; after them one in `SAMPLE` is,
 * and all once one had properties.
 */
const SEARCHED = 16
const SAMPLE = 64
const SEARCH_ALL = -1
/** The longest array of nothing but numbers that is searched. */
const LONGEST_SEARCHED = 1024

/**
 * The array's own properties beside its elements, if it is searched for them. The search makes a string of
 * every index, which costs 60 to 100 ns for a pair and 5 to 18 ns an element of a long array of numbers (measured): as much
 * as all the rest. So of many arrays at one place in the value (coordinates, tags) only some are searched,
 * and of long arrays those that hold something else than numbers. `strict` searches all.
 */
function searched(walk: Walk, array: readonly unknown[], slot: ShapeNode): readonly string[] {
  const { message } = walk.shapes
  if (slot.arraysMessage !== message) {
    slot.arraysMessage = message
    slot.arrays = 0
  }
  if (slot.arrays !== SEARCH_ALL && !walk.settings.strict) {
    const nth = slot.arrays++
    if (nth > SEARCHED && nth % SAMPLE !== 0) return NO_NAMES
  }
  if (walk.settings.strict) expectOwnClass(array, 'Array')
  const names = ownNames(array, walk.settings.strict)
  if (names.length > 0) slot.arrays = SEARCH_ALL
  return names
}

/** Elements from which on a list of the values is made first. */
const MANY = 32

/**
 * Names of an array's own enumerable properties beside its elements: they come last. To list the values takes a quarter of the
 * time, since no index is made a string (measured), and tells whether there are more of them than elements. Elements that are not
 * enumerable would make up for others, unless the last value is another than the last element: `isExact` asks for all keys.
 */
function ownNames(array: readonly unknown[], isExact: boolean): readonly string[] {
  const { length } = array
  if (length >= MANY && !isExact && !hasHole(array)) {
    const values = Object.values(array)
    if (values.length === length && Object.is(values[length - 1], array[length - 1])) return NO_NAMES
  }
  const keys = Object.keys(array)
  let first = keys.length
  while (first > 0 && !isIndex(keys[first - 1])) first--
  return first === keys.length ? NO_NAMES : keys.slice(first)
}

function hasHole(array: readonly unknown[]): boolean {
  if (!includes.call(array, undefined)) return false
  for (let i = 0; i < array.length; i++) if (array[i] === undefined && !hasOwn(array, i)) return true
  return false
}

/** A plain object that its place did not recognise. */
export function encodeObject(walk: Walk, object: Record<string, unknown>, slot: ShapeNode): void {
  if (walk.isPolluted) encodeRecord(walk, object, Object.keys(object))
  else if (slot.last.isLike(object)) encodeLike(walk, object, slot.last)
  else encodeUnlike(walk, object, slot)
}

/** A plain object with the keys of the shape. */
export function encodeLike(walk: Walk, object: Record<string, unknown>, shape: ShapeNode): void {
  walk.enter(shape.length)
  const { shapes } = walk
  if (shape.epoch !== shapes.epoch) {
    // The first of its shape gets its number after those inside it, as an unpredicted one
    // does: the bytes must not depend on what the encoder saw before.
    const at = openObject(walk)
    shape.write(walk, object)
    closeObject(walk, at, shape)
  } else {
    if (shape.id < Op.OBJECTS && !shape.isCostly) walk.u8(Op.OBJECT + shape.id)
    else {
      writeId(walk, walk.pos, Op.OBJECT_LONG, shape.id)
      walk.pos += 4
    }
    shape.write(walk, object)
  }
  walk.depth--
}

/** An object that was not predicted: its keys are found one by one, and the op is filled in when they are known. */
function encodeUnlike(walk: Walk, object: Record<string, unknown>, slot: ShapeNode): void {
  const { shapes } = walk
  walk.enter(0)
  const at = openObject(walk)
  let node = shapes.root
  let key = ''
  try {
    for (key in object) {
      node = shapes.follow(node, key)
      walk.value(object[key], node)
    }
  } catch (error) {
    throw traced(error, key)
  }
  node = shapes.shapeAt(node)
  shapes.expect(slot, node)
  closeObject(walk, at, node)
  walk.count(node.length)
  walk.depth--
}

/** Leaves room for the op that the object will probably have, and returns where. */
function openObject(walk: Walk): number {
  const at = walk.pos
  const isShort = walk.shapes.count < Op.OBJECTS
  walk.bytes[at] = isShort ? Op.OBJECT : Op.OBJECT_LONG
  walk.pos += isShort ? 1 : 4
  return at
}

function closeObject(walk: Walk, at: number, shape: ShapeNode): void {
  const id = walk.shapes.idOf(shape)
  const isShort = walk.bytes[at] === Op.OBJECT
  const mayBeShort = id < Op.OBJECTS && !shape.isCostly
  if (isShort !== mayBeShort) {
    // Not the op that was guessed at the start: make room for the other one.
    walk.reserve(3)
    const [from, to] = isShort ? [at + 1, at + 4] : [at + 4, at + 1]
    walk.bytes.copyWithin(to, from, walk.pos)
    walk.pos += to - from
  }
  if (mayBeShort) walk.bytes[at] = Op.OBJECT + id
  else writeId(walk, at, Op.OBJECT_LONG, id)
}

function writeId(walk: Walk, at: number, op: number, id: number): void {
  const { bytes } = walk
  bytes[at] = op
  bytes[at + 1] = id
  bytes[at + 2] = id >> 8
  bytes[at + 3] = id >> 16
}

/** Own enumerable properties by a list of keys: of instances, null-prototype objects, arrays and errors. */
export function encodeRecord(walk: Walk, object: object, keys: readonly string[], op = Op.OBJECT_LONG): void {
  const { shapes } = walk
  walk.enter(keys.length)
  walk.reserve(4)
  const at = walk.pos
  walk.pos += 4
  let node = shapes.root
  let key = ''
  try {
    for (key of keys) {
      const value = (object as Record<string, unknown>)[key]
      // A getter before it took it away.
      if (value === undefined && !hasOwn(object, key)) continue
      node = shapes.follow(node, key)
      walk.value(value, node)
    }
  } catch (error) {
    throw traced(error, key)
  }
  writeId(walk, at, op, shapes.idOf(shapes.shapeAt(node)))
  walk.depth--
}

/** Op · u32 count · key and value, so many times */
export function encodeMap(walk: Walk, map: ReadonlyMap<unknown, unknown>, slot: ShapeNode): void {
  const [keys, values] = entriesOf(walk.keys, map)
  startCounted(walk, Op.MAP, keys.length, 2)
  let i = 0
  try {
    for (; i < keys.length; i++) {
      checkKey(walk.keys, keys[i])
      walk.value(keys[i], slot)
      walk.value(values[i], slot)
    }
  } catch (error) {
    throw traced(error, { within: `entry ${i}` })
  }
  walk.depth--
}

/** Op · u32 count · members */
export function encodeSet(walk: Walk, set: ReadonlySet<unknown>, slot: ShapeNode): void {
  const members = membersOf(walk.keys, set)
  startCounted(walk, Op.SET, members.length, 1)
  let i = 0
  try {
    for (; i < members.length; i++) {
      checkKey(walk.keys, members[i])
      walk.value(members[i], slot)
    }
  } catch (error) {
    throw traced(error, { within: `member ${i}` })
  }
  walk.depth--
}

function startCounted(walk: Walk, op: number, count: number, items: number): void {
  walk.enter(count * items)
  walk.reserve(5)
  walk.u8(op)
  walk.u32(count)
}
