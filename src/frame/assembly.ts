/**
 * A frame while it arrives, part after part:
 *
 *      header → table → metadata → large buffer, or small ones together → … → padding ─→ packet
 *         ↑________________________________________________________________________________|
 *
 * The metadata and every buffer of 4 KiB or more get an allocation of their own, exactly as long as they are; shorter
 * ones that follow each other share one of 16 KiB at most, so that who keeps a short one keeps no more than that.
 */
import { crc32c } from '../bytes/crc32c.js'
import { isBytes } from '../bytes/window.js'
import { expectArgument } from '../errors.js'
import type { Limits } from '../limits.js'
import type { Packet } from '../packet.js'
import {
  checkPadding,
  checkPart,
  checkStart,
  expectChecksums,
  HEADER_BYTES,
  type Header,
  type Layout,
  paddingBefore,
  paddingBehind,
  readHeader,
  readTable,
  unpackFailure,
} from './header.js'
import { type Item, type Note, readNote } from './note.js'
import { Part, type Sink } from './part.js'

/** A buffer from so many bytes on gets an allocation of its own. */
const LARGE = 4096
/** The most that shorter ones share. */
const BLOCK = 16_384

/** What frames are held against, and where their large buffers go. */
export interface AssemblySettings {
  readonly limits: Readonly<Limits>
  readonly checksum: boolean | undefined
  readonly destination: ((byteLength: number, buffer: number) => Uint8Array | Sink | undefined) | undefined
}

type Step = 'header' | 'table' | 'metadata' | 'large' | 'small' | 'end'

export class Assembly {
  readonly #settings: AssemblySettings
  readonly #start = new Uint8Array(HEADER_BYTES)
  readonly #headerPart = new Part(HEADER_BYTES, 0, 'metaBytes', false, this.#start)
  #step: Step = 'header'
  #part = this.#headerPart
  /** Where the part, with its padding, begins in the frame. */
  #position = 0
  #header: Header | undefined
  #layout: Layout | undefined
  #meta: Packet['meta'] | undefined
  #buffers: Uint8Array[] = []
  /** Whether the stream has said goodbye. */
  #isOver = false

  constructor(settings: AssemblySettings) {
    this.#settings = settings
  }

  /** The part that is arriving. */
  get part(): Part {
    return this.#part
  }

  /** Bytes of the frame that have come. */
  get received(): number {
    return this.#position + this.#part.span - this.#part.missing
  }

  /** Bytes of the frame, once its head is there. */
  get total(): number | undefined {
    return this.#layout?.frameBytes
  }

  /** The header is looked at byte by byte, so that it is not to be read into. */
  get isInHeader(): boolean {
    return this.#step === 'header'
  }

  /** Takes from the chunk, from `pos` on, what belongs to the part; returns where the rest begins. */
  take(chunk: Uint8Array, pos: number): number {
    const end = this.#part.take(chunk, pos, this.received)
    if (this.#step === 'header') checkStart(this.#start, this.#part.at)
    return end
  }

  /** Takes in the part, which is whole, and begins the next one; the packet or note, when it was the last. */
  next(): Item | undefined {
    const part = this.#part
    this.#position += part.span
    switch (this.#step) {
      case 'header':
        this.#takeHeader()
        return undefined
      case 'table':
        this.#takeTable(part.bytes)
        return undefined
      case 'metadata':
        // It has no destination, and so memory of its own.
        this.#meta = part.bytes as Packet['meta']
        this.#check(-1, part.checksum)
        break
      case 'large':
        this.#check(this.#buffers.length, part.checksum)
        this.#buffers.push(part.bytes)
        break
      case 'small':
        this.#cut(part.bytes)
        break
      case 'end': {
        const packet = { meta: this.#meta as Packet['meta'], buffers: this.#buffers }
        const item = this.#header?.isNote === true ? this.#note(packet.meta) : packet
        this.begin()
        return item
      }
    }
    this.#expectBuffers()
    return undefined
  }

  /** Makes ready for another frame, and lets go of this one. */
  begin(): void {
    this.#position = 0
    this.#header = undefined
    this.#layout = undefined
    this.#meta = undefined
    this.#buffers = []
    this.#headerPart.rewind()
    this.#expect('header', this.#headerPart)
  }

  #note(meta: Uint8Array): Note {
    const note = readNote(meta)
    this.#isOver ||= note.kind === 'bye'
    return note
  }

  #expect(step: Step, part: Part): void {
    this.#step = step
    this.#part = part
  }

  #isChecked(): boolean {
    return this.#settings.checksum !== false && this.#header?.hasChecksums === true
  }

  #check(part: number, checksum: number): void {
    if (this.#isChecked()) checkPart(this.#layout as Layout, part, checksum)
  }

  #takeHeader(): void {
    const header = readHeader(this.#start, this.#settings.limits)
    expectChecksums(header, this.#settings.checksum)
    if (this.#isOver && !header.isNote) throw unpackFailure('TRAILING', 'a packet behind the goodbye')
    this.#header = header
    const tableBytes = header.headBytes - HEADER_BYTES
    if (tableBytes === 0) this.#takeTable(this.#start.subarray(HEADER_BYTES))
    else this.#expect('table', new Part(tableBytes, 0, 'buffers'))
  }

  #takeTable(table: Uint8Array): void {
    const header = this.#header as Header
    this.#layout = readTable(header, this.#start, table, this.#settings.limits, this.#isChecked())
    this.#expect('metadata', new Part(header.metaBytes, 0, 'metaBytes', this.#isChecked()))
  }

  /** Begins the next large buffer, or as many small ones as share a block, or the end. */
  #expectBuffers(): void {
    const { lengths } = this.#layout as Layout
    const first = this.#buffers.length
    if (first === lengths.length) {
      this.#expect('end', new Part(0, paddingBehind(this.#position), 'totalBytes'))
      return
    }
    const byteLength = lengths[first]
    const padding = paddingBefore(this.#position, byteLength)
    if (byteLength >= LARGE) {
      const destination = this.#place(byteLength, first)
      this.#expect('large', new Part(byteLength, padding, 'bufferBytes', this.#isChecked(), destination))
      return
    }
    const start = this.#position + padding
    let end = start
    for (let i = first; i < lengths.length && lengths[i] < LARGE; i++) {
      const next = end + paddingBefore(end, lengths[i]) + lengths[i]
      if (next - start > BLOCK) break
      end = next
    }
    this.#expect('small', new Part(end - start, padding, 'bufferBytes'))
  }

  /** @throws TypeError for memory that does not fit, and whatever the user's function throws */
  #place(byteLength: number, buffer: number): Uint8Array | Sink | undefined {
    const place = this.#settings.destination?.(byteLength, buffer)
    if (place === undefined || typeof place === 'function') return place
    const fits = isBytes(place) && place.byteLength === byteLength
    expectArgument(fits, 'destination', `a Uint8Array of ${byteLength} bytes, a function or undefined`)
    return place
  }

  /** Cuts the small buffers out of their block, which ends where the frame has come to. */
  #cut(block: Uint8Array): void {
    const { lengths } = this.#layout as Layout
    const start = this.#position - block.length
    let end = 0
    for (let i = this.#buffers.length; i < lengths.length && lengths[i] < LARGE; i++) {
      const byteLength = lengths[i]
      const next = end + paddingBefore(start + end, byteLength)
      if (next + byteLength > block.length) break
      checkPadding(block, end, next, start + end)
      end = next + byteLength
      const buffer = new Uint8Array(block.buffer, next, byteLength)
      if (this.#isChecked()) this.#check(i, crc32c(buffer))
      this.#buffers.push(buffer)
    }
  }
}
