/**
 * A byte run with a cursor, the mirror of `writer.ts`. Bytes may come from a hostile peer, and from
 * memory that it goes on changing: a short run, and one on shared memory, is copied once before it is read.
 *
 * Reading past the end is TRUNCATED. Single bytes are read as `bytes[pos++]` in hot paths, where
 * `undefined` past the end matches no op and ends in `truncated()` too.
 */
import { decodeFailure, type ErrorCode, type ErrorFields, type OutbandError } from '../errors.js'
import { readText, writeText } from './text.js'
import { isVolatile } from './window.js'

/**
 * Runs up to this size are copied to memory that already has its DataView: making one costs 0.4 µs
 * (V8 moves a short typed array off its heap for it), copying a short run far less.
 */
const SCRATCH = 1024

/** Whether the units of a segment with this header are of two bytes. */
export function isWideSegment(header: number): boolean {
  return header % 2 === 1
}

/** Bytes of its units. */
export function segmentBytes(header: number): number {
  return isWideSegment(header) ? header - 1 : header / 2
}

export class Reader {
  readonly #scratch = new Uint8Array(SCRATCH)
  readonly #scratchView = new DataView(this.#scratch.buffer)
  bytes: Uint8Array = this.#scratch
  view: DataView = this.#scratchView
  pos = 0
  /** Where this reader must stop: the byte after the last. */
  end = 0

  /**
   * Starts on these bytes (borrow, until `release`), or on text of one unit a byte. With a view on them, from their first
   * byte on, they are nobody else's meanwhile, and read where they are.
   */
  load(bytes: Uint8Array | string, view?: DataView): void {
    const { length } = bytes
    this.pos = 0
    this.end = length
    if (view !== undefined) {
      this.bytes = bytes as Uint8Array
      this.view = view
      return
    }
    if (typeof bytes === 'string') this.#loadText(bytes)
    else if (length <= SCRATCH) this.#scratch.set(bytes)
    else this.#begin(isVolatile(bytes.buffer) ? new Uint8Array(bytes) : bytes)
  }

  #loadText(text: string): void {
    if (text.length > SCRATCH) this.#begin(new Uint8Array(text.length))
    writeText(this.bytes, 0, text, false)
  }

  #begin(bytes: Uint8Array): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  release(): void {
    this.bytes = this.#scratch
    this.view = this.#scratchView
  }

  /** Moves past `byteLength` bytes and returns where they began; a declared length is checked here. */
  take(byteLength: number): number {
    const start = this.pos
    if (!(byteLength <= this.end - start)) throw this.truncated(byteLength)
    this.pos = start + byteLength
    return start
  }

  /** The byte that comes next. */
  peek(): number {
    if (this.pos >= this.end) throw this.truncated(1)
    return this.bytes[this.pos]
  }

  u8(): number {
    const { pos } = this
    if (pos >= this.end) throw this.truncated(1)
    this.pos = pos + 1
    return this.bytes[pos]
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true)
  }

  f64(): number {
    return this.view.getFloat64(this.take(8), true)
  }

  /** LEB128 as `Writer.varint` makes it: shortest form only, below 2**53. */
  varint(): number {
    const { pos } = this
    if (pos >= this.end || this.bytes[pos] > 127) return this.#longVarint()
    this.pos = pos + 1
    return this.bytes[pos]
  }

  #longVarint(): number {
    let n = this.u8() & 127
    let byte = this.u8()
    n |= (byte & 127) << 7
    for (let scale = 2 ** 14; byte > 127; scale *= 128) {
      byte = this.u8()
      n += (byte & 127) * scale
      // Not `n >`: after some 150 empty bytes the scale is infinite, and what it makes of another is no number.
      if (!(n <= Number.MAX_SAFE_INTEGER)) throw this.malformed('a number past 2**53')
    }
    if (byte === 0) throw this.malformed('a number longer than needed')
    return n
  }

  /** Text as `Writer.segment` writes it. */
  segment(): string {
    const header = this.varint()
    const byteLength = segmentBytes(header)
    return readText(this.bytes, this.take(byteLength), byteLength, isWideSegment(header))
  }

  truncated(requested: number): OutbandError {
    const available = Math.max(0, this.end - this.pos)
    return this.failed('TRUNCATED', 'metadata ends', { requested, available })
  }

  malformed(what: string, fields?: ErrorFields): OutbandError {
    return this.failed('MALFORMED', what, fields)
  }

  /** The error for what is wrong here, or at the offset among its fields. */
  failed(code: ErrorCode, what: string, fields?: ErrorFields): OutbandError {
    return decodeFailure(code, what, { offset: this.pos, ...fields })
  }
}
