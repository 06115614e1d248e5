/** The door of `outband/shm`: exports only. Node alone; needs koffi. */
export { SharedMemoryManager } from '../memory/manager.js'
export { type CreateOptions, SharedMemory, type SharedMemoryHandle } from '../memory/shared-memory.js'
