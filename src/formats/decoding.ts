/** What every format does around its library, on the way in: the mirror of `encoding.ts`. */
import { decodeFailure, isOutbandError, isStackOverflow, TOO_DEEP } from '../errors.js'
import { checkLimit, type Limits } from '../limits.js'
import { enterDecoder, leaveDecoder } from '../value/nesting.js'
import type { Nested } from './lower.js'
import { malformed } from './malformed.js'

/** Runs a decoder of a format: one depth for all that are inside each other, and no error but ours leaves. */
export function decoding(
  limits: Readonly<Limits>,
  meta: Uint8Array,
  run: (nested: Nested) => unknown,
): unknown {
  const nested = { depth: 0 }
  const outer = enterDecoder(nested)
  nested.depth = outer?.depth ?? 0
  try {
    checkLimit('metaBytes', limits.metaBytes, meta.length, 0)
    checkLimit('depth', limits.depth, nested.depth, 0)
    return run(nested)
  } catch (error) {
    if (isOutbandError(error)) throw error
    if (isStackOverflow(error)) throw decodeFailure('LIMIT', TOO_DEEP, { limit: 'depth', cause: error })
    throw malformed('bytes that the library cannot take', { cause: error })
  } finally {
    leaveDecoder(outer)
  }
}
