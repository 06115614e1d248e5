/** What a channel has of memory that both ends see. */
import { annexOf } from '../carriers/shm/way.js'
import { carrierOf } from '../connection/channel.js'
import type { SharedArena } from '../memory/arena/arena.js'

/** The shared memory of one end of a channel. */
export interface ChannelMemory {
  /**
   * Resolves to true once all goes by memory; to false when it is known that it will not, because a side cannot, or when the
   * channel ends first. Never rejects.
   */
  readonly joined: Promise<boolean>
  /**
   * What this end sends from: arrays allocated here are sent without a copy. Made now if it does not exist.
   * @throws SHM_NOSPACE; UNSUPPORTED without Linux or the package koffi
   */
  readonly arena: SharedArena
}

/** The shared memory of a channel that may have some: of `forkChannel`, `connectParent`, `connectShared`, `serveShared`. */
export function memoryOf(channel: object): ChannelMemory | undefined {
  return annexOf(channel) ?? annexOf(carrierOf(channel) ?? channel)
}
