/**
 * UTF-8 as Python's pickle writes it (`surrogatepass`): a lone surrogate is the three bytes that its number would
 * have, so every JavaScript string is kept. The platform's coders do not know that: they get what is well-formed, and
 * loops do the rest.
 */
import { readText } from './text.js'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Up to so many units a loop beats the call of the platform (measured). */
const SHORT = 48
/** Units that are kept until they are made a string; what `String.fromCharCode` takes in any engine. */
const UNITS = 4096

/** Units from which the bytes are counted: room for three a unit would be memory for nothing. */
const LONG = 4096

/** Bytes that the text takes at most. */
export function utf8Room(text: string): number {
  const { length } = text
  if (length < LONG) return length * 3
  let bytes = length
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    // A pair takes four bytes, which is less.
    if (unit >= 0x80) bytes += unit < 0x800 ? 1 : 2
  }
  return bytes
}

/** Writes the text at `pos`, which must have `utf8Room`; returns the position after it. */
export function writeUtf8(bytes: Uint8Array, pos: number, text: string): number {
  const { length } = text
  if (length > SHORT) {
    const { read, written } = encoder.encodeInto(text, bytes.subarray(pos))
    // It writes U+FFFD for what is lone, silently; where there is none it was exact.
    if (read === length && !/\p{Surrogate}/u.test(text)) return pos + written
  }
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) bytes[pos++] = unit
    else pos = writeWide(bytes, pos, unit < 0xd800 ? unit : (text.codePointAt(i) as number))
    if (unit >= 0xd800 && (text.codePointAt(i) as number) > 0xffff) i++
  }
  return pos
}

function writeWide(bytes: Uint8Array, pos: number, point: number): number {
  if (point < 0x800) bytes[pos++] = 0xc0 | (point >> 6)
  else {
    if (point < 0x1_0000) bytes[pos++] = 0xe0 | (point >> 12)
    else {
      bytes[pos++] = 0xf0 | (point >> 18)
      bytes[pos++] = 0x80 | ((point >> 12) & 63)
    }
    bytes[pos++] = 0x80 | ((point >> 6) & 63)
  }
  bytes[pos++] = 0x80 | (point & 63)
  return pos
}

/** The text of these bytes; `undefined` when they are not UTF-8, apart from lone surrogates. */
export function readUtf8(bytes: Uint8Array, pos: number, byteLength: number): string | undefined {
  const end = pos + byteLength
  let at = pos
  const scanned = byteLength > SHORT ? pos + SHORT : end
  while (at < scanned && bytes[at] < 0x80) at++
  if (at === end) return readText(bytes, pos, byteLength, false)
  if (byteLength > SHORT) {
    try {
      return decoder.decode(bytes.subarray(pos, end))
    } catch {
      // With a surrogate among them, or none at all.
    }
  }
  return readPoints(bytes, pos, end)
}

/** Least code point of two, three and four bytes: a longer form than needed is none. */
const LEAST = [0, 0, 0x80, 0x800, 0x1_0000]

function readPoints(bytes: Uint8Array, pos: number, end: number): string | undefined {
  let text = ''
  let units: number[] = []
  while (pos < end) {
    const first = bytes[pos++]
    if (first < 0x80) units.push(first)
    else {
      const length = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 1
      if (length === 1 || length - 1 > end - pos) return undefined
      let point = first & (0x7f >> length)
      for (let i = 1; i < length; i++) {
        const byte = bytes[pos++]
        if ((byte & 0xc0) !== 0x80) return undefined
        point = (point << 6) | (byte & 63)
      }
      if (point < LEAST[length] || point > 0x10_ffff) return undefined
      if (point > 0xffff) units.push(0xd7c0 + (point >> 10), 0xdc00 + (point & 1023))
      else units.push(point)
    }
    if (units.length >= UNITS - 1) {
      text += String.fromCharCode(...units)
      units = []
    }
  }
  return text + String.fromCharCode(...units)
}
