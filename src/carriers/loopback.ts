/**
 * Both ends of a carrier in one thread: the reference of the contract, for tests and for a peer that happens to be
 * near. Memory is treated as a port treats it. It can be told to fail.
 */
import { expectArgument, expectBytes, expectOptions, OutbandError } from '../errors.js'
import { Fifo } from '../fifo.js'
import { NO_TEXT, type Parcel } from '../packet.js'
import { type Carrier, type Counts, type Sink, type Transfer, throwApart } from './carrier.js'
import { Deferred } from './deferred.js'
import { Ending } from './ending.js'
import { handOver } from './handover.js'
import { soon } from './turns.js'

/** What goes wrong at a packet: it is refused by `send`, or the peer is gone before it arrives. */
export type Fault = 'refused' | 'gone'

/** Options of both ends. */
export interface LoopbackOptions {
  /** Bytes in flight above which `send` waits. Default 16 MiB. */
  readonly highWaterMark?: number | undefined
  /** Refuses, with NOT_TRANSFERABLE, what was to move and can only be copied. */
  readonly strict?: boolean | undefined
  /** Asked before each packet, both ends counted together from 0. */
  readonly fault?: ((packet: number) => Fault | undefined) | undefined
}

/** The two ends of a carrier. @throws TypeError for an option of the wrong type */
export function loopback(options: LoopbackOptions = {}): [Carrier, Carrier] {
  expectOptions(options)
  const counter = { packets: 0 }
  const left = new Loopback(options, counter)
  const right = new Loopback(options, counter)
  left.meet(right)
  right.meet(left)
  return [left, right]
}

interface Arrival {
  readonly parcel: Parcel
  readonly byteLength: number
}

class Loopback implements Carrier {
  readonly name = 'loopback'
  readonly textBytes = NO_TEXT
  readonly takesHosts = true
  readonly sharesMemory = true
  readonly counts: Counts = { copied: 0, transferred: 0, shared: 0 }
  /** Bytes in the peer's inbox. */
  queuedBytes = 0
  readonly #highWaterMark: number
  readonly #isStrict: boolean
  readonly #fault: LoopbackOptions['fault']
  readonly #counter: { packets: number }
  readonly #ending = new Ending()
  readonly #inbox = new Fifo<Arrival>()
  #peer!: Loopback
  #sink: Sink | undefined
  #room: Deferred | undefined
  #isPaused = false
  #isDue = false
  /** Whether the other end will send nothing more. */
  #isPeerClosing = false

  constructor(
    { highWaterMark = 2 ** 24, strict = false, fault }: LoopbackOptions,
    counter: { packets: number },
  ) {
    expectBytes(highWaterMark, 'highWaterMark')
    expectArgument(typeof strict === 'boolean', 'strict', 'a boolean')
    expectArgument(fault === undefined || typeof fault === 'function', 'fault', 'a function')
    this.#highWaterMark = highWaterMark
    this.#isStrict = strict
    this.#fault = fault
    this.#counter = counter
  }

  meet(peer: Loopback): void {
    this.#peer = peer
  }

  get closed(): Promise<void> {
    return this.#ending.closed
  }

  receive(sink: Sink): void {
    this.#sink = sink
    this.#ending.tell(sink)
    this.#schedule()
  }

  send(parcel: Parcel, transfer: Transfer = false): Promise<void> | undefined {
    this.#ending.expectOpen()
    const fault = this.#fault?.(this.#counter.packets++)
    if (fault === 'refused') throw new OutbandError('UNSUPPORTED', 'send: refused, as the script says')
    if (fault === 'gone') {
      this.#peer.#end(new OutbandError('PEER_GONE', 'loopback: the peer is gone'))
      this.#end(new OutbandError('PEER_GONE', 'loopback: the peer is gone'))
      throw new OutbandError('PEER_GONE', 'loopback: the peer is gone')
    }
    const { meta, hosts } = parcel
    const moved = handOver(parcel, transfer, this.#isStrict, this.counts, (buffers, list) =>
      structuredClone({ buffers, hosts }, { transfer: list as ArrayBuffer[] }),
    )
    const byteLength = moved.buffers.reduce((sum, buffer) => sum + buffer.byteLength, meta.length)
    this.queuedBytes += byteLength
    this.#peer.#arrive({ parcel: { meta, ...moved }, byteLength })
    if (this.queuedBytes <= this.#highWaterMark) return undefined
    this.#room ??= new Deferred()
    return this.#room.promise
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#schedule()
  }

  close(): Promise<void> {
    if (this.#ending.isClosing) return this.#ending.closed
    this.#ending.isClosing = true
    // What is under way arrives now; who pauses again holds it back again.
    this.#isPaused = false
    this.#schedule()
    this.#peer.#isPeerClosing = true
    this.#peer.#schedule()
    return this.#ending.closed
  }

  abort(error = new OutbandError('CLOSED', 'abort: the carrier was aborted')): void {
    // One that has ended in order may have a peer that still reads.
    if (this.#ending.isOver) return
    this.#end(error)
    this.#peer.#end(new OutbandError('PEER_GONE', 'loopback: the peer aborted'))
  }

  #arrive(arrival: Arrival): void {
    this.#inbox.push(arrival)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isDue) return
    this.#isDue = true
    soon(() => {
      this.#isDue = false
      this.#deliver()
    })
  }

  #deliver(): void {
    while (this.#sink !== undefined && !this.#isPaused && !this.#ending.isOver) {
      const arrival = this.#inbox.shift()
      if (arrival === undefined) break
      this.#peer.queuedBytes -= arrival.byteLength
      try {
        this.#sink.parcel(arrival.parcel)
      } catch (error) {
        throwApart(error)
      }
      if (this.#peer.queuedBytes <= this.#highWaterMark) this.#peer.#makeRoom()
    }
    if (!this.#isPeerClosing || this.#inbox.length > 0 || this.#ending.isOver) return
    // The other end has said all; this one has nothing under way but what was sent before it learned that.
    void this.close()
    this.#end(undefined)
    this.#peer.#schedule()
  }

  #makeRoom(): void {
    this.#room?.resolve()
    this.#room = undefined
  }

  #end(error: OutbandError | undefined): void {
    this.#ending.come(error, () => {
      this.#inbox.clear()
      if (error === undefined) this.#room?.resolve()
      else this.#room?.reject(error)
    })
  }
}
