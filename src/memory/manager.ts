/** Segments that go together, after Python's `SharedMemoryManager`; but no process of its own is needed for it. */
import { dispose } from '../dispose.js'
import { expectArgument, OutbandError } from '../errors.js'
import { type CreateOptions, SharedMemory } from './shared-memory.js'

/**
 * Makes segments, and closes and unlinks all of them at once: `using manager = new SharedMemoryManager()`. Segments
 * unlinked meanwhile, here or elsewhere, are no error.
 */
export class SharedMemoryManager {
  readonly #segments = new Set<SharedMemory>()
  #isShutDown = false

  /** As `SharedMemory.create`; a number is its size. @throws CLOSED after `shutdown`, and what that throws */
  create(options: CreateOptions | number): SharedMemory {
    if (this.#isShutDown) throw new OutbandError('CLOSED', 'memory: the manager is shut down')
    const isKnown = typeof options === 'number' || (typeof options === 'object' && options !== null)
    expectArgument(isKnown, 'options', 'a size or options')
    const segment = SharedMemory.create(typeof options === 'number' ? { size: options } : options)
    this.#segments.add(segment)
    return segment
  }

  /** Closes and unlinks all that was made; no more can be made. Views stay valid, as after `close`. Idempotent. */
  shutdown(): void {
    this.#isShutDown = true
    const failures: unknown[] = []
    for (const segment of this.#segments) {
      try {
        segment[dispose]()
      } catch (error) {
        failures.push(error)
      }
    }
    this.#segments.clear()
    // After all the others: one that cannot be unlinked keeps none of them.
    if (failures.length > 0) throw failures[0]
  }

  [dispose](): void {
    this.shutdown()
  }
}
