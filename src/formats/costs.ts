/**
 * What libraries would take for a message that small bytes of it make large: keys of objects that are indices, of which V8 stores
 * `{"1023": 1}` in an array of some 1500 slots, 12 KiB for seven bytes, and parts, each of which is a window first. Scans add
 * it up, and where it is much the format reads the message itself, by `setField` and without the windows.
 */

/** From about here on V8 stores elements in a dictionary by itself. */
const MOST_DENSE = 5000
/** What a message may cost beyond its bytes without more ado. */
const FREE_BYTES = 65_536
const FREE_PER_BYTE = 32
const ZERO = 0x30

/** Bytes for the elements of an object that has this index, at most. */
export function slotsBytes(index: number): number {
  return index <= MOST_DENSE ? 128 + 12 * index : 0
}

/** The same for a key that is text. */
export function textSlotsBytes(bytes: Uint8Array, start: number, byteLength: number): number {
  if (byteLength === 0 || byteLength > 4) return 0
  let index = 0
  for (let i = start; i < start + byteLength; i++) {
    const digit = bytes[i] - ZERO
    if (digit < 0 || digit > 9) return 0
    index = index * 10 + digit
  }
  return slotsBytes(index)
}

/** The same for a key that is a number, but not in the short forms of indices: nobody who means well writes one so. */
export const ODD_SLOTS_BYTES = slotsBytes(MOST_DENSE)

/** A part's window, and what it is before it is a value. */
const PART_BYTES = 160

/** What is added up. */
export class Costs {
  bytes = 0
  /** Of the keys so far, if they are of one object: the others cost nothing beside it. */
  #dearest = 0

  add(slots: number): void {
    if (slots <= this.#dearest) return
    this.bytes += slots - this.#dearest
    this.#dearest = slots
  }

  part(): void {
    this.bytes += PART_BYTES
  }

  /** An item begins or ends that has items: the next key may be another object's. */
  turn(): void {
    this.#dearest = 0
  }
}

/** Whether a message of so many bytes would be made too much of. */
export function isWasteful(costs: Costs, byteLength: number): boolean {
  return costs.bytes > FREE_BYTES + FREE_PER_BYTE * byteLength
}
