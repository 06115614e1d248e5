/**
 * Windows that were released, to be used again: to make one costs the more the longer it is, for V8 counts it as memory of
 * its own and collects sooner (0.3 ms for 8 MiB, where a window that is there costs nothing).
 */
import type { Mapping } from '../mapping.js'

/** Windows that are kept; the one that waits longest goes first. */
const MOST = 64

export class Windows {
  /** By where they begin; the map keeps the order in which they came. */
  readonly #kept = new Map<number, ArrayBuffer>()
  readonly #mapping: Mapping
  #isReusing: boolean

  constructor(mapping: Mapping, isReusing: boolean) {
    this.#mapping = mapping
    this.#isReusing = isReusing
  }

  /** An ArrayBuffer on exactly these bytes, which nobody is known to use. */
  take(byteOffset: number, byteLength: number): ArrayBuffer {
    const kept = this.#kept.get(byteOffset)
    if (kept !== undefined) this.#kept.delete(byteOffset)
    return kept?.byteLength === byteLength ? kept : this.#mapping.window(byteOffset, byteLength)
  }

  give(byteOffset: number, window: ArrayBuffer | undefined): void {
    if (window === undefined || !this.#isReusing) return
    this.#kept.delete(byteOffset)
    this.#kept.set(byteOffset, window)
    if (this.#kept.size <= MOST) return
    const [first] = this.#kept.keys()
    this.#kept.delete(first as number)
  }

  /** Keeps none, now and from now on. */
  clear(): void {
    this.#isReusing = false
    this.#kept.clear()
  }
}
