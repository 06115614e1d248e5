/**
 * Mutants of good packets. A mutant is a function of the seed and its number alone, so that any can be made again.
 * Half of the art is to damage one thing and keep the rest in order: the body's length in the header and the checksum
 * are mostly mended afterwards, so that the damage is reached.
 */
import { varint } from '../fixtures/assemble.js'
import { crc32c } from '../src/bytes/crc32c.js'
import type { PacketLike } from '../src/index.js'
import { ERROR_CAUSE, ERROR_ERRORS, ERROR_FIELDS, ERROR_MESSAGE } from '../src/wire/errors.js'
import { OP_NAMES } from '../src/wire/names.js'
import { Head, Op } from '../src/wire/ops.js'

/** A seeded generator that can start anywhere at no cost (mulberry32). */
export class Dice {
  #state = 0

  start(seed: number, number: number): void {
    this.#state = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(number + 1, 0xc2b2_ae35)
    this.next()
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  below(n: number): number {
    return this.next() % n
  }

  pick<T>(items: readonly T[]): T {
    return items[this.next() % items.length]!
  }
}

type Memory = ArrayBufferView | ArrayBufferLike

export interface Source {
  readonly meta: Uint8Array
  readonly buffers: readonly Memory[]
}

const BYTES = [0, 1, 2, 15, 16, 31, 63, 64, 127, 128, 129, 143, 144, 191, 192, 254, 255]
const NUMBERS = [
  0,
  1,
  2,
  127,
  128,
  255,
  256,
  1023,
  1024,
  4095,
  4096,
  65_535,
  65_536,
  2 ** 20,
  2 ** 30,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
].map(n => Uint8Array.from(varint(n)))
const OPS = [...OP_NAMES.keys()]
/** Ops with operands that could be right. */
const PHRASES = [
  [Op.ARRAY | 1],
  [Op.ARRAY | 2, 1, 2],
  [Op.ARRAY_LONG, 1],
  [Op.ARRAY_PROPS, Op.ARRAY, Op.OBJECT_LONG, 0, 0, 0],
  [Op.OBJECT],
  [Op.OBJECT | 1],
  [Op.OBJECT_LONG, 0, 0, 0],
  [Op.OBJECT_NULL, 0, 0, 0],
  [Op.MAP, 1, 0, 0, 0],
  [Op.MAP, 0, 0, 0, 0],
  [Op.SET, 1, 0, 0, 0],
  [Op.TEXT | 1],
  [Op.TEXT_LONG, 2],
  [Op.TEXT_DEFINE, 1],
  [Op.TEXT_REF, 0],
  [Op.NUMBERS_I8, 2, 1, 2],
  [Op.NUMBERS_F64, 1, 0, 0, 0, 0, 0, 0, 240, 63],
  [Op.BIGINT, 4, 1, 2],
  [Op.DATE, 0, 0, 0, 0, 0, 0, 0, 0],
  [Op.REGEXP, Op.TEXT | 1, Op.TEXT],
  [Op.BOXED, 1],
  [Op.BOXED, Op.TEXT | 1],
  [Op.ERROR, 5, ERROR_MESSAGE, Op.TEXT | 1],
  [Op.ERROR, 7, ERROR_ERRORS, Op.ARRAY],
  [Op.ERROR, 0, ERROR_CAUSE],
  [Op.ERROR, 0, ERROR_FIELDS, Op.OBJECT_LONG, 0, 0, 0],
  [Op.VIEW],
  [Op.CUSTOM, Op.TEXT | 4],
  [Op.CUSTOM, Op.TEXT | 5],
  [Op.REF, 0],
  [Op.REF, 1],
  [Op.REF_NUMBERS, 0],
  [Op.HOLE],
].map(phrase => Uint8Array.from(phrase))

/** Before the body, where the header is written last. */
const HEADROOM = 16
const ROOM = 2 ** 15
/** Sources are shorter, so that insertions always fit. */
export const LONGEST_SOURCE = 2 ** 13 + 1024

/** A source taken apart: what the header says, and the bytes behind it. */
interface Parts {
  readonly flags: number
  readonly bodyBytes: number
  readonly rest: Uint8Array
}

function partsOf(meta: Uint8Array): Parts {
  let at = 3
  let bodyBytes = 0
  for (let scale = 1; at < meta.length; scale *= 128) {
    const byte = meta[at++]!
    bodyBytes += (byte & 127) * scale
    if (byte < 128) break
  }
  const rest = meta.slice(at)
  return { flags: meta[2]! & 15, bodyBytes: Math.min(bodyBytes, rest.length), rest }
}

export class Mutator {
  readonly dice = new Dice()
  readonly #sources: readonly Source[]
  readonly #parts: readonly Parts[]
  readonly #bytes = new Uint8Array(ROOM)
  #flags = 0
  #bodyEnd = 0
  #length = 0
  /** What the last mutant was made of. */
  source = 0

