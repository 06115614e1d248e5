// The clock. Everyone who is compared takes turns in one process (A B C A B C …), starting one place later in
// each round, so that a slow second falls on all of them alike. A turn is a batch of operations long enough for
// the clock, and the collection of the garbage that it made; nobody inherits somebody else's, because the young
// generation is emptied before each turn. What is kept is the median of the turns.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { drop, type Run } from './contestant.js'
import { type Cpu, cpuOf, type Sides } from './cpu.js'

export interface Plan {
  /**
   * Least time of warming up. Whoever is slow, or is still getting faster, goes on up to four times as long: code
   * that runs a few times a second was seen to wait for its compiler for a hundred operations.
   */
  readonly warmUpMs: number
  readonly warmUpOperations: number
  /** Least time of one turn; and of one of messages so short that V8 would not collect their garbage in that time. */
  readonly turnMs: number
  readonly longTurnMs: number
  /** Least operations of one turn, unless they would take longer than `laneMs` allows for. */
  readonly leastBatch: number
  readonly turns: number
  /** Time after which a slow lane takes no further turn, once it has had three. */
  readonly laneMs: number
  /** Whether encode and decode are timed one by one as well. */
  readonly halves: boolean
}

export const PLANS = {
  full: {
    warmUpMs: 80,
    warmUpOperations: 30,
    turnMs: 10,
    longTurnMs: 200,
    leastBatch: 3,
    turns: 9,
    laneMs: 165,
    halves: true,
  },
  quick: {
    warmUpMs: 40,
    warmUpOperations: 40,
    turnMs: 1,
    longTurnMs: 1,
    leastBatch: 1,
    turns: 5,
    laneMs: 30,
    halves: false,
  },
} as const satisfies Record<string, Plan>

/** An operation, and whose time of processors it takes. */
export interface Lane {
  readonly run: Run
  readonly sides: Sides
}

/** Times of one operation, in nanoseconds. */
export interface Timing {
  readonly medianNs: number
  readonly q1Ns: number
  readonly q3Ns: number
  readonly turns: number
  readonly batch: number
  /** Time of processors on this side, helper threads of V8 included, over all turns. */
  readonly cpuNs?: number
  /** That of the other side, where there is one. */
  readonly peerCpuNs?: number
}

const LEAST_TURNS = 3
/**
 * Operations that are so short take long turns, and so many of them. Of garbage that is collected but once, at the end of a short
 * turn, V8 sweeps a part beside the clock: in turns of 10, 100, 200 and 400 ms a small call took 1.51, 1.49, 1.61 and 1.68 µs, the
 * memory of its metadata being apart, and JSON 1.9 in all; a tensor 1.9 µs in all, `v8 transfer` 6.1, 6.9, 7.1 and 7.3.
 */
const SHORT_MS = 0.02
const LONG_TURNS = 5
/**
 * Batches in a row, and their time, without a gain after which code counts as warm. Optimised code comes in steps, as V8
 * gets round to it: after 15 ms without one a message of 1.8 µs was still seen to take 11.
 */
const SETTLED = 3
const SETTLED_MS = 40
const PATIENCE = 4

/** Samples lanes against each other; the timings come back in the order of the lanes. */
export async function sample(lanes: readonly Lane[], plan: Plan): Promise<Timing[]> {
  const tracks = lanes.map(lane => new Track(lane))
  await inTurns(tracks, track => track.warm(plan))
  for (let turn = 0; turn < plan.turns; turn++) {
    const ready = tracks.filter(track => track.takes())
    if (ready.length === 0) break
    for (let i = 0; i < ready.length; i++) {
      drop()
      collectGarbage()
      await ready[(i + turn) % ready.length]!.turn()
    }
  }
  drop()
  return tracks.map(track => track.timing())
}

class Track {
  private readonly lane: Lane
  private readonly cpu = { here: 0, there: 0 }
  private readonly times: number[] = []
  private batch = 1
  private warmedMs = 0
  private warmedOperations = 0
  private sinceFaster = { batches: 0, ms: 0 }
  private fastestMs = Number.POSITIVE_INFINITY
  private spentMs = 0
  private laneMs = 0
  /** Whether somebody else tells the time, of whose garbage nothing is known. */
  private hasOwnClock = false

  constructor(lane: Lane) {
    this.lane = lane
  }

