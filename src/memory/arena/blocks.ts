/**
 * The blocks of an arena: one sealed segment of the quota's length, of which pages are reserved as blocks first reach them.
 *
 *      ┌─ 64 ─┬───────┬────────────┬─ ─ ─ ─┬─────┬─────────────┬─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─┐
 *      │ head │ block │ block      │ free  │ blk │ zeros, kept │ address space alone         │
 *      └──────┴───────┴────────────┴─ ─ ─ ─┴─────┴─────────────┴─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─┘
 *                                                reached        reserved                byteLength
 *
 * One thread of one process takes and gives. A block is free when nobody holds it: neither an array here nor a lease.
 */
import { closeSync } from 'node:fs'
import { expectArgument, OutbandError } from '../../errors.js'
import { Mapping } from '../mapping.js'
import { createMemoryFile } from '../memfd.js'
import { reserve } from '../posix.js'
import { ALIGNMENT, Allocator, type Run, roundUp } from './allocator.js'
import { MAX_BLOCK } from './handle.js'
import { hold, memoryOf, type Source } from './lease.js'
import { Room, remainingOf, type WaitOptions } from './room.js'
import { Windows } from './windows.js'

export const ARENA_MAGIC = 0x41424f01
/** Pages are reserved so many bytes at a time: a call for each block would be most of what a small one costs. */
const STEP = 2 ** 20
const NO_BYTES = new Uint8Array(0)

/** Bytes in the arena, and how many hold them: an array of this process, or leases. */
export class Block {
  holds = 1

  constructor(
    readonly run: Run,
    readonly byteLength: number,
    /** Whether readers are asked not to write to it. */
    readonly isReadonly: boolean,
  ) {}
}

export class Blocks {
  readonly byteLength: number
  readonly fd: number
  readonly room: Room
  readonly #mapping: Mapping
  readonly #windows: Windows
  readonly #allocator: Allocator
  readonly #blocks = new WeakMap<ArrayBufferLike, Block>()
  readonly #sweep: () => void
  #reserved = 0
  /** Where blocks have been; behind it all is zero. */
  #reached = ALIGNMENT
  /** The segment as far as it was copied to. */
  #bytes = NO_BYTES
  isClosed = false

  /** `sweep` ends the leases that are over, `reap` those of the dead as well. */
  constructor(byteLength: number, id: Uint8Array, label: string, sweep: () => void, reap: () => void) {
    this.byteLength = roundUp(byteLength) + ALIGNMENT
    this.fd = createMemoryFile(label, this.byteLength)
    try {
      this.#reserve(ALIGNMENT)
      this.#mapping = Mapping.open(this.fd, this.byteLength)
    } catch (error) {
      closeSync(this.fd)
      throw error
    }
    const head = this.#at(0, ALIGNMENT)
    head.set(id, 4)
    new DataView(head.buffer).setUint32(0, ARENA_MAGIC, true)
    this.#windows = new Windows(this.#mapping, true)
    this.#allocator = new Allocator(ALIGNMENT, this.byteLength)
    this.#sweep = sweep
    this.room = new Room(reap)
  }

  get stats(): { usedBytes: number; reservedBytes: number; blocks: number; largestFree: number } {
    const { usedBytes, usedRuns, largestFree } = this.#allocator
    return { usedBytes, reservedBytes: this.#reserved, blocks: usedRuns, largestFree }
  }

  /** The block that a source of this process's own lies on. */
  blockOf(source: Source): Block | undefined {
    return this.#blocks.get(memoryOf(source))
  }

  hasRoom(byteLength: number): boolean {
    this.#sweep()
    return this.#allocator.has(byteLength)
  }

  /** Resolves when so many bytes have room. @throws LIMIT, TIMEOUT, CLOSED, the signal's reason */
  async roomFor(byteLength: number, options: WaitOptions): Promise<void> {
    const remaining = remainingOf(options)
    for (;;) {
      this.expectOpen()
      if (byteLength === 0 || this.hasRoom(byteLength)) return
      if (byteLength > this.#allocator.byteLength) throw this.#full(byteLength)
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
    const run = this.#allocator.take(byteLength)
    if (run === undefined) throw this.#full(byteLength)
    try {
      this.#reserve(run.byteOffset + run.byteLength)
    } catch (error) {
      this.#allocator.give(run)
      throw error
    }
    return new Block(run, byteLength, isReadonly)
  }

  /** The window of a block that was just taken; its hold ends when no view of it is left, or it is released. */
  windowOf(block: Block, isCleared: boolean): ArrayBuffer {
    const { byteOffset } = block.run
    const window = this.#windows.take(byteOffset, block.byteLength)
    const dirty = Math.min(this.#reached - byteOffset, block.byteLength)
    if (isCleared && dirty > 0) new Uint8Array(window, 0, dirty).fill(0)
    this.#reach(block)
    this.#blocks.set(window, block)
    hold(window, released => {
      if (released !== undefined) this.#blocks.delete(released)
      this.#windows.give(byteOffset, released)
      this.drop(block)
    })
    return window
  }

  /** A block with a copy of the bytes, as many bytes behind its start as they are behind a multiple of eight. */
  place(bytes: Uint8Array): { block: Block; byteOffset: number } {
    const byteOffset = bytes.byteOffset & 7
    const block = this.take(byteOffset + bytes.length, false)
    this.#at(block.run.byteOffset, byteOffset).fill(0)
    this.#at(block.run.byteOffset + byteOffset, bytes.length).set(bytes)
    this.#reach(block)
    return { block, byteOffset }
  }

  /** Ends a hold. */
  drop(block: Block): void {
    block.holds--
    if (block.holds > 0) return
    this.#allocator.give(block.run)
    this.room.changed()
  }

  /** Takes nothing more. What is mapped stays, here and elsewhere, until no window of it is left. */
  close(): void {
    this.isClosed = true
    closeSync(this.fd)
    this.#windows.clear()
    this.#bytes = NO_BYTES
    this.#mapping.close()
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

  #reserve(end: number): void {
    if (end <= this.#reserved) return
    const next = Math.min(this.byteLength, Math.ceil(end / STEP) * STEP)
    reserve(this.fd, this.#reserved, next - this.#reserved)
    this.#reserved = next
  }

  #reach({ run }: Block): void {
    this.#reached = Math.max(this.#reached, run.byteOffset + run.byteLength)
  }

  /** Bytes of the segment. One window serves for nearly all, made anew as blocks are placed further out. */
  #at(byteOffset: number, byteLength: number): Uint8Array {
    const end = byteOffset + byteLength
    if (end > MAX_BLOCK) return new Uint8Array(this.#mapping.window(byteOffset, byteLength))
    if (end > this.#bytes.length) {
      const wanted = Math.max(end, 2 * this.#bytes.length, STEP)
      this.#bytes = new Uint8Array(this.#mapping.window(0, Math.min(wanted, this.byteLength, MAX_BLOCK)))
    }
    return this.#bytes.subarray(byteOffset, end)
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
