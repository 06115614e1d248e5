/**
 * The view part: runs of bytes and the views on them, read before the body, checked against the buffers
 * that came with the packet, and made into views when the body asks.
 *
 * Memory: a run out of band is used where it lies (borrow) if every view on it is aligned there, else
 * copied once, whole; an ArrayBuffer in the value needs a buffer of its own. A run in band is always
 * copied (own).
 */
import { crc32c } from '../bytes/crc32c.js'
import { asBuffer } from '../bytes/text.js'
import { allocate, isMemory, isShared, maxBytes } from '../bytes/window.js'
import { OutbandError } from '../errors.js'
import { overLimit } from '../limits.js'
import { markReadonly } from '../out-of-band.js'
import {
  KIND_ARRAY_BUFFER,
  KIND_BUFFER,
  KINDS,
  PHASE_SHIFT,
  RUN_OUT_OF_BAND,
  RUN_RESIZABLE,
  RUN_SHARED,
  VIEW_KIND,
  VIEW_READONLY,
  VIEW_TRACKING,
} from '../wire/views.js'
import type { Walk } from './walk.js'

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
}

type Memory = ArrayBufferView | ArrayBufferLike

const NO_BYTES = new ArrayBuffer(0)

export class Views {
  #runs: Run[] = []
  #count = 0
  #next = 0
  readonly #kind: number[] = []
  readonly #run: number[] = []
  readonly #offset: number[] = []
  readonly #length: number[] = []

  /** Reads the view part and takes the buffers it announces, one by one. */
  read(walk: Walk, buffers: Iterator<Memory>, isChecked: boolean): void {
    const { limits } = walk.settings
    const runs = walk.varint()
    const count = walk.varint()
    if (runs > limits.buffers) throw overLimit('decode', 'buffers', limits.buffers, runs, walk.pos)
    if (runs * 2 + count * 4 > walk.end - walk.pos) throw walk.truncated(runs * 2 + count * 4)
    if (count > limits.items) throw overLimit('decode', 'items', limits.items, count, walk.pos)
    let total = 0
    let index = 0
    for (let i = 0; i < runs; i++) {
      const run = readRun(walk)
      total += Math.max(run.byteLength, run.max)
      if (total > limits.totalBytes)
        throw overLimit('decode', 'totalBytes', limits.totalBytes, total, walk.pos)
      this.#runs.push(run)
      if (run.flags & RUN_OUT_OF_BAND) receive(run, buffers, index++, isChecked ? walk.u32() : -1)
    }
    this.#count = count
    this.#next = 0
    for (let i = 0; i < count; i++) this.#readView(walk, i)
    for (const run of this.#runs) settle(walk, run)
    expectNoMore(buffers, index)
  }

  #readView(walk: Walk, i: number): void {
    const flags = walk.u8()
    const index = walk.varint()
    const offset = walk.varint()
    const length = walk.varint()
    const kind = KINDS[flags & VIEW_KIND]
    const run = this.#runs[index]
    if (flags & 128 || kind === undefined) throw walk.malformed('a view of unknown kind')
    if (run === undefined) throw walk.malformed(`a view on run ${index} of ${this.#runs.length}`)
    if (offset + length * kind.size > run.byteLength) {
      throw walk.malformed(
        `a view of ${length} × ${kind.size} bytes at ${offset} in a run of ${run.byteLength}`,
      )
    }
    const isBuffer = (flags & VIEW_KIND) === KIND_ARRAY_BUFFER
    if (isBuffer) {
      if (offset !== 0 || length !== run.byteLength || run.flags >> PHASE_SHIFT !== 0)
        throw walk.malformed('an ArrayBuffer that is not its run')
      run.isBuffer = true
    }
    if (flags & VIEW_TRACKING) {
      if (run.max < 0 || isBuffer) throw walk.malformed('a view that follows the length of a fixed buffer')
      run.isTracked = true
    }
    if (kind.class === undefined)
      throw new OutbandError('UNSUPPORTED', `decode: this engine has no ${kind.name}`)
    const { size } = kind
    if (((run.byteOffset + offset) & (size - 1)) !== 0) run.isAligned = false
    if ((((run.flags >> PHASE_SHIFT) + offset) & (size - 1)) !== 0)
      throw walk.malformed('a view that was never aligned')
    this.#kind[i] = flags
    this.#run[i] = index
    this.#offset[i] = offset
    this.#length[i] = length
  }

