/** Error objects, on their way in: a record of strings and values becomes an error of a built-in class. */
import { forbidden } from '../limits.js'
import { hide, makeError } from '../value/errors.js'
import { define, setField } from '../value/properties.js'
import { AGGREGATE, ERROR_CLASSES, ERROR_KEYS, ERROR_STRINGS } from '../wire/errors.js'
import { isIndex } from '../wire/shapes.js'
import type { Lower } from './lower.js'
import { malformed } from './malformed.js'

const KNOWN: ReadonlySet<string> = new Set(['class', 'fields', ...ERROR_KEYS])

/** `note` is called with the error before its parts are read, which may refer to it. */
export function lowerError(lower: Lower, sent: unknown, note: (error: Error) => void): Error {
  if (!lower.limits.errors) throw forbidden('decode', 'errors')
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent))
    throw malformed('an error of no fields')
  const record = sent as Record<string, unknown>
  const number = ERROR_CLASSES.findIndex(({ name }) => name === record.class)
  const isKnown = Object.keys(record).every(key => KNOWN.has(key))
  if (number < 0 || !isKnown || ('errors' in record && number !== AGGREGATE))
    throw malformed('an unknown error')
  const error = makeError(number)
  note(error)
  for (const [bit, key] of ERROR_KEYS.entries()) {
    if (Object.hasOwn(record, key)) {
      const part = lower.value(record[key])
      if (bit < ERROR_STRINGS && typeof part !== 'string')
        throw malformed(`an error's ${key} that is no text`)
      hide(error, key, part)
    } else if (key === 'stack') hide(error, key, undefined)
  }
  if (Object.hasOwn(record, 'fields')) fill(lower, error, record.fields)
  return error
}

function fill(lower: Lower, error: Error, fields: unknown): void {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw malformed('fields of no record')
  const lowered = lower.value(fields) as object
  if (Array.isArray(lowered) || Object.getPrototypeOf(lowered) !== Object.prototype)
    throw malformed('fields of no record')
  for (const [key, field] of Object.entries(lowered)) {
    // A stack that is no string would surprise who prints it; a string has its own place.
    if (key === 'stack') throw malformed('properties of a forbidden name')
    if (isIndex(key)) setField(error as unknown as Record<string, unknown>, key, field)
    else define(error, key, field, true)
  }
}
