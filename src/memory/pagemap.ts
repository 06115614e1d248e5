/**
 * Whether pages of a private mapping have been written, as Linux tells of its own memory in /proc/self/pagemap: 8 bytes a
 * page, in which bit 61 is for a page of a file, 62 for one in the swap and 63 for one in memory. A page that was written
 * is a copy, and none of a file any more.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { call } from './posix.js'

const ENTRY = 8
/** Pages looked at in one read. */
const MOST = 8192
/** The high word of an entry: bits 61 to 63. */
const OF_FILE = 1 << 29
const IN_SWAP = 1 << 30
const IN_MEMORY = 1 << 31

/** True when no page of the run was written since it was mapped; false also where nobody can tell. 1 ms a GiB. */
export function isUntouched(address: bigint, byteLength: number): boolean {
  if (byteLength === 0) return true
  let fd: number
  try {
    fd = openSync('/proc/self/pagemap', 'r')
  } catch {
    return false
  }
  try {
    const pageBytes = BigInt(call('getpagesize') as number)
    const first = Number(address / pageBytes)
    const last = Number((address + BigInt(byteLength - 1)) / pageBytes)
    return areOfFile(fd, first, last + 1)
  } catch {
    return false
  } finally {
    closeSync(fd)
  }
}

function areOfFile(fd: number, first: number, end: number): boolean {
  const words = new Uint32Array((Math.min(MOST, end - first) * ENTRY) / 4)
  for (let page = first; page < end; ) {
    const count = Math.min(MOST, end - page)
    if (readSync(fd, words, 0, count * ENTRY, page * ENTRY) !== count * ENTRY) return false
    for (let i = 1; i < count * 2; i += 2) {
      const isThere = (words[i] & (IN_SWAP | IN_MEMORY)) !== 0
      if (isThere && (words[i] & OF_FILE) === 0) return false
    }
    page += count
  }
  return true
}
