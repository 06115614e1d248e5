/** Numbers, BigInts, and the small built-in objects that hold one of them. */
import { readInteger } from '../bytes/bigint.js'
import { checkLimit, forbidden } from '../limits.js'
import { Op } from '../wire/ops.js'
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
  const byteLength = Math.floor(header / 2)
  checkLimit('bigintBytes', walk.limits.bigintBytes, byteLength, walk.pos)
  const start = walk.take(byteLength)
  if (byteLength === 0) {
    if (isNegative) throw walk.malformed('a number longer than needed')
    return 0n
  }
  if (walk.bytes[start + byteLength - 1] === 0) throw walk.malformed('a number longer than needed')
  const magnitude = readInteger(walk.view, start, byteLength)
  return isNegative ? -magnitude : magnitude
}

export function decodeDate(walk: Walk): Date {
  const date = new Date(walk.f64())
  walk.note(date)
  return date
}

export function decodeRegExp(walk: Walk): RegExp {
  if (!walk.limits.regexps) throw forbidden('decode', 'regexps', { offset: walk.pos })
  const source = walk.string('a RegExp')
  const flags = walk.string('RegExp flags')
  try {
    const regexp = new RegExp(source, flags)
    walk.note(regexp)
    return regexp
  } catch (cause) {
    throw walk.malformed('a wrong RegExp', { cause })
  }
}

export function decodeBoxed(walk: Walk): object {
  // The op is looked at first: anything but a primitive could go deeper here without counting depth.
  const op = walk.peek()
  const isPrimitive = op < Op.ARRAY || op === Op.FALSE || op === Op.TRUE || (op >= Op.I8 && op <= Op.TEXT_REF)
  if (!isPrimitive) throw walk.malformed('a wrapper without a primitive')
  const boxed = Object(walk.value()) as object
  walk.note(boxed)
  return boxed
}
