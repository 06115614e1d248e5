import { decodeFailure, type OutbandError } from '../errors.js'

/** The error for metadata that says what makes no sense. */
export function malformed(what: string, fields: { offset?: number; cause?: unknown } = {}): OutbandError {
  return decodeFailure('MALFORMED', what, fields)
}
