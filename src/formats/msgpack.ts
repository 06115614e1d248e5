/**
 * MessagePack, by msgpackr: metadata that any reader of MessagePack takes. msgpackr writes and reads plain data; all else is
 * lifted out before and put back after, so what others register with the same copy of msgpackr never meets our values,
 * nor what we do theirs: our one extension is for a class that nobody else has, and is asked for no code on the way in.
 */
import { addExtension, Packr } from 'msgpackr'
import type { Packet, PacketLike } from '../packet.js'
import { ViewKind } from '../wire/flags.js'
import { complementBytes } from './bigint.js'
import { decoding } from './decoding.js'
import { encoding } from './encoding.js'
import type { Format, FormatDecodeSettings, FormatEncodeSettings } from './format.js'
import { Lifted } from './lifted.js'
import { Lower } from './lower.js'
import { isIllFormed, mended, type TextLength } from './mend.js'
import * as exts from './msgpack-ext.js'
import { FoundExts } from './msgpack-found.js'
import { read } from './msgpack-read.js'
import { scan } from './msgpack-scan.js'
import { bytesOf, RECORD_BYTES, type SentView, writeRecord } from './view-record.js'
import { withCopy } from './working-copy.js'

/** Room for so many bytes in what is being written. */
type Allot = (byteLength: number) => { target: Uint8Array; position: number }
type Pack = (value: unknown) => void

/** Standard MessagePack in its shortest form: no records, no bundles, maps of the size they have. */
const packr = new Packr({
  useRecords: false,
  variableMapSize: true,
  useToJSON: false,
} as ConstructorParameters<typeof Packr>[0])

// A type that is no code: msgpackr wants one, and would overwrite what others have for a number.
addExtension({
  Class: Lifted as never,
  type: 'outband' as never,
  pack: write as never,
})

/** Writes a part: to msgpackr it is one value, whatever it takes. */
function write(part: Lifted, allot: Allot, pack: Pack): void {
  if (part.is('view')) writeView(part.content as SentView, allot)
  else if (part.is('zero')) writeBytes(allot, [0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0])
  else if (part.is('date')) writeExt(allot, exts.TIMESTAMP, exts.timestampBytes(part.content))
  else if (part.is('bigint')) writeExt(allot, exts.BIGINT, complementBytes(part.content))
  else if (part.is('ref')) writeExt(allot, exts.OURS, lettered(exts.REF, part.content))
  else if (part.is('map')) writeMarked(exts.MAP, part.content, allot, pack)
  else if (part.is('set')) writeMarked(exts.SET, part.content, allot, pack)
  else if (part.is('error')) writeMarked(exts.ERROR, [part.content], allot, pack)
  else if (part.is('custom')) writeMarked(exts.CUSTOM, part.content, allot, pack)
  else if (part.is('regexp')) writeMarked(exts.REGEXP, part.content, allot, pack)
  else if (part.is('shared')) {
    const [number, value] = part.content
    writeMarked(exts.SHARED, [value], allot, pack, lettered(exts.SHARED, number))
  }
}

/** An array whose first element, the mark, says what it is. */
function writeMarked(
  letter: number,
  rest: readonly unknown[],
  allot: Allot,
  pack: Pack,
  mark = Uint8Array.of(letter),
): void {
  const length = rest.length + 1
  const head = length < 16 ? [0x90 | length] : [0xdd, length >>> 24, length >>> 16, length >>> 8, length]
  // One allotment for both: msgpackr gives a second one nowhere to write.
  const { target, position } = allot(head.length + extBytes(mark.length))
  target.set(head, position)
  putExt(target, position + head.length, exts.OURS, mark)
  for (const value of rest) pack(value)
}

