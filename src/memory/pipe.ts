/**
 * A pipe of bytes in memory that two sides see: one writes, one reads, neither waits. Where nothing but bytes is wanted
 * it is simpler than a ring of runs (`ring.ts`): what is written in pieces may be read in others.
 *
 *      ┌──────┬──────┬────────┬─────────┬──────────── capacity ────────────┐
 *      │ head │ tail │ asleep │ waiting │ … free … │ bytes │ … free …      │
 *      └──────┴──────┴────────┴─────────┴──────────────────────────────────┘
 *      0      64     128      192       256
 *      reader writer reader   writer
 *
 * Head and tail count bytes since the beginning, modulo 2**32. The reader says that it sleeps, the writer that it waits for
 * room, each looking once more after that; whoever changes something then takes the word back and wakes the other, by a
 * way that is not the pipe's business. Each side keeps its own count on its heap and checks the other's: bytes are only
 * ever copied from or to within the capacity, whatever the peer writes there.
 */
import { OutbandError } from '../errors.js'

const HEAD = 0
const TAIL = 16
const ASLEEP = 32
const WAITING = 48
const CONTROL_BYTES = 256

/** Bytes that a pipe takes which holds up to `capacity` bytes, a power of two. */
export function pipeBytes(capacity: number): number {
  return CONTROL_BYTES + capacity
}

class Pipe {
  protected readonly control: Int32Array
  protected readonly bytes: Uint8Array
  readonly capacity: number

  /** Takes `pipeBytes(capacity)` bytes of the memory from `byteOffset` on, a multiple of 8 (share). All zeros are an empty pipe. */
  constructor(memory: ArrayBufferLike, byteOffset: number, capacity: number) {
    this.capacity = capacity
    this.control = new Int32Array(memory, byteOffset, CONTROL_BYTES / 4)
    this.bytes = new Uint8Array(memory, byteOffset + CONTROL_BYTES, capacity)
  }

  /** Says a word that the other side takes back. */
  protected raise(word: number): void {
    Atomics.store(this.control, word, 1)
  }

  protected lower(word: number): void {
    Atomics.store(this.control, word, 0)
  }

  /** Whether the other side has said the word: true once. */
  protected answer(word: number): boolean {
    return Atomics.load(this.control, word) !== 0 && Atomics.exchange(this.control, word, 0) !== 0
  }

  /** Bytes written and not read. @throws RING_CORRUPT when that cannot be */
  protected unread(tail: number, head: number, what: string): number {
    const unread = (tail - head) | 0
    if (unread >= 0 && unread <= this.capacity) return unread
    throw new OutbandError('RING_CORRUPT', `pipe: ${what} that cannot be; got ${unread} bytes`, {
      requested: unread,
      available: this.capacity,
    })
  }
}

/** The end that writes. */
export class PipeWriter extends Pipe {
  #tail = Atomics.load(this.control, TAIL)
  /** The reader's head when last looked at: it is looked at again only when there seems to be no room. */
  #head = Atomics.load(this.control, HEAD)

  /** Writes as many bytes of the chunk, from `start` on, as there is room for, and says how many. @throws RING_CORRUPT */
  write(chunk: Uint8Array, start: number): number {
    const wanted = chunk.length - start
    let room = this.capacity - ((this.#tail - this.#head) | 0)
    if (room < wanted) room = this.#look()
    const length = Math.min(wanted, room)
    if (length === 0) return 0
    const at = this.#tail & (this.capacity - 1)
    const first = Math.min(length, this.capacity - at)
    copy(this.bytes, at, chunk, start, first)
    if (first < length) copy(this.bytes, 0, chunk, start + first, length - first)
    this.#tail = (this.#tail + length) | 0
    Atomics.store(this.control, TAIL, this.#tail)
    return length
  }

  /** Whether the reader sleeps and must be woken by whoever asks: true once for each sleep. */
  mustWake(): boolean {
    return this.answer(ASLEEP)
  }

  /** Waits for room; false when there is some meanwhile. @throws RING_CORRUPT */
  wait(): boolean {
    this.raise(WAITING)
    if (this.#look() === 0) return true
    this.lower(WAITING)
    return false
  }

  #look(): number {
    const head = Atomics.load(this.control, HEAD)
    const unread = this.unread(this.#tail, head, 'a head')
    this.#head = head
    return this.capacity - unread
  }
}

/** The end that reads. */
export class PipeReader extends Pipe {
  #head = Atomics.load(this.control, HEAD)

  /** Bytes that are there. @throws RING_CORRUPT */
  get available(): number {
    return this.unread(Atomics.load(this.control, TAIL), this.#head, 'a tail')
  }

  /** Copies as many bytes to the target as are there and fit, and says how many. @throws RING_CORRUPT */
  read(target: Uint8Array): number {
    const length = Math.min(target.length, this.available)
    if (length === 0) return 0
    const at = this.#head & (this.capacity - 1)
    const first = Math.min(length, this.capacity - at)
    copy(target, 0, this.bytes, at, first)
    if (first < length) copy(target, first, this.bytes, 0, length - first)
    this.#head = (this.#head + length) | 0
    Atomics.store(this.control, HEAD, this.#head)
    return length
  }

  /** Whether the writer waits for the room that there is now, and must be woken by whoever asks: true once for each wait. */
  mustWake(): boolean {
    // Not for a few bytes: who is woken for each chunk that was read writes as little, each time.
    return this.available <= this.capacity / 2 && this.answer(WAITING)
  }

  /** Goes to sleep; false, and awake, when something was written meanwhile. @throws RING_CORRUPT */
  sleep(): boolean {
    this.raise(ASLEEP)
    if (this.available === 0) return true
    this.lower(ASLEEP)
    return false
  }
}

function copy(to: Uint8Array, at: number, from: Uint8Array, start: number, length: number): void {
  to.set(start === 0 && length === from.length ? from : from.subarray(start, start + length), at)
}
