/**
 * A ring of byte runs in memory that two sides see: one writes, one reads, neither waits. How whoever sleeps is woken
 * is not its business: the memory may be a SharedArrayBuffer of two threads, or a file that two processes map.
 *
 *      ┌──────┬──────┬────────┬─ ─ ─┬─────────────────────────── capacity ───────────────────────────┐
 *      │ head │ tail │ asleep │     │ … free … │ length · mark · bytes, padded to 8 │ … │ free …      │
 *      └──────┴──────┴────────┴─ ─ ─┴────────────────────────────────────────────────────────────────┘
 *      0      64     128           192
 *
 * Head and tail count bytes since the beginning, modulo 2**32; each has a cache line of its own. An entry never
 * wraps: where it would, a length of −1 says that the next one is at the start. The reader goes to sleep by saying so
 * and looking once more; whoever writes after that is told to wake it. The peer may be wrong about any number here:
 * what the reader reads is checked, and copied before it is used.
 */
import { readText, writeText } from '../bytes/text.js'
import { OutbandError } from '../errors.js'

const HEAD = 0
const TAIL = 16
const ASLEEP = 32
const CONTROL_BYTES = 192
const ENTRY_BYTES = 8
const SKIP = -1
/** Distances between head and tail are signed numbers of 32 bits. */
const MOST = 2 ** 30

/** Bytes that a ring takes which holds up to `capacity` bytes, a power of two, headers of 8 bytes a run included. */
export function ringBytes(capacity: number): number {
  return CONTROL_BYTES + capacity
}

/** The memory of a ring between threads that holds up to `capacity` bytes, a power of two. */
export function ringMemory(capacity: number): SharedArrayBuffer {
  return new SharedArrayBuffer(ringBytes(capacity))
}

class Ring {
  readonly control: Int32Array
  readonly bytes: Uint8Array
  readonly words: Int32Array
  readonly capacity: number

  /**
   * Takes `byteLength` bytes of the memory from `byteOffset` on, a multiple of 8; both sides the same. All zeros are an
   * empty ring. @throws RING_CORRUPT for memory that no ring fits in
   */
  constructor(memory: ArrayBufferLike, byteOffset = 0, byteLength = memory.byteLength - byteOffset) {
    const capacity = byteLength - CONTROL_BYTES
    const isInside = byteOffset >= 0 && byteOffset % 8 === 0 && byteOffset + byteLength <= memory.byteLength
    const isPower = capacity >= 64 && capacity <= MOST && (capacity & (capacity - 1)) === 0
    if (!isInside || !isPower) {
      const got = `${capacity} bytes at ${byteOffset} of ${memory.byteLength}`
      throw new OutbandError(
        'RING_CORRUPT',
        `ring: memory that holds none; wanted a power of two, got ${got}`,
      )
    }
    this.capacity = capacity
    this.control = new Int32Array(memory, byteOffset, CONTROL_BYTES / 4)
    this.bytes = new Uint8Array(memory, byteOffset + CONTROL_BYTES, capacity)
    this.words = new Int32Array(memory, byteOffset + CONTROL_BYTES, capacity / 4)
  }
}

/** The end that writes. */
export class RingWriter extends Ring {
  #tail = Atomics.load(this.control, TAIL)
  /** The reader's head when last looked at: room is asked for only when there seems to be none. */
  #head = Atomics.load(this.control, HEAD)

  /**
   * Writes a run with a mark of 32 bits; false, with nothing written, when there is no room for it now. For a run of
   * which two would fit into the ring there is room once all is read; a longer one may never find any. Text is of one unit a byte. @throws RING_CORRUPT
   */
  write(run: Uint8Array | string, mark: number): boolean {
    const { length } = run
    const size = (ENTRY_BYTES + length + 7) & -8
    const start = this.#tail & (this.capacity - 1)
    const rest = this.capacity - start
    const needed = size <= rest ? size : rest + size
    if (needed > this.#room() && needed > this.#look()) return false
    let at = start
    if (size > rest) {
      this.words[start >> 2] = SKIP
      at = 0
    }
    this.words[at >> 2] = length
    this.words[(at >> 2) + 1] = mark
    if (typeof run === 'string') writeText(this.bytes, at + ENTRY_BYTES, run, false)
    else this.bytes.set(run, at + ENTRY_BYTES)
    this.#tail = (this.#tail + needed) | 0
    Atomics.store(this.control, TAIL, this.#tail)
    return true
  }

  /** Whether the reader sleeps and must be woken by whoever asks: true once for each sleep. */
  mustWake(): boolean {
    return Atomics.load(this.control, ASLEEP) === 1 && Atomics.exchange(this.control, ASLEEP, 0) === 1
  }

  #room(): number {
    return this.capacity - ((this.#tail - this.#head) | 0)
  }

  #look(): number {
    const head = Atomics.load(this.control, HEAD)
    const unread = (this.#tail - head) | 0
    if (unread < 0 || unread > this.capacity || (unread & 7) !== 0) throw corrupt('a head', unread)
    this.#head = head
    return this.#room()
  }
}

/** The end that reads. */
export class RingReader extends Ring {
  #head = Atomics.load(this.control, HEAD)
  #tail = this.#head

  /** The mark of the next run, if there is one. @throws RING_CORRUPT */
  get mark(): number | undefined {
    if (this.#head === this.#tail && this.#look() === 0) return undefined
    this.#skip()
    return this.words[(this.#at >> 2) + 1]
  }

  /** The next run as text of one unit a byte; there must be one. @throws RING_CORRUPT */
  text(): string {
    const length = this.#length()
    const text = readText(this.bytes, this.#at + ENTRY_BYTES, length, false)
    this.#pass(length)
    return text
  }

  /** The next run (own); there must be one. @throws RING_CORRUPT */
  run(): Uint8Array {
    const length = this.#length()
    const start = this.#at + ENTRY_BYTES
    const run = new Uint8Array(length)
    run.set(this.bytes.subarray(start, start + length))
    this.#pass(length)
    return run
  }

  /** Goes to sleep; false, and awake, when something was written meanwhile. */
  sleep(): boolean {
    Atomics.store(this.control, ASLEEP, 1)
    if (this.#look() === 0) return true
    Atomics.store(this.control, ASLEEP, 0)
    return false
  }

  get #at(): number {
    return this.#head & (this.capacity - 1)
  }

  /** Bytes written and not read. */
  #look(): number {
    this.#tail = Atomics.load(this.control, TAIL)
    const waiting = (this.#tail - this.#head) | 0
    if (waiting < 0 || waiting > this.capacity || (waiting & 7) !== 0) throw corrupt('a tail', waiting)
    return waiting
  }

  #skip(): void {
    if (this.words[this.#at >> 2] !== SKIP) return
    this.#head = (this.#head + this.capacity - this.#at) | 0
    if (this.#look() < ENTRY_BYTES) throw corrupt('a skip', (this.#tail - this.#head) | 0)
  }

  #length(): number {
    const length = this.words[this.#at >> 2]
    const most = Math.min((this.#tail - this.#head) | 0, this.capacity - this.#at) - ENTRY_BYTES
    if (!(length >= 0 && length <= most)) throw corrupt('a length', length)
    return length
  }

  #pass(length: number): void {
    this.#head = (this.#head + ((ENTRY_BYTES + length + 7) & -8)) | 0
    Atomics.store(this.control, HEAD, this.#head)
  }
}

function corrupt(what: string, requested: number): OutbandError {
  return new OutbandError('RING_CORRUPT', `ring: ${what} that cannot be; got ${requested}`, { requested })
}
