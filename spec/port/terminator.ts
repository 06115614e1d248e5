// Starts threads and ends each at a random moment of busy traffic both ways; exits with 0 when every one of them was
// seen to end and nothing of ours was thrown. node dist/spec/port/terminator.js [threads] [seed]
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Random } from '../../fixtures/random.js'
import { isOutbandError } from '../../src/index.js'
import { connectPort, wrapPort } from '../../src/port/index.js'

const [threads = 40, seed = 1] = process.argv.slice(2).map(Number)
const random = new Random(seed)
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
const message = (n: number): unknown =>
  n % 5 === 0 ? { n, bytes: new Uint8Array(6000) } : { n, text: 'small' }

let heard = 0
let gone = 0

/** Posts and hears through a wrapped thread until it is ended. */
async function wrapped(): Promise<void> {
  const worker = wrapPort(new Worker(new URL('chatter.js', import.meta.url), { workerData: 'wrapped' }))
  worker.on('message', () => heard++)
  const exit = once(worker, 'exit')
  // Most of them when they talk; a thread may take its time to begin.
  if (random.next() < 0.75) await once(worker, 'message')
  const end = performance.now() + random.next() * 400
  for (let n = 0; performance.now() < end; n++) {
    worker.postMessage(message(n), n % 10 === 0 ? { transfer: true } : undefined)
    if (n % 50 === 0) await pause(0)
  }
  void worker.terminate()
  for (let n = 0; n < 100; n++) worker.postMessage(message(n))
  await exit
  worker.postMessage('after the end')
}

/** Sends and receives over a channel to a thread until that is ended; the channel must say so. */
async function connected(): Promise<void> {
  const worker = new Worker(new URL('chatter.js', import.meta.url), { workerData: 'connected' })
  const channel = connectPort(worker)
  const ends = () => void setTimeout(() => void worker.terminate(), random.next() * 400)
  const isEarly = random.next() < 0.25
  if (isEarly) ends()
  const reading = (async () => {
    let count = 0
    for await (const _ of channel) {
      heard++
      if (++count === 1 && !isEarly) ends()
    }
  })().catch(error => error)
  try {
    for (let n = 0; ; n++) await channel.send(message(n))
  } catch (error) {
    if (!isOutbandError(error, 'PEER_GONE')) throw error
  }
  if (!isOutbandError(await reading, 'PEER_GONE')) throw new Error('the reader was not told')
  gone++
}

const left = Array.from({ length: threads }, (_, i) => (i % 2 === 0 ? wrapped : connected))
// A few at a time: more threads than cores would only wait for each other.
await Promise.all(
  [1, 2, 3].map(async () => {
    for (let run = left.pop(); run !== undefined; run = left.pop()) await run()
  }),
)
process.stdout.write(`${JSON.stringify({ threads, seed, heard, gone })}\n`)
