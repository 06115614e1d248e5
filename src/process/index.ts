/** The door of `outband/process`: exports only. */
export type { Counts, Transfer } from '../carriers/carrier.js'
export type { Exit } from '../carriers/process/child.js'
export type { Over } from '../carriers/process/ends.js'
export type { ProcessOptions } from '../carriers/process/process.js'
export type { Channel } from '../channel.js'
export { ChildChannel } from './channel.js'
export { connectParent, type ParentOptions } from './parent.js'
export { type ForkOptions, forkChannel, type SpawnOptions, spawnChannel } from './spawn.js'
