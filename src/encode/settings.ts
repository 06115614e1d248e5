/** What encode was asked for, checked once per call. */
import { LIMITS, type Limits, type LimitsOption, resolveLimits } from '../limits.js'
import { Registry } from '../registry.js'

/** The first view on the memory of a buffer, or the ArrayBuffer itself. */
export type Source = ArrayBufferView | ArrayBufferLike

export interface EncodeOptions {
  /** Custom types, from `registry`. */
  types?: Registry | undefined
  /**
   * Called once per buffer, in order, with its exact window (borrow) and the first view on it.
   * Falsy: out of band. Truthy: in band. What it throws propagates unchanged.
   * Beware `array.push.bind(array)`, which returns a number; write `b => { array.push(b) }`.
   */
  bufferCallback?: ((buffer: Uint8Array, view: Source) => unknown) | undefined
  /** Bytes from which a buffer goes out of band when there is no callback. 0: all do; `Infinity`: none does. */
  threshold?: number | undefined
  /** Whether the same object twice, and cycles, stay so. `false`, for trees: shared objects are written twice. */
  references?: boolean | undefined
  /** Adds a CRC-32C of the metadata and of every out-of-band buffer; decode checks it. */
  checksum?: boolean | undefined
  /** Refuses what would lose something: instances of unregistered classes; and searches every array for own properties. */
  strict?: boolean | undefined
  /** What becomes of SharedArrayBuffers: stay shared (works inside one process), or travel as a copy. */
  shared?: 'share' | 'copy' | undefined
  limits?: LimitsOption | undefined
}

export interface EncodeSettings {
  readonly types: Registry | undefined
  readonly bufferCallback: EncodeOptions['bufferCallback']
  readonly threshold: number
  readonly references: boolean
  readonly checksum: boolean
  readonly strict: boolean
  readonly copyShared: boolean
  readonly limits: Readonly<Limits>
}

/** Measured for worker threads, where the two ways cost the same between 4 and 8 KiB: `bench/threshold.ts`. */
export const DEFAULT_THRESHOLD = 4096

const DEFAULTS: EncodeSettings = {
  types: undefined,
  bufferCallback: undefined,
  threshold: DEFAULT_THRESHOLD,
  references: true,
  checksum: false,
  strict: false,
  copyShared: false,
  limits: LIMITS.trusted,
}

/** @throws TypeError for an option of the wrong type */
export function encodeSettings(options: EncodeOptions | undefined): EncodeSettings {
  if (options === undefined) return DEFAULTS
  const { types, bufferCallback, threshold = DEFAULT_THRESHOLD, shared = 'share' } = options
  if (types !== undefined && !(types instanceof Registry))
    throw new TypeError('encode: types must come from registry()')
  if (bufferCallback !== undefined && typeof bufferCallback !== 'function') {
    throw new TypeError('encode: bufferCallback must be a function')
  }
  if (typeof threshold !== 'number' || !(threshold >= 0)) {
    throw new TypeError(`encode: threshold must be a number of bytes ≥ 0, got ${String(threshold)}`)
  }
  for (const name of ['references', 'checksum', 'strict'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'boolean')
      throw new TypeError(`encode: ${name} must be a boolean`)
  }
  if (shared !== 'share' && shared !== 'copy') throw new TypeError(`encode: shared must be 'share' or 'copy'`)
  return {
    types,
    bufferCallback,
    threshold,
    references: options.references ?? true,
    checksum: options.checksum ?? false,
    strict: options.strict ?? false,
    copyShared: shared === 'copy',
    limits: resolveLimits(options.limits),
  }
}
