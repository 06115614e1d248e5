/** What the specs of frames share: ways to feed a stream, and what comes out of it. */
import { join } from '../fixtures/assemble.js'
import { Deframer, type DeframerOptions } from '../src/frame/index.js'
import { type ErrorCode, isOutbandError, type Packet } from '../src/index.js'

/** Packets in order, then how it ended: the code of the error, or nothing. */
export interface Arrival {
  readonly packets: readonly Packet[]
  readonly code: ErrorCode | undefined
}

/** How much of the rest of the stream comes next. */
export type Sizes = (rest: number) => number

export const whole: Sizes = rest => rest
export const everyByte: Sizes = () => 1

/** Pushes the stream in pieces of these sizes, each from memory that is overwritten afterwards, as that of a socket is. */
export function pushed(stream: Uint8Array, sizes: Sizes, options?: DeframerOptions): Arrival {
  return arrival(options, (deframer, packets) => {
    for (let pos = 0; pos < stream.length; ) {
      const chunk = stream.slice(pos, pos + Math.max(1, sizes(stream.length - pos)))
      pos += chunk.length
      const found = deframer.push(chunk)
      chunk.fill(0xff)
      for (const packet of found) packets.push(packet)
    }
  })
}

/** Fills the memory that the deframer names, with as many bytes as `sizes` says or fit. */
export function read(stream: Uint8Array, sizes: Sizes, atLeast?: number, options?: DeframerOptions): Arrival {
  return arrival(options, (deframer, packets) => {
    for (let pos = 0; pos < stream.length; ) {
      const target = deframer.target(atLeast)
      const bytes = stream.subarray(
        pos,
        pos + Math.min(target.length, Math.max(1, sizes(stream.length - pos))),
      )
      target.set(bytes)
      pos += bytes.length
      for (const packet of deframer.filled(bytes.length)) packets.push(packet)
    }
  })
}

/** @throws what is no error of ours */
function arrival(
  options: DeframerOptions | undefined,
  feed: (deframer: Deframer, packets: Packet[]) => void,
): Arrival {
  const packets: Packet[] = []
  const deframer = new Deframer(options)
  try {
    feed(deframer, packets)
    deframer.end()
    return { packets, code: undefined }
  } catch (error) {
    if (isOutbandError(error)) return { packets, code: error.code }
    throw error
  }
}

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')

/** Packets as text: how they lie in memory is no part of it. */
export function shown(packets: readonly Packet[]): string[] {
  return packets.map(({ meta, buffers }) => [meta, ...buffers].map(hex).join(' '))
}

/** A packet of parts of these lengths, whose bytes tell where they were; none is 0. */
export function packetOf(metaBytes: number, ...lengths: number[]): Packet {
  return {
    meta: counting(metaBytes, 0),
    buffers: lengths.map((byteLength, i) => counting(byteLength, i + 1)),
  }
}

function counting(byteLength: number, from: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength)
  for (let i = 0; i < byteLength; i++) bytes[i] = ((from * 31 + i) % 255) + 1
  return bytes
}

/** The bytes at another place of memory: `offset` behind a multiple of 8. */
export function moved(bytes: Uint8Array, offset: number): Uint8Array {
  return join(new Uint8Array(offset), bytes).subarray(offset)
}
