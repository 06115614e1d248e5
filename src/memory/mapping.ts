/**
 * Memory that a descriptor maps, and the ArrayBuffers on it. Such an ArrayBuffer cannot be detached, and reading one whose
 * memory was unmapped kills the process; so a mapping lives until it is closed AND the collector has told that no window
 * of it is reachable any more. Finalizers run between tasks, never under running code.
 *
 * What V8 makes of such a window: `Atomics` work on it, but `Atomics.wait` asks for a SharedArrayBuffer;
 * `structuredClone` and `postMessage` copy it, and so does a transfer on Node 20 (it does not detach; later versions throw).
 * A thread maps what another has mapped by opening the descriptor once more. What a terminated worker had mapped stays mapped
 * until the process ends: its finalizers do not run. To terminate it while koffi is loaded, binds a function or makes a
 * window aborts the process: what fails then cannot be thrown, and koffi takes that for fatal. Other calls are safe.
 */
import { fstatSync } from 'node:fs'
import { markMapped } from '../bytes/window.js'
import { expectArgument, OutbandError } from '../errors.js'
import { isUntouched } from './pagemap.js'
import { type Access, attempt, type MappedRun, map, unmap, viewOf } from './posix.js'

/** What finalizers share with a mapping; knows neither it nor a window of it. */
interface Hold {
  readonly run: MappedRun
  /** Windows that the collector has not told of. */
  windows: number
  isClosed: boolean
}

export interface MappingOptions {
  /**
   * `'shared'` (the default): all who map it see each other's writes; the descriptor is open for both. `'private'`: a
   * page is copied when it is first written, and nobody else sees that. `'readonly'`: a write kills the
   * process (SIGSEGV), for JavaScript cannot be stopped from writing: only for memory that no foreign code sees.
   */
  access?: Access
  /** Where the mapping begins in the file, in bytes; any number, not a multiple of anything. */
  byteOffset?: number
  /** Whether all pages are there at once, so that the first use is as fast as the next; reserve them before. Default false. */
  populate?: boolean
}

const places = new WeakMap<ArrayBufferLike, { mapping: Mapping; byteOffset: number }>()

function release(hold: Hold): void {
  if (hold.isClosed && hold.windows === 0) unmap(hold.run)
}

const collectedWindows = new FinalizationRegistry<Hold>(hold => {
  hold.windows--
  release(hold)
})

/** Of mappings that nobody closed. A window keeps its mapping reachable (by `places`), so none is left then. */
const collectedMappings = new FinalizationRegistry<Hold>(hold => {
  hold.isClosed = true
  release(hold)
})

/** Memory that a descriptor maps; lives until it is closed, or collected, and no window of it is reachable any more. */
export class Mapping {
  readonly byteLength: number
  readonly access: Access
  readonly #hold: Hold

  private constructor(run: MappedRun, byteLength: number, access: Access) {
    this.byteLength = byteLength
    this.access = access
    this.#hold = { run, windows: 0, isClosed: false }
    collectedMappings.register(this, this.#hold, this)
  }

  /**
   * Maps `byteLength` bytes of a file; the descriptor stays the caller's, who can close it at once. They must be there now,
   * and stay: when somebody cuts the file shorter, touching what is gone is a SIGBUS. Sealed segments cannot be cut.
   *
   * @throws SHM_STALE when the file is shorter, SHM_PERM when the descriptor does not allow it, SHM_NOSPACE when there
   * is no room in the address space, UNSUPPORTED
   */
  static open(fd: number, byteLength: number, options: MappingOptions = {}): Mapping {
    const { access = 'shared', byteOffset = 0, populate = false } = options
    expectArgument(
      Number.isSafeInteger(byteLength) && byteLength > 0,
      'byteLength',
      'a number of bytes above 0',
    )
    expectArgument(Number.isSafeInteger(byteOffset) && byteOffset >= 0, 'byteOffset', 'a number of bytes')
    const { size } = attempt('a descriptor', () => fstatSync(fd))
    if (byteOffset + byteLength > size) {
      const fields = { requested: byteOffset + byteLength, available: size }
      throw new OutbandError(
        'SHM_STALE',
        `memory: file ends; wanted ${fields.requested}, got ${size}`,
        fields,
      )
    }
    return new Mapping(map(fd, byteOffset, byteLength, access, populate), byteLength, access)
  }

  get isClosed(): boolean {
    return this.#hold.isClosed
  }

  /**
   * A fresh ArrayBuffer on `byteLength` bytes from `byteOffset` (share): as many as wanted, overlapping or not. The mapping
   * lives at least as long as it. What a window costs grows with its length: see `viewOf`.
   *
   * @throws CLOSED after `close`, UNSUPPORTED when the engine has no such ArrayBuffers
   */
  window(byteOffset: number, byteLength: number): ArrayBuffer {
    const isInside = byteOffset >= 0 && byteLength >= 0 && byteOffset + byteLength <= this.byteLength
    const isWhole = Number.isSafeInteger(byteOffset) && Number.isSafeInteger(byteLength)
    expectArgument(isInside && isWhole, 'window', `bytes within the ${this.byteLength} of the mapping`)
    const hold = this.#hold
    if (hold.isClosed) throw new OutbandError('CLOSED', 'memory: the mapping is closed')
    const memory = viewOf(hold.run.address + BigInt(byteOffset), byteLength)
    markMapped(memory)
    collectedWindows.register(memory, hold)
    hold.windows++
    places.set(memory, { mapping: this, byteOffset })
    return memory
  }

  /**
   * Whether the bytes are still those of the file: false where a page of a private mapping was written, and where the system
   * does not tell. True for any other mapping.
   */
  isAsMapped(byteOffset: number, byteLength: number): boolean {
    if (this.access !== 'private') return true
    return isUntouched(this.#hold.run.address + BigInt(byteOffset), byteLength)
  }

  /** Gives no further windows; unmaps now, or when the last window is collected. Twice is once. */
  close(): void {
    const hold = this.#hold
    if (hold.isClosed) return
    hold.isClosed = true
    collectedMappings.unregister(this)
    release(hold)
  }
}

/** Where `memory` lies when it is a window of a mapping. */
export function placeOf(memory: ArrayBufferLike): { mapping: Mapping; byteOffset: number } | undefined {
  return places.get(memory)
}
