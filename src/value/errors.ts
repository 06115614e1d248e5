/** Error objects: which built-in class one is of, and how one is made. */
import { AGGREGATE, ERROR_CLASSES } from '../wire/ops.js'
import { define } from './properties.js'

/** Number of the nearest built-in class, among `ERROR_CLASSES`. */
export function errorClassOf(error: Error): number {
  for (let number = AGGREGATE; number > 0; number--) if (error instanceof ERROR_CLASSES[number]) return number
  // An error of another realm is an instance of none of ours; its class is known by name.
  const { name } = error.constructor ?? Error
  return Math.max(
    0,
    ERROR_CLASSES.findIndex(known => known.name === name),
  )
}

/** An error of the class of this number, with nothing of its own but the stack that the engine may give it. */
export function makeError(number: number): Error {
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
export function hide(error: Error, key: string, value: unknown): void {
  define(error, key, value, false)
}
