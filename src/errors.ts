/**
 * The one error of the project. `code` is from a closed set, numbers are in fields, and the brand
 * (`Symbol.for`) lets `isOutbandError` recognise errors of another copy of the package or another realm.
 * Message grammar: `stage: what at where; wanted X, got Y`.
 */
import { branded } from './brand.js'

/** Every code an `OutbandError` can carry. Extend the set here and nowhere else. */
export const CODES = [
  'UNSUPPORTED',
  'DETACHED',
  'LIMIT',
  'MALFORMED',
  'TRUNCATED',
  'TRAILING',
  'BUFFERS',
  'UNKNOWN_TYPE',
  'REBUILD',
  'VERSION',
  'CHECKSUM',
  'CLOSED',
  'PEER_GONE',
  'TIMEOUT',
  'NOT_TRANSFERABLE',
  'SHM_NOSPACE',
  'SHM_EXISTS',
  'SHM_PERM',
  'SHM_STALE',
  'RING_CORRUPT',
  'TORN',
  'LOCKED',
] as const

/** One of `CODES`. */
export type ErrorCode = (typeof CODES)[number]

/** What an error says beside its message; absent where it has no meaning. Offsets and sizes are in bytes. */
export interface ErrorFields {
  /** Byte of the metadata stream, or of the frame, where reading stopped. */
  offset?: number
  /** Where in the value, written as an access: `value.rows[3].fn`; or in the transfer list: `transfer[1]`. */
  path?: string
  /** Name of the limit that was passed; a key of `Limits`. */
  limit?: string
  /** The limit's setting. */
  max?: number
  /** What was asked for or announced. */
  requested?: number
  /** How much there was. */
  available?: number
  /** Index of the out-of-band buffer concerned. */
  buffer?: number
  /** Tag of the custom type concerned. */
  tag?: string
  /** What a child process ended with, and the signal that ended it. */
  exitCode?: number
  signal?: string
  cause?: unknown
}

/** The error of every failure that is not a mistake in the caller's arguments; recognise it by `isOutbandError`. */
export class OutbandError extends Error {
  readonly code: ErrorCode
  declare readonly offset?: number
  declare readonly path?: string
  declare readonly limit?: string
  declare readonly max?: number
  declare readonly requested?: number
  declare readonly available?: number
  declare readonly buffer?: number
  declare readonly tag?: string
  declare readonly exitCode?: number
  declare readonly signal?: string

  constructor(code: ErrorCode, message: string, fields: ErrorFields = {}) {
    super(message, fields)
    this.code = code
    // Defined, not assigned: a prototype may have setters. A cause is the engine's to define, so that it is not enumerable.
    for (const [key, value] of Object.entries(fields)) {
      if (key !== 'cause')
        Object.defineProperty(this, key, { value, writable: true, enumerable: true, configurable: true })
    }
  }
}
// On the prototype, so that it costs nothing per error and does not show up in a printed one.
Object.defineProperty(OutbandError.prototype, 'name', {
  value: 'OutbandError',
  configurable: true,
  writable: true,
})
const isOurs = branded(OutbandError, 'error')

/** True for an `OutbandError` of any copy of the package, and, when codes are given, with one of them. */
export function isOutbandError<Code extends ErrorCode = ErrorCode>(
  err: unknown,
  ...codes: Code[]
): err is OutbandError & { readonly code: Code } {
  return isOurs(err) && (codes.length === 0 || codes.includes(err.code as Code))
}

/** What `LIMIT` says of a stack overflow, which no field tells. */
export const TOO_DEEP = 'nested deeper than the stack allows'

/** Whether an error is the engine's own for a value or message that is nested too deep for it. */
export function isStackOverflow(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // No expression: to compile one where the stack has just ended may end the process.
  const { message } = error
  return message.startsWith('Maximum call stack') || message.startsWith('too much recursion')
}

/** The name of a class behind its article, as it is spoken: a URL, a Uint8Array, an Event, an HTMLElement. */
export function named(name: string): string {
  return `${/^(?:[AEIOaeio]|[FHLNRSX][A-Z]{2})/.test(name) ? 'an' : 'a'} ${name}`
}

/** An error whose message says what its fields do: `stage: what at where; wanted X, got Y`. */
export function failure(stage: string, code: ErrorCode, what: string, fields: ErrorFields): OutbandError {
  const { offset, requested, available } = fields
  const where = offset === undefined ? '' : ` at byte ${offset}`
  const sizes = available === undefined ? '' : `; wanted ${requested}, got ${available}`
  return new OutbandError(code, `${stage}: ${what}${where}${sizes}`, fields)
}

/** An error of decode. */
export function decodeFailure(code: ErrorCode, what: string, fields: ErrorFields): OutbandError {
  return failure('decode', code, what, fields)
}

/** @throws TypeError when an argument or option is not what it must be: the caller's own mistake. */
export function expectArgument(isRight: boolean, name: string, wanted: string): asserts isRight {
  if (!isRight) throw new TypeError(`${name}: wanted ${wanted}`)
}

/** @throws TypeError for what has no members to be asked for */
export function expectObject(value: unknown, name: string): void {
  expectArgument(typeof value === 'object' && value !== null, name, 'an object')
}

/** @throws TypeError for options that are none: the name of a profile, or a list to transfer, would be passed over in silence */
export function expectOptions(options: unknown): void {
  if (options !== undefined) expectObject(Array.isArray(options) ? null : options, 'options')
}

/** What a timer takes of a time: more than 2**31 − 1 ms, `Infinity` too, would make it ring at once. */
export function timerMs(ms: number): number {
  return Math.min(ms, 2 ** 31 - 1)
}

/** @throws TypeError for what is no number of bytes above 0; `Infinity` is one */
export function expectBytes(bytes: unknown, name: string): asserts bytes is number {
  expectArgument(typeof bytes === 'number' && bytes > 0, name, 'a number of bytes > 0')
}

/** @throws TypeError for what is no time */
export function expectTime(ms: unknown, name: string): asserts ms is number {
  expectArgument(typeof ms === 'number' && ms >= 0, name, 'milliseconds ≥ 0')
}
