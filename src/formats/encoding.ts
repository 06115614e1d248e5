/** What every format does around its library, on the way out: the mirror of `decoding.ts`. */
import { checkLimit } from '../limits.js'
import type { Packet } from '../packet.js'
import { lostMeanwhile } from '../value/views.js'
import type { FormatEncodeSettings } from './format.js'
import { lift, located } from './lift.js'

/**
 * A packet of a value, whose metadata (own) the format writes of what was lifted. What getters throw passes unchanged; a
 * stack that ends in the library is the limit it is.
 */
export function encoding(
  value: unknown,
  settings: FormatEncodeSettings,
  ownKinds: ReadonlySet<number>,
  write: (tree: unknown, buffers: readonly Uint8Array[]) => Packet['meta'],
): Packet {
  const { tree, runs } = lift(value, settings, ownKinds)
  const buffers = runs.map(({ window }) => window)
  let meta: Packet['meta']
  try {
    meta = write(tree, buffers)
    // Getters are called by the library too.
    for (const { window, start, end, source } of runs)
      if (window.byteLength !== end - start) throw lostMeanwhile(source)
  } catch (error) {
    throw located(error, value, settings)
  }
  checkLimit('metaBytes', settings.limits.metaBytes, meta.length)
  return { meta, buffers }
}
