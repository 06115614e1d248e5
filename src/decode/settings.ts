/** What decode was asked for, checked once per call. */
import { LIMITS, type Limits, type LimitsOption, resolveLimits } from '../limits.js'
import { expectRegistry, type Registry } from '../registry.js'

/** Options of `decode`. */
export interface DecodeOptions {
  /** Custom types, from `registry`. A tag that is not among them is `UNKNOWN_TYPE`. */
  types?: Registry | undefined
  /** `'trusted'` (default), `'untrusted'` for bytes from a hostile peer, or single limits over `trusted`. */
  limits?: LimitsOption | undefined
}

export interface DecodeSettings {
  readonly types: Registry | undefined
  readonly limits: Readonly<Limits>
}

const DEFAULTS: DecodeSettings = { types: undefined, limits: LIMITS.trusted }

/** @throws TypeError for an option of the wrong type */
export function decodeSettings(options: DecodeOptions | undefined): DecodeSettings {
  if (options === undefined) return DEFAULTS
  expectRegistry(options.types)
  return { types: options.types, limits: resolveLimits(options.limits) }
}
