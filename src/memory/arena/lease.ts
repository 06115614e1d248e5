/**
 * Who may use a window, and until when: the owner's arrays and what readers were lent alike. A lease ends once: when it is
 * released, or when the collector tells that no view of its window is left.
 */
import { isGone } from '../../bytes/window.js'
import { OutbandError } from '../../errors.js'

/** A view or an ArrayBuffer, as it stands in a value. */
export type Source = ArrayBufferView | ArrayBufferLike

/** Ends a lease; a window comes with it when it may be used again. */
type End = (window?: ArrayBuffer) => void

/** The right to use one window. */
export class Lease {
  #end: End | undefined

  constructor(end: End) {
    this.#end = end
  }

  get isOver(): boolean {
    return this.#end === undefined
  }

  /** Ends it; twice is once. */
  end(window?: ArrayBuffer): void {
    const end = this.#end
    this.#end = undefined
    if (end === undefined) return
    collected.unregister(this)
    end(window)
  }
}

const leases = new WeakMap<ArrayBufferLike, Lease>()
/** What was released, by the views that stood in the value: a window that is used again has another lease by then. */
const spent = new WeakSet<Source>()
const collected = new FinalizationRegistry<Lease>(lease => lease.end())

/** Begins a lease of a window, which `end` must not keep reachable. */
export function hold(window: ArrayBuffer, end: End): Lease {
  const lease = new Lease(end)
  leases.set(window, lease)
  collected.register(window, lease, lease)
  return lease
}

/** The lease of the memory that a source lies on, if it is leased memory. */
function leaseOn(source: Source): Lease | undefined {
  return leases.get(memoryOf(source))
}

/** The memory that a source lies on. */
export function memoryOf(source: Source): ArrayBufferLike {
  return ArrayBuffer.isView(source) ? source.buffer : source
}

/** @throws SHM_STALE when the lease of the source's memory is over */
function expectLeased(source: Source, stage: 'arena' | 'release'): void {
  if (!spent.has(source) && !leaseOn(source)?.isOver) return
  throw new OutbandError('SHM_STALE', `${stage}: an array that was released`)
}

/** @throws DETACHED when the view lost its memory, SHM_STALE when its lease is over */
export function expectThere(view: ArrayBufferView): void {
  if (isGone(view)) throw new OutbandError('DETACHED', 'arena: an array lost its memory')
  expectLeased(view, 'arena')
}

/**
 * The leases of all sources that lie on leased memory, each with its sources.
 * @throws SHM_STALE when one is over
 */
export function leasesOf(sources: Iterable<Source>): Map<Lease, Source[]> {
  const found = new Map<Lease, Source[]>()
  for (const source of sources) {
    expectLeased(source, 'release')
    const lease = leaseOn(source)
    if (lease === undefined) continue
    const others = found.get(lease)
    if (others === undefined) found.set(lease, [source])
    else others.push(source)
  }
  return found
}

/**
 * Ends a lease that was found. Its window may be used again, unless the ArrayBuffer itself stood in the value: that cannot
 * be told from what it is later.
 */
export function endLease(lease: Lease, sources: readonly Source[]): void {
  let window: ArrayBuffer | undefined
  for (const source of sources) {
    if (!ArrayBuffer.isView(source)) return lease.end()
    spent.add(source)
    window = source.buffer as ArrayBuffer
  }
  lease.end(window)
}
