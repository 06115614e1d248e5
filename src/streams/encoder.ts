/** Values in, frames out. */
import { Codec } from '../codec.js'
import type { EncodeOptions } from '../encode/settings.js'
import { expectArgument, expectOptions } from '../errors.js'
import { Outbox } from './outbox.js'
import { Passage, type Stage } from './passage.js'

/** Options of a `PacketEncoderStream`; those of `encode` among them. Shared memory always travels as a copy. */
export interface PacketEncoderOptions extends Omit<EncodeOptions, 'checksum' | 'shared'> {
  /** Adds a CRC-32C of the head, of the metadata and of every buffer to each frame. */
  checksum?: boolean | undefined
  /**
   * `true`: every chunk is memory of its own, which its reader may keep, change or transfer; arrays are yours again when
   * `write` resolves. Default: large ones are lent.
   */
  copy?: boolean | undefined
  /**
   * Bytes of small values that may wait for a reader before `write` does; they leave together. 0: `write` resolves when
   * its value has been read. Default 65 536.
   */
  highWaterMark?: number | undefined
}

const HIGH_WATER_MARK = 65_536

class Packing implements Stage<unknown, Uint8Array<ArrayBuffer>> {
  readonly #codec: Codec
  readonly #outbox: Outbox
  readonly #highWaterMark: number

  constructor(options: PacketEncoderOptions) {
    expectOptions(options)
    const { checksum, copy = false, highWaterMark = HIGH_WATER_MARK, ...encode } = options
    expectArgument(checksum === undefined || typeof checksum === 'boolean', 'checksum', 'a boolean')
    expectArgument(typeof copy === 'boolean', 'copy', 'a boolean')
    const isBytes = typeof highWaterMark === 'number' && highWaterMark >= 0
    expectArgument(isBytes, 'highWaterMark', 'a number of bytes ≥ 0')
    this.#codec = new Codec({ ...encode, shared: 'copy' })
    this.#outbox = new Outbox(copy, { checksum, limits: encode.limits })
    this.#highWaterMark = highWaterMark
  }

  get isEmpty(): boolean {
    return this.#outbox.isEmpty
  }

  get hasRoom(): boolean {
    return !this.#outbox.isBorrowing && this.#outbox.bytes <= this.#highWaterMark
  }

  put(value: unknown): void {
    this.#outbox.push(this.#codec.encode(value))
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#outbox.take()
  }

  end(): void {}

  clear(): void {
    this.#outbox.clear()
  }
}

/**
 * Values in, bytes out: the frames of `outband/frame`, joined to chunks of up to 128 KiB. Like a TextEncoderStream, a
 * pair for `pipeThrough`.
 *
 * Memory: an array of 64 KiB or more, in a value of more than 128 KiB, is lent: chunks are windows on it (borrow, until
 * the stream has been read). `write` resolves when the reader has asked for what follows it; a loop or a pipe has used
 * it by then, but many readers keep chunks (tee, Response, Node's fetch and CompressionStream). All else is copied when
 * `write` comes to it. With `copy` arrays are too, before `write` resolves.
 *
 * The stream errors, after the values written before, with what `encode` throws for a value, with LIMIT, and with
 * DETACHED when memory vanished before it was read; with the reason when either side gives up.
 */
export class PacketEncoderStream<In = unknown> {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>
  readonly writable: WritableStream<In>

  /** @throws TypeError for an option of the wrong type */
  constructor(options: PacketEncoderOptions = {}) {
    const { readable, writable } = new Passage<In, Uint8Array<ArrayBuffer>>(new Packing(options))
    this.readable = readable
    this.writable = writable
  }
}
