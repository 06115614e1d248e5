/**
 * A packet as what is written: in one piece while that is small, else in the chunks of `pack`, of which those that are
 * short are joined, so that only long buffers are lent to the system.
 */
import { isShared } from '../../bytes/window.js'
import { pack } from '../../frame/index.js'
import { packInto } from '../../frame/pack.js'
import type { LimitsOption } from '../../limits.js'
import type { Packet } from '../../packet.js'

/** Up to so many bytes one copy costs less than a vectored write (dask found the same). */
const SMALL_FRAME = 131_072
/** From so many bytes on a chunk is written from where it lies. */
const LONG_CHUNK = 16_384

/** Short frames share memory, in which each has its own place: to make one of 100 bytes costs V8 300 ns. */
const POOL = 65_536
const SHARED_FRAME = 4096
let pool = new Uint8Array(0)
let poolAt = 0

export interface Written {
  readonly chunks: readonly Uint8Array[]
  /** Whether some of it is the caller's memory, and must stay as it is until it is written. */
  readonly isLent: boolean
}

/** @throws DETACHED, LIMIT */
export function chunksOf(packet: Packet, limits: LimitsOption): Written {
  let byteLength = packet.meta.length
  for (const buffer of packet.buffers) byteLength += buffer.byteLength
  if (byteLength < SMALL_FRAME) return { chunks: [packInto(packet, { limits }, allocate)], isLent: false }
  const chunks: Uint8Array[] = []
  let short: Uint8Array[] = []
  const join = () => {
    if (short.length > 0) chunks.push(joined(short))
    short = []
  }
  let isLent = false
  for (const chunk of pack(packet, { limits })) {
    // Memory that another thread may write to is not for every transport.
    if (chunk.length < LONG_CHUNK || isShared(chunk.buffer)) {
      short.push(chunk)
      continue
    }
    join()
    chunks.push(chunk)
    // A packet's metadata is the carrier's to keep.
    isLent ||= chunk !== packet.meta
  }
  join()
  return { chunks, isLent }
}

function allocate(byteLength: number): Uint8Array {
  if (byteLength > SHARED_FRAME) return new Uint8Array(byteLength)
  if (poolAt + byteLength > pool.length) {
    pool = new Uint8Array(POOL)
    poolAt = 0
  }
  const start = poolAt
  poolAt += byteLength
  return pool.subarray(start, poolAt)
}

/** The chunks as one (own). */
export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const chunk of chunks) length += chunk.length
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
