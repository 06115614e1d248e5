/**
 * The view part: runs of bytes and the views on them, read before the body, checked against the buffers
 * that came with the packet, and made into views when the body asks.
 *
 * Memory: a run out of band is used where it lies (borrow) if every view on it is aligned there, else
 * copied once, whole; an ArrayBuffer in the value needs a buffer of its own. A run in band is always
 * copied (own).
 */
import type { Reader } from '../bytes/reader.js'
import { allocate, bufferOf, byteOffsetOf, isShared, maxBytes } from '../bytes/window.js'
import { named, type OutbandError } from '../errors.js'
import { forbidden, type Limits, overLimit } from '../limits.js'
import { markReadonly } from '../out-of-band.js'
import type { Buffers, Memory } from '../value/buffers.js'
import { RunFlag, ViewFlag, ViewKind } from '../wire/flags.js'
import { isBound, KINDS, type Kind, viewOn, whileShorter } from '../wire/views.js'

/** Where the view part is read from: the walk, as far as it is needed here. */
interface Source extends Reader {
  readonly limits: Readonly<Limits>
  readonly buffers: Buffers
}

interface Run {
  readonly flags: number
  readonly byteLength: number
  /** `maxByteLength`, or −1. */
  readonly max: number
  /** Where the run lies: set when its buffer came, and again when it must be copied. */
  buffer: ArrayBufferLike
  byteOffset: number
  /** Whether an ArrayBuffer in the value is this run. */
  isBuffer: boolean
  /** Whether a view follows the run's length, so that it must lie at the end of resizable memory. */
  isTracked: boolean
  isAligned: boolean
  /** The view on it, if there is but one, of all of it. */
  whole: Entry | undefined
}

interface Entry {
  readonly flags: number
  readonly run: Run
  /** Bytes from the start of the run. */
  readonly offset: number
  /** Elements. */
  readonly length: number
  /** Made ahead, where it could not be later. */
  made: ArrayBufferView | undefined
}

const NO_BYTES = new ArrayBuffer(0)
const NONE: readonly Entry[] = []

function makeRun(flags: number, byteLength: number, max: number): Run {
  return {
    flags,
    byteLength,
    max,
    buffer: NO_BYTES,
    byteOffset: 0,
    isBuffer: false,
    isTracked: false,
    isAligned: true,
    whole: undefined,
  }
}

function makeEntry(flags: number, run: Run, offset: number, length: number): Entry {
  return { flags, run, offset, length, made: undefined }
}

export class Views {
  /** V8 forgets a hidden class, and throws away the code made for it, when a full collection finds no object of it. */
  readonly kept = makeEntry(0, makeRun(0, 0, -1), 0, 0)
  #entries: readonly Entry[] = NONE
  #next = 0

  /** Reads the view part and takes the buffers it announces, one by one. */
  read(walk: Source, isChecked: boolean): void {
    const { limits } = walk
    const runCount = walk.varint()
    const viewCount = walk.varint()
    const least = leastBytes(runCount, viewCount)
    if (runCount > limits.buffers || viewCount > limits.items || least > walk.end - walk.pos)
      throw tooMany(walk, runCount, viewCount)
    const runs = readRuns(walk, runCount, isChecked)
    walk.buffers.expectEnd()
    const entries = readEntries(walk, viewCount, runs)
    let hasTracked = false
    for (let i = 0; i < runCount; i++) {
      const run = runs[i]
      const { flags, isAligned, isBuffer, isTracked } = run
      // Most can stay where they came.
      if (!(flags & RunFlag.OUT_OF_BAND) || !isAligned || isBuffer || isTracked) settle(walk, run)
      hasTracked ||= isTracked
    }
    if (hasTracked) makeOdd(entries)
    this.#entries = entries
    this.#next = 0
  }

