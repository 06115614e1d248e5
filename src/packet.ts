/**
 * A packet is a value taken apart: a small metadata stream and the byte runs it refers to by position.
 */
import { isBytes } from './bytes/window.js'
import { expectArgument, expectObject } from './errors.js'

/** A value taken apart; made by `encode`, taken by `decode`. */
export interface Packet {
  /** The metadata stream, as `spec/FORMAT.md` writes it. Owns its ArrayBuffer: safe to transfer. */
  readonly meta: Uint8Array<ArrayBuffer>
  /** Exact windows on the caller's memory (borrow), in the order in which decode wants them. */
  readonly buffers: readonly Uint8Array[]
}

/**
 * A packet on its way between threads. Up to some kilobytes of metadata are a string of one unit a byte where the
 * engine makes one cheaply: ports clone a short string in half the time of a short Uint8Array.
 */
export interface Parcel {
  readonly meta: Uint8Array | string
  /** Exact windows (borrow). */
  readonly buffers: readonly Uint8Array[]
  /**
   * On the same memory, from its first byte on, when the metadata lies where that of the next parcel will: it is to be
   * read, or copied, at once (borrow).
   */
  readonly lent?: DataView | undefined
  /** Objects that only the platform can move, which the metadata names by number. */
  readonly hosts?: readonly object[] | undefined
  /** Ports sent beside the value, for whoever looks at the event's. */
  readonly ports?: readonly object[] | undefined
}

/** In place of a number of bytes of text: metadata is never text. */
export const NO_TEXT = -1
/** Nor does it own its memory: it lies where it was written, until the next value is encoded (borrow). */
export const LENT = -2

/** What `decode` takes: a packet, or metadata with any iterable of memory, which is iterated lazily. */
export interface PacketLike {
  readonly meta: Uint8Array
  readonly buffers: Iterable<ArrayBufferView | ArrayBufferLike>
}

/** @throws TypeError for what is no packet */
export function expectPacket(packet: PacketLike): void {
  expectObject(packet, 'packet')
  expectArgument(isBytes(packet.meta), 'packet.meta', 'a Uint8Array')
  expectArgument(typeof packet.buffers?.[Symbol.iterator] === 'function', 'packet.buffers', 'an iterable')
}
