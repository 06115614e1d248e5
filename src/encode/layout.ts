/**
 * The message around the body: header in front, and behind it what the walk collected.
 *
 *      header · body (ops) · shapes · views · in-band bytes · text · checksum
 */
import { crc32c } from '../bytes/crc32c.js'
import { overLimit } from '../limits.js'
import { LENT, type Parcel } from '../packet.js'
import { chosenRuns } from '../value/runs.js'
import type { Entry, Run } from '../value/views.js'
import { RunFlag, ViewFlag } from '../wire/flags.js'
import { Head } from '../wire/ops.js'
import { KINDS } from '../wire/views.js'
import type { Walk } from './walk.js'

/**
 * Ends a message whose body is written: `meta` is fresh (own), `buffers` are the caller's memory (borrow).
 * Metadata of up to `textBytes` is made a string; with `LENT` it stays where it is (borrow).
 */
export function finishPacket(walk: Walk, textBytes: number): Parcel {
  const { settings, shapes, views } = walk
  const { limits } = settings
  const bodyEnd = walk.pos
  const viewCount = views.entries.length
  if (viewCount > limits.items) throw overLimit('items', limits.items, viewCount)
  // First: a callback may send something else meanwhile, and then the receiver knows none of these shapes.
  const runs = viewCount > 0 ? chosenRuns(views, settings) : undefined
  const hasShapes = shapes.areNew
  if (hasShapes) writeShapes(walk)
  if (runs !== undefined) writeViews(walk, runs)
  walk.texts.finish(walk)
  const end = walk.pos
  const start = Head.MOST_BYTES - headerBytes(bodyEnd - Head.MOST_BYTES)
  const length = end - start + (settings.checksum ? Head.CHECKSUM_BYTES : 0)
  if (length > limits.metaBytes) throw overLimit('metaBytes', limits.metaBytes, length)
  const { bytes } = walk
  bytes[start] = Head.MAGIC_0
  bytes[start + 1] = Head.MAGIC_1
  bytes[start + 2] =
    (Head.VERSION << Head.VERSION_SHIFT) |
    (walk.hasRefs ? Head.HAS_REFS : 0) |
    (hasShapes ? Head.HAS_SHAPES : 0) |
    (runs !== undefined ? Head.HAS_VIEWS : 0) |
    (settings.checksum ? Head.HAS_CHECKSUM : 0)
  walk.pos = start + 3
  walk.varint(bodyEnd - Head.MOST_BYTES)
  walk.pos = end
  if (settings.checksum) {
    walk.reserve(Head.CHECKSUM_BYTES)
    walk.u32(crc32c(walk.bytes.subarray(start, end)))
  }
  return { meta: finishMeta(walk, start, textBytes), buffers: runs === undefined ? [] : buffersOf(runs) }
}

function finishMeta(walk: Walk, start: number, textBytes: number): Uint8Array | string {
  if (textBytes === LENT) return walk.lend(start)
  return walk.pos - start <= textBytes ? walk.finishText(start) : walk.finish(start)
}

/** magic (2) · version and flags · varint */
function headerBytes(bodyBytes: number): number {
  let bytes = 4
  for (let n = bodyBytes; n > 127; n = Math.floor(n / 128)) bytes++
  return bytes
}

/** varint count · shapes */
function writeShapes(walk: Walk): void {
  const { shapes } = walk
  walk.reserve(9)
  walk.varint(shapes.count)
  shapes.finish(walk)
}

/** varint runs · varint views · runs · views · bytes of the in-band runs */
function writeViews(walk: Walk, runs: readonly Run[]): void {
  const { entries } = walk.views
  walk.reserve(18)
  walk.varint(runs.length)
  walk.varint(entries.length)
  // Lists of one element, mostly: `for…of` costs a tensor two percent (measured).
  for (let i = 0; i < runs.length; i++) writeRun(walk, runs[i])
  let used = 0
  for (let i = 0; i < entries.length; i++) used = writeView(walk, entries[i], entries[i].run, used)
  for (let i = 0; i < runs.length; i++) if (!runs[i].isOutOfBand) walk.append(runs[i].window)
}

function buffersOf(runs: readonly Run[]): Uint8Array[] {
  // A list that is made with its one element is not grown to seventeen for it.
  if (runs.length === 1) return runs[0].isOutOfBand ? [runs[0].window] : []
  const buffers: Uint8Array[] = []
  for (let i = 0; i < runs.length; i++) if (runs[i].isOutOfBand) buffers.push(runs[i].window)
  return buffers
}

/** flags · varint byteLength · varint maxByteLength, if resizable · u32 checksum, if out of band and asked for */
function writeRun(walk: Walk, run: Run): void {
  const { checksum, copyShared } = walk.settings
  const { window, isOutOfBand } = run
  walk.reserve(24)
  walk.u8(
    (isOutOfBand ? RunFlag.OUT_OF_BAND : 0) |
      (run.isReadonly ? RunFlag.READONLY : 0) |
      (run.isShared && !copyShared ? RunFlag.SHARED : 0) |
      (run.max >= 0 ? RunFlag.RESIZABLE : 0) |
      ((run.start & 7) << RunFlag.PHASE_SHIFT),
  )
  walk.varint(run.end - run.start)
  if (run.max >= 0) walk.varint(run.max)
  if (checksum && isOutOfBand) walk.u32(crc32c(window))
}

/**
 * Kind, and unless the view is the whole of the next run: varint run · varint offset · varint length.
 * Returns how many runs views were on so far.
 */
function writeView(walk: Walk, { kind, start, end }: Entry, run: Run, used: number): number {
  walk.reserve(28)
  if (run.index === used && start === run.start && end === run.end) {
    walk.u8(kind | ViewFlag.WHOLE)
    return used + 1
  }
  walk.u8(kind)
  walk.varint(run.index)
  walk.varint(start - run.start)
  walk.varint((end - start) / KINDS[kind & ViewFlag.KIND].size)
  return Math.max(used, run.index + 1)
}
