/**
 * FlexBuffers: metadata that can be read where it lies, one field of it without the rest (`open`). Written by the builder
 * of the `flatbuffers` package, read by `flex-read.ts`. Nothing can check a document before it is read, and what looks
 * small may point a thousand times to the same, which is counted: trusted peers only.
 */
import { decodeFailure, expectOptions, isOutbandError } from '../errors.js'
import { checkLimit, forbidden, type Limits, type LimitsOption, resolveLimits } from '../limits.js'
import { expectPacket, type Packet, type PacketLike } from '../packet.js'
import { expectRegistry, type Registry } from '../registry.js'
import { type Memory as Buffer, takeAll } from '../value/buffers.js'
import { ViewKind } from '../wire/flags.js'
import { decoding } from './decoding.js'
import { encoding } from './encoding.js'
import { LentMemory } from './flex-memory.js'
import { FlexParts } from './flex-parts.js'
import { BLOB, BOOL, FlexBytes, type FlexValue, MAP, NULL } from './flex-read.js'
import { ARRAY, BIGINT, HEAD, SHARED, writeFlex } from './flex-write.js'
import type { Format, FormatDecodeSettings, FormatEncodeSettings } from './format.js'
import { Lifted } from './lifted.js'
import { Lower, type Source } from './lower.js'
import { malformed } from './malformed.js'
import type { Memory } from './memory.js'

const OWN_KINDS: ReadonlySet<number> = new Set([ViewKind.UINT8])

function encode(value: unknown, settings: FormatEncodeSettings): Packet {
  if (!settings.limits.unverified) throw forbidden('encode', 'unverified')
  return encoding(value, settings, OWN_KINDS, writeFlex)
}

function decode({ meta, buffers }: PacketLike, settings: FormatDecodeSettings): unknown {
  const { limits } = settings
  expectTrust(limits)
  return decoding(limits, meta, nested => {
    // What may be shared with who changes it is copied, once.
    const doc = new FlexBytes(new Uint8Array(meta), limits)
    const { root, lengths } = rootOf(doc)
    const parts = new FlexParts(doc)
    const tree = parts.read(root, nested.depth)
    const memory = memoryOf(parts)
    if (memory.outOfBand !== lengths.length) throw malformed('a head of other buffers than views lie on')
    memory.receive(buffers)
    return parts.isPlain ? tree : new Lower({ ...LIFTED, memory }, settings, nested).value(tree)
  })
}

/** Parts are what the reader made them. */
const LIFTED: Omit<Source, 'memory'> = {
  recognize: object => (object instanceof Lifted ? object : undefined),
  protoKey: undefined,
}

/** Maps are read in the order of their keys, not of their writing: records are put in order of their runs. */
function memoryOf({ records, memory }: FlexParts): Memory {
  const ordered = records.toSorted(
    (a, b) => a.run - b.run || Number(b.bytes?.length ?? 0) - Number(a.bytes?.length ?? 0),
  )
  for (const record of ordered) memory.announce(record, 0)
  return memory
}

function expectTrust({ unverified }: Readonly<Limits>): void {
  if (unverified) return
  const what = 'FlexBuffers cannot be checked before they are read, and limits.unverified forbids them'
  throw decodeFailure('UNSUPPORTED', what, { limit: 'unverified' })
}

/** The value of a document, and the lengths of the buffers beside it. @throws MALFORMED */
function rootOf(doc: FlexBytes): { root: FlexValue; lengths: readonly number[] } {
  const root = doc.root()
  const isHeaded = root.isVector && root.length === 2 && root.at(0, 2).type === BLOB
  const head = isHeaded ? root.at(0, 2).blob() : undefined
  if (head?.[0] !== HEAD) return { root, lengths: [] }
  if (head.length % 8 !== 1) throw malformed('a head of no lengths')
  const view = new DataView(head.buffer, head.byteOffset + 1, head.length - 1)
  checkLimit('buffers', doc.limits.buffers, view.byteLength / 8, 0)
  const lengths = Array.from({ length: view.byteLength >> 3 }, (_, i) =>
    Number(view.getBigUint64(8 * i, true)),
  )
  return { root: root.at(1, 2), lengths }
}

/** FlexBuffers, written by the `flatbuffers` package. For trusted peers; `spec/FORMATS.md` says what is lost. */
export const flexbuffers: Format = Object.freeze({ name: 'flexbuffers', encode, decode })

/** Options of `open`. */
export interface OpenOptions {
  types?: Registry | undefined
  limits?: LimitsOption | undefined
}

/** What a value is, as far as it can be told without reading it. */
export type FlexKind = 'null' | 'boolean' | 'number' | 'bigint' | 'string' | 'array' | 'object' | 'part'

interface Opened {
  readonly doc: FlexBytes
  readonly memory: LentMemory
  readonly settings: FormatDecodeSettings
}

/** One value of a document that stays where it is: only what is asked for is read. */
export class FlexReader {
  readonly #value: FlexValue
  readonly #opened: Opened

  /** @internal */
  constructor(value: FlexValue, opened: Opened) {
    this.#value = value
    this.#opened = opened
  }

