/** Error objects: a built-in class, and what the error itself held. */
import {
  ERROR_CAUSE,
  ERROR_CLASSES,
  ERROR_ERRORS,
  ERROR_FIELDS,
  ERROR_MESSAGE,
  ERROR_NAME,
  ERROR_STACK,
  OBJECT_LONG,
} from '../wire/ops.js'
import { fillFields } from './containers.js'
import { refused } from './scalars.js'
import type { Walk } from './walk.js'

const AGGREGATE = ERROR_CLASSES.length - 1

export function decodeError(walk: Walk): Error {
  if (!walk.settings.limits.errors) throw refused(walk, 'Error', 'errors')
  const number = walk.u8()
  const flags = walk.u8()
  const isKnown = number <= AGGREGATE && flags < ERROR_FIELDS * 2
  if (!isKnown || (flags & ERROR_ERRORS && number !== AGGREGATE))
    throw walk.malformed('an unknown kind of error')
  walk.enter(0)
  const error = make(number)
  walk.note(error)
  if (flags & ERROR_NAME) hide(error, 'name', walk.string('an error name'))
  if (flags & ERROR_MESSAGE) hide(error, 'message', walk.string('an error message'))
  if (flags & ERROR_STACK) hide(error, 'stack', walk.string('an error stack'))
  else hide(error, 'stack', undefined)
  if (flags & ERROR_CAUSE) hide(error, 'cause', walk.value())
  if (flags & ERROR_ERRORS) hide(error, 'errors', walk.value())
  if (flags & ERROR_FIELDS) {
    if (walk.u8() !== OBJECT_LONG) throw walk.malformed('error fields that are not a record')
    fillFields(walk, error)
  }
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
  Object.defineProperty(error, key, { value, writable: true, enumerable: false, configurable: true })
}
