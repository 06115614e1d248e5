/**
 * Packets as messages of a port, all begun by the brand of the sender. What a port clones costs it by the object, so
 * the common ones have few:
 *
 *      brand · metadata, one unit a byte                   a small packet without buffers
 *      [brand · metadata, buffer, …]                       a small packet
 *      [brand, metadata, buffer, …]                        any other without hosts
 *      [brand, metadata, [buffer, …], [host, …], [port …]] any packet, and ports beside it
 *      brand                                               a bell: look into the ring
 *      [brand, number, number?]                            a note between carriers
 *
 * To a list that is a packet a number may be added, a mark: how much was sent, with it. A buffer that is the whole of its
 * ArrayBuffer is posted as that.
 */
import { isTextCheap } from '../../bytes/text.js'
import { isBytes, isMemory } from '../../bytes/window.js'
import { OutbandError } from '../../errors.js'
import type { Parcel } from '../../packet.js'
import { noteArrival } from './arrivals.js'

/** Metadata of up to so many bytes is small: it goes by the ring where there is one. */
export const SMALL = 8192
/** And as text, where that is cheap: below, a port clones a string faster than it moves memory. */
export const TEXT_BYTES = isTextCheap ? SMALL : -1

/** Notes. */
export const ASK = 0
export const ACK = 1
export const BYE = 2
export const ABORT = 3
/** Offers: memory in place of a count, of a ring or of a tally. */
export const RING = 4
export const TALLY = 5
/** A note within a packet: what was sent up to this count, the packet with it, is there. */
export const MARK = 6
/** A note: the ring that was offered is used from now on, and posts are counted from here. */
export const TAKEN = 7

const NOTHING: readonly object[] = []

/** What a post turned out to be. */
export interface Reading {
  parcel(parcel: Parcel): void
  note(kind: number, count: number): void
  /** The peer offers a ring. */
  ring(memory: unknown): void
  /** The peer offers to keep a tally. */
  tally(memory: unknown): void
}

/** A packet as a post, with a mark or without. */
export function toPost(
  brand: string,
  { meta, hosts = NOTHING, ports = NOTHING }: Parcel,
  posted: readonly Uint8Array[],
  mark?: number,
): unknown {
  let post: unknown[]
  if (hosts.length > 0 || ports.length > 0 || meta === '') {
    post = [brand, meta, posted.map(wholeOf), hosts, ports]
  } else {
    post = typeof meta === 'string' ? [brand + meta] : [brand, meta]
    for (const window of posted) post.push(wholeOf(window))
  }
  if (mark !== undefined) post.push(mark)
  return post
}

function wholeOf(window: Uint8Array): Uint8Array | ArrayBufferLike {
  return window.byteLength === window.buffer.byteLength ? window.buffer : window
}

/** Whether a message of a port is a post of the sender with this brand. */
export function isBranded(message: unknown, brand: string): boolean {
  const first = Array.isArray(message) ? message[0] : message
  return typeof first === 'string' && first.startsWith(brand)
}

/** Whether a branded post is a bell: a text without packets, posted to wake the reader of a ring. */
export function isBell(message: unknown, brand: string): boolean {
  return typeof message === 'string' && message.length === brand.length
}

/** The kind of a branded post that is a note or an offer; undefined for a packet, to which a mark may be added. */
export function noteOf(message: unknown, brand: string): number | undefined {
  if (!Array.isArray(message) || message[0].length !== brand.length) return undefined
  const [, kind] = message as readonly unknown[]
  return typeof kind === 'number' ? kind : undefined
}

/** Whether a branded post holds nothing but a small packet. */
export function isSmall(message: unknown): boolean {
  if (!Array.isArray(message)) return true
  const { length, 1: meta } = message as readonly unknown[]
  return length === 2 && ArrayBuffer.isView(meta) && meta.byteLength <= SMALL
}

/** Takes a branded post apart. @throws MALFORMED when it is none of ours after all. */
export function readPost(message: unknown, brand: string, reading: Reading): void {
  if (typeof message === 'string') return reading.parcel({ meta: message.slice(brand.length), buffers: [] })
  const post = Array.isArray(message) ? (message as readonly unknown[]) : []
  const [first, second, third] = post
  if (typeof first !== 'string') throw new OutbandError('MALFORMED', 'port: not a packet')
  if (first.length === brand.length) {
    if (second === RING) return reading.ring(third)
    if (second === TALLY) return reading.tally(third)
    if (typeof second === 'number') return reading.note(second, Number(third))
  }
  const last = post.at(-1)
  const isMarked = typeof last === 'number'
  reading.parcel(parcelOf(post, brand.length, isMarked ? post.length - 1 : post.length))
  if (isMarked) reading.note(MARK, last)
}

/** The packet in a list, which ends before this place. */
function parcelOf(post: readonly unknown[], brandUnits: number, end: number): Parcel {
  const [first, meta, third, hosts, ports] = post
  const text = first as string
  if (text.length > brandUnits) return { meta: text.slice(brandUnits), buffers: buffersOf(post, 1, end) }
  const isFull = Array.isArray(third) && Array.isArray(hosts) && Array.isArray(ports)
  if (isFull && (isBytes(meta) || typeof meta === 'string')) {
    return { meta, buffers: buffersOf(third, 0, third.length), hosts, ports }
  }
  if (!isBytes(meta)) throw new OutbandError('MALFORMED', 'port: not a packet')
  noteArrival(meta.byteLength)
  return { meta, buffers: buffersOf(post, 2, end) }
}

/** The buffers among these places of a list. */
function buffersOf(post: readonly unknown[], start: number, end: number): Uint8Array[] {
  const buffers: Uint8Array[] = []
  for (let i = start; i < end; i++) buffers.push(bufferOf(post[i]))
  return buffers
}

function bufferOf(posted: unknown): Uint8Array {
  if (posted instanceof ArrayBuffer) {
    noteArrival(posted.byteLength)
    return new Uint8Array(posted)
  }
  if (isBytes(posted)) return posted
  if (isMemory(posted)) return new Uint8Array(posted)
  throw new OutbandError('MALFORMED', `port: a buffer; wanted memory, got ${typeof posted}`)
}
