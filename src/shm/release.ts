/**
 * Ending leases by the value: every shared array in it is found as `encode` finds it. Nothing of it is copied.
 */
import { type EncodeOptions, encode } from '../codec.js'
import { dispose } from '../dispose.js'
import { endLease, type Lease, leasesOf, releaseSources, type Source } from '../memory/arena/lease.js'

/** What `encode` wants to know of the value: its custom types. */
export type ReleaseOptions = Pick<EncodeOptions, 'types' | 'limits'>

/** The leases of a value, for `using`. */
export interface ValueLease {
  /** Leases, one for each block. */
  readonly size: number
  /** Ends those that are not over. */
  [Symbol.dispose](): void
}

/**
 * Ends the leases of all shared arrays in a value: those that an arena lent to this process, and this process's own that were
 * allocated there. Other arrays in it are left alone. A view must not be used afterwards: reading one is safe, but shows whatever
 * comes to be there.
 *
 * @throws SHM_STALE when one of them was released before, or there is none; then nothing is released
 * @throws what `encode` throws for a value that cannot travel
 */
export function release(value: unknown, options?: ReleaseOptions): void {
  releaseSources(sourcesOf(value, options))
}

/** The same at the end of a block: `using lease = leaseOf(message)`. @throws as `release` */
export function leaseOf(value: unknown, options?: ReleaseOptions): ValueLease {
  const leases: Map<Lease, Source> = leasesOf(sourcesOf(value, options))
  return {
    size: leases.size,
    [dispose]() {
      for (const [lease, source] of leases) if (!lease.isOver) endLease(lease, source)
    },
  } as ValueLease
}

function sourcesOf(value: unknown, options?: ReleaseOptions): Source[] {
  if (ArrayBuffer.isView(value)) return [value]
  const sources: Source[] = []
  // Falsy: out of band, so that nothing is copied.
  encode(value, { ...options, bufferCallback: (_, source) => void sources.push(source as Source) })
  return sources
}
