/**
 * We and the platform's own `postMessage`, in turn, each with a worker of its own.
 *
 *      copy       one way: a turn posts many, and ends when the worker has taken the last one in
 *      transfer   there and back: what moved must come home before it can be sent again
 *
 * Then each sends without a pause for a second while the frames of the page are counted.
 */

import { type AnyPort, dom } from '../../spec/browser/page/dom.js'
import { difference } from '../../spec/same.js'
import { type PortLike, wrapPort } from '../../src/port/index.js'
import { type Frames, FrameWatch } from './frames.js'
import { memoryOf, type Order } from './message.js'

export type Mode = 'copy' | 'transfer'
export type Name = 'outband' | 'postMessage'

/** What came of one contestant. Times in milliseconds. */
export interface Result {
  readonly name: Name
  /** Of a message, one way or there and back. */
  readonly medianMs: number
  /** Half the distance between the quartiles, as a part of the median. */
  readonly spread: number
  /** That `postMessage` itself holds the main thread, per message. */
  readonly busyMs: number
  /** While sending without a pause. */
  readonly perSecond: number
  readonly frames: Frames
}

/** `?quick` is for a look, not for the record. */
const isQuick = new URL(dom.location.href).searchParams.has('quick')
const TURNS = isQuick ? 3 : 9
const WARM_TURNS = isQuick ? 1 : 3
const TURN_MS = isQuick ? 10 : 50
const STREAM_MS = isQuick ? 200 : 1000
/** A burst of a stream lets a frame through. */
const BURST_MS = 2
/** Bytes on their way at once, so that a phone survives. */
const UNDER_WAY = 2 ** 26

class Contestant {
  readonly name: Name
  readonly #port: AnyPort
  readonly #thread: { terminate(): void }
  readonly #isOurs: boolean

  constructor(name: Name) {
    this.name = name
    this.#isOurs = name === 'outband'
    const url = new URL(`worker.js?as=${this.#isOurs ? 'ours' : 'theirs'}`, dom.location.href).href
    const thread = new dom.Worker(url, { type: 'module' })
    this.#thread = thread
    this.#port = this.#isOurs
      ? (wrapPort(thread as PortLike, { peer: 'wrapped' }) as unknown as AnyPort)
      : thread
  }

  order(order: Order['order'], count: number, mode: Mode): void {
    this.#port.postMessage({ order, count, isMoved: mode === 'transfer' } satisfies Order)
  }

  post(value: unknown, mode: Mode): void {
    if (mode === 'copy') this.#port.postMessage(value)
    else if (this.#isOurs) this.#port.postMessage(value, { transfer: true })
    else this.#port.postMessage(value, memoryOf(value))
  }

  answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#port.addEventListener('message', ({ data }) => resolve(data), { once: true })
      this.#port.addEventListener('messageerror', ({ data }) => reject(data), { once: true })
    })
  }

  close(): void {
    this.#thread.terminate()
  }
}

/** One contestant and its copy of the workload. */
class Entry {
  readonly contestant: Contestant
  readonly times: number[] = []
  readonly busy: number[] = []
  value: unknown

  constructor(name: Name, value: unknown) {
    this.contestant = new Contestant(name)
    this.value = value
  }

  /** Time of one message in a turn of `count`, and what of it `postMessage` took. */
  async turn(count: number, mode: Mode): Promise<{ ms: number; busyMs: number }> {
    const { contestant } = this
    let busyMs = 0
    const start = performance.now()
    if (mode === 'copy') {
      contestant.order('take', count, mode)
      const before = performance.now()
      for (let i = 0; i < count; i++) contestant.post(this.value, mode)
      busyMs = performance.now() - before
      await contestant.answer()
    } else {
      contestant.order('return', count, mode)
      for (let i = 0; i < count; i++) {
        const before = performance.now()
        contestant.post(this.value, mode)
        busyMs += performance.now() - before
        this.value = await contestant.answer()
      }
    }
    return { ms: (performance.now() - start) / count, busyMs: busyMs / count }
  }

