/** What a scan finds in MessagePack, and what msgpackr's results stand for: windows on our bytes, by where they begin. */

import type { Limits } from '../limits.js'
import type { PacketLike } from '../packet.js'
import { KIND_UINT8 } from '../wire/views.js'
import { Lifted } from './lifted.js'
import { malformed, type Source } from './lower.js'
import { Memory, receiveNone } from './memory.js'
import { Mark, OURS, readExt, readMarked, TYPED, VIEW } from './msgpack-ext.js'
import type { Finder } from './msgpack-scan.js'
import { hideProtoKeys } from './proto-key.js'
import { readRecord, type ViewRecord } from './view-record.js'

export class Found implements Source, Finder {
  protoKey: string | undefined
  /** Whether msgpackr's result is the value. */
  isPlain = true
  readonly #bytes: Uint8Array
  readonly #limits: Readonly<Limits>
  /** Made when first needed, like the rest: small messages have none of it. */
  #memory: Memory | undefined
  /** Type of an ext, and by how many bytes its data begin behind those of the bin it was made. */
  #exts: Map<number, number> | undefined
  #records: Map<number, ViewRecord> | undefined
  #protoKeys: number[] | undefined

  /** Borrows the bytes, and writes to them. */
  constructor(bytes: Uint8Array, limits: Readonly<Limits>) {
    this.#bytes = bytes
    this.#limits = limits
  }

  get memory(): Memory {
    this.#memory ??= new Memory(this.#limits)
    return this.#memory
  }

  ext(type: number, start: number, end: number, binStart: number): void {
    this.isPlain = false
    this.#exts ??= new Map()
    this.#exts.set(binStart, type * 4 + start - binStart + 1)
    if (type === TYPED) this.memory.count(Math.max(0, end - start - 1), start)
    if (type !== OURS || this.#bytes[start] !== VIEW || start === end) return
    const record = readRecord(this.#bytes.subarray(start + 1, end), start)
    this.memory.announce(record, start)
    this.#records ??= new Map()
    this.#records.set(binStart, record)
  }

  bin(byteLength: number, at: number): void {
    this.isPlain = false
    this.memory.count(byteLength, at)
  }

  hide(at: number): void {
    this.isPlain = false
    this.#protoKeys ??= []
    this.#protoKeys.push(at)
  }

  /** Takes the buffers of the packet, when all of the metadata has been scanned. @throws BUFFERS */
  receive(buffers: PacketLike['buffers']): void {
    if (this.#protoKeys !== undefined) this.protoKey = hideProtoKeys(this.#bytes, this.#protoKeys)
    if (this.#memory === undefined) receiveNone(buffers)
    else this.#memory.receive(buffers)
  }

  recognize(object: object): Lifted | undefined {
    if (Array.isArray(object)) {
      const mark = object[0] instanceof Uint8Array ? this.#part(object[0]) : undefined
      return mark instanceof Mark ? readMarked(mark, object) : undefined
    }
    if (!(object instanceof Uint8Array)) return undefined
    const part = this.#part(object)
    if (part instanceof Mark) throw malformed('a mark outside of an array')
    return part ?? new Lifted('bytes', [KIND_UINT8, object])
  }

  /** The part of a window on our bytes, undefined for a bin. */
  #part({ byteOffset, byteLength }: Uint8Array): Lifted | Mark | undefined {
    const record = this.#records?.get(byteOffset)
    if (record !== undefined) return new Lifted('view', record)
    const ext = this.#exts?.get(byteOffset)
    if (ext === undefined) return undefined
    const start = byteOffset + (ext & 3) - 1
    return readExt(ext >> 2, this.#bytes.subarray(start, byteOffset + byteLength), this.#limits, start)
  }
}
