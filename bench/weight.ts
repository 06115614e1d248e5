// What an operation takes in memory, in a process where nothing is timed (heats.ts starts it with a collector of one
// thread and an allocator that gives back what is freed). Allocation is exact, however often V8 collects meanwhile:
// what is in use at the end and was not at the start, and what each collection has taken away in between.

import { readFileSync, writeFileSync } from 'node:fs'
import { GCProfiler, getHeapStatistics, setFlagsFromString } from 'node:v8'
import { drop, type Run } from './contestant.js'
import { collectGarbage } from './sample.js'

export interface Weight {
  /** Bytes that one operation allocates on V8's heap and as ArrayBuffers, on the thread that asks for it. */
  readonly allocatedBytes: number
  /** The most by which the resident memory of the process grew meanwhile; undefined where the system does not tell. */
  readonly peakBytes?: number
}

/**
 * How often an operation is done first, and then weighed, by the time that it takes at its best. Times decide no more than
 * that: buffers that grow and code that is compiled are then met at the same operation in every run.
 */
const COUNTS = [
  { belowMs: 0.02, first: 3000, times: 2000 },
  { belowMs: 0.6, first: 300, times: 100 },
  { belowMs: 40, first: 6, times: 3 },
  { belowMs: Number.POSITIVE_INFINITY, first: 1, times: 1 },
] as const
/** Runs of which the best counts. */
const TRIALS = 5

interface Collected {
  readonly usedHeapSize: number
  readonly externalMemory: number
}

/** Runs until allocations are those of compiled code, then weighs. `pid`: whose resident memory is meant. */
export async function weigh(run: Run, pid = process.pid): Promise<Weight> {
  const { first, times } = await countsOf(run)
  await run(first)
  // The last result is no part of rest: where one operation is weighed alone, its own would take that one's place.
  drop()
  toRest()
  const restBytes = resetPeak(pid)
  const allocatedBytes = await allocated(() => run(times))
  const peakBytes = restBytes === undefined ? undefined : Math.max(0, peakOf(pid) - restBytes)
  return { allocatedBytes: allocatedBytes / times, ...(peakBytes !== undefined && { peakBytes }) }
}

async function countsOf(run: Run): Promise<(typeof COUNTS)[number]> {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0, spentMs = 0; i < TRIALS && spentMs < COUNTS[2].belowMs; i++) {
    const start = performance.now()
    await run(1)
    const ms = performance.now() - start
    best = Math.min(best, ms)
    spentMs += ms
  }
  return COUNTS.find(({ belowMs }) => best < belowMs)!
}

/** Bytes allocated while something runs, by this thread: V8's heap and ArrayBuffers, those that died included. */
export async function allocated(run: () => unknown): Promise<number> {
  // What such a thread has still to do is done by the next collection.
  toRest()
  const profiler = new GCProfiler()
  profiler.start()
  const before = inUse()
  // No await without need: a turn of the microtask queue allocates as well.
  const pending = run()
  if (pending instanceof Promise) await pending
  const after = inUse()
  const { statistics } = profiler.stop()
  setFlagsFromString('--concurrent-array-buffer-sweeping')
  return statistics.reduce(
    (sum, { beforeGC, afterGC }) => sum + used(beforeGC.heapStatistics) - used(afterGC.heapStatistics),
    after - before,
  )
}

function inUse(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}

const used = ({ usedHeapSize, externalMemory }: Collected): number => usedHeapSize + externalMemory

/** Twice: what finalizers let go is collected by the second. */
function toRest(): void {
  // Otherwise a helper thread frees ArrayBuffers, and takes them off the account, at some time after the collection.
  setFlagsFromString('--no-concurrent-array-buffer-sweeping')
  collectGarbage()
  collectGarbage()
}

/** Lets the system count anew; bytes that are resident now. */
function resetPeak(pid: number): number | undefined {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
    return status(pid, 'VmRSS')
  } catch {
    return undefined
  }
}

const peakOf = (pid: number): number => status(pid, 'VmHWM')

function status(pid: number, name: string): number {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
  return Number(line?.[1]) * 1024
}
