/**
 * One part of a frame while it arrives: the zeros in front of it, then its bytes.
 *
 *      [ 0… padding ][ at →  ......................... length ]
 *                    [ memory .......... ] grows to length
 *
 * A length is a claim until the bytes are there: of a long part a 64th is allocated at first, of that a 64th if it is
 * still long, and the whole when so much has come. Who announces much and sends little makes us hold 64 KiB, or 64
 * times what was sent; the price is a copy of a 64th, and a peak 1.6 % above the part. A short part, and one whose
 * memory its user supplies, is never copied.
 */
import { crc32c } from '../bytes/crc32c.js'
import { allocateUncleared } from '../bytes/text.js'
import { isVolatile } from '../bytes/window.js'
import type { Measure } from '../limits.js'
import { checkPadding, unpackFailure } from './header.js'

/** A part up to this size is allocated when its first byte is there. */
const CREDIT = 65_536
const GROWTH = 64
/** Fewer bytes than these are copied faster by a loop than by the call behind `set`. */
const SHORT = 64
const NO_BYTES = new Uint8Array(0)

/** Takes the bytes of a buffer piece by piece, each borrowed until it returns. */
export type Sink = (bytes: Uint8Array) => void

export class Part {
  readonly length: number
  /** Bytes of the frame that it takes: padding and length. */
  readonly span: number
  /** Bytes that have come. */
  at = 0
  /** CRC-32C of these, where it was asked for. */
  checksum = 0
  /** Zeros that have yet to come. */
  #padding: number
  #memory: Uint8Array
  readonly #sink: Sink | undefined
  readonly #isSummed: boolean
  readonly #limit: Measure

  /**
   * `padding`: zeros in front. `destination`: memory of `length` bytes, or who takes them; by default fresh memory.
   * `limit`: the one that a part too large for the engine is said to pass.
   */
  constructor(
    length: number,
    padding: number,
    limit: Measure,
    isSummed = false,
    destination: Uint8Array | Sink = NO_BYTES,
  ) {
    this.length = length
    this.span = padding + length
    this.#padding = padding
    this.#sink = typeof destination === 'function' ? destination : undefined
    this.#memory = typeof destination === 'function' ? NO_BYTES : destination
    this.#isSummed = isSummed
    this.#limit = limit
  }

  /** Bytes of the frame until it is whole. */
  get missing(): number {
    return this.#padding + this.length - this.at
  }

  /** All of the part, when it is whole; nothing of one that went to a sink. */
  get bytes(): Uint8Array {
    // Empty memory is given away like any other, and may be detached then.
    return this.#memory === NO_BYTES ? new Uint8Array(0) : this.#memory
  }

  /** Takes from the chunk, from `pos` on, what belongs here; returns where the rest begins. `offset`: of `pos` in the frame. */
  take(chunk: Uint8Array, pos: number, offset: number): number {
    const zeros = Math.min(this.#padding, chunk.length - pos)
    if (zeros > 0) checkPadding(chunk, pos, pos + zeros, offset)
    this.#padding -= zeros
    const start = pos + zeros
    const end = start + Math.min(this.length - this.at, chunk.length - start)
    if (end > start) this.#store(chunk, start, end)
    return end
  }

  #store(chunk: Uint8Array, start: number, end: number): void {
    if (end - start < SHORT && this.#sink === undefined && !this.#isSummed) {
      this.#reserve(this.at + end - start)
      const memory = this.#memory
      for (let pos = start; pos < end; pos++) memory[this.at++] = chunk[pos]
      return
    }
    let bytes = chunk.subarray(start, end)
    if (this.#sink !== undefined) {
      // What is summed must be what is used, whoever else writes to the chunk.
      if (isVolatile(chunk.buffer)) bytes = bytes.slice()
      this.#sink(bytes)
    } else {
      this.#reserve(this.at + bytes.length)
      this.#memory.set(bytes, this.at)
      bytes = this.#memory.subarray(this.at, this.at + bytes.length)
    }
    this.#arrived(bytes)
  }

  #arrived(bytes: Uint8Array): void {
    this.at += bytes.length
    if (this.#isSummed) this.checksum = crc32c(bytes, this.checksum)
  }

  /** Memory for the next bytes, to read straight into: `atLeast` or more; none when there is no such memory here. */
  room(atLeast: number): Uint8Array | undefined {
    if (this.#padding > 0 || this.#sink !== undefined || this.length - this.at < atLeast) return undefined
    this.#reserve(this.at + atLeast)
    return this.#memory.subarray(this.at)
  }

  /** Says that so many bytes of `room` are there. */
  filled(byteLength: number): void {
    this.#arrived(this.#memory.subarray(this.at, this.at + byteLength))
  }

  /** Forgets what has come, to take as much again. */
  rewind(): void {
    this.at = 0
  }

  #reserve(byteLength: number): void {
    const { length } = this
    const memory = this.#memory
    if (byteLength <= memory.length) return
    let size = length
    while (size > CREDIT && Math.ceil(size / GROWTH) >= byteLength) size = Math.ceil(size / GROWTH)
    this.#memory = this.#allocate(size)
    if (this.at > 0) this.#memory.set(memory.subarray(0, this.at))
  }

  /** @throws LIMIT for more than the engine has in one piece (4 GiB on Node 20), or at all */
  #allocate(byteLength: number): Uint8Array {
    try {
      // Clearing a long one costs a fifth of receiving it; no packet is made before all of it is written over.
      return byteLength > CREDIT ? allocateUncleared(byteLength) : new Uint8Array(byteLength)
    } catch (cause) {
      const fields = { limit: this.#limit, requested: byteLength, cause }
      throw unpackFailure('LIMIT', `no memory for ${byteLength} bytes in one piece`, fields)
    }
  }
}
