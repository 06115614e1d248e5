/**
 * Frames on their way to whoever reads the bytes. Small ones are joined, large memory goes as it lies:
 *
 *      parts     [frame][frame][head][meta][ buffer of 64 KiB or more ............... ][0…][head][meta] …
 *      chunks    [ own: up to 128 KiB     ][ lent: up to 1 MiB ][ lent ][ lent ][ own: the rest … up to 128 KiB ]
 *
 * A lent chunk is a window on the caller's memory. The last chunk of a frame never is one, so that whoever has read the
 * frame has come back behind the last that was lent: memory that was gone by then is found out before the frame is whole.
 */
import { isShared, maxBytes } from '../bytes/window.js'
import { failure } from '../errors.js'
import { Fifo } from '../fifo.js'
import { type PackOptions, pack, packBytes } from '../frame/index.js'
import type { Packet } from '../packet.js'

/** Memory of so many bytes is lent: from here on a chunk of its own costs less than the copy (measured over HTTP). */
const LENT = 65_536
/** The most that is joined: up to here a copy costs less than the chunks that it saves. */
const JOINED = 131_072
/** The most that is lent at once: Chromium's CompressionStream stops the page for a chunk, 0.7 s for one of 32 MiB. */
const PIECE = 2 ** 20
/** Bytes of a frame that are kept back to be its last chunk; a frame that has no padding ends at a multiple of 8. */
const TAIL = 8
const OWN = -1

interface Part {
  readonly bytes: Uint8Array
  /** Bytes that there were at first. */
  readonly length: number
  /** The buffer whose window it is (borrow), or `OWN`. */
  readonly buffer: number
  /** Bytes of it that have been taken. */
  at: number
}

export class Outbox {
  readonly #options: PackOptions
  /** Whether nothing is lent. */
  readonly #copies: boolean
  readonly #parts = new Fifo<Part>()
  #bytes = 0
  /** Parts on memory of the caller's that have not been taken. */
  #borrowed = 0
  /** What the reader has of them, until it asks for more. */
  #lent: Part | undefined

  constructor(copies: boolean, options: PackOptions) {
    this.#copies = copies
    this.#options = options
  }

  /** Bytes that have not been taken. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether memory of the caller's is still needed. */
  get isBorrowing(): boolean {
    return this.#borrowed > 0 || this.#lent !== undefined
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0
  }

  /** Adds a packet: up to 128 KiB a copy of it, else its memory (borrow, until `isBorrowing` is false). @throws as `pack` does */
  push(packet: Packet): void {
    let size = packet.meta.length
    for (const { length } of packet.buffers) size += length
    if (size <= JOINED) this.#add(packBytes(packet, this.#options), OWN)
    else this.#pushLarge(packet)
  }

  #pushLarge(packet: Packet): void {
    const numbers = new Map(packet.buffers.map((bytes, buffer) => [bytes, buffer]))
    const chunks = pack(packet, this.#options)
    const last = chunks.pop() as Uint8Array
    for (const chunk of chunks) this.#add(chunk, numbers.get(chunk) ?? OWN)
    const buffer = numbers.get(last) ?? OWN
    if (buffer !== OWN) this.#add(last.subarray(0, -TAIL), buffer)
    this.#add(buffer === OWN ? last : last.slice(-TAIL), OWN)
  }

  #add(bytes: Uint8Array, buffer: number): void {
    if (bytes.length === 0) return
    this.#parts.push({ bytes, length: bytes.length, buffer, at: 0 })
    this.#bytes += bytes.length
    if (buffer !== OWN) this.#borrowed++
  }

  /**
   * The next chunk, which there must be: one of its own, or a window on borrowed memory until the next call.
   * @throws DETACHED when borrowed memory is gone: of its frame the end is never taken
   */
  take(): Uint8Array<ArrayBuffer> {
    if (this.#lent !== undefined) expectThere(this.#lent)
    this.#lent = undefined
    const first = this.#parts.peek() as Part
    const chunk = first.length - first.at >= LENT ? this.#piece(first) : this.#join()
    this.#bytes -= chunk.length
    return chunk
  }

  /** Lets everything go. */
  clear(): void {
    this.#parts.clear()
    this.#bytes = 0
    this.#borrowed = 0
    this.#lent = undefined
  }

  #piece(part: Part): Uint8Array<ArrayBuffer> {
    expectThere(part)
    const { bytes, buffer } = part
    if (isWhole(part) && part.length <= PIECE) {
      this.#drop()
      return bytes as Uint8Array<ArrayBuffer>
    }
    const piece = bytes.subarray(part.at, part.at + PIECE)
    part.at += piece.length
    if (part.at === part.length) this.#drop()
    if (this.#copies || buffer === OWN || !isLendable(bytes.buffer)) return piece.slice()
    this.#lent = { bytes: piece, length: piece.length, buffer, at: 0 }
    return piece as Uint8Array<ArrayBuffer>
  }

  #join(): Uint8Array<ArrayBuffer> {
    let size = 0
    let count = 0
    for (let part = this.#parts.peek(); part !== undefined; part = this.#parts.peek(++count)) {
      const rest = part.length - part.at
      if (count > 0 && (rest >= LENT || size + rest > JOINED)) break
      size += rest
    }
    const first = this.#parts.peek() as Part
    if (count === 1 && isWhole(first)) return this.#drop().bytes as Uint8Array<ArrayBuffer>
    const chunk = new Uint8Array(size)
    for (let pos = 0; pos < size; ) {
      const part = this.#drop()
      expectThere(part)
      chunk.set(part.at === 0 ? part.bytes : part.bytes.subarray(part.at), pos)
      pos += part.length - part.at
    }
    return chunk
  }

  #drop(): Part {
    const part = this.#parts.shift() as Part
    if (part.buffer !== OWN) this.#borrowed--
    return part
  }
}

/** Whether a part is ours as far as its ArrayBuffer reaches, so that its reader may have it. */
function isWhole({ bytes, length, buffer, at }: Part): boolean {
  return buffer === OWN && at === 0 && bytes.buffer.byteLength === length
}

/** Shared and resizable memory is refused by fetch, by CompressionStream and their like. */
function isLendable(memory: ArrayBufferLike): boolean {
  return !isShared(memory) && maxBytes(memory) < 0
}

function expectThere({ bytes, length, buffer }: Part): void {
  if (bytes.byteLength === length) return
  throw failure('stream', 'DETACHED', `buffer ${buffer} lost its memory before it was read`, { buffer })
}
