/**
 * Ending leases by the value: every shared array in it is found as `encode` finds it. Nothing of it is copied.
 */
import type { EncodeOptions } from '../codec.js'
import { dispose } from '../dispose.js'
import { Encoder } from '../encode/encode.js'
import { encodeSettings } from '../encode/settings.js'
import { expectOptions } from '../errors.js'
import { endLease, leasesOf, type Source } from '../memory/arena/lease.js'

/** What `encode` wants to know of the value: its custom types. */
export type ReleaseOptions = Pick<EncodeOptions, 'types' | 'limits'>

/** The leases of a value, for `using`. */
export interface ValueLease {
  /** Leases, one for each block; 0 where all of the value came as copies. */
  readonly size: number
  /** Ends those that are not over. */
  [Symbol.dispose](): void
}

/**
 * Ends the leases of all shared arrays in a value: those that an arena lent to this process, and this process's own that were
 * allocated there. Other arrays in it are left alone. A view must not be used afterwards: reading one is safe, but shows whatever
 * comes to be there.
 *
 * Returns whether there were any: what is short, or found no room in its sender's arena, came as a copy, left to the collector.
 *
 * @throws SHM_STALE when one of them was released before; then nothing is released
 * @throws what `encode` throws for a value that cannot travel
 */
export function release(value: unknown, options?: ReleaseOptions): boolean {
  const leases = leasesOf(sourcesOf(value, options))
  for (const [lease, sources] of leases) endLease(lease, sources)
  return leases.size > 0
}

/** The same at the end of a block: `using lease = leaseOf(message)`. @throws as `release` */
export function leaseOf(value: unknown, options?: ReleaseOptions): ValueLease {
  const leases = leasesOf(sourcesOf(value, options))
  return {
    size: leases.size,
    [dispose]() {
      for (const [lease, sources] of leases) if (!lease.isOver) endLease(lease, sources)
    },
  } as ValueLease
}

/** Kept, as a codec keeps its own. Code that runs in a call (a getter, `reduce`) may call again. */
const kept = new Encoder()

/** Every view and ArrayBuffer of a value. */
function sourcesOf(value: unknown, options?: ReleaseOptions): Source[] {
  expectOptions(options)
  if (ArrayBuffer.isView(value)) return [value]
  const encoder = kept.isBusy ? new Encoder() : kept
  let sources: Source[] = []
  const bufferCallback = () => {
    if (sources.length === 0) sources = encoder.views.entries.map(({ source }) => source)
    // Falsy: out of band, so that nothing is copied.
    return false
  }
  encoder.encode(value, encodeSettings({ ...options, bufferCallback }))
  return sources
}
