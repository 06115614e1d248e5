/**
 * Reads CBOR as cbor-x does, for messages that cbor-x would make a thousand times their bytes of (it stores `{"1023": 1}` in
 * an array of 1500 slots, and a date of two bytes in a window of a hundred), or would read wrong. All of the bytes were
 * checked by the scan, which left no tag among them.
 */
import { setField } from '../value/properties.js'
import { ARRAY, BREAK, BYTES, INDEFINITE, type Item, itemAt, MAP, TEXT, UINT, wrong } from './cbor-item.js'
import type { Found } from './found.js'
import { half } from './half.js'

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * The value of bytes that were scanned, with its parts in it; byte strings are windows on them (borrow).
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
    const item = itemAt(this.#bytes, this.#pos)
    const { major, start, end } = item
    this.#pos = end
    if (major < BYTES) return this.#integer(item)
    if (major === BYTES) return this.#found.part(start, end) ?? this.#bytes.subarray(start, end)
    if (major === TEXT) return utf8.decode(this.#bytes.subarray(start, end))
    if (major === ARRAY) return this.#array(item)
    return major === MAP ? this.#map(item) : this.#simple(item)
  }

  /** Of eight bytes a BigInt: those of the sender, but for what no number holds, are numbers. */
  #integer({ major, info, count, start }: Item): number | bigint {
    if (info < EIGHT_BYTES) return major === UINT ? count : -1 - count
    const n = this.#view.getBigUint64(start - 8)
    return major === UINT ? n : -1n - n
  }

  #simple({ info, start }: Item): unknown {
    if (info === FALSE || info === TRUE) return info === TRUE
    if (info === NULL) return null
    if (info < EIGHT_BYTES - 2) return undefined
    const at = start - (1 << (info - 24))
    const view = this.#view
    if (info === EIGHT_BYTES) return view.getFloat64(at)
    return info === EIGHT_BYTES - 1 ? view.getFloat32(at) : half(view.getUint16(at))
  }

  #array({ info, count }: Item): unknown[] {
    // Without a length the first element would make room for 17.
    const array = new Array<unknown>(info === INDEFINITE ? 0 : count)
    for (let i = 0; !this.#isEnd(info === INDEFINITE ? -1 : count - i); i++) array[i] = this.value()
    return array
  }

  #map({ info, count }: Item): object {
    const object: Record<string, unknown> = {}
    for (let left = info === INDEFINITE ? -1 : count; !this.#isEnd(left); left--) {
      const at = this.#pos
      const key = this.value()
      if (typeof key === 'object' && key !== null) throw wrong('a key that is no scalar', at)
      setField(object, String(key), this.value())
    }
    return object
  }

  /** Whether nothing is left, or, where that is not known (negative), a break follows. */
  #isEnd(left: number): boolean {
    if (left >= 0) return left === 0
    const isBreak = this.#bytes[this.#pos] === BREAK
    if (isBreak) this.#pos++
    return isBreak
  }
}

/** Low bits of heads. */
const FALSE = 20
const TRUE = 21
const NULL = 22
const EIGHT_BYTES = 27
