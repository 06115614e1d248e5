/** What encode was asked for, checked once per call. */
import { expectArgument } from '../errors.js'
import { type Limits, type LimitsOption, resolveLimits } from '../limits.js'
import { type CustomType, expectRegistry, type Registry } from '../registry.js'

/** Options of `encode`. */
export interface EncodeOptions {
  /** Custom types, from `registry`. */
  types?: Registry | undefined
  /**
   * Called once per buffer, in order, with its exact window (borrow) and the first view on it.
   * Falsy: out of band. Truthy: in band. What it throws propagates unchanged.
   * Beware `array.push.bind(array)`, which returns a number; write `b => { array.push(b) }`.
   */
  bufferCallback?: ((buffer: Uint8Array, view: ArrayBufferView | ArrayBufferLike) => unknown) | undefined
  /** Bytes from which a buffer goes out of band when there is no callback. Default 4096; 0: all; `Infinity`: none. */
  threshold?: number | undefined
  /** Whether shared objects and cycles are kept. `false`, for trees: shared objects are written twice. */
  references?: boolean | undefined
  /** Adds a CRC-32C of the metadata and of every out-of-band buffer; decode checks it. */
  checksum?: boolean | undefined
  /**
   * Refuses instances of unregistered classes, subclasses of built-in ones too, and Maps, Sets, dates and other built-ins with
   * properties of their own; and checks every array for such properties, which travel (in another format: are refused, as is what
   * else it loses). An error of a subclass still arrives as the built-in one with its fields, a typed array as one without them.
   */
  strict?: boolean | undefined
  /** What becomes of SharedArrayBuffers: stay shared (works inside one process), or travel as a copy. */
  shared?: 'share' | 'copy' | undefined
  limits?: LimitsOption | undefined
}

export interface EncodeSettings {
  /** The type of what a carrier takes as it is (ports, streams, blobs): such an object is not looked into. */
  readonly host: CustomType | undefined
  readonly types: Registry | undefined
  readonly bufferCallback: EncodeOptions['bufferCallback']
  readonly threshold: number
  readonly references: boolean
  readonly checksum: boolean
  readonly strict: boolean
  readonly copyShared: boolean
  readonly moving: ReadonlySet<object> | undefined
  readonly limits: Readonly<Limits>
}

/** Measured for ports, rings and sockets, where the two ways cost the same between 1 and 8 KiB: `bench/threshold.ts`. */
export const DEFAULT_THRESHOLD = 4096

const DEFAULTS = checked({})

/** `moving`: the memory that moves with the message. @throws TypeError for an option of the wrong type */
export function encodeSettings(
  options: EncodeOptions | undefined,
  host?: CustomType,
  moving?: ReadonlySet<object>,
): EncodeSettings {
  const isUsual = options === undefined && host === undefined && moving === undefined
  return isUsual ? DEFAULTS : checked(options ?? {}, host, moving)
}

function checked(options: EncodeOptions, host?: CustomType, moving?: ReadonlySet<object>): EncodeSettings {
  const {
    types,
    bufferCallback,
    threshold = DEFAULT_THRESHOLD,
    references = true,
    checksum = false,
    strict = false,
    shared = 'share',
    limits,
  } = options
  expectRegistry(types)
  const isCallback = bufferCallback === undefined || typeof bufferCallback === 'function'
  expectArgument(isCallback, 'bufferCallback', 'a function')
  expectArgument(typeof threshold === 'number' && threshold >= 0, 'threshold', 'a number of bytes ≥ 0')
  expectArgument(typeof references === 'boolean', 'references', 'a boolean')
  expectArgument(typeof checksum === 'boolean', 'checksum', 'a boolean')
  expectArgument(typeof strict === 'boolean', 'strict', 'a boolean')
  expectArgument(shared === 'share' || shared === 'copy', 'shared', "'share' or 'copy'")
  return {
    host,
    types,
    bufferCallback,
    threshold,
    references,
    checksum,
    strict,
    copyShared: shared === 'copy',
    moving,
    limits: resolveLimits(limits),
  }
}
