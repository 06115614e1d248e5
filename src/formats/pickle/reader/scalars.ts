/** Numbers and text, as any of the protocols has them. */
import { readInteger } from '../../../bytes/bigint.js'
import { readText } from '../../../bytes/text.js'
import { readUtf8 } from '../../../bytes/utf8.js'
import { checkLimit } from '../../../limits.js'
import type { Machine } from './machine.js'

/** A length of eight bytes. Past 2**53 no such run exists, and past the end it is refused by who takes it. */
export function readU64(machine: Machine): number {
  const at = machine.take(8)
  return machine.view.getUint32(at, true) + machine.view.getUint32(at + 4, true) * 2 ** 32
}

/** UTF-8 of so many bytes. @throws LIMIT, TRUNCATED, MALFORMED */
export function readString(machine: Machine, byteLength: number): string {
  const { pos } = machine
  checkLimit('stringBytes', machine.limits.stringBytes, byteLength, pos)
  const text = readUtf8(machine.bytes, machine.take(byteLength), byteLength)
  if (text === undefined) throw machine.failed('MALFORMED', 'text that is not UTF-8', { offset: pos })
  return text
}

/** Text of Python 2, whose bytes may be anything: one unit a byte. */
export function readByteString(machine: Machine, byteLength: number): string {
  checkLimit('stringBytes', machine.limits.stringBytes, byteLength, machine.pos)
  return readText(machine.bytes, machine.take(byteLength), byteLength, false)
}

/** A negative length is a huge one: there are never so many bytes. */
export function readI32Length(machine: Machine): number {
  return machine.view.getUint32(machine.take(4), true)
}

/** Two's complement of so many bytes: a number where it is exact, else a BigInt, whose bytes have a limit. */
export function readLong(machine: Machine, byteLength: number): number | bigint {
  const { bigintBytes } = machine.limits
  const { pos } = machine
  if (byteLength > WORD) checkLimit('bigintBytes', bigintBytes, byteLength, pos)
  const start = machine.take(byteLength)
  const { bytes } = machine
  if (byteLength === 0) return 0
  const isNegative = bytes[start + byteLength - 1] > 127
  const flip = isNegative ? 255 : 0
  if (byteLength <= 6) {
    let n = 0
    for (let i = start + byteLength - 1; i >= start; i--) n = n * 256 + (bytes[i] ^ flip)
    return isNegative ? -1 - n : n
  }
  const n = fitted(BigInt.asIntN(byteLength * 8, readInteger(machine.view, start, byteLength)))
  if (typeof n === 'bigint') checkLimit('bigintBytes', bigintBytes, byteLength, pos)
  return n
}

/** Bytes of what may be a number all the same: a whole one takes seven. */
const WORD = 8

/** A whole number as JavaScript has it where that is exact. */
export function fitted(n: bigint): number | bigint {
  return n >= Number.MIN_SAFE_INTEGER && n <= Number.MAX_SAFE_INTEGER ? Number(n) : n
}

/** The text up to the end of the line. @throws TRUNCATED without one */
export function readLine(machine: Machine): string {
  const { bytes, pos, end } = machine
  let at = pos
  while (at < end && bytes[at] !== NEWLINE) at++
  if (at === end) {
    machine.pos = end
    throw machine.truncated(1)
  }
  checkLimit('stringBytes', machine.limits.stringBytes, at - pos, pos)
  machine.pos = at + 1
  return readText(bytes, pos, at - pos, false)
}

const NEWLINE = 10

/** `I`: a whole number, or `00` and `01` for truth. */
export function readDecimal(machine: Machine): number | bigint | boolean {
  const line = readLine(machine)
  if (line === '00') return false
  return line === '01' ? true : whole(machine, line)
}

/** `L`: a whole number, mostly with an L behind it. */
export function readDecimalLong(machine: Machine): number | bigint {
  return whole(machine, readLine(machine).replace(/L$/, ''))
}

/** Decimal digits that a byte of a magnitude makes, rounded up. */
const DIGITS = 2.41

function whole(machine: Machine, line: string): number | bigint {
  if (!/^[+-]?\d+$/.test(line)) throw machine.malformed('no whole number')
  // Python's whole numbers have no −0.
  const n = Number(line) + 0
  if (Number.isSafeInteger(n)) return n
  const bytes = Math.floor(line.length / DIGITS)
  checkLimit('bigintBytes', machine.limits.bigintBytes, bytes, machine.pos)
  return line.startsWith('-') ? -BigInt(line.slice(1)) : BigInt(line.replace(/^\+/, ''))
}

const FLOATS: ReadonlyMap<string, number> = new Map([
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
])

/** `F`: a float as Python prints it. */
export function readFloatText(machine: Machine): number {
  const line = readLine(machine)
  const known = FLOATS.get(line)
  if (known !== undefined) return known
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(line)) throw machine.malformed('no number')
  return Number(line)
}

/** A decimal number of the memo. */
export function readNumberOfMemo(machine: Machine): number {
  const line = readLine(machine)
  if (!/^\d{1,9}$/.test(line)) throw machine.malformed('no number of the memo')
  return Number(line)
}

/** `V`: text of units below U+0100, all others as `\uxxxx` or `\Uxxxxxxxx`. */
export function readEscaped(machine: Machine): string {
  return readLine(machine).replace(
    /\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g,
    (_, short: string, long: string) => {
      const point = Number.parseInt(short ?? long, 16)
      if (point > 0x10_ffff) throw machine.malformed('a code point past U+10FFFF')
      return String.fromCodePoint(point)
    },
  )
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  "'": "'",
  '"': '"',
  '\\': '\\',
}

/** `S`: text of Python 2 as it prints it, in quotes. */
export function readQuoted(machine: Machine): string {
  const line = readLine(machine)
  const quote = line[0]
  if (line.length < 2 || (quote !== "'" && quote !== '"') || !line.endsWith(quote))
    throw machine.malformed('text without quotes')
  return line.slice(1, -1).replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (all, hex: string, letter: string) => {
    return hex === undefined ? (ESCAPES[letter] ?? all) : String.fromCharCode(Number.parseInt(hex, 16))
  })
}