  constructor(sources: readonly Source[]) {
    this.#sources = sources
    this.#parts = sources.map(({ meta }) => partsOf(meta))
  }

  /** The mutant of this number. Its metadata lies in memory that the next one reuses. */
  make(seed: number, number: number): PacketLike {
    const { dice } = this
    dice.start(seed, number)
    this.source = dice.below(this.#sources.length)
    const { buffers } = this.#sources[this.source]!
    const { flags, bodyBytes, rest } = this.#parts[this.source]!
    this.#bytes.set(rest, HEADROOM)
    this.#flags = flags
    this.#bodyEnd = HEADROOM + bodyBytes
    this.#length = HEADROOM + rest.length
    const isAboutBuffers = buffers.length > 0 && dice.below(4) === 0
    let changes = isAboutBuffers ? dice.below(2) : 1 + (dice.below(2) === 0 ? dice.below(6) : 0)
    for (; changes > 0; changes--) this.#change()
    const start = this.#header()
    if (dice.below(16) > 0) this.#seal(start)
    if (dice.below(64) === 0) this.#bytes[start + dice.below(4)] = dice.next()
    const meta = this.#bytes.subarray(start, this.#length)
    return { meta, buffers: isAboutBuffers ? otherBuffers(dice, buffers) : buffers }
  }

  #change(): void {
    const { dice } = this
    const bytes = this.#bytes
    const at = this.#place()
    switch (dice.below(16)) {
      case 0:
      case 1:
        bytes[at] = bytes[at]! ^ (1 << dice.below(8))
        return
      case 2:
        bytes[at] = dice.next()
        return
      case 3:
        bytes[at] = dice.pick(BYTES)
        return
      case 4:
        bytes[at] = bytes[at]! + dice.below(9) - 4
        return
      case 5:
        bytes[at] = dice.pick(OPS)
        return
      case 6:
        bytes[at] =
          dice.next() & 1 ? Op.TEXT + dice.below(Op.TEXTS) : Op.ARRAY + dice.below(Op.ARRAYS + Op.OBJECTS)
        return
      case 7:
        this.#replace(at, 1, dice.pick(NUMBERS))
        return
      case 8:
      case 9:
        this.#replace(at, dice.below(2), dice.pick(PHRASES))
        return
      case 10:
        this.#replace(
          at,
          0,
          Uint8Array.of(dice.next(), dice.next(), dice.next(), dice.next()).subarray(dice.below(4)),
        )
        return
      case 11:
        this.#replace(at, 1 + dice.below(8), NOTHING)
        return
      case 12: {
        const start = this.#place()
        this.#replace(at, 0, bytes.slice(start, Math.min(this.#length, start + 1 + dice.below(24))))
        return
      }
      case 13:
        this.#splice(at)
        return
      case 14: {
        // Both numbers of a table and its neighbour: what one byte alone cannot make consistent.
        const n = dice.pick(NUMBERS)
        this.#replace(at, 1, n)
        this.#replace(Math.min(this.#length, at + n.length), 1, dice.pick(NUMBERS))
        return
      }
      default:
        this.#head()
    }
  }

