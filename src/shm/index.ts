/** The door of `outband/shm`: exports only. Node alone; needs koffi. */
export { type ArenaOptions, type ArenaStats, type ArrayType, SharedArena } from '../memory/arena/arena.js'
export type { ArenaLender, ArenaTicket } from '../memory/arena/lender.js'
export { ArenaReader, type ReaderOptions } from '../memory/arena/reader.js'
export type { WaitOptions } from '../memory/arena/room.js'
export { SharedMemoryManager } from '../memory/manager.js'
export { type CreateOptions, SharedMemory, type SharedMemoryHandle } from '../memory/shared-memory.js'
export { leaseOf, type ReleaseOptions, release, type ValueLease } from './release.js'
