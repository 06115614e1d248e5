/**
 * What a message may ask for, in two profiles. A declared count is checked before anything is allocated;
 * the error names the limit so that its owner can raise it. Decode enforces all of them; encode all but
 * `stringBytes` (in our own format), what is counted twice or as bytes (in pickle: fields, dates, empty containers), and what repeats
 * (in FlexBuffers), which only the receiver refuses.
 */
import { type ErrorFields, expectArgument, failure, type OutbandError } from './errors.js'

/** What a message may ask for; sizes in bytes, all checked before anything is allocated. */
export interface Limits {
  /** Bytes of the metadata stream. */
  metaBytes: number
  /**
   * Levels of nested containers. The engine's stack bounds it too: it holds no more than about 1 100 of some kinds,
   * and in a Chromium worker no more than 490 to 770 before the code is optimised.
   */
  depth: number
  /** Elements of all containers, in total. */
  items: number
  /** Bytes of one string, keys included, as stored: 1 per UTF-16 unit, or 2 when one unit is above U+00FF. */
  stringBytes: number
  /** Bytes of one BigInt's magnitude. */
  bigintBytes: number
  /** Entries of all Maps and Sets together. */
  entries: number
  /** Numbers, and strings that read as integers, among keys of Maps and members of Sets: V8 hashes them without a seed. */
  numberKeys: number
  /** BigInts among the keys of Maps and members of Sets: V8 hashes them without a seed. */
  bigintKeys: number
  /** Out-of-band and in-band byte runs together. */
  buffers: number
  /** Bytes of one buffer. */
  bufferBytes: number
  /** Bytes of all buffers together. */
  totalBytes: number
  /** Whether a RegExp may be built: a hostile pattern can take exponential time to match, and tenths of a second to make (`\p`). */
  regexps: boolean
  /** Whether Error objects may be built. */
  errors: boolean
  /** Whether memory shared with the sender is accepted. */
  shared: boolean
  /** Whether bytes that cannot be checked beforehand may be read in place: FlexBuffers, and tables of FlatBuffers. */
  unverified: boolean
  /** Whether constructors may be generated for shapes that repeat (`new Function`); off, decoding is slower. */
  codegen: boolean
}

/** A profile, or single limits that override the profile which is the default there. */
export type LimitsOption = 'trusted' | 'untrusted' | Partial<Limits>

const MiB = 2 ** 20
const GiB = 2 ** 30

/** Every limit as `trusted` and as `untrusted` has it. */
const PROFILES: { readonly [Name in keyof Limits]: readonly [Limits[Name], Limits[Name]] } = {
  metaBytes: [64 * MiB, MiB],
  depth: [1000, 64],
  items: [16 * MiB, MiB],
  stringBytes: [512 * MiB, MiB],
  bigintBytes: [65_536, 1024],
  entries: [16 * MiB, 131_072],
  numberKeys: [MiB, 4096],
  bigintKeys: [16_384, 1024],
  buffers: [65_536, 1024],
  bufferBytes: [4 * GiB, 64 * MiB],
  totalBytes: [8 * GiB, 256 * MiB],
  regexps: [true, false],
  errors: [true, false],
  shared: [true, false],
  unverified: [true, false],
  codegen: [true, false],
}

function profile(column: 0 | 1): Readonly<Limits> {
  const rows = Object.entries(PROFILES).map(([name, settings]) => [name, settings[column]])
  return Object.freeze(Object.fromEntries(rows) as Limits)
}

/** The two profiles. `trusted`: the peer is ours, and at worst buggy. `untrusted`: the peer may be hostile. */
export const LIMITS: { readonly trusted: Readonly<Limits>; readonly untrusted: Readonly<Limits> } =
  Object.freeze({ trusted: profile(0), untrusted: profile(1) })

/**
 * The full set for an option. Without one it is a profile, which single numbers override.
 * @throws TypeError for an unknown profile or key, or a value that is not a number ≥ 0 (or a boolean).
 */
export function resolveLimits(
  option?: LimitsOption,
  base: 'trusted' | 'untrusted' = 'trusted',
): Readonly<Limits> {
  if (option === undefined) return LIMITS[base]
  for (const name of ['trusted', 'untrusted'] as const) {
    if (option === name || option === LIMITS[name]) return LIMITS[name]
  }
  expectArgument(
    typeof option === 'object' && option !== null,
    'limits',
    "'trusted', 'untrusted' or an object",
  )
  const limits: Record<string, unknown> = { ...LIMITS[base] }
  for (const [name, value] of Object.entries(option)) {
    if (value === undefined) continue
    const known = limits[name]
    // Of booleans both are ≥ 0.
    if (typeof value !== typeof known || !(Number(value) >= 0)) {
      const wanted = known === undefined ? 'the name of a limit' : `a setting such as ${String(known)}`
      throw new TypeError(`limits.${name}: wanted ${wanted}, got ${String(value)}`)
    }
    limits[name] = value
  }
  return limits as unknown as Limits
}

/** For lengths that are compared with those of a file instead: none is too large. */
export const UNLIMITED: Readonly<Limits> = Object.freeze({
  ...LIMITS.trusted,
  metaBytes: Infinity,
  buffers: Infinity,
  bufferBytes: Infinity,
  totalBytes: Infinity,
})

/** Names of the limits that are numbers. */
export type Measure = { [Name in keyof Limits]: Limits[Name] extends number ? Name : never }[keyof Limits]

/** @throws LIMIT when more is requested than the limit allows; `offset` in the metadata is what decode has and encode lacks. */
export function checkLimit(
  limit: Measure,
  max: number,
  requested: number,
  offset?: number,
  stage?: string,
): void {
  if (requested > max) throw overLimit(limit, max, requested, offset, stage)
}

/** The error for a limit that was passed. */
export function overLimit(
  limit: Measure,
  max: number,
  requested: number,
  offset?: number,
  stage = offset === undefined ? 'encode' : 'decode',
): OutbandError {
  const fields = { limit, max, requested, ...(offset === undefined ? {} : { offset }) }
  return failure(stage, 'LIMIT', `limits.${limit} is ${max}, got ${requested}`, fields)
}

/** What a limit that is no number switches off. */
const SWITCHED = {
  regexps: 'a RegExp',
  errors: 'an error',
  shared: 'shared memory',
  unverified: 'bytes that nothing has checked',
} as const

/** The error for a kind of value that a limit switches off. */
export function forbidden(
  stage: 'encode' | 'decode',
  limit: keyof typeof SWITCHED,
  fields: ErrorFields = {},
): OutbandError {
  const { tag } = fields
  const whose = tag === undefined ? '' : `type ${JSON.stringify(tag)} of `
  const what = `${whose}${SWITCHED[limit]}, which limits.${limit} forbids`
  return failure(stage, 'UNSUPPORTED', what, { ...fields, limit })
}
