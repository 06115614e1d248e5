/**
 * A carrier that lives in a worker, led from here. What arrives there is handed on through a second port as it lies,
 * so that the suite sees the memory that the worker got.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { Sink, Transfer } from '../../src/carriers/carrier.js'
import type { PortOptions } from '../../src/carriers/port/port.js'
import { OutbandError } from '../../src/errors.js'
import type { Parcel } from '../../src/packet.js'
import type { Far } from '../contract.js'

/** What the worker is told; it answers each with the same number. */
export type Order =
  | { readonly kind: 'receive' | 'pause' | 'resume' | 'close' | 'abort' | 'closed' }
  | { readonly kind: 'send'; readonly parcel: Parcel; readonly transfer: Transfer | undefined }
export interface Told {
  readonly number: number
  readonly order: Order
}
/** What the worker says: the outcome of an order, a packet, the end. */
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

/** Starts a worker with a carrier on its `parentPort`. */
export function farWorker(options: PortOptions): FarWorker {
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(new URL('far-worker.js', import.meta.url), {
    workerData: { control: port2, options },
    transferList: [port2],
  })
  return {
    worker,
    far: new Led(port1),
    dispose: async () => {
      port1.close()
      await worker.terminate()
    },
  }
}

class Led implements Far {
  readonly closed: Promise<void>
  readonly #control: MessagePort
  readonly #waiting = new Map<number, { resolve(): void; reject(error: unknown): void }>()
  #sink: Sink | undefined
  #count = 0

  constructor(control: MessagePort) {
    this.#control = control
    control.on('message', (word: Word) => this.#hear(word))
    control.on('close', () => this.#lose())
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
    this.#control.postMessage(told, [])
    const outcome = new Promise<void>((resolve, reject) => this.#waiting.set(number, { resolve, reject }))
    outcome.catch(() => {})
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
      reject(new OutbandError('PEER_GONE', 'the worker that was led is gone'))
    }
    this.#waiting.clear()
  }
}
