/**
 * Two real threads at one ring, each doing its half of a protocol at the same moment: what both saw is tallied, and
 * some of it must never be. The thread that runs this file reads; whoever started it writes.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { RingReader, type RingWriter } from '../../src/memory/ring.js'

/** What is tried: an empty ring whose reader goes to sleep, or a full one whose writer waits for room. */
export type Try = 'sleep' | 'room'

/** Words of the shared control. */
const WRITER = 0
const READER = 1
const ANSWER = 2
const STOP = 3
const NOBODY = 4
export const WORDS = 5

export interface Task {
  readonly what: Try
  readonly memory: SharedArrayBuffer
  readonly control: Int32Array
}

/** How often each outcome was seen: what the writer saw, then the reader. */
export type Tally = Record<string, number>

/** Comes to a meeting with the other thread, which may not be running just now. */
function meet(control: Int32Array, own: number, other: number, round: number): boolean {
  Atomics.store(control, own, round)
  for (let spins = 0; Atomics.load(control, other) < round; spins++) {
    if (Atomics.load(control, STOP) === 1) return false
    if (spins > 500) Atomics.wait(control, NOBODY, 0, 0.05)
  }
  return true
}

/** The writer's half, for so many rounds, or so long. */
export function tally(writer: RingWriter, { what, control }: Task, rounds: number, forMs: number): Tally {
  const found: Tally = {}
  const end = performance.now() + forMs
  for (let round = 1; round < 3 * rounds && performance.now() < end; round += 3) {
    if (what === 'room') writer.write('x'.repeat(48), round)
    meet(control, WRITER, READER, round)
    let saw: string
    if (what === 'sleep') {
      writer.write('', round)
      saw = writer.mustWake() === 0 ? 'wakes nobody' : 'wakes'
    } else {
      writer.wait(1)
      saw = writer.claim(48) < 0 ? 'sees no room' : 'sees room'
    }
    meet(control, WRITER, READER, round + 1)
    const answer = Atomics.load(control, ANSWER) === 1
    const also = what === 'sleep' ? (answer ? 'sleeps' : 'stays awake') : answer ? 'tells' : 'tells nobody'
    const outcome = `${saw}, ${also}`
    found[outcome] = (found[outcome] ?? 0) + 1
    if (what === 'room') writer.wait(0)
    meet(control, WRITER, READER, round + 2)
  }
  Atomics.store(control, STOP, 1)
  return found
}

/** The reader's half, until there is no more. */
function answer({ what, memory, control }: Task): void {
  const reader = new RingReader(memory)
  for (let round = 1; meet(control, READER, WRITER, round); round += 3) {
    let saw: boolean
    if (what === 'sleep') saw = reader.sleep()
    else {
      void reader.mark
      reader.text()
      saw = reader.mustTell() !== 0
    }
    Atomics.store(control, ANSWER, Number(saw))
    if (!meet(control, READER, WRITER, round + 1)) return
    if (what === 'sleep') {
      reader.wake()
      while (reader.mark !== undefined) reader.text()
    }
    if (!meet(control, READER, WRITER, round + 2)) return
  }
}

if (parentPort !== null && workerData !== null && 'what' in workerData) {
  parentPort.postMessage('ready')
  answer(workerData as Task)
}
