/**
 * CBOR (RFC 8949), by cbor-x. As with msgpackr it writes and reads plain data; all else is lifted out before and put back
 * after. Our one extension is for a class that nobody else has, and no tag is left for its global table on the way in.
 */
import { addExtension, Encoder } from 'cbor-x'
import { asBuffer } from '../bytes/text.js'
import type { Packet, PacketLike } from '../packet.js'
import { stopped } from '../value/trace.js'
import { ViewKind } from '../wire/flags.js'
import { magnitudeBytes } from './bigint.js'
import { joined } from './cbor-chunks.js'
import { FoundTags } from './cbor-found.js'
import { read } from './cbor-read.js'
import { scan } from './cbor-scan.js'
import * as tags from './cbor-tags.js'
import { decoding } from './decoding.js'
import { encoding } from './encoding.js'
import type { Format, FormatDecodeSettings, FormatEncodeSettings } from './format.js'
import { Lifted } from './lifted.js'
import { Lower } from './lower.js'
import { isIllFormed, mended, type TextLength } from './mend.js'
import { bytesOf, RECORD_BYTES, type SentView, writeRecord } from './view-record.js'
import { withCopy } from './working-copy.js'

type Write = (value: unknown) => void

/** Standard CBOR in its preferred form: no records, no packing, maps of the size they have. */
const encoder = new Encoder({
  useRecords: false,
  variableMapSize: true,
  tagUint8Array: false,
  useTag259ForMaps: false,
} as ConstructorParameters<typeof Encoder>[0]) as CborX

/** What cbor-x has and its types do not say: `end` is where the bytes of the message end. */
interface CborX extends Encoder {
  alwaysUseFloat?: boolean
  decode(bytes: Uint8Array, end?: number): unknown
}

// No tag: cbor-x asks for one each time, and notes nothing for those that it reads.
addExtension({
  Class: Lifted,
  getTag: tagOf,
  encode: writeContent,
} as never)

function tagOf(part: Lifted): number | undefined {
  if (part.is('view')) {
    const { record, isAlone } = part.content as SentView
    return isAlone ? tags.TYPED_TAGS.get(record.kind) : tags.VIEW
  }
  if (part.is('bigint')) return part.content < 0n ? tags.NEGATIVE_BIGINT : tags.BIGINT
  return TAGS[part.kind]
}

const TAGS: { readonly [Kind in Lifted['kind']]?: number } = {
  date: tags.DATE,
  custom: tags.OBJECT,
  shared: tags.SHARED,
  ref: tags.REF,
  set: tags.SET,
  map: tags.MAP,
  regexp: tags.REGEXP,
  error: tags.ERROR,
}

function writeContent(part: Lifted, write: Write): void {
  if (part.is('map')) write(mapOf(part.content))
  else if (part.is('view')) writeView(part.content as SentView, write)
  else if (part.is('bigint'))
    write(asWritten(magnitudeBytes(part.content < 0n ? -1n - part.content : part.content)))
  else if (part.is('date')) write(part.content / 1000)
  else if (part.is('zero')) writeMinusZero(write)
  else if (part.is('shared')) writeShared(part.content, write)
  else write(part.content)
}

/** Objects with a number that were written: a reader counts them. */
let numbered = 0

/** @throws UNSUPPORTED for a number out of order: a Proxy can list keys as no object has them, indices last */
function writeShared([number, value]: readonly [number: number, value: unknown], write: Write): void {
  if (number !== numbered++)
    throw stopped('UNSUPPORTED', 'an object that is met twice, under a Proxy with its keys out of order')
  write(value)
}

/** Of integers cbor-x has no −0. */
function writeMinusZero(write: Write): void {
  encoder.alwaysUseFloat = true
  write(-0)
  encoder.alwaysUseFloat = false
}

/** Keys are as they were, but for parts, each of which is a key of its own. @throws UNSUPPORTED for two that became one */
function mapOf(entries: readonly unknown[]): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>()
  for (let i = 0; i < entries.length; i += 2) map.set(entries[i], entries[i + 1])
  if (map.size * 2 < entries.length)
    throw stopped('UNSUPPORTED', 'keys of a Map that are the same without their boxes, or in UTF-8')
  return map
}

function writeView(view: SentView, write: Write): void {
  const { record, isAlone } = view
  const bytes = bytesOf(view)
  if (isAlone && bytes !== undefined) return write(asWritten(bytes))
  const whole = new Uint8Array(RECORD_BYTES + (bytes?.length ?? 0))
  writeRecord(whole, 0, record)
  write(asWritten(whole))
}

/**
 * cbor-x tags a Uint8Array, and a Buffer not; but it goes by the global class, of which a Buffer is none where a test runner has put
 * another realm's there, and writes what it does not know as a list.
 */
function asWritten({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  const bytes = asBuffer(buffer, byteOffset, length)
  return bytes instanceof Uint8Array ? bytes : new Uint8Array(buffer, byteOffset, length)
}

/** A head of one byte or two. */
const textLength: TextLength = (bytes, headEnd) => {
  const byte = bytes[headEnd]
  if (bytes[headEnd - 1] === 0x78) return byte
  return byte >= 0x60 && byte < 0x78 ? byte & 31 : -1
}

const OWN_KINDS: ReadonlySet<number> = new Set([ViewKind.UINT8, ...tags.TYPED_TAGS.keys()])

/** Encodings at work: cbor-x has one place to write to, and one that is begun inside another, by a getter, spoils it. */
let underWay = 0
let begun = 0

function encoded(tree: unknown): Uint8Array {
  numbered = 0
  return encoder.encode(tree)
}

function written(tree: unknown): Uint8Array<ArrayBuffer> {
  const before = ++begun
  const outer = numbered
  underWay++
  try {
    const bytes = encoded(tree)
    return new Uint8Array(begun === before ? bytes : encoded(mended(tree)))
  } finally {
    underWay--
    numbered = outer
    // A getter that threw may have left it set.
    if (underWay === 0) encoder.alwaysUseFloat = false
  }
}

function encode(value: unknown, settings: FormatEncodeSettings): Packet {
  return encoding(value, settings, OWN_KINDS, tree => {
    const meta = written(tree)
    return isIllFormed(meta, tree, textLength) ? written(mended(tree)) : meta
  })
}

/** The metadata without the tag that says that it is CBOR: 55799, which stands for nothing else. */
function untagged(meta: Uint8Array): Uint8Array {
  const isTagged = meta[0] === 0xd9 && meta[1] === 0xd9 && meta[2] === 0xf7
  return isTagged ? meta.subarray(3) : meta
}

function decode({ meta, buffers }: PacketLike, settings: FormatDecodeSettings): unknown {
  const { limits } = settings
  return decoding(limits, meta, nested => {
    const plain = untagged(meta)
    return withCopy(plain, (bytes, source) => {
      let found = new FoundTags(bytes, limits)
      let from = source
      let readBy = scan(bytes, limits, nested.depth, found)
      if (readBy === 'nobody') {
        // Of what was scanned so far some is written over.
        const whole = joined(new Uint8Array(plain))
        from = asBuffer(whole.buffer, 0, whole.length)
        found = new FoundTags(whole, limits)
        readBy = scan(whole, limits, nested.depth, found)
      }
      found.receive(buffers)
      const value: unknown = readBy === 'library' ? encoder.decode(from, found.bytes.length) : read(found)
      return found.isPlain ? value : new Lower(found, settings, nested).value(value)
    })
  })
}

/** CBOR, written and read by cbor-x. `spec/FORMATS.md` says which tags stand for what, and what is lost. */
export const cbor: Format = Object.freeze({ name: 'cbor', encode, decode })
