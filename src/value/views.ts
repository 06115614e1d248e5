/**
 * Views: typed arrays, DataViews, Buffers and ArrayBuffers, collected while the value is walked, and laid
 * out as runs of bytes when it is over.
 *
 * Memory: a run is a window on the caller's memory (borrow). Views of one ArrayBuffer that overlap or touch
 * share a run, so they alias again on arrival; a byte that no view covers is never part of one. An
 * ArrayBuffer in the value is one run, whole.
 */
import { isBuffer } from '../bytes/text.js'
import {
  arrayName,
  bufferOf,
  byteOffsetOf,
  bytesUnder,
  isLengthTracking,
  isShared,
  maxBytes,
  memoryBytes,
  windowBytes,
} from '../bytes/window.js'
import { named, type OutbandError } from '../errors.js'
import { ViewFlag, ViewKind } from '../wire/flags.js'
import { isBound, KIND_NUMBERS } from '../wire/views.js'
import { about } from './place.js'
import { stopped } from './trace.js'

const NO_BYTES = new Uint8Array(0)

/** The first view on the memory of a buffer, or the ArrayBuffer itself. */
export type Source = ArrayBufferView | ArrayBufferLike

/** The bytes between the first and the last that some views cover. */
export interface Run {
  readonly buffer: ArrayBufferLike
  readonly start: number
  readonly end: number
  /** Place in the packet's list of runs, and the first view on it; −1 until that comes. */
  readonly index: number
  readonly source: Source
  readonly isForced: boolean
  readonly isReadonly: boolean
  readonly isShared: boolean
  /** `maxByteLength` for a run that must be resizable again, else −1. */
  readonly max: number
  /** Set when the message is laid out. */
  window: Uint8Array
  isOutOfBand: boolean
}

/** One view of the value, or one ArrayBuffer; and the run that it is, unless others share it: most are alone. */
export class Entry implements Run {
  source: Source
  readonly buffer: ArrayBufferLike
  /** Kind byte as on the wire. */
  kind: number
  /** Bytes from the start of the ArrayBuffer. */
  readonly start: number
  readonly end: number
  isForced: boolean
  /** Whether it is the only one of its run. */
  readonly isAlone: boolean
  /** Whether no entry before is on the same ArrayBuffer, and the next one that is. */
  readonly isFirst: boolean
  next: Entry | undefined = undefined
  run: Entry = this
  index = -1
  isReadonly = false
  isShared = false
  max = -1
  window = NO_BYTES
  isOutOfBand = false

  constructor(
    source: Source,
    buffer: ArrayBufferLike,
    kind: number,
    start: number,
    end: number,
    isForced: boolean,
    isAlone: boolean,
    isFirst: boolean,
  ) {
    this.source = source
    this.buffer = buffer
    this.kind = kind
    this.start = start
    this.end = end
    this.isForced = isForced
    this.isAlone = isAlone
    this.isFirst = isFirst
  }
}

const GONE = 'a view or ArrayBuffer lost its memory'

/** Entries that are searched for an ArrayBuffer one by one; with more, a Map is made. */
const FEW = 16

export class Views {
  /** As in the decoder: keeps the code made for entries alive. */
  readonly kept = new Entry(NO_BYTES, NO_BYTES.buffer, 0, 0, 0, false, false, true)
  entries: Entry[] = []
  /** Whether structured clone would lose something of a view. */
  isBeyondClone = false
  /** The last entry on each ArrayBuffer. */
  #last: Map<ArrayBufferLike, Entry> | undefined
  #bySource: Map<Source, Entry[]> | undefined

  /** `isAlone`: it shares its bytes with no other view, whatever it overlaps. */
  addView(view: ArrayBufferView, isForced: boolean, isReadonly: boolean, isAlone = false): void {
    const byteLength = windowBytes(view)
    if (byteLength < 0) throw stopped('DETACHED', GONE)
    const buffer = bufferOf(view)
    const start = byteOffsetOf(view)
    let kind = kindOf(view)
    if (isReadonly) kind |= ViewFlag.READONLY
    if (isReadonly || kind === ViewKind.BUFFER) this.isBeyondClone = true
    if (maxBytes(buffer) >= 0 && isLengthTracking(view)) kind |= ViewFlag.TRACKING
    this.#add(view, buffer, start, start + byteLength, kind, isForced, isAlone)
  }

  addBuffer(buffer: ArrayBufferLike): void {
    const byteLength = memoryBytes(buffer)
    if (byteLength < 0) throw stopped('DETACHED', GONE)
    this.#add(buffer, buffer, 0, byteLength, ViewKind.ARRAY_BUFFER, false)
  }

  /** A view met before turns out to have wishes. */
  wish(view: ArrayBufferView, isForced: boolean, isReadonly: boolean): void {
    if (isReadonly) this.isBeyondClone = true
    for (const entry of this.#of(view)) {
      entry.isForced ||= isForced
      if (isReadonly) entry.kind |= ViewFlag.READONLY
    }
  }

