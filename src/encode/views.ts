/**
 * Views: typed arrays, DataViews, Buffers and ArrayBuffers, collected while the value is walked, and laid
 * out as runs of bytes when it is over.
 *
 * Memory: a run is a window on the caller's memory (borrow). Views of one ArrayBuffer that overlap or touch
 * share a run, so they alias again on arrival; a byte that no view covers is never part of one. An
 * ArrayBuffer in the value is one run, whole.
 */
import { isBuffer } from '../bytes/text.js'
import { isDetached, isLengthTracking, isShared, maxBytes, windowBytes } from '../bytes/window.js'
import { OutbandError } from '../errors.js'
import {
  KIND_ARRAY_BUFFER,
  KIND_BUFFER,
  KIND_DATA_VIEW,
  KIND_NUMBERS,
  KINDS,
  VIEW_READONLY,
  VIEW_TRACKING,
} from '../wire/views.js'
import type { Source } from './settings.js'

/** The bytes between the first and the last that some views cover. */
export interface Run {
  readonly buffer: ArrayBufferLike
  readonly start: number
  end: number
  /** The first view on it. */
  readonly source: Source
  /** Place in the packet's list of runs; −1 until its first view comes. */
  index: number
  isForced: boolean
  isReadonly: boolean
  readonly isShared: boolean
  /** `maxByteLength` for a run that must be resizable again, else −1. */
  max: number
}

const typedArrayName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get as () => string | undefined

/** Buffers that are looked up in a list; with more, a Map is made. */
const FEW = 16

export class Views {
  count = 0
  readonly #source: Source[] = []
  readonly #kind: number[] = []
  readonly #start: number[] = []
  readonly #end: number[] = []
  readonly #isForced: boolean[] = []
  /** Index of the next view on the same ArrayBuffer, or −1. */
  readonly #next: number[] = []
  readonly #run: (Run | undefined)[] = []
  /** Distinct ArrayBuffers, and their first and last views. */
  readonly #buffers: ArrayBufferLike[] = []
  readonly #heads: number[] = []
  readonly #tails: number[] = []
  #byBuffer: Map<ArrayBufferLike, number> | undefined

  addView(view: ArrayBufferView, isForced: boolean, isReadonly: boolean): void {
    const byteLength = windowBytes(view)
    if (byteLength < 0) throw gone('a view')
    const { buffer, byteOffset } = view
    let kind = kindOf(view)
    if (isReadonly) kind |= VIEW_READONLY
    if (maxBytes(buffer) >= 0 && isLengthTracking(view)) kind |= VIEW_TRACKING
    this.#add(view, buffer, byteOffset, byteOffset + byteLength, kind, isForced)
  }

  addBuffer(buffer: ArrayBufferLike): void {
    if (isDetached(buffer)) throw gone('an ArrayBuffer')
    this.#add(buffer, buffer, 0, buffer.byteLength, KIND_ARRAY_BUFFER, false)
  }

