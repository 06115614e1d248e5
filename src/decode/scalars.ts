/** Numbers, BigInts, and the small built-in objects that hold one of them. */
import { checkLimit, forbidden } from '../limits.js'
import { ARRAY, FALSE, I8, TEXT_REF, TRUE } from '../wire/ops.js'
import type { Walk } from './walk.js'

export function decodeI8(walk: Walk): number {
  return (walk.u8() << 24) >> 24
}

export function decodeI16(walk: Walk): number {
  return walk.view.getInt16(walk.take(2), true)
}

export function decodeI32(walk: Walk): number {
  return walk.view.getInt32(walk.take(4), true)
}

/** Sign and magnitude, little-endian; shortest form only. */
export function decodeBigInt(walk: Walk): bigint {
  const header = walk.varint()
  const isNegative = header % 2 === 1
  const byteLength = (header - (isNegative ? 1 : 0)) / 2
  checkLimit('bigintBytes', walk.limits.bigintBytes, byteLength, walk.pos)
  const start = walk.take(byteLength)
  if (byteLength === 0) {
    if (isNegative) throw walk.malformed('a number longer than needed')
    return 0n
  }
  if (walk.bytes[start + byteLength - 1] === 0) throw walk.malformed('a number longer than needed')
  const magnitude = byteLength <= 8 ? readWord(walk, start, byteLength) : readLong(walk, start, byteLength)
  return isNegative ? -magnitude : magnitude
}

const word = new DataView(new ArrayBuffer(8))

function readWord({ bytes }: Walk, start: number, byteLength: number): bigint {
  word.setFloat64(0, 0)
  for (let i = 0; i < byteLength; i++) word.setUint8(i, bytes[start + i])
  return word.getBigUint64(0, true)
}

/** By its hexadecimal digits, most significant first, as it was written. */
function readLong({ bytes, view }: Walk, start: number, byteLength: number): bigint {
  let hex = '0x'
  let at = start + byteLength
  for (; (at - start) % 4 !== 0; at--) hex += bytes[at - 1].toString(16).padStart(2, '0')
  for (; at > start; at -= 4)
    hex += view
      .getUint32(at - 4, true)
      .toString(16)
      .padStart(8, '0')
  return BigInt(hex)
}

export function decodeDate(walk: Walk): Date {
  const date = new Date(walk.f64())
  walk.note(date)
  return date
}

export function decodeRegExp(walk: Walk): RegExp {
  if (!walk.limits.regexps) throw forbidden('decode', 'regexps', { offset: walk.pos })
  const number = walk.memo.length
  walk.note(undefined)
  const source = walk.string('a RegExp')
  const flags = walk.string('RegExp flags')
  try {
    const regexp = new RegExp(source, flags)
    if (walk.hasRefs) walk.memo[number] = regexp
    return regexp
  } catch (cause) {
    throw walk.malformed('a wrong RegExp', { cause })
  }
}

export function decodeBoxed(walk: Walk): object {
  const number = walk.memo.length
  walk.note(undefined)
  // The op is looked at first: anything but a primitive could go deeper here without counting depth.
  const op = walk.peek()
  const isPrimitive = op < ARRAY || op === FALSE || op === TRUE || (op >= I8 && op <= TEXT_REF)
  if (!isPrimitive) throw walk.malformed('a wrapper without a primitive')
  const primitive = walk.value()
  const boxed = Object(primitive) as object
  if (walk.hasRefs) walk.memo[number] = boxed
  return boxed
}
