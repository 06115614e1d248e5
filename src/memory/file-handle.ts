/**
 * What travels in place of a buffer that lies in a mapped file: 64 bytes, little-endian. Beside those of arenas, which
 * `arena/handle.ts` reads, it is told by its magic.
 *
 *      ┌───────┬───────┬─────────┬────┬────────┬───────┬────────────┬────────────┬───────┐
 *      │ magic │ flags │ process │ fd │ device │ inode │ byteOffset │ byteLength │ zeros │
 *      └───────┴───────┴─────────┴────┴────────┴───────┴────────────┴────────────┴───────┘
 *      0       4       8         12   16       24      32           40           48      64
 */
import { OutbandError } from '../errors.js'
import type { FilePlace } from './mapped-file.js'

const FILE_HANDLE_BYTES = 64
const MAGIC = 0x46424f01
const SHARED = 1

/** The bytes of a handle (own). */
export function writeFileHandle({
  pid,
  fd,
  identity,
  byteOffset,
  byteLength,
  access,
}: FilePlace): Uint8Array {
  const bytes = new Uint8Array(FILE_HANDLE_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, access === 'shared' ? SHARED : 0, true)
  view.setUint32(8, pid, true)
  view.setUint32(12, fd, true)
  const [device = '', inode = ''] = identity.split(':')
  const numbers = [BigInt(device), BigInt(inode), BigInt(byteOffset), BigInt(byteLength)]
  for (const [i, number] of numbers.entries()) view.setBigUint64(16 + 8 * i, number, true)
  return bytes
}

/** Whether it says that it is one. */
export function isFileHandle(bytes: Uint8Array): boolean {
  const { buffer, byteOffset, length } = bytes
  return length === FILE_HANDLE_BYTES && new DataView(buffer, byteOffset).getUint32(0, true) === MAGIC
}

/** The place that a handle names; nothing of it is known to be true. @throws MALFORMED */
export function readFileHandle(bytes: Uint8Array): FilePlace {
  // A copy: what the bytes lie on may be written meanwhile.
  const own = bytes.slice()
  const view = new DataView(own.buffer, own.byteOffset)
  const flags = view.getUint32(4, true)
  const number = (at: number): bigint => view.getBigUint64(at, true)
  if (!isFileHandle(own) || flags > SHARED || own.subarray(48).some(byte => byte !== 0)) {
    throw new OutbandError('MALFORMED', 'memory: not a handle to a file')
  }
  return {
    pid: view.getUint32(8, true),
    fd: view.getUint32(12, true),
    identity: `${number(16)}:${number(24)}`,
    byteOffset: Number(number(32)),
    byteLength: Number(number(40)),
    access: flags === SHARED ? 'shared' : 'private',
  }
}
