/**
 * Views. Typed arrays and `NDArray`s are arrays of numpy, made of public names alone, so that any version of numpy reads
 * them and copies nothing:
 *
 *      numpy.frombuffer(BUFFER, '<f8')                                     or, of a part of it, (…, count, offset)
 *      numpy.reshape(numpy.frombuffer(BUFFER, '<f8'), (2, 3), 'F')
 *      numpy.ndarray((2, 3), '<f8', BUFFER, offset, strides)               where something lies between the elements
 *
 * Buffers of Node, DataViews and ArrayBuffers are bytes: BUFFER itself. It is NEXT_BUFFER out of band, a bytearray or,
 * when declared read-only, bytes in band. Which it is, and what views overlap, is known when the value has been walked:
 * until then only the places are noted.
 */

import { allocateUncleared, isBuffer } from '../../../bytes/text.js'
import { arrayName } from '../../../bytes/window.js'
import { Writer } from '../../../bytes/writer.js'
import { named } from '../../../errors.js'
import { checkLimit } from '../../../limits.js'
import { isReadonly } from '../../../out-of-band.js'
import type { Packet } from '../../../packet.js'
import { chosenRuns } from '../../../value/runs.js'
import { stopped } from '../../../value/trace.js'
import type { Entry, Run } from '../../../value/views.js'
import { ViewFlag } from '../../../wire/flags.js'
import { KINDS } from '../../../wire/views.js'
import { dtypeOfClass } from '../dtype.js'
import {
  BINBYTES,
  BINBYTES8,
  BININT1,
  BYTEARRAY8,
  MARK,
  MEMOIZE,
  NEXT_BUFFER,
  POP,
  READONLY_BUFFER,
  REDUCE,
  SHORT_BINBYTES,
  SHORT_BINUNICODE,
  STOP,
  TUPLE,
} from '../ops.js'
import { writeNumber } from './scalars.js'
import { type Walk, writeGet } from './walk.js'

/** A place in the body where the memory of a view is filled in. */
export interface Splice {
  readonly at: number
  readonly entry: Entry
  /** The number that Python's memo gives the memory. */
  readonly number: number
  readonly isReadonly: boolean
  /** What follows it: nothing for bytes; the offset in it; or how a part of it is cut out. */
  readonly form: 'bytes' | 'offset' | { readonly dtype: string; readonly itemsize: number }
  /** Bytes from the start of the view that the offset counts. */
  readonly offset: number
}

/** A typed array, DataView or Buffer. */
export function writeView(walk: Walk, view: ArrayBufferView, isForced: boolean, readonly: boolean): void {
  if (walk.isRepeated(view)) {
    if (isForced) walk.views.wish(view, isForced, false)
    return
  }
  const place = walk.latest
  const name = arrayName(view)
  if (isWrittenAsBytes(walk, view, name)) {
    const number = splice(walk, view, isForced, readonly, 'bytes')
    walk.noteAs(place, number)
    return
  }
  const dtype = dtypeOfClass(name as string)
  if (dtype === undefined) throw stopped('UNSUPPORTED', `${named(name as string)} cannot travel`)
  writeVector(walk, view, dtype, (view as Uint8Array).BYTES_PER_ELEMENT, isForced, readonly)
  walk.note(place)
}

/** Whether a view is bytes in Python, no array. */
export function isWrittenAsBytes(walk: Walk, view: ArrayBufferView, name = arrayName(view)): boolean {
  return name === undefined || (name === 'Uint8Array' && (walk.options.isUint8Bytes || isBuffer(view)))
}

/** Whether a view is written as an array of this dtype. */
export function isArrayOf(walk: Walk, view: ArrayBufferView, dtype: string): boolean {
  const name = arrayName(view)
  return !isWrittenAsBytes(walk, view, name) && dtypeOfClass(name as string) === dtype
}

/** An ArrayBuffer. */
export function writeBuffer(walk: Walk, buffer: ArrayBufferLike): void {
  const place = walk.latest
  walk.views.addBuffer(buffer)
  walk.noteAs(place, noted(walk, false, 'bytes'))
}

/** `numpy.frombuffer(…)` of elements of one kind. */
export function writeVector(
  walk: Walk,
  view: ArrayBufferView,
  dtype: string,
  itemsize: number,
  isForced = false,
  readonly = isReadonly(view),
): void {
  walk.name('numpy.frombuffer')
  walk.op(MARK)
  splice(walk, view, isForced, readonly, { dtype, itemsize })
  walk.op(TUPLE)
  walk.op(REDUCE)
}

/** The memory of a view, and where in it, `offset` bytes further, its first element is. */
export function writeMemory(walk: Walk, view: ArrayBufferView, offset: number): void {
  splice(walk, view, false, isReadonly(view), 'offset', offset)
}

function splice(
  walk: Walk,
  view: ArrayBufferView,
  isForced: boolean,
  readonly: boolean,
  form: Splice['form'],
  offset = 0,
): number {
  // Bytes that overlap others are no part of them: Python could not cut them out without a copy.
  walk.views.addView(view, isForced, readonly, form === 'bytes')
  return noted(walk, readonly, form, offset)
}

function noted(walk: Walk, readonly: boolean, form: Splice['form'], offset = 0): number {
  const { entries } = walk.views
  const number = walk.reserveNumber()
  const entry = entries[entries.length - 1]
  walk.splices.push({ at: walk.pos, entry, number, isReadonly: readonly, form, offset })
  return number
}

