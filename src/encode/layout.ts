/**
 * The message around the body: header in front, and behind it what the walk collected.
 *
 *      header · body (ops) · shapes · views · in-band bytes · text · checksum
 */
import { crc32c } from '../bytes/crc32c.js'
import { OutbandError } from '../errors.js'
import { overLimit } from '../limits.js'
import type { Packet } from '../packet.js'
import {
  FORMAT_VERSION,
  HAS_CHECKSUM,
  HAS_REFS,
  HAS_SHAPES,
  HAS_VIEWS,
  HEADER_BYTES,
  MAGIC_0,
  MAGIC_1,
} from '../wire/ops.js'
import { PHASE_SHIFT, RUN_OUT_OF_BAND, RUN_READONLY, RUN_RESIZABLE, RUN_SHARED } from '../wire/views.js'
import type { Run } from './views.js'
import type { Walk } from './walk.js'

/** Ends a message whose body is written: `meta` is fresh (own), `buffers` are the caller's memory (borrow). */
export function finishPacket(walk: Walk): Packet {
  const { settings, shapes, views } = walk
  const bodyEnd = walk.pos
  const buffers: Uint8Array[] = []
  if (shapes.count > 0) writeShapes(walk)
  if (views.count > 0) writeViews(walk, buffers)
  walk.texts.finish(walk)
  const { metaBytes } = settings.limits
  if (walk.pos > metaBytes) throw overLimit('encode', 'metaBytes', metaBytes, walk.pos)
  walk.reserve(4)
  const { bytes } = walk
  bytes[0] = MAGIC_0
  bytes[1] = MAGIC_1
  bytes[2] = FORMAT_VERSION
  bytes[3] =
    (walk.hasRefs ? HAS_REFS : 0) |
    (shapes.count > 0 ? HAS_SHAPES : 0) |
    (views.count > 0 ? HAS_VIEWS : 0) |
    (settings.checksum ? HAS_CHECKSUM : 0)
  walk.view.setUint32(4, bodyEnd - HEADER_BYTES, true)
  if (settings.checksum) walk.u32(crc32c(bytes.subarray(0, walk.pos)))
  return { meta: walk.finish(), buffers }
}

/** varint count · shapes */
function writeShapes(walk: Walk): void {
  const { shapes } = walk
  walk.reserve(9)
  walk.varint(shapes.count)
  for (let id = 0; id < shapes.count; id++) walk.append(shapes.bytesOf(shapes.used[id]))
}

/** varint runs · varint views · runs · views · bytes of the in-band runs */
function writeViews(walk: Walk, buffers: Uint8Array[]): void {
  const { views } = walk
  const runs = views.runs()
  const windows = runs.map(run => new Uint8Array(run.buffer, run.start, run.end - run.start))
  views.check()
  const isOutOfBand = chooseRuns(walk, runs, windows)
  views.check()
  walk.reserve(18)
  walk.varint(runs.length)
  walk.varint(views.count)
  for (let i = 0; i < runs.length; i++) writeRun(walk, runs[i], windows[i], isOutOfBand[i])
  for (let i = 0; i < views.count; i++) {
    walk.reserve(28)
    walk.u8(views.kind(i))
    walk.varint(views.runOf(i).index)
    walk.varint(views.offset(i))
    walk.varint(views.length(i))
  }
  for (let i = 0; i < runs.length; i++) {
    if (isOutOfBand[i]) buffers.push(windows[i])
    else walk.append(windows[i])
  }
}

/** flags · varint byteLength · varint maxByteLength, if resizable · u32 checksum, if out of band and asked for */
function writeRun(walk: Walk, run: Run, window: Uint8Array, isOutOfBand: boolean): void {
  const { checksum, copyShared } = walk.settings
  walk.reserve(24)
  walk.u8(
    (isOutOfBand ? RUN_OUT_OF_BAND : 0) |
      (run.isReadonly ? RUN_READONLY : 0) |
      (run.isShared && !copyShared ? RUN_SHARED : 0) |
      (run.max >= 0 ? RUN_RESIZABLE : 0) |
      ((run.start & 7) << PHASE_SHIFT),
  )
  walk.varint(window.byteLength)
  if (run.max >= 0) walk.varint(run.max)
  if (checksum && isOutOfBand) walk.u32(crc32c(window))
}

/** Which runs go out of band: as the callback says, else by size. Asks once per run, in order. */
function chooseRuns(walk: Walk, runs: readonly Run[], windows: Uint8Array[]): boolean[] {
  const { bufferCallback, threshold, copyShared, limits } = walk.settings
  if (runs.length > limits.buffers) throw overLimit('encode', 'buffers', limits.buffers, runs.length)
  let total = 0
  return runs.map((run, i) => {
    const { byteLength } = windows[i]
    if (byteLength > limits.bufferBytes)
      throw overLimit('encode', 'bufferBytes', limits.bufferBytes, byteLength)
    total += byteLength
    if (total > limits.totalBytes) throw overLimit('encode', 'totalBytes', limits.totalBytes, total)
    if (run.isShared && copyShared) windows[i] = windows[i].slice()
    const mustShare = run.isShared && !copyShared
    const isOutOfBand =
      bufferCallback === undefined
        ? byteLength >= threshold || ((run.isForced || mustShare) && threshold !== Number.POSITIVE_INFINITY)
        : !bufferCallback(windows[i], run.source)
    if (mustShare && !isOutOfBand) {
      throw new OutbandError(
        'UNSUPPORTED',
        "encode: shared memory cannot be shared in band; ask for shared: 'copy'",
      )
    }
    return isOutOfBand
  })
}
