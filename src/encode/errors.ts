/** Error objects: the nearest built-in class, and what the error itself holds. */

import { forbidden } from '../limits.js'
import { errorClassOf, partsOfError } from '../value/errors.js'
import { traced } from '../value/trace.js'
import { AGGREGATE, ERROR_FIELDS, ERROR_KEYS } from '../wire/errors.js'
import { Op } from '../wire/ops.js'
import { encodeRecord } from './containers.js'
import type { ShapeNode } from './shapes.js'
import type { Walk } from './walk.js'

export function encodeError(walk: Walk, error: Error, slot: ShapeNode): void {
  if (!walk.settings.limits.errors) throw forbidden('encode', 'errors')
  const number = errorClassOf(error)
  const { fields, parts } = partsOfError(error, number)
  let flags = fields.length > 0 ? ERROR_FIELDS : 0
  for (const [key] of parts) flags |= 1 << ERROR_KEYS.indexOf(key)
  walk.enter(0)
  walk.reserve(3)
  walk.u8(Op.ERROR)
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
  walk.depth--
  // As the properties of an array: no container of their own.
  if (fields.length > 0) encodeRecord(walk, error, fields)
}
