/**
 * What a message may ask for, in two profiles. A declared count is checked before anything is allocated;
 * the error names the limit so that its owner can raise it. Decode enforces all of them, encode those
 * that would otherwise make a message its receiver must refuse.
 */
import { OutbandError } from './errors.js'

export interface Limits {
  /** Bytes of the metadata stream. */
  metaBytes: number
  /** Containers inside each other. The engine's stack bounds it too: past about 5 000 expect `LIMIT` earlier. */
  depth: number
  /** Elements of all containers together. */
  items: number
  /** Bytes of one string as stored: 1 per UTF-16 unit, or 2 when one unit is above U+00FF. */
  stringBytes: number
  /** Bytes of one BigInt's magnitude. */
  bigintBytes: number
  /** Entries of all Maps and Sets together. */
  entries: number
  /** Numbers among the keys of Maps and members of Sets: V8 hashes them without a seed. */
  numberKeys: number
  /** BigInts among the keys of Maps and members of Sets: V8 hashes them without a seed. */
  bigintKeys: number
  /** Out-of-band and in-band byte runs together. */
  buffers: number
  /** Bytes of one buffer. */
  bufferBytes: number
  /** Bytes of all buffers together. */
  totalBytes: number
  /** Whether a RegExp may be built: a hostile pattern can take exponential time to match. */
  regexps: boolean
  /** Whether Error objects may be built. */
  errors: boolean
  /** Whether memory shared with the sender is accepted. */
  shared: boolean
  /** Whether constructors may be generated for shapes that repeat (`new Function`); off, decoding is slower. */
  codegen: boolean
}

export type LimitsOption = 'trusted' | 'untrusted' | Partial<Limits>

const MiB = 2 ** 20
const GiB = 2 ** 30

/** The two profiles. `trusted`: the peer is ours and may only be mistaken. `untrusted`: the peer is hostile. */
export const LIMITS: { readonly trusted: Readonly<Limits>; readonly untrusted: Readonly<Limits> } =
  Object.freeze({
    trusted: Object.freeze({
      metaBytes: 64 * MiB,
      depth: 1000,
      items: 16 * MiB,
      stringBytes: 512 * MiB,
      bigintBytes: 65_536,
      entries: 16 * MiB,
      numberKeys: MiB,
      bigintKeys: 16_384,
      buffers: 65_536,
      bufferBytes: 4 * GiB,
      totalBytes: 8 * GiB,
      regexps: true,
      errors: true,
      shared: true,
      codegen: true,
    }),
    untrusted: Object.freeze({
      metaBytes: MiB,
      depth: 64,
      items: MiB,
      stringBytes: MiB,
      bigintBytes: 1024,
      entries: 131_072,
      numberKeys: 4096,
      bigintKeys: 1024,
      buffers: 1024,
      bufferBytes: 64 * MiB,
      totalBytes: 256 * MiB,
      regexps: false,
      errors: false,
      shared: false,
      codegen: false,
    }),
  })

/**
 * The full set for an option. Single numbers override the `trusted` profile.
 * @throws TypeError for an unknown profile or key, or a value that is not a number ≥ 0 (or a boolean).
 */
export function resolveLimits(option: LimitsOption | undefined): Readonly<Limits> {
  if (option === undefined || option === 'trusted') return LIMITS.trusted
  if (option === 'untrusted') return LIMITS.untrusted
  if (option === LIMITS.trusted || option === LIMITS.untrusted) return option as Limits
  if (typeof option !== 'object' || option === null) {
    throw new TypeError(`limits: wanted 'trusted', 'untrusted' or an object, got ${String(option)}`)
  }
  const limits: Record<string, unknown> = { ...LIMITS.trusted }
  for (const [name, value] of Object.entries(option)) {
    if (value === undefined) continue
    const known = limits[name]
    if (known === undefined) throw new TypeError(`limits: there is no limit named ${name}`)
    if (typeof value !== typeof known || (typeof value === 'number' && !(value >= 0))) {
      throw new TypeError(
        `limits: ${name} wants a ${typeof known}${typeof known === 'number' ? ' ≥ 0' : ''}, got ${String(value)}`,
      )
    }
    limits[name] = value
  }
  return limits as unknown as Limits
}

/** The error for a limit that was passed. `stage` is the verb at work: `encode`, `decode`. */
export function overLimit(
  stage: string,
  limit: keyof Limits,
  max: number,
  requested: number,
  offset?: number,
): OutbandError {
  const at = offset === undefined ? '' : ` at byte ${offset}`
  const fields = { limit, max, requested, ...(offset === undefined ? {} : { offset }) }
  return new OutbandError(
    'LIMIT',
    `${stage}: too much${at}; limits.${limit} is ${max}, got ${requested}`,
    fields,
  )
}
