/**
 * A ring of byte runs in memory that two sides see: one writes, one reads, neither waits. How whoever sleeps is woken
 * is not its business: the memory may be a SharedArrayBuffer of two threads, or a file that two processes map.
 *
 *      ┌──────┬──────┬────────┬─────────┬─ ─ ─┬──────────────────── capacity ─────────────────────────┐
 *      │ head │ tail │ asleep │ waiting │ own │ … free … │ length · mark · bytes, padded to 8 │ free … │
 *      └──────┴──────┴────────┴─────────┴─ ─ ─┴───────────────────────────────────────────────────────┘
 *      0      64     128      132       136   192
 *
 * Head and tail count bytes since the beginning, modulo 2**32; each has a cache line of its own. An entry never
 * wraps: where it would, a length of −1 says that the next one is at the start. The reader goes to sleep by saying so
 * and looking once more; whoever writes after that is told to wake it. So does a writer that waits for room. What the
 * two say is a number of theirs, such as how to wake them; the words that are left are the user's own. The peer may be wrong about any number here:
 * what the reader reads is checked, and copied before it is used.
 */
import { readText, writeText } from '../bytes/text.js'
import { OutbandError } from '../errors.js'

const HEAD = 0
const TAIL = 16
/** Control words, by index. */
export const ASLEEP = 32
const WAITING = 33
/** The first of the 14 control words that the ring leaves to its user. */
export const OWN = 34
const CONTROL_BYTES = 192
const ENTRY_BYTES = 8
const SKIP = -1
/** Bytes of a run that is written by words. */
const SHORT = 256
/** Bytes of the longest run that is lent. */
export const LENDABLE = 512
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
  /** Of the claim: where it is, and the tail behind it. */
  #claimed = 0
  #next = 0

  /** Bytes written and, as far as was last seen, not read. */
  get unread(): number {
    return (this.#tail - this.#head) | 0
  }

  /** Bytes written since the beginning, modulo 2**32. */
  get written(): number {
    return this.#tail
  }

  /**
   * Writes a run with a mark of 32 bits; false, with nothing written, when there is no room for it now. For a run of
   * which two would fit into the ring there is room once all is read; a longer one may never find any. Text is of one
   * unit a byte. A short run is copied faster by way of a view that begins with it. @throws RING_CORRUPT
   */
  write(run: Uint8Array | string, mark: number, view?: DataView): boolean {
    const { length } = run
    const at = this.claim(length)
    if (at < 0) return false
    if (typeof run === 'string') writeText(this.bytes, at, run, false)
    else if (view === undefined || length > SHORT || view.byteLength < SHORT) this.bytes.set(run, at)
    else this.#writeWords(view, length, at)
    this.commit(mark)
    return true
  }

  /** Four bytes at a time (6 ns for 44 bytes, where the call behind `set` takes 19), zeros behind the last. */
  #writeWords(view: DataView, length: number, at: number): void {
    const { words } = this
    let word = at >> 2
    let pos = 0
    for (; pos + 4 <= length; pos += 4) words[word++] = view.getInt32(pos, true)
    if (pos < length) words[word] = view.getInt32(pos, true) & ((1 << ((length - pos) << 3)) - 1)
  }

  /**
   * Makes room for a run: where in `bytes` its so many bytes are to be written, before `commit`, without which there is
   * no run; −1 when there is none now, as `write` has it. @throws RING_CORRUPT
   */
  claim(length: number): number {
    const size = (ENTRY_BYTES + length + 7) & -8
    const start = this.#tail & (this.capacity - 1)
    const rest = this.capacity - start
    const needed = size <= rest ? size : rest + size
    const room = this.capacity - needed
    if (this.unread > room && this.look() > room) return -1
    let at = start
    if (size > rest) {
      this.words[start >> 2] = SKIP
      at = 0
    }
    this.words[at >> 2] = length
    this.#claimed = at
    this.#next = (this.#tail + needed) | 0
    return at + ENTRY_BYTES
  }

  /** What was claimed and written is a run, and may be read. */
  commit(mark: number): void {
    this.words[(this.#claimed >> 2) + 1] = mark
    this.#tail = this.#next
    Atomics.store(this.control, TAIL, this.#tail)
  }

  /** What the reader said when it went to sleep, and it is to be woken by whoever asks: once for each sleep. Else 0. */
  mustWake(): number {
    return Atomics.load(this.control, ASLEEP) === 0 ? 0 : Atomics.exchange(this.control, ASLEEP, 0)
  }

  /** Says that this side waits for room, with a number other than 0; look once more before you sleep. */
  wait(how: number): void {
    Atomics.store(this.control, WAITING, how)
  }

  /** Bytes written and not read. @throws RING_CORRUPT */
  look(): number {
    const head = Atomics.load(this.control, HEAD)
    const unread = (this.#tail - head) | 0
    if (unread < 0 || unread > this.capacity || (unread & 7) !== 0) throw corrupt('a head', unread)
    this.#head = head
    return unread
  }
}

/** The end that reads. */
export class RingReader extends Ring {
  #head = Atomics.load(this.control, HEAD)
  #tail = this.#head
  #length = 0
  readonly #copy = new Int32Array(LENDABLE / 4)
  /** On what is lent. */
  readonly lent = new DataView(this.#copy.buffer)
  /** Views on the copy, by their length. */
  readonly #lent: (Uint8Array | undefined)[] = []

  /** The mark of the next run, if there is one. @throws RING_CORRUPT */
  get mark(): number | undefined {
    if (this.#head === this.#tail && this.#look() === 0) return undefined
    this.#skip()
    return this.words[(this.#at() >> 2) + 1]
  }

  /** Whether there is a next run, as far as was last seen. */
  get hasSeen(): boolean {
    return this.#head !== this.#tail
  }

  /** The next run as text of one unit a byte; there must be one. @throws RING_CORRUPT */
  text(): string {
    const start = this.begin()
    const text = readText(this.bytes, start, this.#length, false)
    this.pass()
    return text
  }

  /**
   * The run that was begun, of up to `LENDABLE` bytes, copied to where the one lent after it will be (borrow).
   * Four bytes at a time, to a view that was made before: half the time of `text` and its way back to bytes.
   */
  lend(): Uint8Array {
    const first = (this.#at() + ENTRY_BYTES) >> 2
    const { words } = this
    const copy = this.#copy
    const count = (this.#length + 3) >> 2
    for (let i = 0; i < count; i++) copy[i] = words[first + i]
    this.pass()
    this.#lent[this.#length] ??= new Uint8Array(copy.buffer, 0, this.#length)
    return this.#lent[this.#length] as Uint8Array
  }

  /** The next run (own); there must be one. @throws RING_CORRUPT */
  run(): Uint8Array {
    const start = this.begin()
    const run = new Uint8Array(this.#length)
    run.set(this.bytes.subarray(start, start + this.#length))
    this.pass()
    return run
  }

  /**
   * Where in `bytes` the next run begins, of `length` bytes, until `pass`; there must be one. The peer may go on writing
   * to it. @throws RING_CORRUPT
   */
  begin(): number {
    const length = this.words[this.#at() >> 2]
    const most = Math.min((this.#tail - this.#head) | 0, this.capacity - this.#at()) - ENTRY_BYTES
    if (!(length >= 0 && length <= most)) throw corrupt('a length', length)
    this.#length = length
    return this.#at() + ENTRY_BYTES
  }

  /** Bytes of the run that was begun. */
  get length(): number {
    return this.#length
  }

  /** Gives the room of the run that was begun back to the writer. */
  pass(): void {
    this.#head = (this.#head + ((ENTRY_BYTES + this.#length + 7) & -8)) | 0
    Atomics.store(this.control, HEAD, this.#head)
  }

  /** Goes to sleep, saying a number other than 0; false, and awake, when something was written meanwhile. @throws RING_CORRUPT */
  sleep(how = 1): boolean {
    this.doze(how)
    if (this.#look() === 0) return true
    this.wake()
    return false
  }

  /** Says that it sleeps, and does not look: for who waits for something else as well. */
  doze(how: number): void {
    Atomics.store(this.control, ASLEEP, how)
  }

  /** Is awake again, by itself. */
  wake(): void {
    Atomics.store(this.control, ASLEEP, 0)
  }

  /** What the writer said that waits for room, and is to be told of it by whoever asks: once. Else 0. */
  mustTell(): number {
    return Atomics.load(this.control, WAITING) === 0 ? 0 : Atomics.exchange(this.control, WAITING, 0)
  }

  #at(): number {
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
    if (this.words[this.#at() >> 2] !== SKIP) return
    this.#head = (this.#head + this.capacity - this.#at()) | 0
    if (this.#look() < ENTRY_BYTES) throw corrupt('a skip', (this.#tail - this.#head) | 0)
  }
}

function corrupt(what: string, requested: number): OutbandError {
  return new OutbandError('RING_CORRUPT', `ring: ${what} that cannot be; got ${requested}`, { requested })
}
