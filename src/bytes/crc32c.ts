/**
 * CRC-32C (Castagnoli), the checksum of iSCSI (RFC 3720, B.4): reflected polynomial 0x82F63B78,
 * start and end inverted. Eight tables, eight bytes a step ("slicing by 8", Kounavis & Berry 2005).
 */

let tables: Int32Array | undefined

/** The tables one after another; each goes on from the one before by a byte of zeros. */
function makeTables(): Int32Array {
  const made = new Int32Array(8 * 256)
  for (let i = 0; i < made.length; i++) {
    let c = i
    if (i > 255) c = (made[i - 256] >>> 8) ^ made[made[i - 256] & 255]
    else for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1
    made[i] = c
  }
  return made
}

/** Four bytes at once, by the four tables from `at` on; the lowest byte is the furthest from the end. */
function fourBytes(table: Int32Array, at: number, word: number): number {
  return (
    table[at + 768 + (word & 255)] ^
    table[at + 512 + ((word >>> 8) & 255)] ^
    table[at + 256 + ((word >>> 16) & 255)] ^
    table[at + (word >>> 24)]
  )
}

/** CRC-32C of the bytes, as an unsigned 32-bit number; `before` is that of the bytes in front of them, if there are any. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  tables ??= makeTables()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let crc = ~before
  let i = 0
  for (const end = bytes.length - 7; i < end; i += 8) {
    crc =
      fourBytes(tables, 1024, crc ^ view.getInt32(i, true)) ^ fourBytes(tables, 0, view.getInt32(i + 4, true))
  }
  for (; i < bytes.length; i++) crc = tables[(crc ^ bytes[i]) & 255] ^ (crc >>> 8)
  return ~crc >>> 0
}
