// Whoever moves values to a thread: ourselves and rivals, each with a worker of its own that counts what arrives. One
// way is timed from the first post to the last arrival, so both threads' work is in it. Memory is moved there and
// back, with several arrays under way, so that no time goes into making them.

import { Worker } from 'node:worker_threads'
import * as Comlink from 'comlink'
// @ts-expect-error: declared for its other file names only
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs'
import { Packr } from 'msgpackr'
import { Piscina } from 'piscina'
import type { Channel } from '../src/channel.js'
import { footprint } from '../src/cli/memory.js'
import { connectPort, wrapPort } from '../src/port/index.js'
import { connectRing, createRing, type RingEnd } from '../src/ring/index.js'
import { burstOf, UNDER_WAY } from './burst.js'
import type { Contestant, Session, Traits } from './contestant.js'
import type { Side } from './cpu.js'
import { listByHand } from './list-by-hand.js'
import { ARRIVED, DONE, type Home, MODE, TARGET, THREAD, WORDS } from './port-worker.js'

const HOME = new URL('./port-worker.js', import.meta.url)
/** Messages that a way takes until both threads have compiled what they do; no time goes into the memory itself. */
const COLD = 10_000

/** One end of a way to a thread. */
interface Way {
  /** Sends a value; a promise of its arrival where that is all there is. */
  post(value: unknown): unknown
  /** Sends a value whose memory is given away. */
  move?(value: unknown): void
  /** What comes back. */
  hear(take: (value: unknown) => void): void
}

/** A way with its thread. */
interface Thread {
  readonly way: Way
  readonly control: Int32Array
}

function port(
  name: string,
  about: string,
  home: Home,
  make: (worker: Worker, end: RingEnd) => Way,
  traits?: Traits,
): Contestant {
  let thread: Thread | undefined
  const open = (value: unknown): Session => {
    thread ??= start(home, make)
    return session(thread, value)
  }
  return { name, about, family: name, on: 'port', ...traits, open }
}

function start(home: Home, make: (worker: Worker, end: RingEnd) => Way): Thread {
  const control = new Int32Array(new SharedArrayBuffer(4 * WORDS))
  const [here, there] = createRing()
  const worker = new Worker(HOME, { workerData: { home, control, end: there }, transferList: [there.port] })
  return { way: make(worker, here), control }
}

function session({ way, control }: Thread, value: unknown): Session {
  const per = burstOf(value)
  let back: (value: unknown) => void = () => {}
  way.hear(value => back(value))
  const oneWay = async (times: number) => {
    const arrived = expect(control, times * per)
    const answers: unknown[] = []
    for (let i = 0; i < times * per; i++) {
      const answer = way.post(value)
      if (answer !== undefined) answers.push(answer)
    }
    await Promise.all([arrived, ...answers])
  }
  let resting: unknown[] = []
  const thereAndBack = async (times: number) => {
    const isFirst = resting.length === 0
    if (isFirst) times += Math.ceil(COLD / per)
    control[MODE] = 1
    while (resting.length < UNDER_WAY) resting.push(structuredClone(value))
    const values = resting
    resting = []
    await new Promise<void>(resolve => {
      let left = times * per - values.length
      back = value => {
        if (left-- > 0) way.move?.(value)
        else if (resting.push(value) === values.length) resolve()
      }
      for (const value of values) way.move?.(value)
    })
    control[MODE] = 0
  }
  const result = () => {
    control[MODE] = 1
    return new Promise(resolve => {
      back = value => {
        control[MODE] = 0
        resolve(value)
      }
      way.post(value)
    })
  }
  const canMove = way.move !== undefined && footprint(value).views.length > 0
  return {
    ops: { 'one way': oneWay, ...(canMove && { 'there and back': thereAndBack }) },
    per,
    // It is known once the thread runs.
    get there() {
      return threadOf(Atomics.load(control, THREAD))
    },
    result,
  }
}

/** A thread of this process, by the number that Linux gives it; 0 is none. */
const threadOf = (tid: number): Side | undefined => (tid > 0 ? { pid: process.pid, tid } : undefined)

