/**
 * Reads MessagePack as msgpackr does, for messages that msgpackr would make a thousand times their bytes of (it stores
 * `{"1023": 1}` in an array of 1500 slots, and a date of three bytes in a window of a hundred), or would read wrong. All of
 * the bytes were checked by the scan, which left no ext among them.
 */
import { setField } from '../value/properties.js'
import type { Found } from './found.js'
import { malformed } from './malformed.js'

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * The value of bytes that were scanned, with its parts in it; bins are windows on them (borrow).
 * @throws MALFORMED for a key that is no scalar, and as parts do
 */
export function read(found: Found): unknown {
  return new Read(found).value()
}

class Read {
  readonly #found: Found
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #pos = 0

  constructor(found: Found) {
    const { bytes } = found
    this.#found = found
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  value(): unknown {
    const byte = this.#bytes[this.#pos++]
    if (byte < 0x80) return byte
    if (byte >= 0xe0) return byte - 256
    if (byte < 0x90) return this.#map(byte & 15)
    if (byte < 0xa0) return this.#array(byte & 15)
    if (byte < 0xc0) return this.#text(byte & 31)
    if (byte === 0xc0) return null
    if (byte < 0xc4) return byte === 0xc3
    if (byte < 0xc7) return this.#bin(this.#uint(1 << (byte - 0xc4)))
    if (byte < 0xd9) return this.#number(byte)
    if (byte < 0xdc) return this.#text(this.#uint(1 << (byte - 0xd9)))
    const count = this.#uint(byte & 1 ? 4 : 2)
    return byte < 0xde ? this.#array(count) : this.#map(count)
  }

  #number(byte: number): number | bigint {
    const view = this.#view
    const at = this.#pos
    // Of two bytes to a power: u8 to u64, then i8 to i64; the floats stand before them.
    const byteLength = byte < 0xcc ? 4 << (byte - 0xca) : 1 << (byte & 3)
    this.#pos += byteLength
    if (byte < 0xcc) return byteLength === 4 ? view.getFloat32(at) : view.getFloat64(at)
    const isSigned = byte >= 0xd0
    switch (byteLength) {
      case 1:
        return isSigned ? view.getInt8(at) : view.getUint8(at)
      case 2:
        return isSigned ? view.getInt16(at) : view.getUint16(at)
      case 4:
        return isSigned ? view.getInt32(at) : view.getUint32(at)
    }
    return isSigned ? view.getBigInt64(at) : view.getBigUint64(at)
  }

  #uint(byteLength: number): number {
    let n = 0
    for (let i = 0; i < byteLength; i++) n = n * 256 + this.#bytes[this.#pos++]
    return n
  }

  #bin(byteLength: number): unknown {
    const start = this.#pos
    this.#pos += byteLength
    return this.#found.part(start, this.#pos) ?? this.#bytes.subarray(start, this.#pos)
  }

  #text(byteLength: number): string {
    const start = this.#pos
    this.#pos += byteLength
    return utf8.decode(this.#bytes.subarray(start, this.#pos))
  }

  #array(length: number): unknown[] {
    const array = new Array<unknown>(length)
    for (let i = 0; i < length; i++) array[i] = this.value()
    return array
  }

  #map(count: number): object {
    const object: Record<string, unknown> = {}
    for (let i = 0; i < count; i++) {
      const key = this.value()
      if (typeof key === 'object' && key !== null) throw malformed('a key that is no scalar')
      setField(object, String(key), this.value())
    }
    return object
  }
}