  #add(
    source: Source,
    buffer: ArrayBufferLike,
    start: number,
    end: number,
    kind: number,
    isForced: boolean,
    isAlone = false,
  ): void {
    const before = isAlone ? undefined : this.#find(buffer)
    const entry = new Entry(source, buffer, kind, start, end, isForced, isAlone, before === undefined)
    if (before !== undefined) before.next = entry
    // An array made with its first element is not grown to seventeen for it.
    if (this.entries.length === 0) this.entries = [entry]
    else this.entries.push(entry)
    if (!isAlone) this.#last?.set(buffer, entry)
    if (this.#bySource !== undefined) addTo(this.#bySource, entry)
  }

  /** The entries of one view, of which there may be more than one where identity is not kept. */
  #of(view: ArrayBufferView): readonly Entry[] {
    const { entries } = this
    if (entries.length <= FEW) return entries.filter(({ source }) => source === view)
    if (this.#bySource === undefined) {
      this.#bySource = new Map()
      for (const entry of entries) addTo(this.#bySource, entry)
    }
    return this.#bySource.get(view) ?? []
  }

  /** The last entry on an ArrayBuffer. */
  #find(buffer: ArrayBufferLike): Entry | undefined {
    const { entries } = this
    if (entries.length > FEW) {
      this.#last ??= new Map(entries.filter(entry => !entry.isAlone).map(entry => [entry.buffer, entry]))
      return this.#last.get(buffer)
    }
    for (let i = entries.length - 1; i >= 0; i--)
      if (entries[i].buffer === buffer && !entries[i].isAlone) return entries[i]
    return undefined
  }

  /** Lays out the runs, in the order of their first views. */
  runs(): readonly Run[] {
    const { entries } = this
    if (entries.length === 1) {
      settle(entries[0], 0)
      return entries
    }
    const runs: Run[] = []
    for (const entry of entries) {
      if (entry.isFirst && entry.next !== undefined) merge(entry)
      const { run } = entry
      if (run.index >= 0) continue
      run.source = entry.source
      settle(run, runs.length)
      runs.push(run)
    }
    return runs
  }

  /** @throws DETACHED when a getter, proxy or callback took memory away or resized it since it was met. */
  check(): void {
    const { entries } = this
    for (let i = 0; i < entries.length; i++) {
      const { source, start, end } = entries[i]
      if (bytesUnder(source) !== end - start) throw lostMeanwhile(source)
    }
  }

  clear(): void {
    if (this.entries.length === 0) return
    this.entries = []
    this.isBeyondClone = false
    this.#last = undefined
    this.#bySource = undefined
  }
}

/** The error for memory that was there when it was met. */
export function lostMeanwhile(source: Source): OutbandError {
  return about(source, stopped('DETACHED', `${GONE}, or was resized meanwhile`))
}

function addTo(bySource: Map<Source, Entry[]>, entry: Entry): void {
  const known = bySource.get(entry.source)
  if (known === undefined) bySource.set(entry.source, [entry])
  else known.push(entry)
}

/** Runs for the entries of one ArrayBuffer that overlap or touch. */
function merge(first: Entry): void {
  const entries: Entry[] = []
  for (let entry: Entry | undefined = first; entry !== undefined; entry = entry.next) entries.push(entry)
  entries.sort((a, b) => a.start - b.start)
  let group: Entry[] = []
  let end = 0
  for (const entry of entries) {
    if (entry.start > end) {
      share(group, end)
      group = []
    }
    group.push(entry)
    end = Math.max(end, entry.end)
  }
  share(group, end)
}

/** One run for these entries, if they are more than one, of which the first is the lowest. It is as their most demanding. */
function share(entries: readonly Entry[], end: number): void {
  if (entries.length < 2) return
  const { source, buffer, start } = entries[0]
  const isForced = entries.some(entry => entry.isForced)
  const isReadonly = entries.every(({ kind }) => (kind & ViewFlag.READONLY) !== 0)
  const kind =
    (entries.some(({ kind }) => isBound(kind)) ? ViewFlag.TRACKING : 0) | (isReadonly ? ViewFlag.READONLY : 0)
  const run = new Entry(source, buffer, kind | ViewKind.DATA_VIEW, start, end, isForced, false, false)
  for (const entry of entries) entry.run = run
}

/** Gives a run its place, when its first view comes, and what was not asked before. */
function settle(run: Entry, index: number): void {
  const { buffer, start, kind } = run
  run.index = index
  run.isReadonly = (kind & ViewFlag.READONLY) !== 0
  run.isShared = isShared(buffer)
  // Where its memory is resizable, the run must be so again.
  const max = isBound(kind) ? maxBytes(buffer) : -1
  run.max = max < 0 ? max : max - start
}

/** The class met last: most messages have one, and the look into the Map costs as much as the questions about its memory. */
let last = { name: '', kind: 0 }

function kindOf(view: ArrayBufferView): number {
  const name = arrayName(view)
  if (name === undefined) return ViewKind.DATA_VIEW
  if (name === 'Uint8Array' && isBuffer(view)) return ViewKind.BUFFER
  if (name === last.name) return last.kind
  const kind = KIND_NUMBERS.get(name)
  if (kind === undefined) throw stopped('UNSUPPORTED', `${named(name)} cannot travel`)
  last = { name, kind }
  return kind
}
