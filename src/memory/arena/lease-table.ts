/**
 * The leases of one reader: memory of their own that owner and reader share with nobody else, so that a reader can end or
 * keep nothing but what was lent to it.
 *
 *      ┌───────────────────┬───────────────────┬── lent: a word a lease ──┬── returned: a word a lease ──┐
 *      │ magic · arena · n │ presence · returns│ tag  tag  tag  …         │ tag   ·    tag  …            │
 *      └───────────────────┴───────────────────┴──────────────────────────┴──────────────────────────────┘
 *      0                   64                  128                        128 + 4 n
 *      owner writes        reader writes       owner writes               reader writes
 *
 * Each word has one writer, so nothing is ever taken back or raced for. To lend is to write a tag that this lease has not
 * had (its generation) and then to send it; the lease is over once the reader has written the same tag. What else a reader
 * writes there means nothing. The owner's own records are on its heap, and it reads only `returned` and the presence.
 * A new reader gets new memory: one given up for dead can write on to the old, and changes nothing.
 */
import { OutbandError } from '../../errors.js'

const MAGIC = 0x4c424f01
const ID_BYTES = 16
const COUNT = 5
const PRESENCE = 16
const RETURNS = 17
const LENT = 32
const HEAD_BYTES = LENT * 4

/** What the reader says of itself. */
export const ABSENT = 0
export const ATTACHED = 1
export const LEFT = 2

/** Bytes of the memory for so many leases at a time. */
export function leaseTableBytes(leases: number): number {
  return HEAD_BYTES + 8 * leases
}

/** The owner's end: `Item` is what it lends. */
export class LeaseLender<Item> {
  readonly #words: Int32Array
  readonly #lent: Int32Array
  readonly #returned: Int32Array
  /** What each lease is on; `undefined`: it is free. */
  readonly #items: (Item | undefined)[] = []
  /** The tag that each had last. A copy: the reader could write to those it sees. */
  readonly #tags: Int32Array
  readonly #free: number[] = []
  /** Leases that are not free, without gaps, and where each stands there. */
  readonly #active: number[] = []
  readonly #places: number[] = []
  #returns = 0
  #isEnded = false

