/**
 * BigInts as bytes, least significant first: a magnitude, or two's complement, as a bit more is counted for the sign or not.
 * Word by word; a longer one in halves, since a word cut off, or put on, moves all the others.
 */

/** Bytes that are taken word by word. */
const FEW = 128

/** Bytes of a magnitude, none for 0. Hexadecimal is the one conversion that engines do in linear time. */
export function unsignedLength(n: bigint): number {
  return n === 0n ? 0 : (n.toString(16).length + 1) >> 1
}

/** Bytes of two's complement, at least one. */
export function signedLength(n: bigint): number {
  return unsignedLength((n < 0n ? ~n : n) << 1n) || 1
}

/** Writes so many bytes, and up to seven more, for which there must be room. */
export function writeInteger(view: DataView, at: number, n: bigint, byteLength: number): void {
  if (byteLength > FEW) {
    const low = lowerHalf(byteLength)
    writeInteger(view, at, BigInt.asUintN(low * 8, n), low)
    writeInteger(view, at + low, n >> BigInt(low * 8), byteLength - low)
    return
  }
  let rest = n
  for (let i = 0; i < byteLength; i += 8) {
    view.setBigUint64(at + i, rest, true)
    rest >>= 64n
  }
}

/** The magnitude in so many bytes; `BigInt.asIntN` makes the signed number of it. */
export function readInteger(view: DataView, at: number, byteLength: number): bigint {
  if (byteLength > FEW) {
    const low = lowerHalf(byteLength)
    const high = readInteger(view, at + low, byteLength - low)
    return (high << BigInt(low * 8)) | readInteger(view, at, low)
  }
  const top = byteLength > 8 ? byteLength % 8 || 8 : byteLength
  let end = at + byteLength - top
  let n = readWord(view, end, top)
  while (end > at) {
    end -= 8
    n = (n << 64n) | view.getBigUint64(end, true)
  }
  return n
}

/** Whole words. */
function lowerHalf(byteLength: number): number {
  return (byteLength >> 4) * 8
}

const word = new DataView(new ArrayBuffer(8))

/** A word of up to eight bytes. */
function readWord(view: DataView, at: number, byteLength: number): bigint {
  word.setFloat64(0, 0)
  for (let i = 0; i < byteLength; i++) word.setUint8(i, view.getUint8(at + i))
  return word.getBigUint64(0, true)
}
