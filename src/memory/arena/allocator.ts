/**
 * Who has which bytes of an arena: a two-level segregated fit (TLSF). Free runs hang in lists by size, sixteen to each
 * power of two, and two bitmaps say which lists have any; so to take and to give cost the same however many runs there are.
 * Among the runs of a list the best of the first few is taken. Short blocks come from the front of a run and long ones from its
 * end: where they lay among each other, a few short ones that stay would part all that is free.
 *
 *      run ─ run ─ run ─ run        in the order of their places; no two free ones touch
 *       │ taken     │ taken
 *       └ free ─────┴ free          in the lists of their sizes
 *
 * All of it is on this process's heap, nothing in the memory that it speaks of: no reader can spoil it.
 */

/** Every run begins at a multiple of this, and is one long: a cache line, and more than any typed array asks for. */
export const ALIGNMENT = 64

const LISTS_LOG2 = 4
const LISTS = 1 << LISTS_LOG2
/** Runs of a list that are looked at. */
const LOOKS = 64
/** From so many bytes on a block is long. */
const LONG = 65_536

/** Bytes between two places, taken or free. */
export class Run {
  isFree = false
  before: Run | undefined
  after: Run | undefined
  /** Neighbours in the list of its size, while free. */
  previous: Run | undefined
  next: Run | undefined

  constructor(
    readonly byteOffset: number,
    public byteLength: number,
  ) {}
}

export class Allocator {
  readonly byteLength: number
  usedBytes = 0
  usedRuns = 0
  readonly #heads: (Run | undefined)[] = []
  /** Which groups of sixteen lists have a run, and which lists of each. */
  #groups = 0
  readonly #lists = new Uint32Array(32)

  /** The bytes from `start` to `end`, both multiples of `ALIGNMENT`; less than 2**37 of them. */
  constructor(start: number, end: number) {
    this.byteLength = end - start
    this.#insert(new Run(start, this.byteLength))
  }

  /** Whether a run of so many bytes, above 0, is free. */
  has(byteLength: number): boolean {
    return this.#find(roundUp(byteLength)) !== undefined
  }

  /** Takes a run of at least so many bytes, above 0; `undefined` when there is none free. */
  take(byteLength: number): Run | undefined {
    const wanted = roundUp(byteLength)
    const run = this.#find(wanted)
    if (run === undefined) return undefined
    this.#remove(run)
    const rest = run.byteLength - wanted
    this.usedBytes += wanted
    this.usedRuns++
    if (rest === 0) return run
    const isLong = wanted >= LONG
    run.byteLength = isLong ? rest : wanted
    const tail = new Run(run.byteOffset + run.byteLength, isLong ? wanted : rest)
    link(tail, run.after)
    link(run, tail)
    this.#insert(isLong ? run : tail)
    return isLong ? tail : run
  }

  /** Gives a run back that was taken, once. */
  give(run: Run): void {
    this.usedBytes -= run.byteLength
    this.usedRuns--
    const { after } = run
    if (after?.isFree) this.#absorb(run, after)
    const { before } = run
    if (before?.isFree) {
      this.#remove(before)
      before.byteLength += run.byteLength
      link(before, run.after)
      this.#insert(before)
    } else this.#insert(run)
  }

  /** Bytes of the longest run that is free. */
  get largestFree(): number {
    if (this.#groups === 0) return 0
    const group = highest(this.#groups)
    let most = 0
    const first = this.#heads[group * LISTS + highest(this.#lists[group])]
    for (let run = first; run !== undefined; run = run.next) most = Math.max(most, run.byteLength)
    return most
  }

  /** In the list of the wanted length only some runs are long enough, in those above it all. */
  #find(wanted: number): Run | undefined {
    const units = wanted / ALIGNMENT
    const list = listOf(units)
    const log2 = 31 - Math.clz32(units)
    const sure = log2 < LISTS_LOG2 ? list : listOf(units + (1 << (log2 - LISTS_LOG2)) - 1)
    return (
      bestOf(this.#heads[list], wanted, LOOKS) ??
      bestOf(this.#headFrom(sure), wanted, LOOKS) ??
      bestOf(this.#heads[list], wanted, Number.POSITIVE_INFINITY)
    )
  }

  #headFrom(list: number): Run | undefined {
    let group = list >> LISTS_LOG2
    let lists = this.#lists[group] & (-1 << (list & (LISTS - 1)))
    if (lists === 0) {
      // A shift by 32 would be none.
      const groups = group === 31 ? 0 : this.#groups & (-1 << (group + 1))
      if (groups === 0) return undefined
      group = lowest(groups)
      lists = this.#lists[group]
    }
    return this.#heads[group * LISTS + lowest(lists)]
  }

  #insert(run: Run): void {
    const list = listOf(run.byteLength / ALIGNMENT)
    const head = this.#heads[list]
    run.isFree = true
    run.previous = undefined
    run.next = head
    if (head !== undefined) head.previous = run
    this.#heads[list] = run
    this.#lists[list >> LISTS_LOG2] |= 1 << (list & (LISTS - 1))
    this.#groups |= 1 << (list >> LISTS_LOG2)
  }

  #remove(run: Run): void {
    const { previous, next } = run
    run.isFree = false
    run.previous = run.next = undefined
    if (next !== undefined) next.previous = previous
    if (previous !== undefined) {
      previous.next = next
      return
    }
    const list = listOf(run.byteLength / ALIGNMENT)
    const group = list >> LISTS_LOG2
    this.#heads[list] = next
    if (next !== undefined) return
    this.#lists[group] &= ~(1 << (list & (LISTS - 1)))
    if (this.#lists[group] === 0) this.#groups &= ~(1 << group)
  }

  /** Makes a free run part of the taken one before it. */
  #absorb(run: Run, after: Run): void {
    this.#remove(after)
    run.byteLength += after.byteLength
    link(run, after.after)
  }
}

/** The bytes that a run of at least so many has. */
export function roundUp(byteLength: number): number {
  return Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT
}

/** The shortest run that is long enough, and of those the first in memory, among so many of a list. */
function bestOf(head: Run | undefined, wanted: number, looks: number): Run | undefined {
  let best: Run | undefined
  for (let run = head; run !== undefined && looks > 0; run = run.next, looks--) {
    if (run.byteLength < wanted) continue
    const isBetter =
      best === undefined ||
      run.byteLength < best.byteLength ||
      (run.byteLength === best.byteLength && run.byteOffset < best.byteOffset)
    if (isBetter) best = run
  }
  return best
}

function link(before: Run, after: Run | undefined): void {
  before.after = after
  if (after !== undefined) after.before = before
}

/** Up to sixteen units each length has a list of its own, then each sixteenth of a power of two. */
function listOf(units: number): number {
  const log2 = 31 - Math.clz32(units)
  if (log2 < LISTS_LOG2) return units
  return ((log2 - LISTS_LOG2 + 1) << LISTS_LOG2) | ((units >> (log2 - LISTS_LOG2)) & (LISTS - 1))
}

function highest(bits: number): number {
  return 31 - Math.clz32(bits)
}

function lowest(bits: number): number {
  return highest(bits & -bits)
}
