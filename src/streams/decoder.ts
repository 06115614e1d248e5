/** Frames in, values out: the mirror of `encoder.ts`. */
import { isGone, isMemory, isVolatile } from '../bytes/window.js'
import { Codec } from '../codec.js'
import type { DecodeOptions } from '../decode/settings.js'
import { expectArgument, expectOptions, failure, type OutbandError } from '../errors.js'
import { Deframer } from '../frame/index.js'
import { resolveLimits } from '../limits.js'
import type { Packet } from '../packet.js'
import { Passage, type Stage } from './passage.js'

/** What a stream of bytes delivers: a Uint8Array, any other view, or an ArrayBuffer. */
export type ByteChunk = ArrayBufferView | ArrayBufferLike

/** Options of a `PacketDecoderStream`. Limits default to `'untrusted'`, which single limits override. */
export interface PacketDecoderOptions extends DecodeOptions {
  /** Checksums are compared when a frame has them. `true`: a frame without them is refused. `false`: they are ignored. */
  checksum?: boolean | undefined
}

/** So much of a chunk is taken in before its values are read: a chunk can be a file. */
const PIECE = 65_536

class Unpacking<Out> implements Stage<ByteChunk, Out> {
  readonly #codec: Codec
  #deframer: Deframer | undefined
  /** The packets of the chunk behind the next one. */
  #packets: Iterator<Packet> | undefined
  #next: Packet | undefined
  /** What is behind the next one instead of a packet. */
  #failure: { readonly error: unknown } | undefined

  constructor(options: PacketDecoderOptions) {
    expectOptions(options)
    const { checksum, ...rest } = options
    const limits = resolveLimits(rest.limits, 'untrusted')
    this.#codec = new Codec({ ...rest, limits })
    this.#deframer = new Deframer({ checksum, limits })
  }

  get isEmpty(): boolean {
    return this.#next === undefined && this.#failure === undefined
  }

  get hasRoom(): boolean {
    return this.isEmpty
  }

  put(chunk: ByteChunk): void {
    this.#packets = packetsOf(this.#deframer as Deframer, bytesOf(chunk))
    this.#advance()
    if (this.#next !== undefined || this.#failure === undefined) return
    const { error } = this.#failure
    this.clear()
    throw error
  }

  take(): Out {
    if (this.#next === undefined) throw this.#failure?.error
    const value = this.#codec.decode<Out>(this.#next)
    this.#advance()
    return value
  }

  end(): void {
    this.#deframer?.end()
  }

  clear(): void {
    this.#deframer = undefined
    this.#packets = undefined
    this.#next = undefined
    this.#failure = undefined
  }

  #advance(): void {
    this.#next = undefined
    try {
      this.#next = this.#packets?.next().value
    } catch (error) {
      this.#failure = { error }
    }
    // The chunk goes with its last packet.
    if (this.#next === undefined) this.#packets = undefined
  }
}

/** The window of a chunk (borrow). @throws TypeError for what is none; DETACHED */
function bytesOf(chunk: ByteChunk): Uint8Array {
  const isView = ArrayBuffer.isView(chunk)
  expectArgument(isView || isMemory(chunk), 'chunk', 'a Uint8Array, another view or an ArrayBuffer')
  if (isGone(chunk)) throw gone()
  return isView ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength) : new Uint8Array(chunk)
}

function gone(): OutbandError {
  return failure('stream', 'DETACHED', 'a chunk lost its memory before it was read', {})
}

function* packetsOf(deframer: Deframer, chunk: Uint8Array): Generator<Packet, undefined> {
  const { length } = chunk
  const isCopied = isVolatile(chunk.buffer)
  for (let at = 0; at < length; at += PIECE) {
    if (chunk.byteLength !== length) throw gone()
    const piece = chunk.subarray(at, at + PIECE)
    // Nobody else must change what has been compared with its checksum.
    yield* deframer.push(isCopied ? piece.slice() : piece)
  }
}

/**
 * Bytes in, values out: reads the frames of `outband/frame`, in whatever chunks they come. Like a TextDecoderStream, a
 * pair for `pipeThrough`.
 *
 * Memory: what a value holds is the reader's own. A chunk is borrowed until its `write` resolves, which is when all
 * values that it completes have been read; a value is decoded when a reader asks for it.
 *
 * The stream errors, after the values that were complete before, with what a `Deframer` and `decode` throw; with TRUNCATED
 * when it ends inside a frame, TypeError for a chunk that is no memory and DETACHED for one that lost it; with the
 * reason when either side gives up. No value is ever partial.
 */
export class PacketDecoderStream<Out = unknown> {
  readonly readable: ReadableStream<Out>
  readonly writable: WritableStream<ByteChunk>

  /** @throws TypeError for an option of the wrong type */
  constructor(options: PacketDecoderOptions = {}) {
    const { readable, writable } = new Passage<ByteChunk, Out>(new Unpacking<Out>(options))
    this.readable = readable
    this.writable = writable
  }
}
