/** Error objects: the nearest built-in class, and what the error itself holds. */
import {
  ERROR,
  ERROR_CAUSE,
  ERROR_CLASSES,
  ERROR_ERRORS,
  ERROR_FIELDS,
  ERROR_MESSAGE,
  ERROR_NAME,
  ERROR_STACK,
} from '../wire/ops.js'
import { encodeRecord } from './containers.js'
import type { ShapeNode } from './shapes.js'
import { traced } from './trace.js'
import type { Walk } from './walk.js'

const AGGREGATE = ERROR_CLASSES.length - 1
export function encodeError(walk: Walk, error: Error, slot: ShapeNode): void {
  const number = classOf(error)
  const { stack } = error
  const hasStack = typeof stack === 'string'
  // What is enumerable is a field like any other, `name` set by a constructor for one, and stays enumerable.
  const fields = Object.keys(error).filter(key => key !== 'stack')
  const isHidden = (key: string) => Object.hasOwn(error, key) && !fields.includes(key)
  const name = fields.includes('name') ? undefined : error.name
  const message = isHidden('message') ? error.message : undefined
  const hasName = typeof name === 'string' && name !== ERROR_CLASSES[number].prototype.name
  const hasMessage = typeof message === 'string'
  const hasCause = isHidden('cause')
  const hasErrors = number === AGGREGATE && isHidden('errors')

  walk.enter(0)
  walk.reserve(3)
  walk.u8(ERROR)
  walk.u8(number)
  walk.u8(
    (hasName ? ERROR_NAME : 0) |
      (hasMessage ? ERROR_MESSAGE : 0) |
      (hasStack ? ERROR_STACK : 0) |
      (hasCause ? ERROR_CAUSE : 0) |
      (hasErrors ? ERROR_ERRORS : 0) |
      (fields.length > 0 ? ERROR_FIELDS : 0),
  )
  if (hasName) walk.text(name)
  if (hasMessage) walk.text(message)
  if (hasStack) walk.text(stack)
  if (hasCause) part(walk, error, 'cause', slot)
  if (hasErrors) part(walk, error, 'errors', slot)
  if (fields.length > 0) encodeRecord(walk, error, fields)
  walk.depth--
}

function part(walk: Walk, error: Error, key: 'cause' | 'errors', slot: ShapeNode): void {
  try {
    walk.value((error as AggregateError)[key], slot)
  } catch (failure) {
    throw traced(failure, key)
  }
}

function classOf(error: Error): number {
  for (let number = AGGREGATE; number > 0; number--) if (error instanceof ERROR_CLASSES[number]) return number
  // An error of another realm is an instance of none of ours; its class is known by name.
  const { name } = error.constructor ?? Error
  return Math.max(
    0,
    ERROR_CLASSES.findIndex(known => known.name === name),
  )
}
