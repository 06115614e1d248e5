/** A parcel with the memory that its buffers lie on, for the suite to see, where memory itself cannot be handed on. */
import type { Parcel } from '../../src/packet.js'

export interface Lying {
  readonly meta: Parcel['meta']
  /** Every ArrayBuffer under the buffers, whole. */
  readonly memories: readonly Uint8Array[]
  readonly windows: readonly {
    readonly memory: number
    readonly byteOffset: number
    readonly length: number
  }[]
}

export function lying({ meta, buffers }: Parcel): Lying {
  const memories = [...new Set(buffers.map(({ buffer }) => buffer))]
  return {
    meta,
    memories: memories.map(memory => new Uint8Array(memory)),
    windows: buffers.map(({ buffer, byteOffset, length }) => ({
      memory: memories.indexOf(buffer),
      byteOffset,
      length,
    })),
  }
}

/** The parcel again, on memory that is laid out as it was there. */
export function laidOut({ meta, memories, windows }: Lying): Parcel {
  const copies = memories.map(memory => Uint8Array.from(memory).buffer)
  return {
    meta,
    buffers: windows.map(
      ({ memory, byteOffset, length }) => new Uint8Array(copies[memory]!, byteOffset, length),
    ),
  }
}
