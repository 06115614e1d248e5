/** The runs of a value's views, each with its window and on which side of the band it goes. */
import { forbidden, type Limits, overLimit } from '../limits.js'
import { isGiven, isLendable } from '../out-of-band.js'
import { about } from './place.js'
import { stopped } from './trace.js'
import type { Run, Views } from './views.js'

/** What encode was asked for, as far as runs go. */
export interface RunSettings {
  readonly bufferCallback:
    | ((buffer: Uint8Array, view: ArrayBufferView | ArrayBufferLike) => unknown)
    | undefined
  readonly threshold: number
  readonly copyShared: boolean
  /** Memory that moves with this message, by a list: views on it go out of band, however small. */
  readonly moving: ReadonlySet<object> | undefined
  readonly limits: Readonly<Limits>
}

/** Lays out the runs and asks for each whether it goes out of band. Windows are the caller's memory (borrow). */
export function chosenRuns(views: Views, settings: RunSettings): readonly Run[] {
  const runs = views.runs()
  views.check()
  const { bufferCallback, limits } = settings
  if (runs.length > limits.buffers) throw overLimit('buffers', limits.buffers, runs.length)
  const { bufferBytes, totalBytes } = limits
  let total = 0
  // All windows before the first callback: it may take away memory of a run that comes after.
  for (let i = 0; i < runs.length; i++) {
    const run = runs[i]
    const room = Math.max(run.end - run.start, run.max)
    total += room
    if (room > bufferBytes) throw about(run.source, overLimit('bufferBytes', bufferBytes, room))
    if (total > totalBytes) throw overLimit('totalBytes', totalBytes, total)
    run.window = windowOf(run, settings)
  }
  for (let i = 0; i < runs.length; i++) choose(runs[i], settings)
  if (bufferCallback !== undefined) views.check()
  return runs
}

function windowOf(run: Run, { copyShared }: RunSettings): Uint8Array {
  const window = bytesOf(run)
  return run.isShared && copyShared ? window.slice() : window
}

function bytesOf({ buffer, start, end, source }: Run): Uint8Array {
  try {
    return new Uint8Array(buffer, start, end - start)
  } catch {
    // In Node 20 a Uint8Array holds 4 GiB, a Float64Array eight times that.
    throw about(source, stopped('UNSUPPORTED', `this engine has no window of ${end - start} bytes`))
  }
}

/** Sets whether a run goes out of band: as the callback says, else by size; always, where its memory would else leave for nothing. */
function choose(run: Run, settings: RunSettings): void {
  const { bufferCallback, threshold, copyShared, moving, limits } = settings
  const byteLength = run.end - run.start
  const mustShare = run.isShared && !copyShared
  if (mustShare && !limits.shared) throw about(run.source, forbidden('encode', 'shared'))
  if (bufferCallback !== undefined) run.isOutOfBand = !bufferCallback(run.window, run.source)
  else if (byteLength >= threshold) run.isOutOfBand = true
  else {
    const { isForced, buffer } = run
    const mustBe = isForced || mustShare || isGiven(buffer) || isLendable(buffer)
    run.isOutOfBand = mustBe && Number.isFinite(threshold)
  }
  if (moving?.has(run.buffer)) run.isOutOfBand = true
  if (mustShare && !run.isOutOfBand) {
    throw about(run.source, stopped('UNSUPPORTED', "shared memory in band; wanted shared: 'copy'"))
  }
}
