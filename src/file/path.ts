/** Where a file is, and what its errors say of it. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expectArgument, isOutbandError, OutbandError } from '../errors.js'
import { reasonOf } from '../wire/lines.js'

/** A path, or a URL of `file:`. */
export type FilePath = string | URL

/** The absolute path, so that a change of the working directory changes nothing. @throws TypeError */
export function pathOf(path: FilePath): string {
  expectArgument(typeof path === 'string' || path instanceof URL, 'path', 'a string or a URL')
  return typeof path === 'string' ? resolve(path) : fileURLToPath(path)
}

/** Bytes in which a frame says that it is one. */
const MAGIC_BYTES = 4

/** Whether the error of a reader of frames says no more than that bytes are not what they were. */
export function isDamage({ code, offset = MAGIC_BYTES }: OutbandError): boolean {
  if (code === 'MALFORMED') return offset >= MAGIC_BYTES
  return code === 'TRUNCATED' || code === 'TRAILING' || code === 'CHECKSUM'
}

/**
 * The error of a file for one of its frame: TORN for damage, and any other of ours with the name of the file. `at`: where the
 * frame begins, in a file of many.
 */
export function fileError(path: string, error: unknown, at?: number): unknown {
  if (!isOutbandError(error)) return error
  return isDamage(error) ? torn(path, error, at) : named(path, error)
}

/** The error of a frame that is refused and no damage, with the name of the file and, among others, where the frame begins. */
export function named(path: string, error: OutbandError, at?: number): OutbandError {
  const fields = at === undefined ? error : { ...error, offset: at }
  return new OutbandError(error.code, `file: ${path}${frameAt(at)}: ${reasonOf(error)}`, fields)
}

function frameAt(at: number | undefined): string {
  return at === undefined ? '' : `, in the frame at byte ${at}`
}

/** TORN, whatever the cause. */
export function torn(path: string, cause: OutbandError, at?: number): OutbandError {
  const { requested, available, buffer } = cause
  const fields = Object.entries({ offset: at ?? cause.offset, requested, available, buffer, cause })
  return new OutbandError(
    'TORN',
    `file: ${path} is torn${frameAt(at)}: ${reasonOf(cause)}`,
    Object.fromEntries(fields.filter(([, field]) => field !== undefined)),
  )
}
