/** Error objects: a built-in class, and what the error itself held. */
import {
  AGGREGATE,
  ERROR_CLASSES,
  ERROR_ERRORS,
  ERROR_FIELDS,
  ERROR_KEYS,
  ERROR_STRINGS,
} from '../wire/ops.js'
import { define, fillProperties } from './containers.js'
import { refused } from './scalars.js'
import type { Walk } from './walk.js'

export function decodeError(walk: Walk): Error {
  if (!walk.limits.errors) throw refused(walk, 'errors')
  const number = walk.u8()
  const flags = walk.u8()
  const isKnown = number <= AGGREGATE && flags < ERROR_FIELDS * 2
  if (!isKnown || (flags & ERROR_ERRORS && number !== AGGREGATE)) throw walk.malformed('an unknown error')
  walk.enter(0)
  const error = make(number)
  walk.note(error)
  for (const [bit, key] of ERROR_KEYS.entries()) {
    if (flags & (1 << bit)) hide(error, key, bit < ERROR_STRINGS ? walk.string(`error ${key}`) : walk.value())
    else if (key === 'stack') hide(error, key, undefined)
  }
  // A stack that is no string would surprise who prints it; a string has its own place.
  if (flags & ERROR_FIELDS) fillProperties(walk, error, key => key === 'stack')
  walk.depth--
  return error
}

function make(number: number): Error {
  // Our own stack would cost microseconds and say nothing: the sender's replaces it.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    if (number !== AGGREGATE) return new (ERROR_CLASSES[number] as ErrorConstructor)()
    const error = new AggregateError([])
    delete (error as { errors?: unknown }).errors
    return error
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** As the engine defines an error's own properties: not enumerable. */
function hide(error: Error, key: string, value: unknown): void {
  define(error, key, value, false)
}
