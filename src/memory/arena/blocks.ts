/**
 * The blocks of an arena, each at a multiple of 64 bytes.
 *
 *      ┌─ 64 ─┬───────┬───────┬─ ─ ─ ─┬───────┬─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─┬──────────────┐
 *      │ head │ short │ short │ free  │ short │ free, never reserved          │ long         │
 *      └──────┴───────┴───────┴─ ─ ─ ─┴───────┴─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─┴──────────────┘
 *
 * One thread of one process takes and gives. A block is free when nobody holds it: neither an array here nor a lease.
 */
import { expectArgument, OutbandError } from '../../errors.js'
import { markLendable } from '../../out-of-band.js'
import { ALIGNMENT, Allocator, type Run, roundUp } from './allocator.js'
import { MAX_BLOCK } from './handle.js'
import { hold, memoryOf, type Source } from './lease.js'
import { Pages } from './pages.js'
import { Room, remainingOf, type WaitOptions } from './room.js'
import { Windows } from './windows.js'

export const ARENA_MAGIC = 0x41424f01
/** What a copy that begins behind a multiple of eight has in front of it. */
const ZEROS = new Uint8Array(8)

/** Bytes in the arena, and how many hold them: an array of this process, or leases. */
export class Block {
  holds = 1

  constructor(
    readonly run: Run,
    readonly byteLength: number,
    /** Whether readers are asked not to write to it. */
    readonly isReadonly: boolean,
    /** Whether it is all zeros still. */
    readonly isFresh: boolean,
  ) {}
}

export class Blocks {
  readonly room: Room
  readonly pages: Pages
  readonly #windows: Windows
  readonly #allocator: Allocator
  readonly #blocks = new WeakMap<ArrayBufferLike, Block>()
  readonly #sweep: () => void
  readonly #reap: () => void
  isClosed = false

  /** `sweep` ends the leases that are over, `reap` those of the dead as well. */
  constructor(byteLength: number, id: Uint8Array, label: string, sweep: () => void, reap: () => void) {
    const end = ALIGNMENT + roundUp(byteLength)
    this.pages = new Pages(end, label)
    const head = new Uint8Array(ALIGNMENT)
    new DataView(head.buffer).setUint32(0, ARENA_MAGIC, true)
    head.set(id, 4)
    try {
      this.pages.reserve(0, ALIGNMENT)
      this.pages.write(0, head)
    } catch (error) {
      this.pages.close()
      throw error
    }
    this.#windows = new Windows(this.pages.mapping, true)
    this.#allocator = new Allocator(ALIGNMENT, end)
    this.#sweep = sweep
    this.#reap = reap
    this.room = new Room(reap)
  }

  get stats(): { usedBytes: number; reservedBytes: number; blocks: number; largestFree: number } {
    const { usedBytes, usedRuns, largestFree } = this.#allocator
    return { usedBytes, reservedBytes: this.pages.reservedBytes, blocks: usedRuns, largestFree }
  }

  /** The block that a source of this process's own lies on. */
  blockOf(source: Source): Block | undefined {
    return this.#blocks.get(memoryOf(source))
  }

  hasRoom(byteLength: number): boolean {
    this.#sweep()
    if (this.#allocator.has(byteLength)) return true
    this.#reap()
    return this.#allocator.has(byteLength)
  }

  /** Resolves when so many bytes have room. @throws LIMIT, TIMEOUT, CLOSED, the signal's reason */
  async roomFor(byteLength: number, options: WaitOptions): Promise<void> {
    const remaining = remainingOf(options)
    for (;;) {
      this.expectOpen()
      if (byteLength === 0 || this.hasRoom(byteLength)) return
      this.expectPossible(byteLength)
      await this.room.changes(remaining())
    }
  }

  /** @throws CLOSED */
  expectOpen(): void {
    if (this.isClosed) throw closed()
  }

  /** A block with one hold. @throws CLOSED, SHM_NOSPACE when it has no room now, LIMIT when it never will have */
  take(byteLength: number, isReadonly: boolean): Block {
    this.expectOpen()
    this.#sweep()
    let run = this.#allocator.take(byteLength)
    if (run === undefined) {
      this.#reap()
      run = this.#allocator.take(byteLength)
    }
    if (run === undefined) throw this.#full(byteLength)
    try {
      const isFresh = this.pages.reserve(run.byteOffset, run.byteLength)
      return new Block(run, byteLength, isReadonly, isFresh)
    } catch (error) {
      this.#allocator.give(run)
      throw error
    }
  }

  /** The window of a block that was just taken; its hold ends when no view of it is left, or it is released. */
  windowOf(block: Block, isCleared: boolean): ArrayBuffer {
    const { byteOffset } = block.run
    const window = this.#windowFor(block)
    if (isCleared && !block.isFresh) new Uint8Array(window).fill(0)
    this.#blocks.set(window, block)
    markLendable(window)
    hold(window, released => {
      if (released !== undefined) this.#blocks.delete(released)
      this.#windows.give(byteOffset, released)
      this.drop(block)
    })
    return window
  }

  #windowFor(block: Block): ArrayBuffer {
    try {
      return this.#windows.take(block.run.byteOffset, block.byteLength)
    } catch (error) {
      this.drop(block, false)
      throw error
    }
  }

  /** A block with a copy of the bytes, as many bytes behind its start as they are behind a multiple of eight. */
  place(bytes: Uint8Array): { block: Block; byteOffset: number } {
    const byteOffset = bytes.byteOffset & 7
    const block = this.take(byteOffset + bytes.length, false)
    try {
      if (byteOffset > 0) this.pages.write(block.run.byteOffset, ZEROS.subarray(0, byteOffset))
      this.pages.write(block.run.byteOffset + byteOffset, bytes)
    } catch (error) {
      this.drop(block, false)
      throw error
    }
    return { block, byteOffset }
  }

  /** Ends a hold. What is only taken back is no news: two who wait for room would go on waking each other. */
  drop(block: Block, isNews = true): void {
    block.holds--
    if (block.holds > 0) return
    this.#allocator.give(block.run)
    if (isNews) this.room.changed()
  }

  /** @throws LIMIT when blocks of so many bytes together never have room, however long one waits */
  expectPossible(byteLength: number): void {
    if (byteLength > this.#allocator.byteLength) throw this.#full(byteLength)
  }

  /** Takes nothing more. What is mapped stays, here and elsewhere, until no window of it is left. */
  close(): void {
    this.isClosed = true
    this.#windows.clear()
    this.pages.close()
    this.room.fail(closed())
  }

  #full(requested: number): OutbandError {
    const { byteLength } = this.#allocator
    const isHopeless = requested > byteLength
    const available = isHopeless ? byteLength : this.#allocator.largestFree
    const fields = { requested, available }
    if (isHopeless)
      return new OutbandError('LIMIT', `arena: quota; wanted ${requested}, got ${available}`, fields)
    return new OutbandError('SHM_NOSPACE', `arena: no room; wanted ${requested}, got ${available}`, fields)
  }
}

function closed(): OutbandError {
  return new OutbandError('CLOSED', 'arena: it is closed')
}

/** @throws TypeError for a length that no block can have */
export function expectBlockBytes(byteLength: number): void {
  const isLength = Number.isSafeInteger(byteLength) && byteLength >= 0 && byteLength <= MAX_BLOCK
  expectArgument(isLength, 'length', `that of at most ${MAX_BLOCK} bytes`)
}
