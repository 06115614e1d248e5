/**
 * A packet as text that people can read. It takes any bytes: where they stop making sense, the listing says so
 * and goes on with the parts that can still be found.
 */
import { crc32c } from '../bytes/crc32c.js'
import { Reader } from '../bytes/reader.js'
import { readText } from '../bytes/text.js'
import { isBytes } from '../bytes/window.js'
import type { PacketLike } from '../packet.js'
import { RunFlag, ViewFlag } from './flags.js'
import { count, keyList, Lines, quoted, reasonOf, SHOWN } from './lines.js'
import { Body, type Parts } from './listing.js'
import { Head } from './ops.js'
import { readShape } from './shapes.js'
import { KINDS } from './views.js'

const MOST_BYTES = 16
const FLAG_NAMES = ['refs', 'shapes', 'views', 'checksum']

/**
 * Describes a packet, or metadata alone: its parts, and one line per op with its byte offset. For people:
 * the text may change in any release. Long values and long packets are shortened, with a note.
 *
 * Never throws, whatever the bytes. Borrows the packet; `buffers` are looked at only when they are an array.
 */
export function inspect(packet: PacketLike | Uint8Array): string {
  return listed(packet).toString()
}

/** @internal As `inspect`, before it is text. */
export function listed(packet: PacketLike | Uint8Array): Lines {
  const lines = new Lines()
  try {
    const meta = ArrayBuffer.isView(packet) ? packet : packet.meta
    if (!isBytes(meta)) throw new TypeError('metadata must be a Uint8Array')
    lines.title(`outband packet: ${count(meta.length, 'byte')} of metadata${buffersOf(packet)}`)
    const reader = new Reader()
    reader.load(meta)
    new Inspection(reader, lines).run()
  } catch (error) {
    lines.problem(`not a packet: ${reasonOf(error)}`)
  }
  return lines
}

function buffersOf(packet: PacketLike | Uint8Array): string {
  if (ArrayBuffer.isView(packet) || !Array.isArray(packet.buffers)) return ''
  const buffers = packet.buffers as readonly (ArrayBufferView | ArrayBufferLike)[]
  if (buffers.length === 0) return ', no buffers'
  let total = 0
  for (const buffer of buffers) total += buffer?.byteLength ?? Number.NaN
  return `, ${count(buffers.length, 'buffer')} of ${count(total, 'byte')}`
}

class Inspection {
  readonly #reader: Reader
  readonly #lines: Lines
  #flags = 0
  #bodyBytes = 0
  readonly #parts: Parts = { hasRefs: false, shapes: [], views: [], segments: [] }

  constructor(reader: Reader, lines: Lines) {
    this.#reader = reader
    this.#lines = lines
  }