function writeView(view: SentView, allot: Allot): void {
  const { record, isAlone } = view
  const { kind } = record
  const bytes = bytesOf(view)
  if (isAlone && bytes !== undefined && kind === ViewKind.UINT8) return writeBin(bytes, allot)
  const code = isAlone ? exts.TYPED_CODES.get(kind) : undefined
  const head = code === undefined ? 1 + RECORD_BYTES : 1
  const byteLength = head + (bytes?.length ?? 0)
  const { target, position } = allot(extBytes(byteLength))
  const start = putExtHead(target, position, code === undefined ? exts.OURS : exts.TYPED, byteLength)
  target[start] = code ?? exts.VIEW
  if (code === undefined) writeRecord(target, start + 1, record)
  else target.set(bytes as Uint8Array, start + 1)
}

function writeBin(bytes: Uint8Array, allot: Allot): void {
  const { length } = bytes
  const { target, position } = allot(length + 5)
  target.set([0xc6, length >>> 24, length >>> 16, length >>> 8, length], position)
  target.set(bytes, position + 5)
}

const lettered = (letter: number, number: number) =>
  Uint8Array.of(letter, number, number >>> 8, number >>> 16, number >>> 24)

function writeBytes(allot: Allot, bytes: readonly number[]): void {
  const { target, position } = allot(bytes.length)
  target.set(bytes, position)
}

function writeExt(allot: Allot, type: number, content: Uint8Array): void {
  const { target, position } = allot(extBytes(content.length))
  putExt(target, position, type, content)
}

function putExt(target: Uint8Array, position: number, type: number, content: Uint8Array): void {
  target.set(content, putExtHead(target, position, type, content.length))
}

/** Bytes of an ext whose data are so long. */
const extBytes = (length: number): number =>
  length + (FIXED.includes(length) ? 2 : length < 256 ? 3 : length < 65_536 ? 4 : 6)
const FIXED = [1, 2, 4, 8, 16]

/** Writes the head of an ext in its shortest form, and returns where the data begin. */
function putExtHead(target: Uint8Array, at: number, type: number, length: number): number {
  const fixed = FIXED.indexOf(length)
  let pos = at
  if (fixed >= 0) target[pos++] = 0xd4 + fixed
  else {
    const bytes = length < 256 ? 1 : length < 65_536 ? 2 : 4
    target[pos++] = 0xc7 + (bytes >> 1)
    for (let shift = (bytes - 1) * 8; shift >= 0; shift -= 8) target[pos++] = length >>> shift
  }
  target[pos++] = type
  return pos
}

/** Fixstr, or str 8. */
const textLength: TextLength = (bytes, headEnd) => {
  const byte = bytes[headEnd]
  if (bytes[headEnd - 1] === 0xd9) return byte
  return (byte & 0xe0) === 0xa0 ? byte & 31 : -1
}

const OWN_KINDS: ReadonlySet<number> = new Set([ViewKind.UINT8, ...exts.TYPED_CODES.keys()])

function encode(value: unknown, settings: FormatEncodeSettings): Packet {
  return encoding(value, settings, OWN_KINDS, tree => {
    const written = packr.pack(tree)
    const isFit = !isIllFormed(written, tree, textLength)
    // What msgpackr returns lies on memory that all its results share.
    return new Uint8Array(isFit ? written : packr.pack(mended(tree)))
  })
}

function decode({ meta, buffers }: PacketLike, settings: FormatDecodeSettings): unknown {
  const { limits } = settings
  return decoding(limits, meta, nested =>
    withCopy(meta, (bytes, source) => {
      const found = new FoundExts(bytes, limits)
      const isOurs = scan(bytes, limits, nested.depth, found)
      found.receive(buffers)
      const value: unknown = isOurs ? read(found) : packr.unpack(source, bytes.length)
      return found.isPlain ? value : new Lower(found, settings, nested).value(value)
    }),
  )
}

/** MessagePack, written and read by msgpackr. `spec/FORMATS.md` says which codes stand for what, and what is lost. */
export const msgpack: Format = Object.freeze({ name: 'msgpack', encode, decode })
