/**
 * A carrier that lives in a worker or in a child process, led from here by a way of its own: a second port, or Node's
 * channel to a child. What arrives there is handed on as it lies, so that the suite sees the memory that it got.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { Sink, Transfer } from '../../src/carriers/carrier.js'
import type { PortOptions } from '../../src/carriers/port/port.js'
import { signalTo } from '../../src/carriers/process/child.js'
import { VARIABLE, wiring } from '../../src/carriers/process/ends.js'
import type { RingEnd } from '../../src/carriers/ring/end.js'
import type { StreamOptions } from '../../src/carriers/stream/stream.js'
import { OutbandError } from '../../src/errors.js'
import type { Parcel } from '../../src/packet.js'
import type { Far } from '../contract.js'
import { type Lying, laidOut } from './lying.js'

/** What the far side is told; it answers each with the same number. */
export type Order =
  | { readonly kind: 'receive' | 'pause' | 'resume' | 'close' | 'abort' | 'closed' }
  | { readonly kind: 'send'; readonly parcel: Parcel; readonly transfer: Transfer | undefined }
export interface Told {
  readonly number: number
  readonly order: Order
}
/** What it says: the outcome of an order, a packet, the end. */
export type Word =
  | { readonly kind: 'done'; readonly number: number; readonly error: Plain | undefined }
  | { readonly kind: 'parcel'; readonly parcel: Parcel }
  | { readonly kind: 'end'; readonly error: Plain | undefined }
/** An error of ours, which a port would strip of its class. */
export interface Plain {
  readonly code: OutbandError['code']
  readonly message: string
}

export interface FarWorker {
  readonly worker: Worker
  readonly far: Far
  dispose(): Promise<void>
}

/** What the worker is given beside the port by which it is led. */
export interface FarData {
  readonly options: PortOptions
  readonly end?: RingEnd | undefined
}

/** Starts a worker with a carrier on its `parentPort`, or on the end of a ring. */
export function farWorker(options: PortOptions, end?: RingEnd): FarWorker {
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(new URL('far-worker.js', import.meta.url), {
    workerData: { control: port2, options, end },
    transferList: end === undefined ? [port2] : [port2, end.port],
  })
  return {
    worker,
    far: new Led(
      told => port1.postMessage(told, []),
      (hear, lose) => port1.on('message', hear).on('close', lose),
    ),
    dispose: async () => {
      port1.close()
      await worker.terminate()
    },
  }
}

export interface FarChild {
  readonly child: ChildProcess
  /** Where the child's end of the pipe is. */
  readonly place: string
  readonly far: Far
  kill(): Promise<void>
}

/** Starts a process with a carrier at its end of the pipe. */
export function farChild(options: StreamOptions & { isSharing?: boolean }): FarChild {
  const { stdio, place } = wiring(['ignore', 'inherit', 'inherit', 'ipc'])
  const script = fileURLToPath(new URL('far-child.js', import.meta.url))
  const child = fork(script, [JSON.stringify(options)], {
    stdio,
    serialization: 'advanced',
    env: { ...process.env, [VARIABLE]: place },
  })
  const ended = once(child, 'exit')
  return {
    child,
    place,
    far: new Led(
      // Who is told after its end does not answer.
      told => child.send(told, () => {}),
      (hear, lose) => child.on('message', word => hear(unfolded(word as Folded))).on('disconnect', lose),
    ),
    kill: async () => {
      signalTo(child, 'SIGKILL')
      await ended
    },
  }
}

/** A word as a child says it. */
type Folded = Exclude<Word, { kind: 'parcel' }> | { readonly kind: 'parcel'; readonly parcel: Lying }

function unfolded(word: Folded): Word {
  return word.kind === 'parcel' ? { kind: 'parcel', parcel: laidOut(word.parcel) } : word
}

class Led implements Far {
  readonly closed: Promise<void>
  readonly #say: (told: Told) => void
  readonly #waiting = new Map<number, { resolve(): void; reject(error: unknown): void }>()
  #sink: Sink | undefined
  #count = 0

  constructor(say: (told: Told) => void, listen: (hear: (word: Word) => void, lose: () => void) => unknown) {
    this.#say = say
    listen(
      word => this.#hear(word),
      () => this.#lose(),
    )
    this.closed = this.#tell({ kind: 'closed' })
    this.closed.catch(() => {})
  }

  receive(sink: Sink): Promise<void> {
    this.#sink = sink
    return this.#tell({ kind: 'receive' })
  }

  send(parcel: Parcel, transfer?: Transfer): Promise<void> {
    return this.#tell({ kind: 'send', parcel, transfer })
  }

  pause(): Promise<void> {
    return this.#tell({ kind: 'pause' })
  }

  resume(): Promise<void> {
    return this.#tell({ kind: 'resume' })
  }

  close(): Promise<void> {
    return this.#tell({ kind: 'close' })
  }

  abort(): Promise<void> {
    return this.#tell({ kind: 'abort' })
  }

  #tell(order: Order): Promise<void> {
    const number = this.#count++
    const told: Told = { number, order }
    const outcome = new Promise<void>((resolve, reject) => this.#waiting.set(number, { resolve, reject }))
    outcome.catch(() => {})
    this.#say(told)
    return outcome
  }

  #hear(word: Word): void {
    if (word.kind === 'parcel') return this.#sink?.parcel(word.parcel)
    const error = word.error === undefined ? undefined : new OutbandError(word.error.code, word.error.message)
    if (word.kind === 'end') return this.#sink?.end(error)
    const waiting = this.#waiting.get(word.number)
    this.#waiting.delete(word.number)
    if (error === undefined) waiting?.resolve()
    else waiting?.reject(error)
  }

  #lose(): void {
    for (const { reject } of this.#waiting.values()) {
      reject(new OutbandError('PEER_GONE', 'who was led is gone'))
    }
    this.#waiting.clear()
  }
}