/** Resolves when the thread has counted so many arrivals. */
function expect(control: Int32Array, times: number): Promise<unknown> {
  control[ARRIVED] = 0
  control[DONE] = 0
  Atomics.store(control, TARGET, times)
  const { value } = Atomics.waitAsync(control, DONE, 0)
  return Promise.resolve(value)
}

function raw(worker: Worker): Way {
  const listOf = listByHand()
  return {
    post: value => worker.postMessage(value),
    move: value => worker.postMessage(value, listOf(value)),
    hear: take => void worker.removeAllListeners('message').on('message', take),
  }
}

function wrapped(worker: Worker): Way {
  const port = wrapPort(worker)
  return {
    post: value => port.postMessage(value),
    move: value => port.postMessage(value, { transfer: true }),
    hear: take => void port.removeAllListeners('message').on('message', take),
  }
}

const channel = (worker: Worker): Way => wayOf(connectPort(worker))
const ring = (_: Worker, end: RingEnd): Way => wayOf(connectRing(end))

function wayOf(channel: Channel): Way {
  let listener = (_: unknown) => {}
  channel.on('message', value => listener(value))
  return {
    post: value => void channel.send(value),
    move: value => void channel.send(value, { transfer: true }),
    hear: take => {
      listener = take
    },
  }
}

function msgpackr(worker: Worker): Way {
  const packr = new Packr({ structuredClone: true, moreTypes: true })
  return {
    // Exact bytes: its results lie in a pool, and a view ships its whole memory.
    post: value => {
      const bytes = Uint8Array.prototype.slice.call(packr.pack(value))
      worker.postMessage(bytes, [bytes.buffer as ArrayBuffer])
    },
    hear: take =>
      void worker
        .removeAllListeners('message')
        .on('message', bytes => take(packr.unpack(bytes as Uint8Array))),
  }
}

function comlink(worker: Worker): Way {
  const listOf = listByHand()
  const remote = Comlink.wrap<{ take(value: unknown): Promise<unknown> }>(nodeEndpoint(worker))
  let listener = (_: unknown) => {}
  return {
    post: value => remote.take(value).then(listener),
    move: value => void remote.take(Comlink.transfer(value, listOf(value))).then(listener),
    hear: take => {
      listener = take
    },
  }
}

/** Its pool makes its own threads. */
function piscina(): Contestant {
  let pool: Piscina | undefined
  const about = 'new Piscina({ maxThreads: 1, concurrentTasksPerWorker: 64 }).run(value)'
  const open = async (value: unknown): Promise<Session> => {
    pool ??= new Piscina({
      filename: new URL('./port-task.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: 64,
    })
    const run = (times: number) =>
      Promise.all(Array.from({ length: times }, () => pool?.run(value, { name: 'take' }))).then(() => {})
    const per = burstOf(value)
    return {
      ops: { 'one way': times => run(times * per) },
      per,
      there: threadOf(await pool.run(undefined, { name: 'thread' })),
      result: () => pool?.run(value, { name: 'echo' }),
    }
  }
  return { name: 'piscina', family: 'piscina', about, on: 'port', variant: true, open }
}

export const ports: readonly Contestant[] = [
  port('outband port', 'wrapPort(worker).postMessage(value)', 'wrapped', wrapped, {
    ours: true,
  }),
  port('outband channel', 'connectPort(worker).send(value)', 'channel', channel, { ours: true }),
  port('postMessage', 'worker.postMessage(value), with a transfer list where memory moves', 'raw', raw),
  port('msgpackr port', 'packr.pack, an exact copy moved', 'msgpackr', msgpackr, { variant: true }),
  port('comlink', 'Comlink.wrap(worker).take(value), answered', 'comlink', comlink, { variant: true }),
  piscina(),
  port('outband ring', 'connectRing(end).send(value)', 'ring', ring, { ours: true, on: 'ring' }),
  port('object by postMessage', 'worker.postMessage(value)', 'raw', raw, { on: 'ring' }),
  port('object by outband port', 'connectPort(worker).send(value)', 'channel', channel, { on: 'ring' }),
]
