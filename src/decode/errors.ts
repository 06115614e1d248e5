/** Error objects: a built-in class, and what the error itself held. */
import { forbidden } from '../limits.js'
import { hide, makeError } from '../value/errors.js'
import { AGGREGATE, ERROR_ERRORS, ERROR_FIELDS, ERROR_KEYS, ERROR_STRINGS } from '../wire/errors.js'
import { fillProperties } from './containers.js'
import type { Walk } from './walk.js'

export function decodeError(walk: Walk): Error {
  if (!walk.limits.errors) throw forbidden('decode', 'errors', { offset: walk.pos })
  const number = walk.u8()
  const flags = walk.u8()
  const isKnown = number <= AGGREGATE && flags < ERROR_FIELDS * 2
  if (!isKnown || (flags & ERROR_ERRORS && number !== AGGREGATE)) throw walk.malformed('an unknown error')
  walk.enter(0)
  const error = makeError(number)
  walk.note(error)
  for (const [bit, key] of ERROR_KEYS.entries()) {
    if (flags & (1 << bit)) hide(error, key, bit < ERROR_STRINGS ? walk.string(`error ${key}`) : walk.value())
    else if (key === 'stack') hide(error, key, undefined)
  }
  walk.depth--
  // A stack that is no string would surprise who prints it; a string has its own place.
  if (flags & ERROR_FIELDS) fillProperties(walk, error, key => key === 'stack')
  return error
}
