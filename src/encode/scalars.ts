/** Numbers, BigInts, and the small built-in objects that hold one of them. */
import { unsignedLength, writeInteger } from '../bytes/bigint.js'
import { checkLimit, forbidden } from '../limits.js'
import { partsOfRegExp, primitiveOf } from '../value/builtins.js'
import { Op } from '../wire/ops.js'
import type { ShapeNode } from './shapes.js'
import type { Walk } from './walk.js'

/** Writes a number in the shortest op that keeps it exactly. Needs room for 9 bytes. */
export function encodeNumber(walk: Walk, n: number): void {
  // -0 is an integer to every comparison; only a float64 keeps it.
  if ((n | 0) !== n || (n === 0 && 1 / n < 0)) {
    walk.u8(Op.F64)
    walk.f64(n)
  } else if (n >= 0 && n < Op.INTS) walk.u8(n)
  else if (n >= -128 && n < 128) {
    walk.u8(Op.I8)
    walk.u8(n)
  } else if (n >= -32_768 && n < 32_768) {
    walk.u8(Op.I16)
    walk.u16(n)
  } else {
    walk.u8(Op.I32)
    walk.u32(n)
  }
}

/** Sign and magnitude, little-endian. */
export function encodeBigInt(walk: Walk, n: bigint): void {
  const isNegative = n < 0n
  const magnitude = isNegative ? -n : n
  const { bigintBytes } = walk.settings.limits
  if (BigInt.asUintN(64, magnitude) === magnitude) encodeWord(walk, magnitude, isNegative, bigintBytes)
  else encodeLong(walk, magnitude, isNegative, bigintBytes)
}

/** A magnitude of up to 8 bytes: what columns of a database hold, in a tenth of the time of digits (measured). */
function encodeWord(walk: Walk, magnitude: bigint, isNegative: boolean, most: number): void {
  walk.reserve(10)
  const { view, pos } = walk
  view.setBigUint64(pos + 2, magnitude, true)
  const high = view.getUint32(pos + 6, true)
  const zeros = Math.clz32(high === 0 ? view.getUint32(pos + 2, true) : high)
  const byteLength = (high === 0 ? 4 : 8) - (zeros >> 3)
  checkLimit('bigintBytes', most, byteLength)
  walk.u8(Op.BIGINT)
  walk.u8(byteLength * 2 + (isNegative ? 1 : 0))
  walk.pos = pos + 2 + byteLength
}

function encodeLong(walk: Walk, magnitude: bigint, isNegative: boolean, most: number): void {
  const byteLength = unsignedLength(magnitude)
  checkLimit('bigintBytes', most, byteLength)
  walk.reserve(byteLength + 18)
  walk.u8(Op.BIGINT)
  walk.varint(byteLength * 2 + (isNegative ? 1 : 0))
  writeInteger(walk.view, walk.pos, magnitude, byteLength)
  walk.pos += byteLength
}

export function encodeDate(walk: Walk, date: Date): void {
  walk.u8(Op.DATE)
  walk.f64(Date.prototype.getTime.call(date))
}

export function encodeRegExp(walk: Walk, regexp: RegExp): void {
  if (!walk.settings.limits.regexps) throw forbidden('encode', 'regexps')
  walk.u8(Op.REGEXP)
  const { source, flags } = partsOfRegExp(regexp)
  walk.text(source)
  walk.text(flags)
}

export function encodeBoxed(walk: Walk, boxed: object, slot: ShapeNode): void {
  walk.u8(Op.BOXED)
  walk.value(primitiveOf(boxed), slot)
}
