/** Custom types, and objects of Python on their way back. */
import type { CustomType } from '../../../registry.js'
import { expectSendable } from '../../../value/guard.js'
import { stopped, traced } from '../../../value/trace.js'
import { type PythonObject, placeOf } from '../objects.js'
import { BUILD, EMPTY_DICT, EMPTY_TUPLE, NEWOBJ, NEWOBJ_EX, REDUCE, TUPLE3 } from '../ops.js'
import { wasBytes, wasTuple } from '../origins.js'
import { writeEntries, writeFields, writeItems, writeTuple } from './containers.js'
import { writeBytes } from './scalars.js'
import type { Walk } from './walk.js'

/**
 * A custom type is a class of Python, which its tag names. Parts that are an array are the class's arguments; others are the
 * state of an object that is made without any (`__setstate__`, or fields). So is everything of a type with `create`, for
 * such an object is there before its parts are.
 */
export function writeCustom(walk: Walk, value: unknown, type: CustomType): void {
  expectSendable(type, walk.settings.limits)
  if (walk.isRepeated(value)) return
  const place = walk.latest
  walk.enter(1)
  walk.name(type.tag)
  const isWhole = type.rebuild !== undefined
  // Before the parts are known: they may refer to it.
  if (!isWhole) {
    writeNew(walk)
    walk.note(place)
  }
  const parts = type.reduce(value)
  try {
    if (isWhole && Array.isArray(parts)) {
      writeTuple(walk, parts)
      walk.op(REDUCE)
    } else {
      if (isWhole) writeNew(walk)
      walk.value(parts)
      walk.op(BUILD)
    }
  } catch (error) {
    throw traced(error, { within: type.tag })
  }
  if (isWhole) walk.note(place)
  walk.depth--
}

function writeNew(walk: Walk): void {
  walk.op(EMPTY_TUPLE)
  walk.op(NEWOBJ)
}

export function writeObject(walk: Walk, object: PythonObject): void {
  const { name, items, entries, state } = object
  const place = walk.latest
  walk.enter(1)
  walk.kept++
  try {
    writeCall(walk, object)
    walk.note(place)
    if (items !== undefined) writeItems(walk, items)
    if (entries !== undefined)
      writeEntries(
        walk,
        entries.map(([key]) => key),
        entries.map(([, value]) => value),
      )
    if (state !== undefined) {
      walk.value(state)
      walk.op(BUILD)
    }
  } catch (error) {
    throw traced(error, { within: name })
  }
  walk.kept--
  walk.depth--
}

/** What makes the object. */
function writeCall(walk: Walk, object: PythonObject): void {
  const { args, kwargs, isNew, base } = object
  if (base !== undefined) walk.name('copyreg._reconstructor')
  walk.name(placeOf(object))
  if (base !== undefined) {
    walk.name(base)
    if (base === 'builtins.tuple') writeTuple(walk, args)
    else walk.value(args[0])
    walk.op(TUPLE3)
    return walk.op(REDUCE)
  }
  writeTuple(walk, args)
  if (kwargs === undefined) return walk.op(isNew ? NEWOBJ : REDUCE)
  if (!isNew) throw stopped('UNSUPPORTED', 'keyword arguments of a function; wanted isNew')
  walk.op(EMPTY_DICT)
  writeFields(walk, kwargs, Object.keys(kwargs))
  walk.op(NEWOBJ_EX)
}

/** In an object of Python tuples and bytes are what they were: it may take nothing else. False for all other values. */
export function writeOriginal(walk: Walk, object: object): boolean {
  if (Array.isArray(object)) {
    if (!wasTuple(object)) return false
    if (object.length === 0) writeTuple(walk, object)
    else walk.original(object, () => writeTuple(walk, object))
    return true
  }
  if (!ArrayBuffer.isView(object) || !wasBytes(object)) return false
  walk.original(object, () => writeBytes(walk, object))
  return true
}
