/**
 * Packets as messages of a port, all begun by the brand of the sender:
 *
 *      text    brand · metadata, one unit a byte          a small packet without buffers
 *              brand                                      a bell: look into the ring
 *      list    [brand, metadata, buffers, hosts]          any packet
 *              [brand, number, number?]                   a note between carriers
 */
import { isTextCheap } from '../../bytes/text.js'
import { isBytes } from '../../bytes/window.js'
import { OutbandError } from '../../errors.js'
import type { Parcel } from '../../packet.js'

/** Metadata of up to so many bytes is small: it goes by the ring where there is one. */
export const SMALL = 8192
/** And as text, where that is cheap: below, a port clones a string faster than it moves memory. */
export const TEXT_BYTES = isTextCheap ? SMALL : -1

/** Notes. */
export const ASK = 0
export const ACK = 1
export const BYE = 2
export const ABORT = 3
/** An offer of a ring: its memory in place of a count. */
export const RING = 4

/** What a post turned out to be. */
export interface Reading {
  parcel(parcel: Parcel): void
  note(kind: number, count: number): void
  /** The peer offers a ring. */
  ring(memory: unknown): void
}

/** Whether a message of a port is a post of the sender with this brand. */
export function isBranded(message: unknown, brand: string): boolean {
  if (typeof message === 'string') return message.startsWith(brand)
  return Array.isArray(message) && message[0] === brand
}

/** Whether a branded post is a bell: a text without packets, posted to wake the reader of a ring. */
export function isBell(message: unknown, brand: string): boolean {
  return typeof message === 'string' && message.length === brand.length
}

/** Whether a branded post is an offer of a ring. */
export function isOffer(message: unknown): boolean {
  return (message as readonly unknown[])[1] === RING
}

/** Whether a branded post holds nothing but small packets. */
export function isSmall(message: unknown): boolean {
  if (typeof message === 'string') return true
  const [, meta, buffers] = message as readonly unknown[]
  return ArrayBuffer.isView(meta) && meta.byteLength <= SMALL && (buffers as unknown[])?.length === 0
}

/** Takes a branded post apart. @throws MALFORMED when it is none of ours after all. */
export function readPost(message: unknown, brand: string, reading: Reading): void {
  if (typeof message === 'string') return reading.parcel({ meta: message.slice(brand.length), buffers: [] })
  const [, second, third, fourth] = message as readonly unknown[]
  if (second === RING) return reading.ring(third)
  if (typeof second === 'number') return reading.note(second, Number(third))
  const isMeta = typeof second === 'string' || isBytes(second)
  if (!isMeta || !Array.isArray(third) || !third.every(isBytes) || !Array.isArray(fourth)) {
    throw new OutbandError('MALFORMED', 'port: a post that is no packet')
  }
  reading.parcel({ meta: second as Uint8Array | string, buffers: third, hosts: fourth })
}
