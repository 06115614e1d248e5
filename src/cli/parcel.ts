// What the demo posts between threads: the metadata itself, which owns its memory and is transferred, and an
// exact copy of each buffer, transferred as well. The caller's memory is neither detached nor sent whole.

import type { Transferable } from 'node:worker_threads'
import type { Packet } from '../index.js'

export interface Parcel {
  readonly message: Packet
  readonly transfer: Transferable[]
}

export function parcel({ meta, buffers }: Packet): Parcel {
  const copies = buffers.map(buffer => new Uint8Array(buffer))
  return {
    message: { meta, buffers: copies },
    transfer: [meta.buffer as ArrayBuffer, ...copies.map(({ buffer }) => buffer)],
  }
}
