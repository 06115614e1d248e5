/** Numbers, BigInts and dates, as Python would have written them. */
import { signedLength, writeInteger } from '../../../bytes/bigint.js'
import { windowBytes } from '../../../bytes/window.js'
import type { Writer } from '../../../bytes/writer.js'
import { checkLimit, type Limits } from '../../../limits.js'
import { isReadonly } from '../../../out-of-band.js'
import { stopped } from '../../../value/trace.js'
import {
  BINBYTES8,
  BINFLOAT,
  BININT,
  BININT1,
  BININT2,
  BYTEARRAY8,
  LONG1,
  LONG4,
  REDUCE,
  SHORT_BINBYTES,
  TUPLE1,
  TUPLE2,
  TUPLE3,
} from '../ops.js'
import type { Walk } from './walk.js'

/** An int for what is whole and exact, up to 2**53; a float for the rest, −0 among it. Reserves for itself. */
export function writeNumber(out: Writer, n: number): void {
  out.reserve(10)
  if ((n | 0) === n && (n !== 0 || 1 / n > 0)) writeInt32(out, n)
  else if (Number.isSafeInteger(n) && n !== 0) writeLong(out, n)
  else {
    out.u8(BINFLOAT)
    out.view.setFloat64(out.pos, n)
    out.pos += 8
  }
}

function writeInt32(out: Writer, n: number): void {
  if (n >= 0 && n < 256) {
    out.u8(BININT1)
    out.u8(n)
  } else if (n >= 0 && n < 65_536) {
    out.u8(BININT2)
    out.u16(n)
  } else {
    out.u8(BININT)
    out.u32(n)
  }
}

/** Seven bytes of two's complement hold any whole number up to 2**53. */
function writeLong(out: Writer, n: number): void {
  const high = Math.floor(n / 2 ** 32)
  out.u8(LONG1)
  out.u8(7)
  out.u32(n)
  out.u16(high)
  out.u8(high >> 16)
}

/** Two's complement, little-endian, in the fewest bytes. */
export function writeBigInt(out: Writer, n: bigint, limits: Readonly<Limits>): void {
  const byteLength = n === 0n ? 0 : signedLength(n)
  checkLimit('bigintBytes', limits.bigintBytes, byteLength)
  out.reserve(byteLength + 12)
  if (byteLength < 256) {
    out.u8(LONG1)
    out.u8(byteLength)
  } else {
    out.u8(LONG4)
    out.u32(byteLength)
  }
  writeInteger(out.view, out.pos, n, byteLength)
  out.pos += byteLength
}

/** `bytes` where they are constant, else a `bytearray`: in band, whatever their length. */
export function writeBytes(out: Writer, bytes: Uint8Array, isConstant = isReadonly(bytes)): void {
  const byteLength = windowBytes(bytes)
  if (byteLength < 0) throw stopped('DETACHED', 'a view lost its memory')
  out.reserve(byteLength + 9)
  if (isConstant && byteLength < 256) {
    out.u8(SHORT_BINBYTES)
    out.u8(byteLength)
  } else {
    out.u8(isConstant ? BINBYTES8 : BYTEARRAY8)
    out.u32(byteLength)
    out.u32(byteLength / 2 ** 32)
  }
  out.bytes.set(bytes, out.pos)
  out.pos += byteLength
}

/** Milliseconds of the years that Python has, 1 to 9999. */
const YEARS = [Date.parse('0001-01-01T00:00:00Z'), Date.UTC(10_000, 0, 1)] as const

/**
 * `datetime.datetime(ten bytes, datetime.timezone.utc)`: year (big-endian), month, day, hour, minute, second, and
 * microseconds in three bytes.
 */
export function writeDate(walk: Walk, date: Date): void {
  const time = Date.prototype.getTime.call(date)
  if (!(time >= YEARS[0] && time < YEARS[1])) {
    throw stopped('UNSUPPORTED', 'a Date that is invalid, or in no year from 1 to 9999')
  }
  // A subclass may have methods of its own.
  const day = new Date(time)
  walk.name('datetime.datetime')
  walk.reserve(12)
  walk.u8(SHORT_BINBYTES)
  walk.u8(10)
  walk.u8(day.getUTCFullYear() >> 8)
  walk.u8(day.getUTCFullYear())
  walk.u8(day.getUTCMonth() + 1)
  walk.u8(day.getUTCDate())
  walk.u8(day.getUTCHours())
  walk.u8(day.getUTCMinutes())
  walk.u8(day.getUTCSeconds())
  const micros = day.getUTCMilliseconds() * 1000
  walk.u8(micros >> 16)
  walk.u8(micros >> 8)
  walk.u8(micros)
  writeUtc(walk)
  walk.op(TUPLE2)
  walk.op(REDUCE)
}

/** `datetime.timezone(datetime.timedelta(0, 0, 0))`, once a message. */
function writeUtc(walk: Walk): void {
  walk.once('utc', () => {
    walk.name('datetime.timezone')
    walk.name('datetime.timedelta')
    for (let i = 0; i < 3; i++) writeNumber(walk, 0)
    walk.op(TUPLE3)
    walk.op(REDUCE)
    walk.op(TUPLE1)
    walk.op(REDUCE)
  })
}
