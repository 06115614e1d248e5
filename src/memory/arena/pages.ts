/**
 * The memory of an arena: one sealed segment. It has its whole length in address space at once, and pages as blocks first
 * reach them, for what has no room then is an error, and later a SIGBUS.
 */

import { Descriptor } from '../descriptor.js'
import { Mapping } from '../mapping.js'
import { createMemoryFile } from '../memfd.js'
import { reserve } from '../posix.js'

/** Pages are reserved so many bytes at a time: a call for each block would be most of what a small one costs. */
const STEP = 2 ** 20
/** Copies are made through windows of this length, since V8 counts a window as memory, whether it is used or not. */
const CHUNK = 2 ** 26

export class Pages {
  readonly byteLength: number
  readonly #descriptor: Descriptor
  readonly mapping: Mapping
  reservedBytes = 0
  /** Which steps are reserved. */
  readonly #steps: Uint8Array
  readonly #chunks = new Map<number, Uint8Array>()

  /** @throws SHM_NOSPACE, UNSUPPORTED, LIMIT */
  constructor(byteLength: number, label: string) {
    this.byteLength = byteLength
    this.#steps = new Uint8Array(Math.ceil(byteLength / STEP))
    this.#descriptor = new Descriptor(createMemoryFile(label, byteLength))
    try {
      this.mapping = Mapping.open(this.fd, byteLength)
    } catch (error) {
      this.#descriptor.close()
      throw error
    }
  }

  get fd(): number {
    return this.#descriptor.fd
  }

  /** Reserves what is not; true when all of it was fresh, so that it is zero. @throws SHM_NOSPACE */
  reserve(byteOffset: number, byteLength: number): boolean {
    let isFresh = true
    const last = Math.floor((byteOffset + byteLength - 1) / STEP)
    for (let step = Math.floor(byteOffset / STEP); step <= last; step++) {
      if (this.#steps[step] === 1) {
        isFresh = false
        continue
      }
      const bytes = Math.min(STEP, this.byteLength - step * STEP)
      reserve(this.fd, step * STEP, bytes)
      this.#steps[step] = 1
      this.reservedBytes += bytes
    }
    return isFresh
  }

  /** Copies bytes to a place that was reserved. */
  write(byteOffset: number, bytes: Uint8Array): void {
    let done = 0
    while (done < bytes.length) {
      const at = byteOffset + done
      const chunk = this.#chunk(Math.floor(at / CHUNK))
      const start = at % CHUNK
      const piece = bytes.subarray(done, done + chunk.length - start)
      chunk.set(piece, start)
      done += piece.length
    }
  }

  /** Gives no further windows; what is mapped stays until no window of it is left. */
  close(): void {
    this.#chunks.clear()
    this.mapping.close()
    this.#descriptor.close()
  }

  #chunk(index: number): Uint8Array {
    const known = this.#chunks.get(index)
    if (known !== undefined) return known
    const byteLength = Math.min(CHUNK, this.byteLength - index * CHUNK)
    const chunk = new Uint8Array(this.mapping.window(index * CHUNK, byteLength))
    this.#chunks.set(index, chunk)
    return chunk
  }
}
