/**
 * A frame on its way into a file. A small one is a copy, so that its value is free at once and one write does; of a large
 * one the memory is borrowed, and looked at once more when it is written: its checksums were made before, and a file
 * that they do not fit is one that nobody can read.
 */
import { failure } from '../errors.js'
import { type PackOptions, pack, packBytes } from '../frame/index.js'
import { readLayout } from '../frame/unpack.js'
import { resolveLimits } from '../limits.js'
import type { Packet } from '../packet.js'

/** Bytes up to which a copy is faster than a vectored write; measured for `packBytes`. */
const SMALL = 131_072

export class Draft {
  /** For a vectored write, none of them empty. */
  readonly chunks: readonly Uint8Array[]
  readonly byteLength: number
  /** What is borrowed, if anything is. */
  readonly #packet: Packet | undefined
  readonly #options: PackOptions

  /** @throws DETACHED, LIMIT */
  constructor(packet: Packet, options: PackOptions) {
    const { meta, buffers } = packet
    const packetBytes = buffers.reduce((sum, buffer) => sum + buffer.length, meta.length)
    const isSmall = packetBytes <= SMALL
    this.chunks = isSmall ? [packBytes(packet, options)] : pack(packet, options)
    this.byteLength = this.chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    this.#packet = isSmall ? undefined : packet
    this.#options = options
  }

  /** @throws CHECKSUM, or DETACHED, when the memory is not what it was at first; without checksums DETACHED alone */
  expectUnchanged(): void {
    if (this.#packet === undefined) return
    const [head] = pack(this.#packet, this.#options)
    const checksums = this.#checksumsOf(head)
    const part = this.#checksumsOf(this.chunks[0])?.findIndex((checksum, i) => checksum !== checksums?.[i])
    if (part === undefined || part < 0) return
    const buffer = part - 1
    throw failure('file', 'CHECKSUM', `buffer ${buffer} changed while it was written`, { buffer })
  }

  #checksumsOf(head: Uint8Array): readonly number[] | undefined {
    return readLayout(head, resolveLimits(this.#options.limits)).checksums
  }
}
