/**
 * Packets from a stream of frames, whatever chunks it comes in. Two ways in, which mix:
 *
 *      push(chunk)              copies from the chunk
 *      target() … filled(n)     reads to where the bytes stay: of a long part its own memory, else a staging buffer,
 *                               from which they are copied
 *
 * All limits are checked on the head of a frame (`header.ts`), memory is taken when its turn has come (`part.ts`), and
 * what arrives is the receiver's own (`assembly.ts`).
 */
import { isBytes, isGone } from '../bytes/window.js'
import { expectArgument, expectOptions, OutbandError } from '../errors.js'
import { resolveLimits } from '../limits.js'
import type { Packet } from '../packet.js'
import { Assembly } from './assembly.js'
import { unpackFailure } from './header.js'
import { type Item, isNote } from './note.js'
import type { Sink } from './part.js'
import { truncated, type UnpackOptions } from './unpack.js'

/** Bytes that are read at once where they do not go to their place. */
const STAGING = 65_536
/** Fewer than these are not worth a read of their own. */
const LEAST = 16_384
const NO_BYTES = new Uint8Array(0)

/** Options of a `Deframer`. */
export interface DeframerOptions extends UnpackOptions {
  /**
   * Where a buffer of 4096 bytes or more goes, asked when its turn has come: memory of exactly `byteLength` bytes, or a
   * function that takes the bytes piece by piece (borrow, until it returns), of which the packet then has an empty
   * buffer. `undefined`: fresh memory. What either function throws passes through, and ends the stream.
   */
  destination?: ((byteLength: number, buffer: number) => Uint8Array | Sink | undefined) | undefined
}

/** How much of a frame has come, in bytes; `total` is unknown until its head has come. */
export interface Progress {
  readonly received: number
  readonly total: number | undefined
}

/** Cuts a stream of frames into packets, whose memory is the receiver's (own). Notes are skipped. */
export class Deframer {
  readonly #assembly: Assembly
  readonly #takesNotes: boolean
  #staging = NO_BYTES
  /** What `target` gave, until it is filled. */
  #target: Uint8Array | undefined
  #failure: { readonly error: unknown } | undefined
  #isEnded = false

  /** @throws TypeError for an option of the wrong type */
  constructor(options?: DeframerOptions)
  /** @internal Gives notes too, each in its place: `push` and `filled` are of items then. */
  constructor(options: DeframerOptions, takesNotes: true)
  constructor(options: DeframerOptions = {}, takesNotes = false) {
    expectOptions(options)
    this.#takesNotes = takesNotes
    const { checksum, limits, destination } = options
    const isChoice = checksum === undefined || typeof checksum === 'boolean'
    expectArgument(isChoice, 'checksum', 'a boolean')
    const isCallable = destination === undefined || typeof destination === 'function'
    expectArgument(isCallable, 'destination', 'a function')
    this.#assembly = new Assembly({ checksum, destination, limits: resolveLimits(limits) })
  }

  /** Bytes until the part that is arriving is there; 0 after the end or an error. */
  get wanted(): number {
    return this.#failure === undefined ? this.#assembly.part.missing : 0
  }

  /** How much of the frame that has begun is there; `undefined` between frames. */
  get progress(): Progress | undefined {
    const { received, total } = this.#assembly
    return received === 0 ? undefined : { received, total }
  }

  /**
   * Takes the whole chunk (borrow, until it returns), and gives the packets that it completes. When an error follows
   * some packets, these are given and then it is thrown, so that chunking makes no difference. After
   * an error every call throws it again, and nothing is kept.
   * @throws MALFORMED, VERSION, LIMIT, CHECKSUM; DETACHED for a chunk whose memory is gone, and bytes with it; CLOSED after `end`
   */
  push(chunk: Uint8Array): Iterable<Packet> {
    expectArgument(isBytes(chunk), 'chunk', 'a Uint8Array')
    this.#expectAlive()
    this.#target = undefined
    if (chunk.byteLength === 0 && isGone(chunk))
      throw this.#die(unpackFailure('DETACHED', 'a chunk lost its memory'))
    return this.#run(chunk)
  }

  /**
   * Memory for the next bytes of the stream, `atLeast` so many (borrow, until the next call of `filled`, `push` or
   * `end`). Where a part still needs so many bytes, it is their final place. Its contents before are undefined.
   */
  target(atLeast = LEAST): Uint8Array {
    expectArgument(Number.isSafeInteger(atLeast) && atLeast > 0, 'atLeast', 'a number of bytes')
    this.#expectAlive()
    const target = this.#room(atLeast) ?? this.#stage(atLeast)
    this.#target = target
    return target
  }

  /** The packets that are complete now that `byteLength` bytes of the last `target` are filled. @throws as `push` does */
  filled(byteLength: number): Iterable<Packet> {
    this.#expectAlive()
    const target = this.#target
    expectArgument(target !== undefined, 'filled', 'a call of target before')
    const isInside = Number.isInteger(byteLength) && byteLength >= 0 && byteLength <= target.length
    expectArgument(isInside, 'filled', `up to ${target.length} bytes`)
    this.#target = undefined
    if (target === this.#staging) return this.#run(target.subarray(0, byteLength))
    this.#assembly.part.filled(byteLength)
    return this.#run(NO_BYTES)
  }

  /** Says that the stream has ended. @throws TRUNCATED inside a frame */
  end(): void {
    if (this.#isEnded) return
    this.#expectAlive()
    const { received, total, part } = this.#assembly
    if (received > 0) throw this.#die(truncated(total ?? received + part.missing, received))
    this.#isEnded = true
    this.#die(new OutbandError('CLOSED', 'unpack: the stream has ended'))
  }

  #expectAlive(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Lets everything go but the error. */
  #die(error: unknown): unknown {
    this.#failure = { error }
    this.#staging = NO_BYTES
    this.#target = undefined
    this.#assembly.begin()
    return error
  }

  #room(atLeast: number): Uint8Array | undefined {
    if (this.#assembly.isInHeader) return undefined
    try {
      return this.#assembly.part.room(atLeast)
    } catch (error) {
      throw this.#die(error)
    }
  }

  #stage(atLeast: number): Uint8Array {
    if (this.#staging.length < atLeast) this.#staging = new Uint8Array(Math.max(atLeast, STAGING))
    return this.#staging
  }

  #run(chunk: Uint8Array): Iterable<Packet> {
    const assembly = this.#assembly
    const items: Item[] = []
    const packets = items as Packet[]
    try {
      for (let pos = 0; ; ) {
        pos = assembly.take(chunk, pos)
        if (assembly.part.missing > 0) return packets
        const item = assembly.next()
        if (item !== undefined && (this.#takesNotes || !isNote(item))) items.push(item)
      }
    } catch (error) {
      this.#die(error)
      if (items.length === 0) throw error
      return thenThrow(packets, error)
    }
  }
}

/** What a loop over the packets of a chunk meets when the stream breaks behind them. */
function* thenThrow(packets: readonly Packet[], error: unknown): Generator<Packet> {
  yield* packets
  throw error
}
