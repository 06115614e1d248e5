// How many messages one operation of a carrier is.

import { encode } from '../src/index.js'

/** Messages under way while memory goes there and back. */
export const UNDER_WAY = 4

/** Messages of one operation: enough that the first wake-up of the thread is not what is measured. */
export function burstOf(value: unknown): number {
  const { meta, buffers } = encode(value)
  const bytes = buffers.reduce((sum, { byteLength }) => sum + byteLength, meta.length)
  return Math.min(1000, Math.max(4 * UNDER_WAY, Math.round(200_000 / bytes)))
}
