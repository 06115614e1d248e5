/** What the sides of a connection may do with memory that both see: options, and the arena that is there unless one is given. */
import { expectArgument, expectBytes } from '../../errors.js'
import { SharedArena } from '../../memory/arena/arena.js'
import { LEAST_CAPACITY, MOST_CAPACITY } from '../../memory/conduit.js'

/** Options of sharing memory. Sizes in bytes. */
export interface SharingOptions {
  /**
   * The arena this side sends from: its arrays are shared, other long ones copied there once. Several channels can share
   * one. Default: one that all channels of the process share, made on demand.
   */
  readonly arena?: SharedArena | undefined
  /** Ordinary buffers from this length on are put there, while it has room. Default 32 768. */
  readonly threshold?: number | undefined
  /** Bytes that either side may write before the other reads them, a power of two. Default 1 MiB. */
  readonly pipeBytes?: number | undefined
}

/** `'private'`: none; `'shared'`: with the default options. */
export type MemoryOption = 'private' | 'shared' | SharingOptions

/** The options with their defaults. */
export interface Sharing {
  readonly arena: SharedArena | undefined
  readonly threshold: number
  readonly pipeBytes: number
}

const OWN_BYTES = 2 ** 28

/** Nothing, where memory is to be private. @throws TypeError */
export function sharingOf(memory: MemoryOption): Sharing | undefined {
  if (memory === 'private') return undefined
  const isOptions = memory === 'shared' || (typeof memory === 'object' && memory !== null)
  expectArgument(isOptions, 'memory', "'private', 'shared' or an object")
  const { arena, threshold = 32_768, pipeBytes = 2 ** 20 } = memory === 'shared' ? {} : memory
  expectArgument(arena === undefined || arena instanceof SharedArena, 'memory.arena', 'a SharedArena')
  expectBytes(threshold, 'memory.threshold')
  const isPower = Number.isInteger(pipeBytes) && Number.isInteger(Math.log2(pipeBytes))
  const isRight = isPower && pipeBytes >= LEAST_CAPACITY && pipeBytes <= MOST_CAPACITY
  expectArgument(isRight, 'memory.pipeBytes', `a power of two from ${LEAST_CAPACITY} to ${MOST_CAPACITY}`)
  return { arena, threshold, pipeBytes }
}

let own: SharedArena | undefined

/** The arena of the options, or this thread's own. @throws SHM_NOSPACE, UNSUPPORTED, LIMIT where it cannot be made */
export function arenaOf({ arena }: Pick<Sharing, 'arena'>): SharedArena {
  if (arena !== undefined) return arena
  // Whoever closed it closed it for the channels there were.
  if (own === undefined || own.isClosed)
    own = SharedArena.create({ byteLength: OWN_BYTES, label: 'channels' })
  return own
}