  /** The next view of the body. */
  next(walk: Walk): Memory {
    const i = this.#next++
    if (i >= this.#count) throw walk.malformed(`view ${i} of ${this.#count}`)
    const run = this.#runs[this.#run[i]]
    const flags = this.#kind[i]
    const kind = flags & VIEW_KIND
    if (kind === KIND_ARRAY_BUFFER) return run.buffer
    const byteOffset = run.byteOffset + this.#offset[i]
    const view = make(kind, run.buffer, byteOffset, flags & VIEW_TRACKING ? undefined : this.#length[i])
    if (flags & VIEW_READONLY) markReadonly(view)
    return view
  }

  get isSpent(): boolean {
    return this.#next === this.#count
  }

  end(): void {
    this.#count = 0
    this.#next = 0
    this.#runs = []
  }
}

function make(
  kind: number,
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number | undefined,
): ArrayBufferView {
  if (kind === KIND_BUFFER) return asBuffer(buffer, byteOffset, length ?? buffer.byteLength - byteOffset)
  const ViewClass = KINDS[kind].class as NonNullable<(typeof KINDS)[number]['class']>
  return length === undefined ? new ViewClass(buffer, byteOffset) : new ViewClass(buffer, byteOffset, length)
}

function readRun(walk: Walk): Run {
  const flags = walk.u8()
  const byteLength = walk.varint()
  const max = flags & RUN_RESIZABLE ? walk.varint() : -1
  const { bufferBytes } = walk.settings.limits
  const requested = Math.max(byteLength, max)
  if (requested > bufferBytes) throw overLimit('decode', 'bufferBytes', bufferBytes, requested, walk.pos)
  if (max >= 0 && max < byteLength)
    throw walk.malformed(`a buffer of ${byteLength} bytes that may have ${max}`)
  if (flags & RUN_SHARED) {
    if (!(flags & RUN_OUT_OF_BAND)) throw walk.malformed('shared memory in band')
    if (!walk.settings.limits.shared) {
      throw new OutbandError('UNSUPPORTED', 'decode: shared memory, which limits.shared forbids', {
        limit: 'shared',
      })
    }
  }
  return {
    flags,
    byteLength,
    max,
    buffer: NO_BYTES,
    byteOffset: 0,
    isBuffer: false,
    isTracked: false,
    isAligned: true,
  }
}

/** Takes the buffer of an out-of-band run from the packet. @throws BUFFERS, CHECKSUM */
function receive(run: Run, buffers: Iterator<Memory>, index: number, checksum: number): void {
  const { value, done } = buffers.next()
  if (done) {
    throw new OutbandError('BUFFERS', `decode: buffer ${index} is missing; wanted ${run.byteLength} bytes`, {
      buffer: index,
      requested: run.byteLength,
      available: 0,
    })
  }
  const isView = ArrayBuffer.isView(value)
  if (!isView && !isMemory(value)) {
    throw new OutbandError(
      'BUFFERS',
      `decode: buffer ${index} is not memory; wanted a view or an ArrayBuffer`,
      { buffer: index },
    )
  }
  const { byteLength } = value
  if (byteLength !== run.byteLength) {
    throw new OutbandError(
      'BUFFERS',
      `decode: buffer ${index} has the wrong size; wanted ${run.byteLength} bytes, got ${byteLength}`,
      {
        buffer: index,
        requested: run.byteLength,
        available: byteLength,
      },
    )
  }
  run.buffer = isView ? value.buffer : value
  run.byteOffset = isView ? value.byteOffset : 0
  if (run.flags & RUN_SHARED && !isShared(run.buffer)) {
    throw new OutbandError('BUFFERS', `decode: buffer ${index} is not shared memory, as its sender had`, {
      buffer: index,
    })
  }
  if (checksum >= 0 && crc32c(new Uint8Array(run.buffer, run.byteOffset, byteLength)) !== checksum) {
    throw new OutbandError('CHECKSUM', `decode: buffer ${index} differs from what was sent`, {
      buffer: index,
    })
  }
}

/** Puts a run where its views can lie: in place, or in memory of its own. */
function settle(walk: Walk, run: Run): void {
  const { byteLength, max, flags } = run
  if (!(flags & RUN_OUT_OF_BAND)) {
    const start = walk.take(byteLength)
    own(run, walk.bytes.subarray(start, start + byteLength))
    return
  }
  const { buffer, byteOffset } = run
  const isAtEnd =
    byteOffset + byteLength === buffer.byteLength && maxBytes(buffer) === (max < 0 ? max : byteOffset + max)
  const isKindred = isShared(buffer) === ((flags & RUN_SHARED) !== 0)
  const fits = (!run.isTracked || isAtEnd) && (!run.isBuffer || (isAtEnd && byteOffset === 0 && isKindred))
  if (run.isAligned && fits) return
  if (flags & RUN_SHARED) throw walk.malformed('shared memory that cannot be used where it lies')
  own(run, new Uint8Array(buffer, byteOffset, byteLength))
}

/** Copies the run to fresh memory, at the phase it had at the sender's. */
function own(run: Run, bytes: Uint8Array): void {
  const phase = run.flags >> PHASE_SHIFT
  const buffer = allocate(phase + bytes.length, run.max < 0 ? run.max : phase + run.max)
  new Uint8Array(buffer, phase).set(bytes)
  run.buffer = buffer
  run.byteOffset = phase
}

function expectNoMore(buffers: Iterator<Memory>, count: number): void {
  if (!buffers.next().done) {
    throw new OutbandError('BUFFERS', `decode: too many buffers; wanted ${count}`, {
      buffer: count,
      requested: count,
    })
  }
}
