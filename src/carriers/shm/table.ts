/**
 * Packets some of whose buffers are elsewhere: a handle stands in the place of each, and one buffer more, the last, says
 * which places these are.
 *
 *      buffers   [ 40 B ][ handle ][ 3000 B ][ handle ][ table: u32 1 · u32 3 ]      little-endian, ascending
 */
import { OutbandError } from '../../errors.js'
import type { Packet } from '../../packet.js'

const INDEX_BYTES = 4

/** The packet with handles in their places, and the table (own) behind. */
export function tableOf(packet: Packet, handles: ReadonlyMap<number, Uint8Array>): Packet {
  const table = new DataView(new ArrayBuffer(handles.size * INDEX_BYTES))
  const buffers = [...packet.buffers]
  for (const [i, at] of [...handles.keys()].sort((a, b) => a - b).entries()) {
    buffers[at] = handles.get(at)!
    table.setUint32(i * INDEX_BYTES, at, true)
  }
  return { meta: packet.meta, buffers: [...buffers, new Uint8Array(table.buffer)] }
}

export interface Split {
  /** Places of handles. */
  readonly chosen: readonly number[]
  readonly handles: readonly Uint8Array[]
  /** All but the table: a list of its own. */
  readonly buffers: Uint8Array[]
}

/** @throws MALFORMED for a table that makes no sense */
export function splitTable(packet: Packet): Split {
  const buffers = [...packet.buffers]
  const bytes = buffers.pop()
  if (bytes === undefined || bytes.length === 0 || bytes.length % INDEX_BYTES !== 0) throw malformed()
  const table = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const chosen: number[] = []
  let last = -1
  for (let at = 0; at < bytes.length; at += INDEX_BYTES) {
    const index = table.getUint32(at, true)
    if (index <= last || index >= buffers.length) throw malformed()
    chosen.push(index)
    last = index
  }
  return { chosen, handles: chosen.map(at => buffers[at]!), buffers }
}

function malformed(): OutbandError {
  return new OutbandError('MALFORMED', 'shm: a table of handles that makes no sense')
}