  /** The next view of the body. */
  next(walk: Source): Memory {
    const entries = this.#entries
    if (this.#next === entries.length) throw walk.malformed('one view too many')
    const entry = entries[this.#next++]
    const { flags } = entry
    if ((flags & ViewFlag.KIND) === ViewKind.ARRAY_BUFFER) return entry.run.buffer
    const view = entry.made ?? make(entry)
    if (flags & ViewFlag.READONLY) markReadonly(view)
    return view
  }

  get isSpent(): boolean {
    return this.#next === this.#entries.length
  }

  end(): void {
    this.#entries = NONE
    this.#next = 0
  }
}

function make({ flags, run, offset, length }: Entry): ArrayBufferView {
  const byteOffset = run.byteOffset + offset
  return viewOn(flags & ViewFlag.KIND, run.buffer, byteOffset, flags & ViewFlag.TRACKING ? undefined : length)
}

/** Bytes by which memory is longer than whole elements of a view that follows it. */
function restOf({ flags, run }: Entry): number {
  return flags & ViewFlag.TRACKING ? run.buffer.byteLength % KINDS[flags & ViewFlag.KIND].size : 0
}

/** Makes the views that follow memory of no whole number of their elements: to resize it for each takes up to 8 µs (measured). */
function makeOdd(entries: readonly Entry[]): void {
  const odd = new Map<Run, Entry[][]>()
  for (const entry of entries) {
    const rest = restOf(entry)
    if (rest === 0) continue
    if (isShared(entry.run.buffer)) {
      // Memory that only grows is never shorter: the view keeps the length that it was sent with.
      entry.made = make({ ...entry, flags: entry.flags & ~ViewFlag.TRACKING })
      continue
    }
    const byRest = odd.get(entry.run) ?? []
    byRest[rest] ??= []
    byRest[rest].push(entry)
    odd.set(entry.run, byRest)
  }
  for (const [{ buffer }, byRest] of odd) {
    for (const [rest, some] of byRest.entries()) {
      if (some === undefined) continue
      whileShorter(buffer, rest, () => {
        for (const entry of some) entry.made = make(entry)
      })
    }
  }
}

/** Bytes that so many runs and views take at the least. */
function leastBytes(runCount: number, viewCount: number): number {
  return runCount * 2 + viewCount
}

function tooMany(walk: Source, runCount: number, viewCount: number): OutbandError {
  const { limits, pos } = walk
  if (runCount > limits.buffers) return overLimit('buffers', limits.buffers, runCount, pos)
  if (viewCount > limits.items) return overLimit('items', limits.items, viewCount, pos)
  return walk.truncated(leastBytes(runCount, viewCount))
}

/** Lists are as long as they will be: one that grows is made for seventeen. */
function readRuns(walk: Source, count: number, isChecked: boolean): readonly Run[] {
  const { limits, buffers } = walk
  const runs = new Array<Run>(count)
  let total = 0
  for (let i = 0; i < count; i++) {
    const run = readRun(walk)
    total += Math.max(run.byteLength, run.max)
    if (total > limits.totalBytes) throw overLimit('totalBytes', limits.totalBytes, total, walk.pos)
    if (run.flags & RunFlag.OUT_OF_BAND) receive(run, buffers, isChecked ? walk.u32() : -1)
    runs[i] = run
  }
  return runs
}

function readEntries(walk: Source, count: number, runs: readonly Run[]): readonly Entry[] {
  const entries = new Array<Entry>(count)
  let used = 0
  for (let i = 0; i < count; i++) {
    const flags = walk.u8()
    const index = flags & ViewFlag.WHOLE ? used : walk.varint()
    used = Math.max(used, index + 1)
    entries[i] = readView(walk, flags, runs[index])
  }
  return entries
}

function readRun(walk: Source): Run {
  const flags = walk.u8()
  const byteLength = walk.varint()
  const max = flags & RunFlag.RESIZABLE ? walk.varint() : -1
  const isKnown = isKnownRun(flags, byteLength, max)
  const isAllowed = Math.max(byteLength, max) <= walk.limits.bufferBytes
  const isShareable = walk.limits.shared && flags & RunFlag.OUT_OF_BAND
  if (!isKnown || !isAllowed || (flags & RunFlag.SHARED && !isShareable))
    throw refused(walk, flags, byteLength, max)
  return makeRun(flags, byteLength, max)
}

function isKnownRun(flags: number, byteLength: number, max: number): boolean {
  return (flags & ~RunFlag.KNOWN) === 0 && (max < 0 || max >= byteLength)
}

function refused(walk: Source, flags: number, byteLength: number, max: number): OutbandError {
  const { limits, pos } = walk
  const bytes = Math.max(byteLength, max)
  if (bytes > limits.bufferBytes) return overLimit('bufferBytes', limits.bufferBytes, bytes, pos)
  if (isKnownRun(flags, byteLength, max) && flags & RunFlag.OUT_OF_BAND)
    return forbidden('decode', 'shared', { offset: pos })
  return walk.malformed(`a run of ${byteLength} bytes with flags ${flags}`)
}

/** Takes the buffer of an out-of-band run from the packet. @throws BUFFERS, CHECKSUM */
function receive(run: Run, buffers: Buffers, checksum: number): void {
  const memory = buffers.take(run.byteLength)
  if (ArrayBuffer.isView(memory)) {
    run.buffer = bufferOf(memory)
    run.byteOffset = byteOffsetOf(memory)
  } else run.buffer = memory
  if (run.flags & RunFlag.SHARED && !isShared(run.buffer)) throw buffers.unshared()
  if (checksum >= 0) buffers.check(bytesOf(run), checksum)
}

function bytesOf({ buffer, byteOffset, byteLength }: Run): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** varint offset · varint length, unless the view is the whole of its run */
function readView(walk: Source, flags: number, run: Run | undefined): Entry {
  const kind = KINDS[flags & ViewFlag.KIND]
  if (kind === undefined || run === undefined) throw walk.malformed('a view of unknown kind or run')
  const { size } = kind
  const isWhole = (flags & ViewFlag.WHOLE) !== 0
  const offset = isWhole ? 0 : walk.varint()
  const length = isWhole ? run.byteLength / size : walk.varint()
  const isInside = offset + length * size <= run.byteLength && Number.isInteger(length)
  const isAligned = (((run.flags >> RunFlag.PHASE_SHIFT) + offset) & (size - 1)) === 0
  if (!isInside || !isAligned || (isBound(flags) && !bind(run, flags, length)))
    throw misplaced(walk, kind, run, offset, length)
  if (kind.class === undefined) expectBuffer(walk, kind)
  if (((run.byteOffset + offset) & (size - 1)) !== 0) run.isAligned = false
  const entry = makeEntry(flags, run, offset, length)
  run.whole = isWhole ? entry : undefined
  return entry
}

function misplaced(
  walk: Source,
  { name }: Kind,
  { byteLength }: Run,
  offset: number,
  length: number,
): OutbandError {
  return walk.malformed(`${named(name)} of ${length} at ${offset} in a run of ${byteLength} bytes`)
}

/** Where there is no Buffer its bytes are a Uint8Array. */
function expectBuffer(walk: Source, kind: Kind): void {
  if (kind !== KINDS[ViewKind.BUFFER]) throw walk.failed('UNSUPPORTED', `no ${kind.name} in this engine`)
}

/** Notes it at the run; false when that cannot be. */
function bind(run: Run, flags: number, length: number): boolean {
  if (flags & ViewFlag.TRACKING) {
    run.isTracked = true
    return (flags & ViewFlag.KIND) !== ViewKind.ARRAY_BUFFER && run.max >= 0
  }
  run.isBuffer = true
  return run.flags >> RunFlag.PHASE_SHIFT === 0 && length === run.byteLength
}

/** Puts a run where its views can lie: in place, or in memory of its own. */
function settle(walk: Source, run: Run): void {
  const { byteLength, max, flags, buffer, byteOffset } = run
  if (!(flags & RunFlag.OUT_OF_BAND)) {
    const start = walk.take(byteLength)
    if (isSmall(run)) run.whole.made = smallArray(run.whole, walk.bytes, start, byteLength)
    else own(run, walk.bytes.subarray(start, start + byteLength))
    return
  }
  const isShareable = (flags & RunFlag.SHARED) !== 0
  // Growable shared memory may have grown since it was sent; it is whole all the same.
  const isAtEnd =
    (isShareable || byteOffset + byteLength === buffer.byteLength) &&
    maxBytes(buffer) === (max < 0 ? max : byteOffset + max)
  const isKindred = isShared(buffer) === isShareable
  const fits = isAtEnd && (!run.isBuffer || (byteOffset === 0 && isKindred))
  if (run.isAligned && fits) return
  if (isShareable) throw walk.malformed('shared memory that must be copied')
  own(run, bytesOf(run))
}

/** Bytes of a typed array that V8 keeps on its heap until somebody asks for its ArrayBuffer: 90 ns instead of 260 (measured). */
const SMALL = 64

/** Whether a run in band is nothing but one such array. */
function isSmall(run: Run): run is Run & { readonly whole: Entry } {
  const { whole, byteLength, flags } = run
  if (
    whole === undefined ||
    byteLength > SMALL ||
    flags & RunFlag.RESIZABLE ||
    flags >> RunFlag.PHASE_SHIFT !== 0
  )
    return false
  return (whole.flags & ViewFlag.KIND) > ViewKind.BUFFER
}

const scratch = new Uint8Array(SMALL)
const scratchArrays = KINDS.map(({ class: ViewClass }, kind) =>
  ViewClass !== undefined && kind > ViewKind.BUFFER
    ? (new ViewClass(scratch.buffer, 0) as Uint8Array)
    : undefined,
)

/** Copies its bytes (own), as they are: a float read and written again may be another NaN. */
function smallArray(
  { flags, length }: Entry,
  bytes: Uint8Array,
  start: number,
  byteLength: number,
): ArrayBufferView {
  for (let i = 0; i < byteLength; i++) scratch[i] = bytes[start + i]
  return (scratchArrays[flags & ViewFlag.KIND] as Uint8Array).slice(0, length)
}

/** Copies the run to fresh memory, at the phase it had at the sender's. */
function own(run: Run, bytes: Uint8Array): void {
  const phase = run.flags >> RunFlag.PHASE_SHIFT
  const buffer = allocate(phase + bytes.length, run.max < 0 ? run.max : phase + run.max)
  new Uint8Array(buffer, phase).set(bytes)
  run.buffer = buffer
  run.byteOffset = phase
}
