/** The buffers that came with the packet: taken in order, each compared with what the metadata announced. */
import { crc32c } from '../bytes/crc32c.js'
import { isMemory, memoryBytes, windowBytes } from '../bytes/window.js'
import { decodeFailure, type ErrorCode, type ErrorFields, type OutbandError } from '../errors.js'
import type { PacketLike } from '../packet.js'

export type Memory = ArrayBufferView | ArrayBufferLike

const NONE: PacketLike['buffers'] = []
/** One that has ended, or thrown, and wants nothing more. */
const SPENT: Iterator<Memory> = { next: () => ({ value: undefined, done: true }) }

export class Buffers {
  #list = NONE
  #iterator: Iterator<Memory> | undefined
  #index = 0

  begin(buffers: PacketLike['buffers']): void {
    this.#list = buffers
    this.#iterator = undefined
    this.#index = 0
  }

  /** The next buffer, `undefined` past the last. An iterable is taken lazily; an array is not iterated, which costs more. */
  #next(): Memory | undefined {
    const list = this.#list
    if (Array.isArray(list)) return list[this.#index++] as Memory | undefined
    const { value, done } = this.#step(list)
    return done ? undefined : value
  }

  #step(list: PacketLike['buffers']): IteratorResult<Memory> {
    this.#index++
    try {
      this.#iterator ??= list[Symbol.iterator]()
      const result = this.#iterator.next()
      if (result.done) this.#iterator = SPENT
      return result
    } catch (cause) {
      this.#iterator = SPENT
      throw this.#failed('BUFFERS', 'could not be taken', { cause })
    }
  }

  /** The next buffer (borrow), of `byteLength` bytes. @throws BUFFERS */
  take(byteLength: number): Memory {
    const memory = this.#next()
    const got = bytesOf(memory)
    if (got !== byteLength) throw this.#misfit(memory, got, byteLength)
    return memory as Memory
  }

  /** The next buffer (borrow), whatever its size. @throws BUFFERS */
  takeAny(): Memory {
    const memory = this.#next()
    const got = bytesOf(memory)
    if (got < 0) throw this.#misfit(memory, got)
    return memory as Memory
  }

  #misfit(memory: Memory | undefined, got: number, requested?: number): OutbandError {
    const lacking = memory === undefined ? 'is missing' : 'is no memory, or lost it'
    const what = got < 0 ? lacking : 'has the wrong size'
    return requested === undefined
      ? this.#failed('BUFFERS', what)
      : this.#wrong(what, requested, Math.max(0, got))
  }

  /** Compares the buffer just taken with its CRC-32C. @throws CHECKSUM */
  check(bytes: Uint8Array, checksum: number): void {
    if (crc32c(bytes) === checksum) return
    throw this.#failed('CHECKSUM', 'is not what was sent')
  }

  /** The error for memory that the sender shared and that arrived as a copy. */
  unshared(): OutbandError {
    return this.#failed('BUFFERS', 'is a copy of shared memory')
  }

  end(): void {
    this.#list = NONE
    const iterator = this.#iterator
    this.#iterator = undefined
    try {
      // As a loop that is left does: whoever made it may have a file to close.
      iterator?.return?.()
    } catch {
      // There is an error to tell of already.
    }
  }

  /** @throws BUFFERS when there are more. */
  expectEnd(): void {
    const list = this.#list
    // A gap in the list is not its end.
    if (Array.isArray(list) ? this.#index < list.length : !this.#step(list).done) throw this.#oneTooMany(list)
  }

  #oneTooMany(list: PacketLike['buffers']): OutbandError {
    if (!Array.isArray(list)) return this.#wrong('is one too many', this.#index - 1, this.#index)
    return this.#wrong('is one too many', this.#index++, list.length)
  }

  #wrong(what: string, requested: number, available: number): OutbandError {
    return this.#failed('BUFFERS', what, { requested, available })
  }

  #failed(code: ErrorCode, what: string, fields?: ErrorFields): OutbandError {
    const buffer = this.#index - 1
    return decodeFailure(code, `buffer ${buffer} ${what}`, { buffer, ...fields })
  }
}

/** Takes buffers of a list with `take`, which must leave none. @throws BUFFERS */
export function takeAll<T>(list: PacketLike['buffers'], take: (buffers: Buffers) => T): T {
  const buffers = new Buffers()
  buffers.begin(list)
  try {
    const taken = take(buffers)
    buffers.expectEnd()
    return taken
  } finally {
    buffers.end()
  }
}

/** −1 for memory that is gone, and for what is no memory at all or only looks like it (a proxy). */
function bytesOf(memory: Memory | undefined): number {
  if (ArrayBuffer.isView(memory)) return windowBytes(memory)
  try {
    return isMemory(memory) ? memoryBytes(memory) : -1
  } catch {
    return -1
  }
}
