/**
 * What the scan of a format's bytes finds. The library makes of each part a window on those bytes: where it begins tells
 * which part it is, and nothing that a peer can write could make another window begin there. Our own readers ask for the
 * part itself: of the smallest ones a window would be most of what they take.
 */
import { byteOffsetOf, isBytes } from '../bytes/window.js'
import type { Limits } from '../limits.js'
import type { PacketLike } from '../packet.js'
import { ViewKind } from '../wire/flags.js'
import { Lifted } from './lifted.js'
import type { Source } from './lower.js'
import { malformed } from './malformed.js'
import { Memory, receiveNone } from './memory.js'
import { Places } from './places.js'
import { hideProtoKeys } from './proto-key.js'
import { readRecord, type ViewRecord } from './view-record.js'

/** Says, as the first element of an array, what the array is. */
export abstract class Mark {
  /** What an array is that begins with this mark. @throws MALFORMED */
  abstract read(array: readonly unknown[]): Lifted
}

/**
 * Who counts objects needs no number above the bytes so far: others could be chosen to collide in a table, or to make it
 * large. @throws MALFORMED for another
 */
export function expectCounted(number: number, at: number): void {
  if (number > at) throw malformed(`number ${number} for an object`, { offset: at })
}

export abstract class Found implements Source {
  protoKey: string | undefined
  /** Whether the library's result is the value. */
  isPlain = true
  /** Written over by the scan. */
  readonly bytes: Uint8Array
  readonly limits: Readonly<Limits>
  /** Made when first needed, like the rest: small messages have none of it. */
  #memory: Memory | undefined
  #records: Map<number, ViewRecord> | undefined
  /** Kind · u5 one byte more than the content lies behind the place · u8 the content's first byte, if it is written over. */
  #contents: Places | undefined
  #protoKeys: number[] | undefined

  /** Borrows the bytes. */
  constructor(bytes: Uint8Array, limits: Readonly<Limits>) {
    this.bytes = bytes
    this.limits = limits
  }

  get memory(): Memory {
    this.#memory ??= new Memory(this.limits)
    return this.#memory
  }

  /** A record of a view, from `start` to `end`, whose window begins at `at`. */
  view(start: number, end: number, at: number): void {
    const record = readRecord(this.bytes.subarray(start, end), start)
    this.memory.announce(record, start)
    this.#records ??= new Map()
    this.#records.set(at, record)
  }

  /**
   * A part of a kind of the format's own, with its content from `from` on, whose window begins at `at`: up to thirty bytes in front
   * of that, or on its second byte, the first of which is written over then.
   */
  protected content(kind: number, from: number, at: number): void {
    const lost = from < at ? this.bytes[from] : 0
    this.#contents ??= new Places()
    this.#contents.add(at, (kind << 13) | ((from - at + 1) << 8) | lost)
  }

  /** Bytes of the sender's, which the library gives as a window too. */
  bin(byteLength: number, at: number): void {
    this.isPlain = false
    this.memory.count(byteLength, at)
  }

  /** A key `__proto__`, which libraries rename, begins here. */
  hide(at: number): void {
    this.isPlain = false
    this.#protoKeys ??= []
    this.#protoKeys.push(at)
  }

  /** Takes the buffers of the packet, when all of the metadata has been scanned. @throws BUFFERS */
  receive(buffers: PacketLike['buffers']): void {
    if (this.#protoKeys !== undefined) this.protoKey = hideProtoKeys(this.bytes, this.#protoKeys)
    if (this.#memory === undefined) receiveNone(buffers)
    else this.#memory.receive(buffers)
  }

  recognize(object: object): Lifted | undefined {
    if (Array.isArray(object)) {
      const mark = this.#partOf(object[0])
      return mark instanceof Mark ? mark.read(object) : undefined
    }
    const part = this.#partOf(object)
    if (part instanceof Mark) throw malformed('a mark outside of an array')
    return part ?? (isBytes(object) ? new Lifted('bytes', [ViewKind.UINT8, object]) : undefined)
  }

  #partOf(object: unknown): Lifted | Mark | undefined {
    if (isBytes(object)) {
      const start = byteOffsetOf(object)
      return this.part(start, start + object.length)
    }
    return object instanceof Lifted || object instanceof Mark ? object : undefined
  }

  /** The part that the library has a window for, undefined for bytes of the sender's. @throws MALFORMED, LIMIT */
  part(start: number, end: number): Lifted | Mark | undefined {
    const record = this.#records?.get(start)
    if (record !== undefined) return new Lifted('view', record)
    const note = this.#contents?.find(start)
    if (note === undefined) return this.markAt(start)
    const from = start + ((note >> 8) & 31) - 1
    // What lies there now is the end of a head that has been read.
    if (from < start) this.bytes[from] = note & 255
    return this.toPart(note >> 13, this.bytes.subarray(from, end), from)
  }

  /** The part of this kind and content (borrow), which begins at byte `at`. @throws MALFORMED, LIMIT */
  protected abstract toPart(kind: number, content: Uint8Array, at: number): Lifted | Mark

  /** A mark that has no content. */
  protected markAt(_at: number): Mark | undefined {
    return undefined
  }
}
