/**
 * The view part: runs of bytes and the views on them, read before the body, checked against the buffers
 * that came with the packet, and made into views when the body asks.
 *
 * Memory: a run out of band is used where it lies (borrow) if every view on it is aligned there, else
 * copied once, whole; an ArrayBuffer in the value needs a buffer of its own. A run in band is always
 * copied (own).
 */
import type { Reader } from '../bytes/reader.js'
import { allocate, isShared, maxBytes } from '../bytes/window.js'
import { named } from '../errors.js'
import { checkLimit, forbidden, type Limits } from '../limits.js'
import { markReadonly } from '../out-of-band.js'
import type { Buffers, Memory } from '../value/buffers.js'
import {
  KIND_ARRAY_BUFFER,
  KIND_BUFFER,
  KINDS,
  PHASE_SHIFT,
  RUN_KNOWN,
  RUN_OUT_OF_BAND,
  RUN_RESIZABLE,
  RUN_SHARED,
  VIEW_KIND,
  VIEW_READONLY,
  VIEW_TRACKING,
  VIEW_WHOLE,
  viewOn,
  whileShorter,
} from '../wire/views.js'

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
    checkLimit('buffers', limits.buffers, runCount, walk.pos)
    checkLimit('items', limits.items, viewCount, walk.pos)
    const least = runCount * 2 + viewCount
    if (least > walk.end - walk.pos) throw walk.truncated(least)
    const { buffers } = walk
    // Lists as long as they will be: one that grows is made for seventeen.
    const runs = new Array<Run>(runCount)
    let total = 0
    for (let i = 0; i < runCount; i++) {
      const run = readRun(walk)
      total += Math.max(run.byteLength, run.max)
      checkLimit('totalBytes', limits.totalBytes, total, walk.pos)
      if (run.flags & RUN_OUT_OF_BAND) receive(run, buffers, isChecked ? walk.u32() : -1)
      runs[i] = run
    }
    buffers.expectEnd()
    const entries = new Array<Entry>(viewCount)
    let used = 0
    for (let i = 0; i < viewCount; i++) {
      const flags = walk.u8()
      const index = flags & VIEW_WHOLE ? used : walk.varint()
      used = Math.max(used, index + 1)
      entries[i] = readView(walk, flags, runs[index])
    }
    let hasTracked = false
    for (const run of runs) {
      settle(walk, run)
      hasTracked ||= run.isTracked
    }
    if (hasTracked) makeOdd(entries)
    this.#entries = entries
    this.#next = 0
  }

  /** The next view of the body. */
  next(walk: Source): Memory {
    if (this.isSpent) throw walk.malformed('one view too many')
    const entry = this.#entries[this.#next++]
    const { flags } = entry
    if ((flags & VIEW_KIND) === KIND_ARRAY_BUFFER) return entry.run.buffer
    const view = entry.made ?? make(entry)
    if (flags & VIEW_READONLY) markReadonly(view)
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
  return viewOn(flags & VIEW_KIND, run.buffer, byteOffset, flags & VIEW_TRACKING ? undefined : length)
}

/** Bytes by which memory is longer than whole elements of a view that follows it. */
function restOf({ flags, run }: Entry): number {
  return flags & VIEW_TRACKING ? run.buffer.byteLength % KINDS[flags & VIEW_KIND].size : 0
}