  #add(
    source: Source,
    buffer: ArrayBufferLike,
    start: number,
    end: number,
    kind: number,
    isForced: boolean,
  ): void {
    const index = this.count++
    this.#source[index] = source
    this.#kind[index] = kind
    this.#start[index] = start
    this.#end[index] = end
    this.#isForced[index] = isForced
    this.#next[index] = -1
    this.#run[index] = undefined
    const known = this.#find(buffer)
    if (known < 0) {
      this.#byBuffer?.set(buffer, this.#buffers.length)
      this.#buffers.push(buffer)
      this.#heads.push(index)
      this.#tails.push(index)
    } else {
      this.#next[this.#tails[known]] = index
      this.#tails[known] = index
    }
  }

  #find(buffer: ArrayBufferLike): number {
    if (this.#byBuffer !== undefined) return this.#byBuffer.get(buffer) ?? -1
    if (this.#buffers.length < FEW) return this.#buffers.indexOf(buffer)
    this.#byBuffer = new Map(this.#buffers.map((known, i) => [known, i]))
    return this.#byBuffer.get(buffer) ?? -1
  }

  /** Lays out the runs, in the order of their first views. @throws DETACHED as `check` does */
  runs(): Run[] {
    this.check()
    for (const head of this.#heads) {
      if (this.#next[head] < 0) this.#run[head] = this.#newRun(head)
      else this.#merge(head)
    }
    const runs: Run[] = []
    for (let i = 0; i < this.count; i++) {
      const run = this.#run[i] as Run
      if (run.index < 0) run.index = runs.push(run) - 1
    }
    return runs
  }

  /** Runs for the views of one ArrayBuffer, from the lowest up. */
  #merge(head: number): void {
    const views: number[] = []
    for (let i = head; i >= 0; i = this.#next[i]) views.push(i)
    const inOrder = views.slice().sort((a, b) => this.#start[a] - this.#start[b] || a - b)
    let run: Run | undefined
    for (const i of inOrder) {
      if (run === undefined || this.#start[i] > run.end) run = this.#newRun(i)
      else this.#extend(run, i)
      this.#run[i] = run
    }
    // The run's source is its first view in the order of the value, which need not be the lowest.
    const seen = new Set<Run>()
    for (const i of views) {
      const own = this.#run[i] as Run
      if (seen.has(own)) continue
      seen.add(own)
      Object.assign(own, { source: this.#source[i] })
    }
  }

  #newRun(i: number): Run {
    const source = this.#source[i]
    const buffer = ArrayBuffer.isView(source) ? source.buffer : source
    const start = this.#start[i]
    return {
      buffer,
      start,
      end: this.#end[i],
      source,
      index: -1,
      isForced: this.#isForced[i],
      isReadonly: (this.#kind[i] & VIEW_READONLY) !== 0,
      isShared: isShared(buffer),
      max: this.#maxOf(i, buffer, start),
    }
  }

  #extend(run: Run, i: number): void {
    run.end = Math.max(run.end, this.#end[i])
    run.isForced ||= this.#isForced[i]
    run.isReadonly &&= (this.#kind[i] & VIEW_READONLY) !== 0
    run.max = Math.max(run.max, this.#maxOf(i, run.buffer, run.start))
  }

  /** A run must be resizable when its ArrayBuffer is in the value, or a view that follows its length. */
  #maxOf(i: number, buffer: ArrayBufferLike, start: number): number {
    const isNeeded = this.#kind[i] === KIND_ARRAY_BUFFER || (this.#kind[i] & VIEW_TRACKING) !== 0
    const max = isNeeded ? maxBytes(buffer) : -1
    return max < 0 ? -1 : max - start
  }

  runOf(i: number): Run {
    return this.#run[i] as Run
  }

  kind(i: number): number {
    return this.#kind[i]
  }

  /** Bytes from the start of its run. */
  offset(i: number): number {
    return this.#start[i] - (this.#run[i] as Run).start
  }

  /** Elements. */
  length(i: number): number {
    return (this.#end[i] - this.#start[i]) / KINDS[this.#kind[i] & 31].size
  }

  /** @throws DETACHED when a getter, proxy or callback took memory away or resized it since it was met. */
  check(): void {
    for (let i = 0; i < this.count; i++) {
      const byteLength = this.#end[i] - this.#start[i]
      const left = bytesLeft(this.#source[i])
      if (left !== byteLength) throw gone('a view', byteLength, left)
    }
  }

  clear(): void {
    if (this.count === 0) return
    this.count = 0
    this.#source.length = 0
    this.#run.length = 0
    this.#buffers.length = 0
    this.#heads.length = 0
    this.#tails.length = 0
    this.#byBuffer = undefined
  }
}

function bytesLeft(source: Source): number {
  if (ArrayBuffer.isView(source)) return windowBytes(source)
  return isDetached(source) ? -1 : source.byteLength
}

function gone(what: string, wanted?: number, got?: number): OutbandError {
  if (wanted === undefined) return new OutbandError('DETACHED', `encode: ${what} lost its memory`)
  return new OutbandError(
    'DETACHED',
    `encode: ${what} lost its memory or was resized meanwhile; wanted ${wanted} bytes, got ${Math.max(0, got ?? 0)}`,
  )
}

function kindOf(view: ArrayBufferView): number {
  const name = typedArrayName.call(view)
  if (name === undefined) return KIND_DATA_VIEW
  if (name === 'Uint8Array' && isBuffer(view)) return KIND_BUFFER
  const kind = KIND_NUMBERS.get(name)
  if (kind === undefined) throw new OutbandError('UNSUPPORTED', `encode: a view of unknown kind ${name}`)
  return kind
}
