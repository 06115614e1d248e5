/** What decode was asked for, checked once per call. */
import { LIMITS, type Limits, type LimitsOption, resolveLimits } from '../limits.js'
import { type CustomType, expectRegistry, type Registry, registry } from '../registry.js'

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
export function decodeSettings(options: DecodeOptions | undefined, host?: CustomType): DecodeSettings {
  if (options === undefined && host === undefined) return DEFAULTS
  const { types, limits } = options ?? {}
  expectRegistry(types)
  // Encode asks for hosts last, decode by their tag like any other type.
  const all = host === undefined ? types : registry(...(types?.types ?? []), host)
  return { types: all, limits: resolveLimits(limits) }
}
