/** Errors: their classes, and which of their properties follow. */

/** Built-in error classes by their number on the wire. */
export const ERROR_CLASSES = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError,
] as const
export const AGGREGATE = ERROR_CLASSES.length - 1
/** Which of an error's own properties follow, in this order. */
export const ERROR_NAME = 1
export const ERROR_MESSAGE = 2
export const ERROR_STACK = 4
export const ERROR_CAUSE = 8
export const ERROR_ERRORS = 16
export const ERROR_FIELDS = 32
/** Their keys, by bit; the first of them hold strings. */
export const ERROR_KEYS = ['name', 'message', 'stack', 'cause', 'errors'] as const
export const ERROR_STRINGS = 3
