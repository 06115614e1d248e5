/** The door of `outband/shm`: exports only. Node alone; needs koffi. */
export type { MemoryOption, SharingOptions } from '../carriers/shm/sharing.js'
export type { Channel } from '../channel.js'
export { type ArenaOptions, type ArenaStats, type ArrayType, SharedArena } from '../memory/arena/arena.js'
export type { ArenaLender, ArenaTicket } from '../memory/arena/lender.js'
export { ArenaReader, type ReaderOptions } from '../memory/arena/reader.js'
export type { WaitOptions } from '../memory/arena/room.js'
export { SharedMemoryManager } from '../memory/manager.js'
export { type CreateOptions, SharedMemory, type SharedMemoryHandle } from '../memory/shared-memory.js'
export {
  connectShared,
  type SharedConnectOptions,
  type SharedOptions,
  type SharedServeOptions,
  serveShared,
} from './connect.js'
export { type ChannelMemory, memoryOf } from './memory.js'
export { leaseOf, type ReleaseOptions, release, type ValueLease } from './release.js'
