/** BigInts as other formats write them: the magnitude, or two's complement, most significant byte first. */

/** The magnitude, in the shortest form; no bytes for 0. Hexadecimal is the one conversion that engines do in linear time. */
export function magnitudeBytes(n: bigint): Uint8Array {
  const hex = n === 0n ? '' : n.toString(16)
  const bytes = new Uint8Array((hex.length + 1) >> 1)
  for (let i = bytes.length - 1, end = hex.length; i >= 0; i--, end -= 2)
    bytes[i] = Number.parseInt(hex.slice(Math.max(0, end - 2), end), 16)
  return bytes
}

/** The number of this magnitude. */
export function bigintOf(bytes: Uint8Array): bigint {
  let hex = '0x0'
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0')
  return BigInt(hex)
}

/** Two's complement, in the shortest form of whole bytes. */
export function complementBytes(n: bigint): Uint8Array {
  const bytes = magnitudeBytes(n < 0n ? ~n : n)
  const isSigned = bytes.length === 0 || bytes[0] >= 128
  const signed = isSigned ? Uint8Array.of(0, ...bytes) : bytes
  return n < 0n ? signed.map(byte => ~byte) : signed
}

/** Bytes of the magnitude of this two's complement, which may have one before it for the sign. */
export function complementLength(bytes: Uint8Array): number {
  return bytes.length - (bytes[0] === 0 || bytes[0] === 255 ? 1 : 0)
}

/** The number of this two's complement. */
export function bigintOfComplement(bytes: Uint8Array): bigint {
  return bytes[0] >= 128 ? ~bigintOf(bytes.map(byte => ~byte)) : bigintOf(bytes)
}
