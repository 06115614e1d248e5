/**
 * A packet as one entry of a ring, where it is short enough. The mark of an entry says what it is:
 *
 *      META      metadata alone
 *      PACKET    u32 bytes of metadata · u32 buffers · for each u32 byteLength << 3 | phase · metadata · buffers
 *      POSTED    nothing: the next packet is the next one that came by the port
 *      BYE       nothing: its writer will send nothing more
 *
 * Metadata and buffers begin at multiples of 8. The phase is the offset, modulo 8, that views are laid out for. What is
 * read was copied first, each number once: the peer may go on writing to it.
 */
import { isTextCheap, writeText } from '../../bytes/text.js'
import { isShared, maxBytes } from '../../bytes/window.js'
import { OutbandError } from '../../errors.js'
import { LENDABLE, type RingReader, type RingWriter } from '../../memory/ring.js'
import type { Parcel } from '../../packet.js'

export const META = 0
export const PACKET = 1
export const POSTED = 2
export const BYE = 3

/** Up to so many bytes metadata is read as text, where that is cheap: longer strings stay around longer than bytes. */
const TEXT_BYTES = 8192

const NONE: readonly Uint8Array[] = []

const padded = (length: number): number => (length + 7) & -8

/** Bytes of the entry for a packet that may go through memory, −1 past `most` or when one of its buffers may not. */
export function packetBytes({ meta, buffers }: Parcel, most: number): number {
  let bytes = padded(8 + 4 * buffers.length) + padded(meta.length)
  for (const window of buffers) {
    const { buffer, byteLength } = window
    // Whoever lost its memory has no length either; who shares it, or resizes it, is no matter of bytes.
    if (byteLength === 0 || byteLength > most - bytes || isShared(buffer) || maxBytes(buffer) >= 0) return -1
    // Not before that is known: it is a number of 32 bits.
    bytes += padded(byteLength)
  }
  return bytes <= most ? bytes : -1
}

/** Writes a packet to a ring, where it was claimed. */
export function writePacket({ bytes, words }: RingWriter, at: number, { meta, buffers }: Parcel): void {
  let word = at >> 2
  words[word++] = meta.length
  words[word++] = buffers.length
  for (const { byteOffset, byteLength } of buffers) words[word++] = (byteLength << 3) | (byteOffset & 7)
  let pos = padded(word << 2)
  if (typeof meta === 'string') writeText(bytes, pos, meta, false)
  else bytes.set(meta, pos)
  pos += padded(meta.length)
  for (const window of buffers) {
    bytes.set(window, pos)
    pos += padded(window.byteLength)
  }
}

/** Takes the next entry, a META, out of the ring; `isLending`: what it lent before is still in use. @throws RING_CORRUPT */
export function readMeta(reader: RingReader, isLending: boolean): Parcel {
  reader.begin()
  if (reader.length <= LENDABLE && !isLending)
    return { meta: reader.lend(), buffers: NONE, lent: reader.lent }
  return { meta: isTextCheap && reader.length <= TEXT_BYTES ? reader.text() : reader.run(), buffers: NONE }
}

/** Takes the next entry, a PACKET, out of the ring; its buffers are the receiver's (own). @throws RING_CORRUPT */
export function readPacket(reader: RingReader): Parcel {
  const { words, bytes } = reader
  const start = reader.begin()
  const end = start + reader.length
  const take = (pos: number, byteLength: number, phase: number): Uint8Array => {
    if (!(byteLength >= 0 && byteLength <= end - pos)) throw corrupt(byteLength, end - pos)
    const copy = new Uint8Array(new ArrayBuffer(phase + byteLength), phase)
    copy.set(bytes.subarray(pos, pos + byteLength))
    return copy
  }
  if (reader.length < 8) throw corrupt(8, reader.length)
  let word = start >> 2
  const metaBytes = words[word++]
  const count = words[word++]
  if (!(count >= 0 && count <= (reader.length - 8) >> 2)) throw corrupt(count, (reader.length - 8) >> 2)
  let pos = padded((word + count) << 2)
  const meta = take(pos, metaBytes, 0)
  pos += padded(metaBytes)
  const buffers: Uint8Array[] = []
  for (let i = 0; i < count; i++) {
    const shape = words[word++]
    const buffer = take(pos, shape >> 3, shape & 7)
    buffers.push(buffer)
    pos += padded(buffer.length)
  }
  reader.pass()
  return { meta, buffers }
}

function corrupt(requested: number, available: number): OutbandError {
  const message = `ring: an entry that ends early; wanted ${requested}, got ${available}`
  return new OutbandError('RING_CORRUPT', message, { requested, available })
}