  async echo(mode: Mode): Promise<unknown> {
    this.contestant.order('return', 1, mode)
    this.contestant.post(this.value, mode)
    return this.contestant.answer()
  }
}

/** Runs a contest; `value` makes the workload, the same each time. @throws Error when what comes back is not equal */
export async function contest(
  make: () => unknown,
  byteLength: number,
  mode: Mode,
  say: (what: string) => void,
): Promise<Result[]> {
  const entries = [new Entry('outband', await make()), new Entry('postMessage', await make())]
  try {
    for (const entry of entries) {
      say(`checking what comes back of ${entry.contestant.name}`)
      const wanted = await make()
      entry.value = mode === 'copy' ? entry.value : await make()
      const back = await entry.echo(mode)
      const found = difference(wanted, back)
      if (found !== undefined) throw new Error(`${entry.contestant.name} does not return the value: ${found}`)
      if (mode === 'transfer') entry.value = back
    }
    const count = await countOf(entries, byteLength, mode, say)
    for (let turn = -WARM_TURNS; turn < TURNS; turn++) {
      say(turn < 0 ? 'warming up' : `turn ${turn + 1} of ${TURNS}`)
      for (let i = 0; i < entries.length; i++) {
        const entry = entries[(i + turn + WARM_TURNS) % entries.length]!
        const { ms, busyMs } = await entry.turn(count, mode)
        if (turn >= 0) {
          entry.times.push(ms)
          entry.busy.push(busyMs)
        }
        await frame()
      }
    }
    const results: Result[] = []
    for (const entry of entries) {
      say(`counting frames while ${entry.contestant.name} sends without a pause`)
      results.push(await stream(entry, byteLength, mode))
    }
    return results
  } finally {
    for (const { contestant } of entries) contestant.close()
  }
}

/** How many messages make a turn: the same for both. */
async function countOf(
  entries: readonly Entry[],
  byteLength: number,
  mode: Mode,
  say: (what: string) => void,
): Promise<number> {
  say('warming up')
  const most = mode === 'copy' ? Math.max(1, Math.floor(UNDER_WAY / (byteLength + 64))) : 10_000
  let count = Math.min(4, most)
  for (let round = 0; round < 6; round++) {
    let slowest = 0
    for (const entry of entries) slowest = Math.max(slowest, (await entry.turn(count, mode)).ms)
    const wanted = Math.ceil(TURN_MS / Math.max(slowest, 1e-4))
    const next = Math.max(1, Math.min(most, wanted, count * 8, 20_000))
    if (next <= count * 1.3) return next
    count = next
  }
  return count
}

async function stream(entry: Entry, byteLength: number, mode: Mode): Promise<Result> {
  const { contestant, times, busy } = entry
  const medianMs = quantile(times, 0.5)
  const most = Math.max(1, Math.floor(UNDER_WAY / 4 / (byteLength + 64)))
  const burst = mode === 'transfer' ? 1 : Math.max(1, Math.min(most, Math.floor(BURST_MS / medianMs)))
  await frame()
  await frame()
  const watch = new FrameWatch()
  const start = performance.now()
  let messages = 0
  while (performance.now() - start < STREAM_MS) {
    await entry.turn(burst, mode)
    messages += burst
  }
  const ms = performance.now() - start
  const frames = await watch.end()
  return {
    name: contestant.name,
    medianMs,
    spread: (quantile(times, 0.75) - quantile(times, 0.25)) / 2 / medianMs,
    busyMs: quantile(busy, 0.5),
    perSecond: messages / (ms / 1000),
    frames,
  }
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = part * (sorted.length - 1)
  const low = sorted[Math.floor(at)]!
  return low + (sorted[Math.ceil(at)]! - low) * (at % 1)
}

function frame(): Promise<number> {
  return new Promise(resolve => FrameWatch.next(resolve))
}
