/**
 * Buffers that lie in mapped files: the peer maps them for itself. A file that was lent stays open until the connection
 * ends, since nobody says when the peer has opened it; so that this does not grow, buffers of further files are copied.
 */
import type { Descriptor } from '../../memory/descriptor.js'
import { writeFileHandle } from '../../memory/file-handle.js'
import { isOfFile, lentFileOf } from '../../memory/mapped-file.js'

/** Files lent by one connection, at most. */
const MOST = 64

export class FileLender {
  readonly #threshold: number
  readonly #held = new Set<Descriptor>()

  /** `threshold`: bytes from which it pays to map what may as well be copied. */
  constructor(threshold: number) {
    this.#threshold = threshold
  }

  /** The handles of those buffers that need not be sent, by their places. @throws SHM_STALE when a file was cut */
  handlesOf(buffers: readonly Uint8Array[]): Map<number, Uint8Array> {
    const handles = new Map<number, Uint8Array>()
    for (const [at, buffer] of buffers.entries()) {
      const handle = isOfFile(buffer.buffer) ? this.#handleOf(buffer) : undefined
      if (handle !== undefined) handles.set(at, handle)
    }
    return handles
  }

  #handleOf(buffer: Uint8Array): Uint8Array | undefined {
    const lent = buffer.length === 0 ? undefined : lentFileOf(buffer)
    if (lent === undefined) return undefined
    const { place, descriptor } = lent
    // What is shared is not copied, however short.
    if (place.access === 'private' && place.byteLength < this.#threshold) return undefined
    if (!this.#held.has(descriptor) && this.#held.size === MOST) return undefined
    this.#held.add(descriptor)
    return writeFileHandle(place)
  }

  /** Lends nothing more. */
  end(): void {
    this.#held.clear()
  }
}
