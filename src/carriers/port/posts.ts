/**
 * Packets as messages of a port. Two forms, both begun by the brand of the sender:
 *
 *      text    brand · { length (3 units) · metadata, one unit a byte } …       packets without buffers
 *      list    [brand, metadata, buffers, hosts]                                 one packet
 *              [brand, number, number?]                                          a note between carriers
 *
 * Several small packets share a text: a post costs as much as encoding one.
 */
import { isTextCheap } from '../../bytes/text.js'
import { OutbandError } from '../../errors.js'
import type { Parcel } from '../../packet.js'

/** Units in front of each packet of a text: its length, low first. */
const LENGTH_UNITS = 3
/** Metadata of up to so many bytes travels as text: below, a port clones a string faster than it moves memory. */
export const TEXT_BYTES = isTextCheap ? 8192 : -1

/** Notes. */
export const ASK = 0
export const ACK = 1
export const BYE = 2
export const ABORT = 3

/** What a post turned out to be. */
export interface Reading {
  parcel(parcel: Parcel): void
  note(kind: number, count: number): void
}

/** One packet of a text. */
export function textOf(meta: string): string {
  const { length } = meta
  return String.fromCharCode(length & 255, (length >> 8) & 255, length >> 16) + meta
}

/** Whether a message of a port is a post of the sender with this brand. */
export function isBranded(message: unknown, brand: string): boolean {
  if (typeof message === 'string') return message.startsWith(brand)
  return Array.isArray(message) && message[0] === brand
}

/** Takes a branded post apart. @throws MALFORMED when it is none of ours after all. */
export function readPost(message: unknown, brand: string, reading: Reading): void {
  if (typeof message === 'string') return readText(message, brand.length, reading)
  const [, second, third, fourth] = message as readonly unknown[]
  if (typeof second === 'number') return reading.note(second, Number(third))
  const isMeta = typeof second === 'string' || ArrayBuffer.isView(second)
  if (!isMeta || !Array.isArray(third) || !Array.isArray(fourth)) {
    throw new OutbandError('MALFORMED', 'port: a post that is no packet')
  }
  reading.parcel({ meta: second as Uint8Array | string, buffers: third, hosts: fourth })
}

function readText(text: string, start: number, reading: Reading): void {
  for (let pos = start; pos < text.length; ) {
    const length = text.charCodeAt(pos) | (text.charCodeAt(pos + 1) << 8) | (text.charCodeAt(pos + 2) << 16)
    const end = pos + LENGTH_UNITS + length
    if (!(end <= text.length)) {
      const fields = { requested: length, available: text.length - pos }
      throw new OutbandError('MALFORMED', 'port: a text that ends inside a packet', fields)
    }
    reading.parcel({ meta: text.slice(pos + LENGTH_UNITS, end), buffers: [] })
    pos = end
  }
}
