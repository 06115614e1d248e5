/**
 * What a stream may have beside its frames: memory that both ends see. Some buffers of a packet then stay there, and what
 * travels in their places is as good as they are. `carriers/shm/` has one.
 */
import type { Packet } from '../../packet.js'

/** A packet, some buffers of which stay where they are or were put. Sizes in bytes. */
export interface Stowed {
  /** What is framed; the peer's `unstow` makes of it what was. */
  readonly packet: Packet
  /** Of buffers that lay there already, and of others, which were copied. */
  readonly shared: number
  readonly copied: number
}

export interface Annex {
  /** Begins; `say` tells the peer's annex a word of 53 bits, if it has one. */
  open(say: (word: number) => void): void
  /** A word of the peer, as soon as it is there. What this throws ends the carrier. */
  hear(word: number): void
  /** Whether the memory is such that both ends see it. */
  owns(memory: ArrayBufferLike): boolean
  /** Nothing, when all of the packet is to be framed as it is. @throws OutbandError, and then has stowed nothing */
  stow(packet: Packet): Stowed | undefined
  /** Takes `stow` back: the packet has not been sent. */
  recall(stowed: Stowed): void
  /** What the peer has stowed. @throws OutbandError, which ends the carrier */
  unstow(packet: Packet): Packet
  /** The carrier has ended, in whatever way. */
  ended(): void
}
