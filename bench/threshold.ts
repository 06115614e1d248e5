/**
 * Where the default threshold comes from: messages with one array of a given size go to another thread, in band (copied
 * into the metadata) and out of band, on each kind of carrier. Run it by hand: `node dist/bench/threshold.js`.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isMainThread, MessageChannel, parentPort, Worker, workerData } from 'node:worker_threads'
import type { Channel } from '../src/channel.js'
import { connectPort } from '../src/port/index.js'
import { connectRing, createRing } from '../src/ring/index.js'
import { connect, serve } from '../src/socket/index.js'

const SIZES = [64, 256, 1024, 2048, 4096, 8192, 16_384, 65_536, 262_144]
const MESSAGES = 1000
const ROUNDS = 7
const WAYS = [Number.POSITIVE_INFINITY, 0]

interface Letter {
  readonly samples: Uint8Array
  readonly isLast: boolean
}
type Letters = Channel<'done', Letter>

/** Opens a channel to the worker, which answers the last letter. */
type Open = (worker: Worker, threshold: number) => Promise<Letters> | Letters

/** With a copy that moves: what the sender keeps is not measured. */
const CARRIERS: Record<string, Open> = {
  port: (worker, threshold) => {
    const { port1, port2 } = new MessageChannel()
    worker.postMessage({ port: port2 }, [port2])
    return connectPort(port1, { threshold })
  },
  ring: (worker, threshold) => {
    const [here, there] = createRing()
    worker.postMessage({ ring: there }, [there.port])
    return connectRing(here, { threshold })
  },
  socket: (_, threshold) => connect(PATH, { limits: 'trusted', threshold }),
}
const PATH: string = isMainThread ? join(tmpdir(), `outband-threshold-${process.pid}`) : workerData

/** Microseconds a message, encode and decode included. */
async function timed(channel: Letters, samples: Uint8Array): Promise<number> {
  const start = performance.now()
  const answer = new Promise(resolve => channel.once('message', resolve))
  for (let i = 1; i <= MESSAGES; i++) {
    const sent = channel.send({ samples, isLast: i === MESSAGES })
    if (i % 64 === 0) await sent
  }
  await answer
  return ((performance.now() - start) * 1000) / MESSAGES
}

const median = (times: number[]): number => times.sort((a, b) => a - b)[times.length >> 1]!

async function measure(name: string, open: Open, worker: Worker): Promise<void> {
  const channels = await Promise.all(WAYS.map(threshold => open(worker, threshold)))
  console.log(`${name}: bytes of the array   in band µs   out of band µs`)
  for (const size of SIZES) {
    const times = WAYS.map((): number[] => [])
    for (let round = -1; round < ROUNDS; round++) {
      for (const [way, channel] of channels.entries()) {
        const time = await timed(channel, new Uint8Array(size))
        if (round >= 0) times[way]!.push(time)
      }
    }
    const figures = times.map(all => median(all).toFixed(2).padStart(13))
    console.log(`${String(size).padStart(name.length + 20)}${figures.join('')}`)
  }
  await Promise.all(channels.map(channel => channel.close()))
}

async function main(): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { workerData: PATH })
  await new Promise(resolve => worker.once('message', resolve))
  for (const [name, open] of Object.entries(CARRIERS)) await measure(name, open, worker)
  await worker.terminate()
}

function answerLast(channel: Channel<Letter, 'done'>): void {
  channel.on('message', ({ isLast }) => {
    if (isLast) void channel.send('done')
  })
}

if (isMainThread) await main()
else {
  parentPort?.on('message', ({ port, ring }) => answerLast(port ? connectPort(port) : connectRing(ring)))
  await serve(PATH, answerLast, { limits: 'trusted' })
  parentPort?.postMessage('listening')
}