/** Ends the pickle: `meta` is fresh (own), `buffers` are the caller's memory (borrow). */
export function finishPacket(walk: Walk): Packet {
  walk.op(STOP)
  const { splices, settings } = walk
  if (splices.length === 0) {
    checkLimit('metaBytes', settings.limits.metaBytes, walk.pos)
    return { meta: walk.finish(), buffers: [] }
  }
  const runs = chosenRuns(walk.views, settings)
  const parts = new Parts(walk)
  const numbers = new Int32Array(runs.length).fill(-1)
  const paddings = paddingsOf(runs, splices)
  const homes = homesOf(runs, splices)
  for (const splice of splices) {
    const run = splice.entry.run
    parts.upTo(splice.at)
    fill(parts, splice, run, numbers[run.index], paddings[run.index], homes[run.index])
    if (numbers[run.index] < 0) numbers[run.index] = splice.number
  }
  return { meta: parts.finish(), buffers: runs.filter(run => run.isOutOfBand).map(run => run.window) }
}

/**
 * Bytes of nothing before each run in band that has several views, so that all of them are as aligned as they were: who reads
 * it puts its first byte where any element may lie, and would have to copy what is not aligned there apart from the rest.
 */
function paddingsOf(runs: readonly Run[], splices: readonly Splice[]): Uint8Array {
  const paddings = new Uint8Array(runs.length)
  for (const { entry } of splices) {
    const run = entry.run
    if (!run.isOutOfBand && !isWhole(entry, run)) paddings[run.index] = run.start & 7
  }
  return paddings
}

/**
 * For each run out of band that has several views, where all of them are aligned, as `size + phase`: its first byte must be so
 * far from a multiple of the size. Who reads must know it when the first of them is made. 0 where it does not matter.
 */
function homesOf(runs: readonly Run[], splices: readonly Splice[]): Uint8Array {
  const homes = new Uint8Array(runs.length)
  const sizes = new Uint8Array(runs.length)
  for (const { entry } of splices) {
    const run = entry.run
    const { size } = KINDS[entry.kind & ViewFlag.KIND]
    const isFirst = sizes[run.index] === 0
    if (size > sizes[run.index]) sizes[run.index] = size
    const largest = sizes[run.index]
    if (!isFirst && run.isOutOfBand && largest > 1) homes[run.index] = largest + (run.start % largest)
  }
  return homes
}

function isWhole(entry: Entry, run: Run): boolean {
  return entry.start === run.start && entry.end === run.end
}

const NOTHING = new Uint8Array(7)

/** The memory of a run where it is first needed, else where it is in the memo; then what is wanted of it. */
function fill(parts: Parts, splice: Splice, run: Run, known: number, padding: number, home: number): void {
  const { out } = parts
  const { entry, form } = splice
  out.reserve(32)
  if (known >= 0) writeGet(out, known)
  else if (!run.isOutOfBand) parts.bytes(run.window, run.isReadonly, padding)
  else {
    out.u8(NEXT_BUFFER)
    if (home > 0) {
      // Nothing to Python: a number that is thrown away.
      out.u8(BININT1)
      out.u8(home)
      out.u8(POP)
    }
    if (run.isReadonly) out.u8(READONLY_BUFFER)
  }
  out.reserve(32)
  out.u8(MEMOIZE)
  if (splice.isReadonly && !run.isReadonly) out.u8(READONLY_BUFFER)
  if (form === 'bytes') return
  const start = padding + entry.start - run.start
  if (form === 'offset') return writeNumber(out, start + splice.offset)
  const { dtype, itemsize } = form
  out.u8(SHORT_BINUNICODE)
  out.u8(dtype.length)
  for (let i = 0; i < dtype.length; i++) out.u8(dtype.charCodeAt(i))
  if (padding === 0 && isWhole(entry, run)) return
  writeNumber(out, (entry.end - entry.start) / itemsize)
  writeNumber(out, start)
}

/** The body in pieces, what is filled in between them, and bytes in band, which are copied once. */
class Parts {
  readonly #walk: Walk
  readonly #parts: Uint8Array[] = []
  #byteLength = 0
  #at = 0
  /** What is filled in at a place, up to now. */
  readonly out = new Writer()
  #start = 0

  constructor(walk: Walk) {
    this.#walk = walk
  }

  #add(part: Uint8Array): void {
    this.#parts.push(part)
    this.#byteLength += part.length
    const { metaBytes } = this.#walk.settings.limits
    checkLimit('metaBytes', metaBytes, this.#byteLength)
  }

  #close(): void {
    if (this.out.pos > this.#start) this.#add(this.out.bytes.slice(this.#start, this.out.pos))
    this.#start = this.out.pos
  }

  /** The body up to this place. */
  upTo(at: number): void {
    this.#close()
    this.#add(this.#walk.bytes.subarray(this.#at, at))
    this.#at = at
  }

  /** Bytes in band (copied when all is put together). */
  bytes(bytes: Uint8Array, isReadonly: boolean, padding: number): void {
    const { out } = this
    const length = padding + bytes.length
    if (isReadonly && length < 256) {
      out.u8(SHORT_BINBYTES)
      out.u8(length)
    } else {
      const isLong = !isReadonly || length > 0xffff_ffff
      out.u8(isReadonly ? (isLong ? BINBYTES8 : BINBYTES) : BYTEARRAY8)
      out.u32(length)
      if (isLong) out.u32(length / 2 ** 32)
    }
    this.#close()
    if (padding > 0) this.#add(NOTHING.subarray(0, padding))
    this.#add(bytes)
  }

  finish(): Uint8Array<ArrayBuffer> {
    this.upTo(this.#walk.pos)
    const meta = allocateUncleared(this.#byteLength)
    let pos = 0
    for (const part of this.#parts) {
      meta.set(part, pos)
      pos += part.length
    }
    return meta
  }
}