  /** Sizes the batch by the fastest time seen, so that it fills a turn; answers whether more warming is wanted. */
  async warm(plan: Plan): Promise<boolean> {
    const { warmUpMs, warmUpOperations, leastBatch } = plan
    const ms = await this.clock()
    this.warmedOperations += this.batch
    const operationMs = Math.max(ms, 1e-3) / this.batch
    this.warmedMs += ms
    if (operationMs < 0.97 * this.fastestMs) this.sinceFaster = { batches: 0, ms: 0 }
    else {
      this.sinceFaster.batches++
      this.sinceFaster.ms += ms
    }
    this.fastestMs = Math.min(this.fastestMs, operationMs)
    const isShort = this.fastestMs < SHORT_MS
    const turnMs = isShort ? Math.max(plan.turnMs, plan.longTurnMs) : plan.turnMs
    const laneMs = isShort ? Math.max(plan.laneMs, turnMs * LONG_TURNS) : plan.laneMs
    this.laneMs = laneMs
    const affordable = Math.max(1, Math.floor(laneMs / LEAST_TURNS / this.fastestMs))
    const wanted = Math.max(Math.ceil(turnMs / this.fastestMs), Math.min(leastBatch, affordable))
    this.batch = Math.min(wanted, this.batch * 8)
    const isSettled = this.sinceFaster.batches >= SETTLED && this.sinceFaster.ms >= SETTLED_MS
    const isCold = this.warmedOperations < warmUpOperations || !isSettled
    return this.warmedMs < warmUpMs || this.batch < wanted || (isCold && this.warmedMs < PATIENCE * warmUpMs)
  }

  takes(): boolean {
    return this.spentMs < this.laneMs || this.times.length < LEAST_TURNS
  }

  async turn(): Promise<void> {
    const before = cpuOf(this.lane.sides)
    const ms = (await this.clock()) + (this.hasOwnClock ? 0 : collectionMs())
    this.charge(before, cpuOf(this.lane.sides))
    this.spentMs += ms
    this.times.push((ms * 1e6) / this.batch)
  }

  /** What the system does not tell is NaN from then on. */
  private charge(before: Cpu, after: Cpu): void {
    this.cpu.here += (after.here ?? Number.NaN) - (before.here ?? Number.NaN)
    this.cpu.there += (after.there ?? Number.NaN) - (before.there ?? Number.NaN)
  }

  timing(): Timing {
    const operations = this.times.length * this.batch
    const sorted = this.times.sort((a, b) => a - b)
    const { here, there } = this.cpu
    return {
      medianNs: quantile(sorted, 0.5),
      q1Ns: quantile(sorted, 0.25),
      q3Ns: quantile(sorted, 0.75),
      turns: sorted.length,
      batch: this.batch,
      ...(here >= 0 && { cpuNs: here / operations }),
      ...(there >= 0 && { peerCpuNs: there / operations }),
    }
  }

  /** Milliseconds of a batch; nothing is awaited of what is synchronous, nothing timed of who has a clock of its own. */
  private async clock(): Promise<number> {
    const start = performance.now()
    const pending = this.lane.run(this.batch)
    const ownNs = pending instanceof Promise ? await pending : pending
    this.hasOwnClock = typeof ownNs === 'number'
    return typeof ownNs === 'number' ? ownNs / 1e6 : performance.now() - start
  }
}

async function inTurns(tracks: readonly Track[], step: (track: Track) => Promise<boolean>): Promise<void> {
  let left = tracks
  while (left.length > 0) {
    const again: Track[] = []
    for (const track of left) if (await step(track)) again.push(track)
    left = again
  }
}

function quantile(sorted: readonly number[], q: number): number {
  const at = (sorted.length - 1) * q
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? Number.NaN
  return low + (high - low) * (at % 1)
}

/**
 * Frees what a turn left behind. That of a few thousand small messages does not fill the young generation, and was nobody's
 * cost before: v8.Serializer and Deserializer, which V8 must tell of their end, took 2.5 µs a message without it, 5.1 when
 * they went on for a second. Where nothing is to be freed it takes 0.04 ms.
 */
function collectionMs(): number {
  drop()
  const start = performance.now()
  collectGarbage()
  return performance.now() - start
}

let gc: NodeJS.GCFunction | undefined

/**
 * Empties the young generation; asks V8 for its collector when node was started without it. Not the whole heap: V8 then throws
 * away code for shapes of which no object is left, and msgpackr with bundled strings took 12 ms in place of 4 for us-10m.
 */
export function collectGarbage(): void {
  if (!gc) {
    setFlagsFromString('--expose-gc')
    gc = globalThis.gc ?? (runInNewContext('gc') as NodeJS.GCFunction)
  }
  gc({ type: 'minor', execution: 'sync' })
}
