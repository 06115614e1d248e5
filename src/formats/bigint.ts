/** BigInts as other formats write them: the magnitude, or two's complement, most significant byte first. */
import { readInteger, signedLength, unsignedLength, writeInteger } from '../bytes/bigint.js'

/** The magnitude, in the shortest form; no bytes for 0. */
export function magnitudeBytes(n: bigint): Uint8Array {
  return turned(n, unsignedLength(n))
}

/** Two's complement, in the shortest form of whole bytes. */
export function complementBytes(n: bigint): Uint8Array {
  return turned(n, signedLength(n))
}

function turned(n: bigint, byteLength: number): Uint8Array {
  const bytes = new Uint8Array(byteLength + 7)
  writeInteger(new DataView(bytes.buffer), 0, n, byteLength)
  return bytes.subarray(0, byteLength).reverse()
}

/** The number of this magnitude. */
export function bigintOf(bytes: Uint8Array): bigint {
  const { buffer, length } = new Uint8Array(bytes).reverse()
  return readInteger(new DataView(buffer), 0, length)
}

/** Bytes of the magnitude of this two's complement, which may have one before it for the sign. */
export function complementLength(bytes: Uint8Array): number {
  return bytes.length - (bytes[0] === 0 || bytes[0] === 255 ? 1 : 0)
}

/** The number of this two's complement. */
export function bigintOfComplement(bytes: Uint8Array): bigint {
  return BigInt.asIntN(bytes.length * 8, bigintOf(bytes))
}