/** Makes the views that follow memory of no whole number of their elements: to resize it for each takes up to 8 µs (measured). */
function makeOdd(entries: readonly Entry[]): void {
  const odd = new Map<Run, Entry[][]>()
  for (const entry of entries) {
    const rest = restOf(entry)
    if (rest === 0) continue
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

function readRun(walk: Source): Run {
  const flags = walk.u8()
  const byteLength = walk.varint()
  const max = flags & RUN_RESIZABLE ? walk.varint() : -1
  checkLimit('bufferBytes', walk.limits.bufferBytes, Math.max(byteLength, max), walk.pos)
  const isKnown = (flags & ~RUN_KNOWN) === 0 && (max < 0 || max >= byteLength)
  if (!isKnown || (flags & RUN_SHARED && !(flags & RUN_OUT_OF_BAND))) {
    throw walk.malformed(`a run of ${byteLength} bytes with flags ${flags}`)
  }
  if (flags & RUN_SHARED && !walk.limits.shared) {
    throw forbidden('decode', 'shared', { offset: walk.pos })
  }
  return makeRun(flags, byteLength, max)
}

/** Takes the buffer of an out-of-band run from the packet. @throws BUFFERS, CHECKSUM */
function receive(run: Run, buffers: Buffers, checksum: number): void {
  const memory = buffers.take(run.byteLength)
  if (ArrayBuffer.isView(memory)) {
    run.buffer = memory.buffer
    run.byteOffset = memory.byteOffset
  } else run.buffer = memory
  if (run.flags & RUN_SHARED && !isShared(run.buffer)) throw buffers.unshared()
  if (checksum >= 0) buffers.check(new Uint8Array(run.buffer, run.byteOffset, run.byteLength), checksum)
}

/** varint offset · varint length, unless the view is the whole of its run */
function readView(walk: Source, flags: number, run: Run | undefined): Entry {
  const kind = flags & VIEW_KIND
  const known = KINDS[kind]
  if (known === undefined || run === undefined) throw walk.malformed('a view of unknown kind or run')
  const { size, name } = known
  const isWhole = (flags & VIEW_WHOLE) !== 0
  const offset = isWhole ? 0 : walk.varint()
  const length = isWhole ? run.byteLength / size : walk.varint()
  const phase = run.flags >> PHASE_SHIFT
  const isInside = offset + length * size <= run.byteLength && Number.isInteger(length)
  const isBuffer = kind === KIND_ARRAY_BUFFER
  const isTracked = (flags & VIEW_TRACKING) !== 0
  if (
    !isInside ||
    ((phase + offset) & (size - 1)) !== 0 ||
    (isBuffer && (phase !== 0 || length !== run.byteLength || isTracked)) ||
    (isTracked && run.max < 0)
  ) {
    throw walk.malformed(`${named(name)} of ${length} at ${offset} in a run of ${run.byteLength} bytes`)
  }
  // Where there is no Buffer its bytes are a Uint8Array.
  if (known.class === undefined && kind !== KIND_BUFFER)
    throw walk.failed('UNSUPPORTED', `no ${name} in this engine`)
  if (isBuffer) run.isBuffer = true
  if (isTracked) run.isTracked = true
  if (((run.byteOffset + offset) & (size - 1)) !== 0) run.isAligned = false
  const entry = makeEntry(flags, run, offset, length)
  run.whole = isWhole ? entry : undefined
  return entry
}

/** Puts a run where its views can lie: in place, or in memory of its own. */
function settle(walk: Source, run: Run): void {
  const { byteLength, max, flags, buffer, byteOffset } = run
  if (!(flags & RUN_OUT_OF_BAND)) {
    const start = walk.take(byteLength)
    if (isSmall(run)) run.whole.made = smallArray(run.whole, walk.bytes, start, byteLength)
    else own(run, walk.bytes.subarray(start, start + byteLength))
    return
  }
  if (run.isAligned && !run.isBuffer && !run.isTracked) return
  const isShareable = (flags & RUN_SHARED) !== 0
  // Growable shared memory may have grown since it was sent; it is whole all the same.
  const isAtEnd =
    (isShareable || byteOffset + byteLength === buffer.byteLength) &&
    maxBytes(buffer) === (max < 0 ? max : byteOffset + max)
  const isKindred = isShared(buffer) === isShareable
  const fits = isAtEnd && (!run.isBuffer || (byteOffset === 0 && isKindred))
  if (run.isAligned && fits) return
  if (isShareable) throw walk.malformed('shared memory that must be copied')
  own(run, new Uint8Array(buffer, byteOffset, byteLength))
}

/** Bytes of a typed array that V8 keeps on its heap until somebody asks for its ArrayBuffer: 90 ns instead of 260 (measured). */
const SMALL = 64

/** Whether a run in band is nothing but one such array. */
function isSmall(run: Run): run is Run & { readonly whole: Entry } {
  const { whole, byteLength, flags } = run
  if (whole === undefined || byteLength > SMALL || flags & RUN_RESIZABLE || flags >> PHASE_SHIFT !== 0)
    return false
  return (whole.flags & VIEW_KIND) > KIND_BUFFER
}

const scratch = new Uint8Array(SMALL)
const scratchArrays = KINDS.map(({ class: ViewClass }, kind) =>
  ViewClass !== undefined && kind > KIND_BUFFER
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
  return (scratchArrays[flags & VIEW_KIND] as Uint8Array).slice(0, length)
}

/** Copies the run to fresh memory, at the phase it had at the sender's. */
function own(run: Run, bytes: Uint8Array): void {
  const phase = run.flags >> PHASE_SHIFT
  const buffer = allocate(phase + bytes.length, run.max < 0 ? run.max : phase + run.max)
  new Uint8Array(buffer, phase).set(bytes)
  run.buffer = buffer
  run.byteOffset = phase
}
