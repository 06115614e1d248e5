/** Error objects: which built-in class one is of, and how one is made. */
import { AGGREGATE, ERROR_CLASSES, ERROR_KEYS, ERROR_STRINGS } from '../wire/errors.js'
import { builtinOf } from './builtins.js'
import { define } from './properties.js'

/** Whether a value is an error, of any realm; whatever it is, nothing is thrown. */
export function isError(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null) return false
  try {
    return builtinOf(value).kind === 'Error'
  } catch {
    // What is asked for its tag may have a getter there, or be a proxy that was revoked.
    return false
  }
}

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

/** Parts that a class may have in place of its errors, as a DOMException's has. */
const INHERITED: ReadonlySet<string> = new Set(['name', 'stack', 'message'])

/** What an error of this class holds itself: names of its enumerable fields, and its hidden parts in the order of `ERROR_KEYS`. */
export function partsOfError(error: Error, number: number) {
  // What is enumerable is a field like any other, `name` set by a constructor for one, and stays enumerable.
  const fields = Object.keys(error).filter(key => key !== 'stack')
  const parts: [key: (typeof ERROR_KEYS)[number], part: unknown][] = []
  for (const [bit, key] of ERROR_KEYS.entries()) {
    if (fields.includes(key) || (key === 'errors' && number !== AGGREGATE)) continue
    const isOwn = Object.hasOwn(error, key)
    if (!isOwn && !INHERITED.has(key)) continue
    let part: unknown = (error as AggregateError)[key]
    // An empty one is what all errors inherit.
    if (key === 'message' && !isOwn && (typeof part !== 'string' || part === '')) continue
    // As structured clone has it: whatever somebody put there.
    if (key === 'message') part = String(part)
    if (bit < ERROR_STRINGS && typeof part !== 'string') continue
    if (key === 'name' && part === ERROR_CLASSES[number].prototype.name) continue
    parts.push([key, part])
  }
  return { fields, parts }
}

/** An error of the class of this number, with nothing of its own but the stack that the engine may give it. */
export function makeError(number: number): Error {
  // Our own stack would cost microseconds and say nothing: the sender's replaces it.
  const { stackTraceLimit } = Error
  // Where the classes are frozen it stays as it is.
  const isSet = Reflect.set(Error, 'stackTraceLimit', 0)
  try {
    if (number !== AGGREGATE) return new (ERROR_CLASSES[number] as ErrorConstructor)()
    // Its own constructor gives it a list; to delete that costs some 500 bytes an error (V8, Node 24).
    return Object.setPrototypeOf(new Error(), AggregateError.prototype)
  } finally {
    if (isSet) Error.stackTraceLimit = stackTraceLimit
  }
}

/** As the engine defines an error's own properties: not enumerable. */
export function hide(error: Error, key: string, value: unknown): void {
  // An accessor of each error's own from Node 22 on, which takes any value; to replace it makes an error of 48 bytes one of 280.
  if (key === 'stack' && Object.hasOwn(error, key)) (error as { stack: unknown }).stack = value
  else define(error, key, value, false)
}
