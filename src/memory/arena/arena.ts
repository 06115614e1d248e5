/**
 * An arena: arrays in memory that other processes map. The owner allocates them and writes; readers get handles, and see
 * the very bytes. How much there is was said at the beginning: an arena that is full makes its owner wait, it does not grow.
 */
import { randomBytes } from 'node:crypto'
import { arrayName } from '../../bytes/window.js'
import { dispose } from '../../dispose.js'
import { expectArgument, expectObject, expectOptions } from '../../errors.js'
import { Blocks, expectBlockBytes } from './blocks.js'
import { expectThere } from './lease.js'
import { ArenaLender } from './lender.js'
import type { WaitOptions } from './room.js'

export interface ArenaOptions {
  /** The quota, in bytes: address space at once, memory when blocks first use it. */
  byteLength: number
  /** Whether readers may write to its arrays, so that `isReadonly` is false for them. Default false; nothing enforces it. */
  writable?: boolean | undefined
  /** Leases that one reader may have at a time: blocks, counted for each packet. Default 16384; each takes 8 bytes. */
  leases?: number | undefined
  /** Seen in /proc/PID/maps, for people. */
  label?: string | undefined
}

/** What an arena holds at the moment. Sizes in bytes. */
export interface ArenaStats {
  /** Blocks that arrays of this process or leases hold, with their padding to 64 bytes. */
  readonly usedBytes: number
  readonly blocks: number
  /** Memory that was taken from the system so far. */
  readonly reservedBytes: number
  /** The longest block that there is room for. */
  readonly largestFree: number
  readonly readers: number
  readonly leases: number
}

/** The class of a typed array, or DataView. */
export interface ArrayType<View extends ArrayBufferView> {
  readonly BYTES_PER_ELEMENT?: number
  new (buffer: ArrayBuffer, byteOffset: number, length: number): View
}

const LEASES = 16_384
/** Ordinary buffers that are shorter cost less as part of the metadata than a lease does. */
const THRESHOLD = 4096

/** Arrays in shared memory, of one thread of one process, that lends them to readers. */
export class SharedArena {
  /** The quota. */
  readonly byteLength: number
  /** An option for `encode`: the arena's arrays go out of band, others from 4096 bytes on, as they do without it. */
  readonly bufferCallback = (buffer: Uint8Array): boolean =>
    buffer.byteLength < THRESHOLD && !this.owns(buffer)
  readonly #id = new Uint8Array(randomBytes(16))
  readonly #blocks: Blocks
  readonly #lenders = new Set<ArenaLender>()
  readonly #isReadonly: boolean
  readonly #leases: number

  private constructor(byteLength: number, writable: boolean, leases: number, label: string) {
    this.byteLength = byteLength
    this.#isReadonly = !writable
    this.#leases = leases
    const sweep = () => this.#sweep(false)
    this.#blocks = new Blocks(byteLength, this.#id, `outband-${label}`, sweep, () => this.sweep())
  }

  /**
   * Makes an arena. It has no name, and nothing is left of it once its owner and all readers are gone, however they end.
   * @throws SHM_NOSPACE, UNSUPPORTED without Linux or the package koffi, TypeError for an option of the wrong type
   */
  static create(options: ArenaOptions): SharedArena {
    expectObject(options, 'options')
    const { byteLength, writable = false, leases = LEASES, label = 'arena' } = options
    const isLength = Number.isSafeInteger(byteLength) && byteLength > 0 && byteLength <= 2 ** 36
    expectArgument(isLength, 'byteLength', 'a number of bytes from 1 to 2**36')
    expectArgument(typeof writable === 'boolean', 'writable', 'a boolean')
    const isCount = Number.isSafeInteger(leases) && leases > 0 && leases <= 2 ** 24
    expectArgument(isCount, 'leases', 'a number from 1 to 2**24')
    expectArgument(typeof label === 'string' && label.length <= 100, 'label', 'a short string')
    return new SharedArena(byteLength, writable, leases, label)
  }