  /** Views, dates, Maps and the like are 'part': `toValue` gives them. */
  get kind(): FlexKind {
    return guarded(() => kindOf(plainOf(this.#value)))
  }

  /** Elements of an array, keys of an object; 0 for anything else. */
  get length(): number {
    return guarded(() => lengthOf(plainOf(this.#value)))
  }

  /** Keys of an object, in the order of their bytes, which is not that of their writing. */
  keys(): string[] {
    return guarded(() => {
      const value = plainOf(this.#value)
      return value.type === MAP ? Array.from({ length: value.length }, (_, i) => value.keyAt(i)) : []
    })
  }

  /** The value at a path of keys and indices, undefined when there is none. @throws MALFORMED */
  get(...path: readonly (string | number)[]): FlexReader | undefined {
    return guarded(() => {
      let value: FlexValue | undefined = this.#value
      for (const step of path) value = value && stepInto(plainOf(value), step)
      return value && new FlexReader(value, this.#opened)
    })
  }

  /** The value, as `decode` gives it, with all that is in it. @throws as decode does */
  toValue<T = unknown>(): T {
    const { doc, memory, settings } = this.#opened
    doc.begin()
    const none = new Uint8Array()
    return decoding(settings.limits, none, nested => {
      const parts = new FlexParts(doc)
      const tree = parts.read(this.#value, nested.depth)
      // What is out of band was counted when the document was opened.
      for (const { bytes } of parts.records) if (bytes?.length) parts.memory.count(bytes.length, 0)
      memory.announce(parts.records)
      return parts.isPlain ? tree : new Lower({ ...LIFTED, memory }, settings, nested).value(tree)
    }) as T
  }
}

const utf8 = new TextEncoder()

function stepInto(value: FlexValue, step: string | number): FlexValue | undefined {
  if (kindOf(value) === 'part') return undefined
  if (typeof step === 'string') {
    const index = value.type === MAP ? value.find(utf8.encode(step)) : -1
    return index < 0 ? undefined : value.at(index, value.length)
  }
  const isIndex = value.isVector && Number.isInteger(step) && step >= 0 && step < lengthOf(value)
  return isIndex ? value.at(step + marksOf(value), value.length) : undefined
}

/** What is under the number of an object that is met again. */
function plainOf(value: FlexValue): FlexValue {
  return markOf(value) === SHARED ? value.at(1, value.length) : value
}

/** The letter of the blob that a vector begins with, −1 when there is none. */
function markOf(value: FlexValue): number {
  if (!value.isVector || value.length === 0) return -1
  const first = value.at(0, value.length)
  return first.type === BLOB ? first.blob()[0] : -1
}

/** Elements before the first of an array: one, where it says that there is a zero in one of its texts. */
function marksOf(value: FlexValue): number {
  return markOf(value) === ARRAY ? 1 : 0
}

function lengthOf(value: FlexValue): number {
  return value.type === MAP || kindOf(value) === 'array' ? value.length - marksOf(value) : 0
}

/** Letters of blobs that are values, such as bytes, or say no more than that it is an array: a vector that begins with one is an array. */
const VALUES: ReadonlySet<number> = new Set([-1, ARRAY, ...[...'BVUTN'].map(letter => letter.charCodeAt(0))])

function kindOf(value: FlexValue): FlexKind {
  const { type } = value
  if (type === MAP) return 'object'
  if (value.isVector) return VALUES.has(markOf(value)) ? 'array' : 'part'
  if (value.isText) return 'string'
  if (type === NULL) return 'null'
  if (type === BOOL) return 'boolean'
  // A BigInt that does not fit in 64 bits is a blob.
  if (type === BLOB) return value.blob()[0] === BIGINT ? 'bigint' : 'part'
  // Of a whole number only its value tells.
  return typeof value.scalar() === 'bigint' ? 'bigint' : 'number'
}

/** The engine's complaints of a place outside of the bytes are malformed metadata. */
function guarded<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (isOutbandError(error)) throw error
    throw malformed('a place outside of the metadata', { cause: error })
  }
}

/**
 * Opens a packet whose metadata is FlexBuffers, and reads none of it but the lengths of its buffers, which are compared.
 *
 * Memory: the metadata is borrowed, and read when asked; it must not change meanwhile. Views lie on the buffers given when
 * they are aligned there (borrow), else on a copy; bytes in band are copied (own).
 *
 * @throws UNSUPPORTED unless `limits.unverified` allows it; MALFORMED for no FlexBuffer; BUFFERS as decode does.
 */
export function open(packet: PacketLike, options: OpenOptions = {}): FlexReader {
  expectPacket(packet)
  expectOptions(options)
  const { meta, buffers } = packet
  const limits = resolveLimits(options.limits)
  expectRegistry(options.types)
  expectTrust(limits)
  checkLimit('metaBytes', limits.metaBytes, meta.length, 0)
  return guarded(() => {
    const doc = new FlexBytes(meta, limits)
    const { root, lengths } = rootOf(doc)
    const list = taken(buffers, lengths, limits)
    const records = () => {
      // Counted apart: it may be in the middle of reading a value.
      const whole = new FlexBytes(meta, limits)
      const parts = new FlexParts(whole)
      parts.read(rootOf(whole).root, 0)
      return parts.records
    }
    const memory = new LentMemory(limits, list, records)
    return new FlexReader(root, { doc, memory, settings: { types: options.types, limits } })
  })
}

function taken(list: PacketLike['buffers'], lengths: readonly number[], limits: Readonly<Limits>): Buffer[] {
  let total = 0
  return takeAll(list, buffers =>
    lengths.map(byteLength => {
      total += byteLength
      checkLimit('bufferBytes', limits.bufferBytes, byteLength, 0)
      checkLimit('totalBytes', limits.totalBytes, total, 0)
      return buffers.take(byteLength)
    }),
  )
}
