/** Error objects: the nearest built-in class, and what the error itself holds. */

import { errorClassOf } from '../value/errors.js'
import { traced } from '../value/trace.js'
import { AGGREGATE, ERROR, ERROR_CLASSES, ERROR_FIELDS, ERROR_KEYS, ERROR_STRINGS } from '../wire/ops.js'
import { encodeRecord } from './containers.js'
import type { ShapeNode } from './shapes.js'
import type { Walk } from './walk.js'

export function encodeError(walk: Walk, error: Error, slot: ShapeNode): void {
  const number = errorClassOf(error)
  // What is enumerable is a field like any other, `name` set by a constructor for one, and stays enumerable.
  const fields = Object.keys(error).filter(key => key !== 'stack')
  const parts: [key: string, part: unknown][] = []
  let flags = fields.length > 0 ? ERROR_FIELDS : 0
  for (const [bit, key] of ERROR_KEYS.entries()) {
    const isHidden = !fields.includes(key) && (key === 'name' || key === 'stack' || Object.hasOwn(error, key))
    if (!isHidden || (key === 'errors' && number !== AGGREGATE)) continue
    const part = (error as AggregateError)[key]
    if (bit < ERROR_STRINGS && typeof part !== 'string') continue
    if (key === 'name' && part === ERROR_CLASSES[number].prototype.name) continue
    flags |= 1 << bit
    parts.push([key, part])
  }
  walk.enter(0)
  walk.reserve(3)
  walk.u8(ERROR)
  walk.u8(number)
  walk.u8(flags)
  for (const [key, part] of parts) {
    try {
      walk.value(part, slot)
    } catch (failure) {
      throw traced(failure, key)
    }
  }
  // A clone keeps message and stack; of a cause that leads back to the error V8 cannot make one.
  const isMore = parts.some(([key]) => key !== 'message' && key !== 'stack')
  if (fields.length > 0 || isMore || number === AGGREGATE) walk.isBeyondClone = true
  if (fields.length > 0) encodeRecord(walk, error, fields)
  walk.depth--
}