  /**
   * An array of zeros in the arena (share), at a multiple of 64 bytes and with an ArrayBuffer to itself. It is given back
   * by `release`, or when no view of it is left, here and at all readers. With `zero: false` its contents are undefined.
   *
   * @throws SHM_NOSPACE when there is no room now (see `roomFor`), LIMIT when it is longer than the quota; CLOSED, TypeError
   */
  alloc<View extends ArrayBufferView>(
    Type: ArrayType<View>,
    length: number,
    options: { zero?: boolean | undefined } = {},
  ): View {
    expectOptions(options)
    const { zero = true } = options
    expectArgument(isViewType(Type), 'Type', 'the class of a typed array, or DataView')
    expectArgument(Number.isSafeInteger(length), 'length', 'a number of elements')
    const byteLength = length * (Type.BYTES_PER_ELEMENT ?? 1)
    expectBlockBytes(byteLength)
    if (byteLength === 0) return viewOn(Type, new ArrayBuffer(0), 0)
    const block = this.#blocks.take(byteLength, this.#isReadonly)
    return viewOn(Type, this.#blocks.windowOf(block, zero), length)
  }

  /** A copy of a view in the arena, of the same kind: made once, it can be sent to any number of readers. @throws as `alloc`; DETACHED */
  copy<View extends ArrayBufferView>(view: View): View {
    expectArgument(ArrayBuffer.isView(view), 'view', 'a typed array or a DataView')
    expectThere(view)
    const Type = typeOf(view)
    const copy = this.alloc(Type, view.byteLength / (Type.BYTES_PER_ELEMENT ?? 1), { zero: false })
    bytesOf(copy).set(bytesOf(view))
    return copy
  }

  /** Whether a view or ArrayBuffer lies in the arena, and was not released. */
  owns(source: ArrayBufferView | ArrayBufferLike): boolean {
    return this.#blocks.blockOf(source) !== undefined
  }

  /** Makes a place for one more reader, which attaches by its ticket. @throws SHM_NOSPACE, LIMIT, CLOSED */
  lender(): ArenaLender {
    this.#blocks.expectOpen()
    const lender = new ArenaLender(this.#blocks, this.#id, this.#leases, ended => this.#lenders.delete(ended))
    this.#lenders.add(lender)
    return lender
  }

  /** Whether there is room for this many bytes in one piece. */
  hasRoom(byteLength: number): boolean {
    expectBlockBytes(byteLength)
    return byteLength === 0 || this.#blocks.hasRoom(byteLength)
  }

  /**
   * Resolves when there is room for this many bytes in one piece; it does not reserve it.
   * @throws LIMIT when they never will, TIMEOUT, CLOSED, the signal's reason
   */
  async roomFor(byteLength: number, options: WaitOptions = {}): Promise<void> {
    expectBlockBytes(byteLength)
    await this.#blocks.roomFor(byteLength, options)
  }

  /** Collects leases that readers have ended, and those of dead readers. Happens by itself when room is needed. */
  sweep(): void {
    this.#sweep(true)
  }

  get stats(): ArenaStats {
    this.sweep()
    let leases = 0
    for (const lender of this.#lenders) leases += lender.leases
    return { ...this.#blocks.stats, readers: this.#lenders.size, leases }
  }

  /** @internal */
  get isClosed(): boolean {
    return this.#blocks.isClosed
  }

  /** Ends the arena: nothing more is allocated or lent. Existing arrays stay, here and at readers, as long as they are used. */
  close(): void {
    if (this.#blocks.isClosed) return
    this.#blocks.close()
    for (const lender of [...this.#lenders]) lender.end()
  }

  [dispose](): void {
    this.close()
  }

  #sweep(isThorough: boolean): void {
    for (const lender of this.#lenders) lender.sweep(isThorough)
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** The built-in class of a view, whatever class extends it. */
function typeOf<View extends ArrayBufferView>(view: View): ArrayType<View> {
  const name = Buffer.isBuffer(view) ? 'Buffer' : (arrayName(view) ?? 'DataView')
  return (globalThis as unknown as Record<string, ArrayType<View>>)[name]
}

/** By what is the same in every realm. */
function isViewType(Type: unknown): boolean {
  if (typeof Type !== 'function') return false
  const { BYTES_PER_ELEMENT, prototype } = Type as { BYTES_PER_ELEMENT?: unknown; prototype?: object }
  return (
    typeof BYTES_PER_ELEMENT === 'number' || Reflect.get(prototype ?? {}, Symbol.toStringTag) === 'DataView'
  )
}

function viewOn<View extends ArrayBufferView>(
  Type: ArrayType<View>,
  memory: ArrayBuffer,
  length: number,
): View {
  // Buffer is not to be called with `new` any more.
  if ((Type as unknown) === Buffer) return Buffer.from(memory, 0, length) as unknown as View
  return new Type(memory, 0, length)
}
