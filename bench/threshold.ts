/**
 * Where the default threshold comes from: messages with one array of a given size go to a worker thread, in
 * band (copied into the metadata, which is transferred) and out of band (copied to a buffer of its own, which
 * is transferred beside it). Run it by hand: `node dist/bench/threshold.js`.
 */
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { decode, encode, type Packet } from '../src/index.js'

const SIZES = [64, 256, 1024, 2048, 4096, 8192, 16_384, 65_536, 262_144]
const MESSAGES = 2000
const ROUNDS = 7

interface Letter extends Packet {
  readonly isLast: boolean
}

function post(worker: Worker, { meta, buffers }: Packet, isLast: boolean): void {
  const copies = buffers.map(buffer => buffer.slice())
  const letter: Letter = { meta, buffers: copies, isLast }
  worker.postMessage(letter, [meta.buffer as ArrayBuffer, ...copies.map(copy => copy.buffer)])
}

/** Microseconds a message, encode and decode included. */
async function timed(worker: Worker, value: unknown, threshold: number): Promise<number> {
  const start = performance.now()
  const answer = new Promise(resolve => worker.once('message', resolve))
  for (let i = 1; i <= MESSAGES; i++) post(worker, encode(value, { threshold }), i === MESSAGES)
  await answer
  return ((performance.now() - start) * 1000) / MESSAGES
}

const median = (times: number[]): number => times.sort((a, b) => a - b)[times.length >> 1]!

async function main(): Promise<void> {
  const worker = new Worker(new URL(import.meta.url))
  console.log('bytes of the array   in band µs   out of band µs')
  for (const size of SIZES) {
    const value = { id: 7, samples: new Uint8Array(size) }
    const times: [inBand: number[], outOfBand: number[]] = [[], []]
    for (let round = -1; round < ROUNDS; round++) {
      for (const [way, threshold] of [Number.POSITIVE_INFINITY, 0].entries()) {
        const time = await timed(worker, value, threshold)
        if (round >= 0) times[way]!.push(time)
      }
    }
    const [inBand, outOfBand] = times.map(median)
    console.log(
      `${String(size).padStart(18)}${inBand!.toFixed(2).padStart(13)}${outOfBand!.toFixed(2).padStart(17)}`,
    )
  }
  await worker.terminate()
}

if (isMainThread) await main()
else
  parentPort?.on('message', (letter: Letter) => {
    decode(letter)
    if (letter.isLast) parentPort?.postMessage('done')
  })