  /** Begins on memory of zeros, `leaseTableBytes(leases)` of them (share). */
  constructor(
    memory: ArrayBufferLike,
    arena: Uint8Array,
    readonly leases: number,
  ) {
    this.#words = new Int32Array(memory, 0, LENT)
    this.#lent = new Int32Array(memory, HEAD_BYTES, leases)
    this.#returned = new Int32Array(memory, HEAD_BYTES + 4 * leases, leases)
    this.#tags = new Int32Array(leases)
    new Uint8Array(memory, 4, ID_BYTES).set(arena)
    this.#words[COUNT] = leases
    Atomics.store(this.#words, 0, MAGIC)
  }

  get presence(): number {
    return Atomics.load(this.#words, PRESENCE)
  }

  /** Leases that are not over, as far as the last sweep saw. */
  get active(): number {
    return this.#active.length
  }

  /** Lends an item; `undefined` when all leases are out, or after the end. Nothing may be sent before this has returned. */
  lend(item: Item): { lease: number; tag: number } | undefined {
    if (this.#isEnded) return undefined
    let lease = this.#free.pop()
    if (lease === undefined) {
      lease = this.#items.length
      if (lease === this.leases) return undefined
    }
    // 0 is what both words are before the first time.
    const tag = (this.#tags[lease] + 1) | 0 || 1
    this.#tags[lease] = tag
    this.#items[lease] = item
    this.#places[lease] = this.#active.push(lease) - 1
    Atomics.store(this.#lent, lease, tag)
    return { lease, tag }
  }

  /** Takes back what was lent with this tag and never sent; `undefined` when that is over. */
  recall(lease: number, tag: number): Item | undefined {
    if (this.#items[lease] === undefined || this.#tags[lease] !== tag) return undefined
    Atomics.store(this.#lent, lease, 0)
    return this.#over(lease)
  }

  #over(lease: number): Item {
    const item = this.#items[lease] as Item
    this.#items[lease] = undefined
    this.#free.push(lease)
    const last = this.#active.pop() as number
    if (last === lease) return item
    this.#active[this.#places[lease]] = last
    this.#places[last] = this.#places[lease]
    return item
  }

  /** The items whose leases the reader has ended. Costs one look when it says that it has ended none. */
  sweep(isThorough = false): Item[] {
    const returns = Atomics.load(this.#words, RETURNS)
    const items: Item[] = []
    if (returns === this.#returns && !isThorough) return items
    this.#returns = returns
    for (let i = this.#active.length - 1; i >= 0; i--) {
      const lease = this.#active[i]
      if (Atomics.load(this.#returned, lease) === this.#tags[lease]) items.push(this.#over(lease))
    }
    return items
  }

  /** Ends all leases: the reader is no more. */
  end(): Item[] {
    this.#isEnded = true
    return this.#active.slice().map(lease => this.#over(lease))
  }
}

/** The reader's end. Whatever the owner wrote, nothing outside the table is touched. */
export class LeaseHolder {
  readonly #words: Int32Array
  readonly #lent: Int32Array
  readonly #returned: Int32Array
  /** The tag with which each lease was last taken up here: a handle is good for once. */
  readonly #taken: Int32Array

  /** @throws SHM_STALE for memory that is not the table of this arena (share) */
  constructor(memory: ArrayBufferLike, arena: Uint8Array) {
    const isTable = memory.byteLength >= HEAD_BYTES
    const words = new Int32Array(memory, 0, isTable ? LENT : 0)
    const id = new Uint8Array(memory, 0, isTable ? HEAD_BYTES : 0).subarray(4, 4 + ID_BYTES)
    const leases = isTable ? words[COUNT] : 0
    const isOurs = isTable && Atomics.load(words, 0) === MAGIC && arena.every((byte, i) => byte === id[i])
    if (!isOurs || memory.byteLength !== leaseTableBytes(leases)) {
      throw new OutbandError('SHM_STALE', 'arena: the descriptor holds no leases of this arena')
    }
    this.#words = words
    this.#lent = new Int32Array(memory, HEAD_BYTES, leases)
    this.#returned = new Int32Array(memory, HEAD_BYTES + 4 * leases, leases)
    this.#taken = new Int32Array(leases)
  }

  /** Says that somebody is there, for once; the owner looks for its death from now on. @throws LOCKED when somebody was */
  attach(): void {
    if (Atomics.load(this.#words, PRESENCE) !== ABSENT) throw usedBefore()
    Atomics.store(this.#words, PRESENCE, ATTACHED)
  }

  /** Says that nobody will come back: the owner ends what is left. */
  leave(): void {
    Atomics.store(this.#words, PRESENCE, LEFT)
  }

  /** Takes up a lease. @throws SHM_STALE when it is none of ours, over, or was taken up before */
  take(lease: number, tag: number): void {
    const isOurs =
      lease < this.#lent.length &&
      Atomics.load(this.#lent, lease) === tag &&
      this.#taken[lease] !== tag &&
      Atomics.load(this.#returned, lease) !== tag
    if (!isOurs) throw new OutbandError('SHM_STALE', `arena: lease ${lease} is over, or was never given`)
    this.#taken[lease] = tag
  }

  /** Ends a lease that was taken up; for once, since a later tag would be overwritten by an earlier. */
  give(lease: number, tag: number): void {
    Atomics.store(this.#returned, lease, tag)
    Atomics.store(this.#words, RETURNS, (this.#words[RETURNS] + 1) | 0)
  }
}

/** The error for a table that another reader has, or had. */
export function usedBefore(): OutbandError {
  return new OutbandError('LOCKED', 'arena: the ticket was used before')
}