  /** A place of the body, or of what is behind it. */
  #place(): number {
    const { dice } = this
    const body = this.#bodyEnd - HEADROOM
    const tail = this.#length - this.#bodyEnd
    if (body + tail === 0) return HEADROOM
    if (tail === 0 || (body > 0 && dice.next() & 1)) return HEADROOM + dice.below(body)
    return this.#bodyEnd + dice.below(tail)
  }

  #replace(at: number, removed: number, inserted: Uint8Array): void {
    const gone = Math.min(removed, this.#length - at)
    const grown = inserted.length - gone
    if (this.#length + grown > ROOM) return
    this.#bytes.copyWithin(at + inserted.length, at + gone, this.#length)
    this.#bytes.set(inserted, at)
    this.#length += grown
    if (at < this.#bodyEnd)
      this.#bodyEnd = Math.max(Math.min(at + inserted.length, this.#length), this.#bodyEnd + grown)
  }

  /** Some bytes of another packet, or all that is behind its body. */
  #splice(at: number): void {
    const { dice } = this
    const { flags, bodyBytes, rest } = dice.pick(this.#parts)
    if (dice.below(4) === 0) {
      const tail = rest.subarray(bodyBytes)
      if (this.#bodyEnd + tail.length > ROOM) return
      this.#bytes.set(tail, this.#bodyEnd)
      this.#length = this.#bodyEnd + tail.length
      this.#flags |= flags
      return
    }
    const start = dice.below(rest.length + 1)
    this.#replace(at, dice.below(2) * dice.below(16), rest.slice(start, start + 1 + dice.below(32)))
  }

  /** Other flags, another end of the body, a cut. */
  #head(): void {
    const { dice } = this
    const choice = dice.below(8)
    if (choice < 4) this.#flags ^= 1 << dice.below(4)
    else if (choice < 7)
      this.#bodyEnd = Math.max(HEADROOM, Math.min(this.#length, this.#bodyEnd + dice.below(5) - 2))
    else this.#length = HEADROOM + dice.below(this.#length - HEADROOM + 1)
    this.#bodyEnd = Math.min(this.#bodyEnd, this.#length)
  }

  /** Writes the header in front of the body and returns where it starts. */
  #header(): number {
    const { dice } = this
    const bytes = this.#bytes
    const lie = dice.below(64) === 0 ? dice.pick(NUMBERS) : undefined
    const length = lie ?? Uint8Array.from(varint(this.#bodyEnd - HEADROOM))
    const start = HEADROOM - 3 - length.length
    bytes[start] = Head.MAGIC_0
    bytes[start + 1] = Head.MAGIC_1
    bytes[start + 2] = (Head.VERSION << Head.VERSION_SHIFT) | this.#flags
    bytes.set(length, start + 3)
    return start
  }

  /** The checksum of what it has become. */
  #seal(start: number): void {
    const end = this.#length - 4
    if ((this.#flags & Head.HAS_CHECKSUM) === 0 || end < HEADROOM) return
    const checksum = crc32c(this.#bytes.subarray(start, end))
    for (let i = 0; i < 4; i++) this.#bytes[end + i] = checksum >>> (8 * i)
  }
}

const NOTHING = new Uint8Array(0)

/** The buffers with something wrong about one of them, or about the list. */
function otherBuffers(dice: Dice, buffers: readonly Memory[]): Memory[] {
  const others: unknown[] = [...buffers]
  const at = dice.below(others.length)
  switch (dice.below(8)) {
    case 0:
      others.splice(at, 1)
      break
    case 1:
      others.push(others[at])
      break
    case 2:
      others.reverse()
      break
    case 3:
      others[at] = dice.pick([null, undefined, 0, 'memory', {}, [], NOTHING, new ArrayBuffer(0)])
      break
    default:
      others[at] = otherMemory(dice, others[at] as Memory)
  }
  return others as Memory[]
}

/** The bytes on other memory: misaligned, longer, shorter, shared, resizable, whole. */
function otherMemory(dice: Dice, memory: Memory): Memory {
  const bytes = ArrayBuffer.isView(memory)
    ? new Uint8Array(memory.buffer, memory.byteOffset, memory.byteLength)
    : new Uint8Array(memory)
  const { length } = bytes
  switch (dice.below(7)) {
    case 0: {
      const offset = dice.below(9)
      const moved = new Uint8Array(length + 16).subarray(offset, offset + length)
      moved.set(bytes)
      return moved
    }
    case 1:
      return new Uint8Array(length + 1 + dice.below(8))
    case 2:
      return bytes.subarray(0, Math.max(0, length - 1 - dice.below(8)))
    case 3: {
      const shared = new Uint8Array(new SharedArrayBuffer(length))
      shared.set(bytes)
      return dice.below(2) === 0 ? shared : shared.buffer
    }
    case 4: {
      const resizable = new ArrayBuffer(length, { maxByteLength: length + dice.below(32) })
      new Uint8Array(resizable).set(bytes)
      return dice.below(2) === 0 ? resizable : new Uint8Array(resizable)
    }
    case 5:
      return new DataView(bytes.slice().buffer)
    default:
      return bytes.slice().buffer
  }
}