  run(): void {
    const reader = this.#reader
    const lines = this.#lines
    const { end } = reader
    if (!this.#isRead(lines, () => this.#header())) return
    const body = reader.pos
    const bodyEnd = Math.min(body + this.#bodyBytes, end)
    // The parts behind the body are read first, since its ops only point into them, and shown where they lie.
    const behind = new Lines()
    reader.pos = bodyEnd
    this.#isRead(behind, () => this.#behind(behind, body + this.#bodyBytes - bodyEnd))
    reader.pos = body
    reader.end = bodyEnd
    lines.part(body, `body, ${count(this.#bodyBytes, 'byte')}`)
    new Body(reader, this.#parts).list(lines)
    lines.append(behind)
    lines.add(end, 0, 'end')
  }

  /** Runs a step; where it cannot go on, says why. */
  #isRead(lines: Lines, step: () => void): boolean {
    try {
      step()
      return true
    } catch (error) {
      lines.stop(this.#reader.pos, 1, error)
      return false
    }
  }

  #header(): void {
    const reader = this.#reader
    if (reader.u8() !== Head.MAGIC_0 || reader.u8() !== Head.MAGIC_1)
      throw reader.malformed('no magic number')
    const byte = reader.u8()
    const version = byte >> Head.VERSION_SHIFT
    this.#flags = byte & ((1 << Head.VERSION_SHIFT) - 1)
    const names = FLAG_NAMES.filter((_, bit) => byte & (1 << bit))
    this.#lines.title(
      `version ${version}, flags ${this.#flags}${names.length > 0 ? `: ${names.join(', ')}` : ''}`,
    )
    if (version !== Head.VERSION) throw reader.malformed(`version ${version}, not ${Head.VERSION},`)
    this.#parts.hasRefs = (byte & Head.HAS_REFS) !== 0
    this.#bodyBytes = reader.varint()
  }

  #behind(lines: Lines, missing: number): void {
    const reader = this.#reader
    if (missing > 0) throw reader.truncated(missing)
    const flags = this.#flags
    const { end } = reader
    if (flags & Head.HAS_CHECKSUM) {
      if (end - Head.CHECKSUM_BYTES < reader.pos) throw reader.truncated(Head.CHECKSUM_BYTES)
      reader.end = end - Head.CHECKSUM_BYTES
    }
    const steps = [
      ...(flags & Head.HAS_SHAPES ? [() => this.#shapes(lines)] : []),
      ...(flags & Head.HAS_VIEWS ? [() => this.#views(lines, (flags & Head.HAS_CHECKSUM) !== 0)] : []),
      () => this.#text(lines),
    ]
    // Each part starts where the one before ends: after a failure the rest cannot be found.
    steps.every(step => this.#isRead(lines, step))
    if (flags & Head.HAS_CHECKSUM) {
      const wanted = reader.view.getUint32(reader.end, true)
      const got = crc32c(reader.bytes.subarray(0, reader.end))
      lines.part(reader.end, `checksum ${hex(wanted)}`)
      if (got !== wanted) lines.problem(`the metadata has the checksum ${hex(got)}`)
    }
  }

  #shapes(lines: Lines): void {
    const reader = this.#reader
    const { pos } = reader
    const shapes = reader.varint()
    lines.part(pos, count(shapes, 'shape'))
    if (shapes > reader.end - reader.pos) throw reader.truncated(shapes)
    for (let id = 0, isFull = false; id < shapes; id++) {
      const at = reader.pos
      const keys = readShape(reader)
      this.#parts.shapes.push(keys)
      isFull ||= lines.isFull(at, count(shapes - id, 'more shape'))
      if (!isFull) lines.add(at, 1, `${id} ${keyList(keys)}`)
    }
  }

  #views(lines: Lines, isChecked: boolean): void {
    const reader = this.#reader
    const { pos } = reader
    const runCount = reader.varint()
    const viewCount = reader.varint()
    lines.part(pos, `${count(runCount, 'run')}, ${count(viewCount, 'view')}`)
    const least = runCount * 2 + viewCount
    if (least > reader.end - reader.pos) throw reader.truncated(least)
    const inBand: number[] = []
    let buffer = 0
    for (let i = 0, isFull = false; i < runCount; i++) {
      const at = reader.pos
      const flags = reader.u8()
      const byteLength = reader.varint()
      const place = flags & RunFlag.OUT_OF_BAND ? `buffer ${buffer++}` : 'in band'
      if (!(flags & RunFlag.OUT_OF_BAND)) inBand.push(byteLength)
      const notes = [
        flags & RunFlag.READONLY ? ', read-only' : '',
        flags & RunFlag.SHARED ? ', shared' : '',
        flags & RunFlag.RESIZABLE ? `, resizable to ${reader.varint()}` : '',
        flags >> RunFlag.PHASE_SHIFT ? `, phase ${flags >> RunFlag.PHASE_SHIFT}` : '',
        isChecked && flags & RunFlag.OUT_OF_BAND ? `, checksum ${hex(reader.u32())}` : '',
      ]
      isFull ||= lines.isFull(at, count(runCount - i, 'more run'))
      if (!isFull) lines.add(at, 1, `run ${i} ${place}, ${count(byteLength, 'byte')}${notes.join('')}`)
    }
    let used = 0
    for (let i = 0, isFull = false; i < viewCount; i++) {
      const at = reader.pos
      const flags = reader.u8()
      const run = flags & ViewFlag.WHOLE ? used : reader.varint()
      used = Math.max(used, run + 1)
      const view = this.#view(flags, run)
      this.#parts.views.push(view)
      isFull ||= lines.isFull(at, count(viewCount - i, 'more view'))
      if (!isFull) lines.add(at, 1, `view ${i} ${view}`)
    }
    this.#inBand(lines, inBand)
  }

  #view(flags: number, run: number): string {
    const kind = KINDS[flags & ViewFlag.KIND]
    const name = kind?.name ?? `of unknown kind ${flags & ViewFlag.KIND}`
    const notes = `${flags & ViewFlag.READONLY ? ', read-only' : ''}${flags & ViewFlag.TRACKING ? ', tracks length' : ''}`
    if (flags & ViewFlag.WHOLE) return `${name}, all of run ${run}${notes}`
    const offset = this.#reader.varint()
    const length = this.#reader.varint()
    const size = kind === undefined || kind.size === 1 ? '' : ` × ${kind.size}`
    return `${name} ${length}${size} at ${offset} of run ${run}${notes}`
  }

  #inBand(lines: Lines, lengths: readonly number[]): void {
    if (lengths.length === 0) return
    const reader = this.#reader
    lines.part(reader.pos, `bytes of ${count(lengths.length, 'run')} in band`)
    let isFull = false
    for (const [i, byteLength] of lengths.entries()) {
      const at = reader.take(byteLength)
      isFull ||= lines.isFull(at, count(lengths.length - i, 'more run'))
      if (isFull) continue
      const shown = Array.from(reader.bytes.subarray(at, at + Math.min(byteLength, MOST_BYTES)), twoDigits)
      if (byteLength > MOST_BYTES) shown.push('…')
      lines.add(at, 1, `${count(byteLength, 'byte')}: ${shown.join(' ')}`)
    }
  }

  #text(lines: Lines): void {
    const reader = this.#reader
    if (reader.pos === reader.end) return
    lines.part(reader.pos, 'text')
    for (let isFull = false; reader.pos < reader.end; ) {
      const at = reader.pos
      const header = reader.varint()
      const wide = header % 2 === 1
      const units = Math.floor(header / 2)
      // As decode counts: the header of wide text holds its units too, two bytes each.
      const start = reader.take(wide ? units * 2 : units)
      this.#parts.segments.push({ start, units, wide })
      isFull ||= lines.isFull(at, count(reader.end - at, 'more byte'))
      if (isFull) continue
      const text = readText(reader.bytes, start, Math.min(units, SHOWN) * (wide ? 2 : 1), wide)
      lines.add(at, 1, `${count(units, 'unit')}, ${wide ? 'wide' : 'narrow'}: ${quoted(text, units)}`)
    }
  }
}

function twoDigits(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

function hex(n: number): string {
  return `0x${n.toString(16).padStart(8, '0')}`
}
