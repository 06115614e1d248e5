/**
 * Text <-> bytes, exact for every JavaScript string, lone surrogates included: one byte per UTF-16 unit
 * when all are below U+0100 ("narrow"), else two, little-endian ("wide").
 *
 * This is the one file of the core that looks for Node's Buffer, whose `latin1Slice` and `latin1Write`
 * are several times faster than a loop; without it (browsers) TextEncoder and TextDecoder do the same for most text, and
 * loops for the rest.
 */

interface BufferMethods {
  latin1Write(text: string, offset: number, length: number): number
  ucs2Write(text: string, offset: number, length: number): number
  latin1Slice(start: number, end: number): string
  ucs2Slice(start: number, end: number): string
}

interface BufferClass {
  readonly prototype: Uint8Array & BufferMethods
  from(buffer: ArrayBufferLike, byteOffset: number, length: number): Uint8Array
  allocUnsafeSlow(byteLength: number): Uint8Array<ArrayBuffer>
}

const NodeBuffer = (globalThis as { Buffer?: BufferClass }).Buffer
const native = typeof NodeBuffer?.prototype?.latin1Slice === 'function' ? NodeBuffer.prototype : undefined

/** Whether bytes become a string, and a string bytes, about as fast as they are copied. */
export const isTextCheap = native !== undefined

/** Up to this many units a loop beats the call into Node (measured). */
const SHORT = 24
/** From so many units on the platform's coders are tried where there is no Buffer (measured in Chromium). */
const LONG = 64
/** An AudioWorklet has no coders: there all text goes through loops. */
const needsCoders = native === undefined && typeof TextEncoder === 'function'
const utf8 = needsCoders ? new TextEncoder() : undefined
const latin1 = needsCoders ? new TextDecoder('latin1') : undefined
/** Arguments that `String.fromCharCode` takes at once without a stack overflow in any engine. */
const APPLY = 4096

/** Whether a unit is above U+00FF. V8 answers at once for a one-byte string, whatever its length. */
const WIDE = /[^\0-\xff]/
export function isWide(text: string): boolean {
  return WIDE.test(text)
}

/** Whether a prototype is that of Node's Buffer itself. */
export function isBufferPrototype(prototype: object): boolean {
  return prototype === native
}

/** True for Node's Buffer, false for any other view and where there is no Buffer. */
export function isBuffer(view: ArrayBufferView): boolean {
  return native !== undefined && view instanceof (NodeBuffer as unknown as typeof Uint8Array)
}

/** A Buffer on this memory (borrow) where there are Buffers, else a Uint8Array; without a length it follows that of the memory. */
export function asBuffer(buffer: ArrayBufferLike, byteOffset: number, length?: number): Uint8Array {
  if (native === undefined) return new Uint8Array(buffer, byteOffset, length)
  if (length !== undefined) return (NodeBuffer as BufferClass).from(buffer, byteOffset, length)
  // `Buffer.from` makes one that follows from Node 22 on.
  return Object.setPrototypeOf(new Uint8Array(buffer, byteOffset), native)
}

/**
 * Memory of its own that nobody has cleared, for who writes over all of it before anyone sees it. Where there is no
 * Buffer it is zeros all the same. @throws RangeError past what the engine has
 */
export function allocateUncleared(byteLength: number): Uint8Array<ArrayBuffer> {
  if (native === undefined) return new Uint8Array(byteLength)
  const buffers = NodeBuffer as BufferClass
  if (byteLength >= RETURNED && !isKept) {
    isKept = true
    buffers.allocUnsafeSlow(KEPT)
  }
  return new Uint8Array(buffers.allocUnsafeSlow(byteLength).buffer)
}

/**
 * From 128 KiB on glibc asks the system for memory and gives it back when it is freed, each page of which then
 * costs a fault at its first use: 3 of 5 ms for 8 MiB. Of shorter runs it gives back what adds up to as much at the end of
 * its heap. It stops to do so up to the size of what it has seen freed, of 32 MiB at most: so it is shown that much once,
 * untouched, which takes no memory. A stream of arrays of 8 MiB then is received at 5.5 instead of 1.7 GB/s
 * (`bench/frame.ts`). Other allocators do not care.
 */
const RETURNED = 65_536
const KEPT = 2 ** 25 - 65_536
let isKept = false

/** Writes the text at `pos`, which must have room; returns the position after it. */
export function writeText(bytes: Uint8Array, pos: number, text: string, wide: boolean): number {
  const units = text.length
  if (native !== undefined && units > SHORT) {
    const write = wide ? native.ucs2Write : native.latin1Write
    return pos + write.call(bytes, text, pos, wide ? units * 2 : units)
  }
  if (utf8 !== undefined && !wide && units > LONG) {
    const { read, written } = utf8.encodeInto(text, bytes.subarray(pos))
    // UTF-8 is one byte a unit for ASCII alone.
    if (read === units && written === units) return pos + units
  }
  for (let i = 0; i < units; i++) {
    const unit = text.charCodeAt(i)
    bytes[pos++] = unit
    if (wide) bytes[pos++] = unit >> 8
  }
  return pos
}

/** Writes text unit by unit at `pos`, which must have room; false when a unit is wide. */
export function writeShort(bytes: Uint8Array, pos: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 255) return false
    bytes[pos + i] = unit
  }
  return true
}

/** Reads `byteLength` bytes at `pos` as text; an odd length of wide text leaves out its last byte. */
export function readText(bytes: Uint8Array, pos: number, byteLength: number, wide: boolean): string {
  if (byteLength <= FEW && !wide) return readFew(bytes, pos, byteLength)
  const end = pos + byteLength
  if (native !== undefined) {
    return wide ? native.ucs2Slice.call(bytes, pos, end) : native.latin1Slice.call(bytes, pos, end)
  }
  if (latin1 !== undefined && !wide && byteLength > LONG) {
    // What the web calls latin1 is windows-1252, whose letters for 0x80 to 0x9f are wide: then it was not exact.
    const text = latin1.decode(bytes.subarray(pos, end))
    if (!isWide(text)) return text
  }
  return wide ? readUnits(wideUnits(bytes, pos, end)) : readUnits(bytes.subarray(pos, end))
}

/** Units up to which `readFew` is quicker than a call into Node. */
const FEW = 16

/**
 * Text of up to 16 narrow units. As counted arguments eight or sixteen become a string in 15 and 21 ns, what is too much
 * cut off, where a call into Node takes 36, and appending seven 32 (measured). Past the end of the memory there are zeros.
 */
function readFew(b: Uint8Array, p: number, units: number): string {
  const { fromCharCode: text } = String
  // biome-ignore format: a row of eight
  const few = units <= 8
    ? text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7])
    : text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7],
        b[p + 8], b[p + 9], b[p + 10], b[p + 11], b[p + 12], b[p + 13], b[p + 14], b[p + 15])
  return few.substring(0, units)
}

/** A copy: a view of two-byte units needs alignment, and another order than this machine's. */
function wideUnits(bytes: Uint8Array, pos: number, end: number): Uint16Array {
  const units = new Uint16Array((end - pos) >> 1)
  for (let i = 0; i < units.length; i++) units[i] = bytes[pos + 2 * i] | (bytes[pos + 2 * i + 1] << 8)
  return units
}

function readUnits(units: Uint8Array | Uint16Array): string {
  let text = ''
  for (let i = 0; i < units.length; i += APPLY) {
    text += String.fromCharCode.apply(null, units.subarray(i, i + APPLY) as unknown as number[])
  }
  return text
}
