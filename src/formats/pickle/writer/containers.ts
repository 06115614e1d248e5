/** Lists, dicts and sets; and what may be a key in Python. */
import { isBytes } from '../../../bytes/window.js'
import { builtinOf, expectOwnClass } from '../../../value/builtins.js'
import { checkKey, entriesOf, membersOf } from '../../../value/keys.js'
import { lengthOf } from '../../../value/properties.js'
import { stopped, traced } from '../../../value/trace.js'
import { isIndex } from '../../../wire/shapes.js'
import { PythonName, PythonObject } from '../objects.js'
import {
  ADDITEMS,
  APPEND,
  APPENDS,
  EMPTY_DICT,
  EMPTY_LIST,
  EMPTY_SET,
  EMPTY_TUPLE,
  FROZENSET,
  MARK,
  SETITEM,
  SETITEMS,
  TUPLE,
  TUPLE1,
  TUPLE2,
  TUPLE3,
} from '../ops.js'
import { wasBytes } from '../origins.js'
import { writeBytes } from './scalars.js'
import { isWrittenAsBytes } from './views.js'
import type { Walk } from './walk.js'

export function writeArray(walk: Walk, array: readonly unknown[]): void {
  if (walk.isRepeatedArray(array)) return
  if (walk.settings.strict) {
    expectOwnClass(array, 'Array')
    if (!isIndex(Object.keys(array).at(-1) ?? '0'))
      throw stopped('UNSUPPORTED', 'in strict mode an array with properties cannot travel')
  }
  walk.op(EMPTY_LIST)
  walk.note(walk.latest)
  writeItems(walk, array)
}

/** Appends items to the list, or what is like one, that is on the top. */
export function writeItems(walk: Walk, items: readonly unknown[]): void {
  const length = lengthOf(items)
  if (length === 0) return
  walk.enter(length)
  const isMany = length > 1
  if (isMany) walk.op(MARK)
  let i = 0
  try {
    for (; i < length; i++) walk.value(items[i])
  } catch (error) {
    throw traced(error, i)
  }
  walk.op(isMany ? APPENDS : APPEND)
  walk.depth--
}

const TUPLES = [EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3]

/** A tuple, such as arguments are; without a number. */
export function writeTuple(
  walk: Walk,
  items: readonly unknown[],
  write: (item: unknown) => void = item => walk.value(item),
): void {
  const { length } = items
  walk.enter(length)
  if (length > 3) walk.op(MARK)
  let i = 0
  try {
    for (; i < length; i++) write(items[i])
  } catch (error) {
    throw traced(error, i)
  }
  walk.op(TUPLES[length] ?? TUPLE)
  walk.depth--
}

/** A list without a number, of what `write` makes of each item. */
export function writeList<T>(walk: Walk, items: readonly T[], write: (item: T) => void): void {
  walk.enter(items.length)
  walk.op(EMPTY_LIST)
  walk.op(MARK)
  for (const item of items) write(item)
  walk.op(APPENDS)
  walk.depth--
}

/** Own enumerable properties as a dict. */
export function writeRecord(walk: Walk, object: object, keys = Object.keys(object)): void {
  walk.op(EMPTY_DICT)
  walk.note(walk.latest)
  writeFields(walk, object as Record<string, unknown>, keys)
}

/** Sets fields in the dict that is on the top. */
export function writeFields(walk: Walk, object: Record<string, unknown>, keys: readonly string[]): void {
  if (keys.length === 0) return
  walk.enter(keys.length)
  const isMany = keys.length > 1
  if (isMany) walk.op(MARK)
  let key = ''
  try {
    for (key of keys) {
      walk.text(key)
      walk.value(object[key])
    }
  } catch (error) {
    throw traced(error, key)
  }
  walk.op(isMany ? SETITEMS : SETITEM)
  walk.depth--
}

export function writeMap(walk: Walk, map: ReadonlyMap<unknown, unknown>): void {
  walk.newSet()
  walk.op(EMPTY_DICT)
  walk.note(walk.latest)
  writeEntries(walk, ...entriesOf(walk.keys, map))
}

/** Sets entries in the dict, or what is like one, that is on the top. */
export function writeEntries(walk: Walk, keys: readonly unknown[], values: readonly unknown[]): void {
  if (keys.length === 0) return
  walk.enter(keys.length * 2)
  expectDistinct(keys)
  walk.op(MARK)
  let i = 0
  try {
    for (; i < keys.length; i++) {
      checkKey(walk.keys, keys[i])
      writeKey(walk, keys[i])
      walk.value(values[i])
    }
  } catch (error) {
    throw traced(error, { within: `entry ${i}` })
  }
  walk.op(SETITEMS)
  walk.depth--
}

export function writeSet(walk: Walk, set: ReadonlySet<unknown>): void {
  walk.op(EMPTY_SET)
  walk.note(walk.latest)
  writeMembers(walk, set, ADDITEMS)
}

function writeMembers(walk: Walk, set: ReadonlySet<unknown>, op: number): void {
  walk.newSet()
  const members = membersOf(walk.keys, set)
  walk.enter(members.length)
  if (members.length > 0 || op === FROZENSET) {
    expectDistinct(members)
    walk.op(MARK)
    let i = 0
    try {
      for (; i < members.length; i++) {
        checkKey(walk.keys, members[i])
        writeKey(walk, members[i])
      }
    } catch (error) {
      throw traced(error, { within: `member ${i}` })
    }
    walk.op(op)
  }
  walk.depth--
}

/**
 * A key of a dict, or a member of a set: Python hashes it by its contents. So an array is a tuple there, a Set a frozenset, what is
 * written as bytes `bytes`, and what could change is refused. They are not shared with the same object elsewhere, which is a list.
 */
function writeKey(walk: Walk, key: unknown): void {
  if (typeof key !== 'object' || key === null) return walk.value(key)
  if (Array.isArray(key)) return writeTuple(walk, key, item => writeKey(walk, item))
  if (isBytes(key) && (wasBytes(key) || isWrittenAsBytes(walk, key))) return writeBytes(walk, key, true)
  const { kind } = builtinOf(key)
  if (kind === 'Set') return writeMembers(walk, key as Set<unknown>, FROZENSET)
  const isValue =
    kind === 'Date' ||
    key instanceof PythonObject ||
    key instanceof PythonName ||
    walk.settings.types?.typeOf(key) !== undefined
  if (!isValue) throw stopped('UNSUPPORTED', 'a key that Python cannot hash')
  walk.value(key)
}

/** In Python 1, 1.0 and True are one key, and None is what null and undefined both become. */
function expectDistinct(keys: readonly unknown[]): void {
  let hasNumber = false
  let hasOther = false
  let hasNull = false
  let hasUndefined = false
  for (const key of keys) {
    if (typeof key === 'number') hasNumber = true
    else if (typeof key === 'bigint' || typeof key === 'boolean') hasOther = true
    else if (key === null) hasNull = true
    else if (key === undefined) hasUndefined = true
  }
  if (hasNull && hasUndefined) throw stopped('UNSUPPORTED', 'null and undefined, which are one key in Python')
  if (!hasOther) return
  if (!hasNumber && !keys.some(key => typeof key === 'boolean')) return
  const seen = new Set<bigint>()
  for (const key of keys) {
    const isWhole = typeof key === 'bigint' || typeof key === 'boolean' || Number.isInteger(key)
    if (!isWhole) continue
    const whole = BigInt(key as number)
    if (seen.has(whole))
      throw stopped('UNSUPPORTED', `keys that are one in Python: ${String(key)} and another`)
    seen.add(whole)
  }
}
