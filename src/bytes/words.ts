/**
 * Unsigned integers of four and eight bytes, little-endian. Byte by byte: a DataView, and the BigInts of one, cost more to make
 * than a short head or record to read.
 */

export function writeU32(bytes: Uint8Array, at: number, n: number): void {
  bytes[at] = n
  bytes[at + 1] = n >>> 8
  bytes[at + 2] = n >>> 16
  bytes[at + 3] = n >>> 24
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
}

export function writeU64(bytes: Uint8Array, at: number, n: number): void {
  // The low word is what a shift leaves of a number past 2**32.
  writeU32(bytes, at, n)
  writeU32(bytes, at + 4, Math.floor(n / 2 ** 32))
}

/** Past 2**53 it may be rounded. */
export function readU64(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + 4) * 2 ** 32 + readU32(bytes, at)
}
