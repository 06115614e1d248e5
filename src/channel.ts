/**
 * Values over a carrier: the one place that sees both. A value is encoded when it is sent and decoded when it
 * arrives; in between, the carrier has it.
 */
import {
  type Carrier,
  type Progress,
  type Sink,
  type Transfer,
  throwApart,
  transferOf,
} from './carriers/carrier.js'
import { keepAlive } from './carriers/keep-alive.js'
import { soon } from './carriers/turns.js'
import { Codec, type CodecOptions } from './codec.js'
import { asyncDispose, dispose } from './dispose.js'
import { expectArgument, expectBytes, expectOptions, isOutbandError, OutbandError } from './errors.js'
import { Fifo } from './fifo.js'
import { Hosts } from './hosts.js'
import type { Sendable } from './out-of-band.js'
import type { Parcel } from './packet.js'

export type { Carrier, Counts, Progress, Sink, Transfer } from './carriers/carrier.js'
export type { Sendable } from './out-of-band.js'
export type { Parcel } from './packet.js'

/** Options of a channel; the codec's among them. */
export interface ChannelOptions extends CodecOptions {
  /** Values that may wait for a reader before the peer is asked to stop. Default 1024. */
  readonly maxWaiting?: number | undefined
  /** Bytes of values that may wait. Default 16 MiB; a single value may be larger. */
  readonly maxWaitingBytes?: number | undefined
}

/** Options of one `send`. */
export interface SendOptions {
  /** What becomes of the sender's memory. Default: copied, once. */
  readonly transfer?: Transfer | undefined
}

/** Traffic in one direction. Sizes in bytes. */
export interface Traffic {
  readonly messages: number
  /** Metadata, including what travels in it. */
  readonly inBand: number
  readonly outOfBand: number
}

/** Traffic, and what became of the sender's memory. */
export interface SentTraffic extends Traffic {
  readonly copied: number
  readonly transferred: number
  readonly shared: number
}

/** What a channel has done so far. */
export interface ChannelStats {
  readonly sent: SentTraffic
  readonly received: Traffic
  /** Values that arrived and wait for a reader. */
  readonly queueLength: number
  /** Bytes sent that the peer has not accepted, as far as is known; when it is read again with nothing sent for 10 ms the peer is asked. */
  readonly queuedBytes: number
}

/** What `on` hears of, and what a listener is called with. */
export interface ChannelEvents<In> {
  message: [value: In]
  progress: [progress: Progress]
  end: []
  close: []
  error: [error: OutbandError]
}
type Listener<Args extends unknown[]> = (...args: Args) => void
interface Listening<Args extends unknown[]> {
  readonly listener: Listener<Args>
  readonly isOnce: boolean
}

/** A value that arrived, with the bytes that it took on the way. */
interface Arrived<In> {
  readonly value: In
  readonly byteLength: number
}

/** Who waits for a value, by the iterator that it asked. */
interface Waiter<In> {
  readonly iterator: object
  resolve(result: IteratorResult<In, undefined>): void
  reject(error: unknown): void
}

const DONE = Promise.resolve()
/** How long a channel that was closed waits for who has read before to take the next value. */
const READER_MS = 30_000
/** What a peer may have under way when this side closes, and what a message costs beside its bytes, about. */
const UNDER_WAY = 2 ** 24
const MESSAGE_BYTES = 64
const END = Object.freeze({ value: undefined, done: true } as const)

/**
 * A channel of values: `In` is what arrives, `Out` what is sent. Values arrive in order, each whole; what cannot be
 * decoded ends the channel. Memory: what `send` takes is copied, or moved when asked; what arrives is the reader's.
 */
export class Channel<In = unknown, Out = In> implements AsyncIterable<In> {
  readonly #carrier: Carrier
  readonly #codec: Codec
  readonly #hosts = new Hosts()
  readonly #maxWaiting: number
  readonly #maxWaitingBytes: number
  /** In the order of their coming. The lists are never changed but replaced, so that whoever goes through one may. */
  readonly #listeners: { [Name in keyof ChannelEvents<In>]: readonly Listening<ChannelEvents<In>[Name]>[] } =
    {
      message: [],
      progress: [],
      end: [],
      close: [],
      error: [],
    }
  /** Values without a reader, and readers without a value: one of the two is empty. */
  readonly #waiting = new Fifo<Arrived<In>>()
  #waitingBytes = 0
  #readers: Waiter<In>[] = []
  #isPaused = false
  #isClosing = false
  /** Whether somebody reads, as far as is known: who left a loop, was taken off or never asked, does not. */
  #isRead = false
  /** Whether values that came after `close` found no room and nobody who reads: they are let go of, and so is all behind them. */
  #isCut = false
  #patience: ReturnType<typeof setTimeout> | undefined
  /** Whether nothing more will arrive, and whether nothing can be sent either. */
  #isFinished = false
  #isEnded = false
  #isAborted = false
  #error: OutbandError | undefined
  #sent = { messages: 0, inBand: 0, outOfBand: 0 }
  #received = { messages: 0, inBand: 0, outOfBand: 0 }

  /** Takes over the carrier and begins to receive. @throws TypeError for what is no carrier, or an option of the wrong type */
  constructor(carrier: Carrier, options: ChannelOptions = {}) {
    const isCarrier = typeof carrier?.receive === 'function'
    expectArgument(isCarrier, 'carrier', 'a carrier; of a port, `connectPort` makes a channel')
    expectOptions(options)
    const { maxWaiting = 1024, maxWaitingBytes = 2 ** 24, ...rest } = options
    expectArgument(typeof maxWaiting === 'number' && maxWaiting > 0, 'maxWaiting', 'a number of values > 0')
    expectBytes(maxWaitingBytes, 'maxWaitingBytes')
    this.#carrier = carrier
    this.#maxWaiting = maxWaiting
    this.#maxWaitingBytes = maxWaitingBytes
    const codecOptions = carrier.sharesMemory ? rest : { ...rest, shared: 'copy' as const }
    const { keepsShapes } = carrier
    this.#codec = carrier.takesHosts
      ? this.#hosts.codec(codecOptions, keepsShapes)
      : new Codec(codecOptions, undefined, keepsShapes)
    const sink: Sink = {
      parcel: parcel => this.#take(parcel),
      end: error => this.#end(error),
      finish: () => this.#finish(),
      progress: progress => this.#emit('progress', progress),
    }
    carrier.receive(sink)
  }

  /** Resolves when both sides have closed; rejects when the peer is gone or either side aborted. Never unhandled. */
  get closed(): Promise<void> {
    return this.#carrier.closed
  }

  get stats(): ChannelStats {
    return {
      sent: { ...this.#sent, ...this.#carrier.counts },
      received: { ...this.#received },
      queueLength: this.#waiting.length,
      queuedBytes: this.#carrier.queuedBytes,
    }
  }

  /**
   * Sends a value as it is now: changes made afterwards do not travel, with one exception: over bytes (a socket, say)
   * long buffers that are not moved are lent until this resolves. Resolves when the bytes under way are under the
   * high-water mark; whoever awaits it never fills the memory of a slow peer.
   *
   * Rejects with what ended the channel when it has (CLOSED, PEER_GONE …; never unhandled), with what `encode` throws,
   * with NOT_TRANSFERABLE on a `strict` port, and with a TypeError for an invalid `transfer`; of a rejected value
   * nothing was sent.
   */
  send(value: Sendable<Out>, options?: SendOptions): Promise<void> {
    try {
      return this.sendNow(value, transferOf(options)) ?? DONE
    } catch (error) {
      const rejected = Promise.reject(error)
      // That the peer has gone is told by `closed`, and no fault of this call.
      if (this.#isEnded || isOutbandError(error, 'CLOSED', 'PEER_GONE')) rejected.catch(() => {})
      return rejected
    }
  }

  /** @internal As `send`, but throws, and returns nothing when there is room. */
  protected sendNow(value: Sendable<Out>, transfer: Transfer): Promise<void> | undefined {
    try {
      const parcel = this.#hosts.encode(this.#codec, value, this.#carrier.textBytes, transfer)
      // Measured first: what moves has no length afterwards.
      const inBand = parcel.meta.length
      const outOfBand = bytesOf(parcel.buffers)
      const room = this.#post(value, parcel, transfer)
      const sent = this.#sent
      sent.messages++
      sent.inBand += inBand
      sent.outOfBand += outOfBand
      return room
    } catch (error) {
      this.#codec.forget()
      throw error
    }
  }

  #post(value: unknown, parcel: Parcel, transfer: Transfer): Promise<void> | undefined {
    try {
      return this.#carrier.send(parcel, transfer)
    } catch (error) {
      throw this.#hosts.placed(error, this.#codec, value, parcel, transfer)
    }
  }

  /**
   * Delivers what was sent, then ends both directions. Resolves as `closed` does. What the peer sends until it hears of that is
   * there to be read. It waits for a reader as before; where nobody reads, what exceeds `maxWaitingBytes` by 16 MiB is dropped,
   * and a reader that comes later gets LIMIT in place of the end.
   */
  close(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true
      // The carrier goes on with what is under way: what has no room is looked at again.
      this.#isPaused = false
    }
    return this.#carrier.close()
  }

  /** Ends at once, for the peer too; what was under way may be lost. */
  abort(error?: OutbandError): void {
    this.#isAborted = true
    this.#carrier.abort(error)
  }

  /**
   * Lets the process, or the thread, end while this channel is open, also while somebody waits for a value: the end of the
   * process is that of the channel, for the peer PEER_GONE, and what is under way may be lost. A `close` is waited for all the
   * same where its time is limited (`closeTimeoutMs`). Node's exit code is 13 where a top-level `await` was not over.
   *
   * Does nothing where nothing keeps a process alive, or it cannot be told: in browsers, on a loopback, on a stream without an
   * `unref` of its own, and on a WebSocket, but for those of `serveWebSocket` and clients of `ws` that are given while they connect.
   */
  unref(): this {
    this.#carrier.keepAlive?.(false)
    return this
  }

  /** Undoes `unref`: the process, or the thread, lives while the channel is open, as from the beginning. */
  ref(): this {
    this.#carrier.keepAlive?.(true)
    return this
  }

  [asyncDispose](): Promise<void> {
    return this.close()
  }

  [dispose](): void {
    void this.close()
  }

  /**
   * Calls the listener for each value ('message'), as a large one arrives ('progress', where the carrier
   * can tell), when the peer has sent everything and this side may go on ('end', with `allowHalfOpen`), at the end ('close'), or
   * for the error that ends the channel. Values go to the listeners of 'message' while there are any, else they wait for
   * `for await`. An error without a listener is not thrown.
   */
  on<Name extends keyof ChannelEvents<In>>(name: Name, listener: Listener<ChannelEvents<In>[Name]>): this {
    return this.#listen(name, listener, false)
  }

  off<Name extends keyof ChannelEvents<In>>(name: Name, listener: Listener<ChannelEvents<In>[Name]>): this {
    this.#expectEvent(name)
    const wasHeard = this.#listeners.message.length > 0
    this.#without(name, listener)
    if (wasHeard && this.#listeners.message.length === 0) this.#isRead = this.#readers.length > 0
    return this
  }

  once<Name extends keyof ChannelEvents<In>>(name: Name, listener: Listener<ChannelEvents<In>[Name]>): this {
    return this.#listen(name, listener, true)
  }

  #listen<Name extends keyof ChannelEvents<In>>(
    name: Name,
    listener: Listener<ChannelEvents<In>[Name]>,
    isOnce: boolean,
  ): this {
    this.#expectEvent(name)
    expectArgument(typeof listener === 'function', 'listener', 'a function')
    const listeners: readonly Listening<ChannelEvents<In>[Name]>[] = this.#listeners[name]
    const at = listeners.findIndex(one => one.listener === listener)
    // Whoever asked for all is not cut short by asking for one more.
    if (at < 0) this.#replace(name, [...listeners, { listener, isOnce }])
    else if (!isOnce) this.#replace(name, listeners.with(at, { listener, isOnce }))
    // Whoever listens now has asked for what came before as well; not while `on` still runs.
    if (name === 'message') this.#isRead = true
    const isLate = this.#isEnded
    if (name === 'message' && this.#waiting.length > 0) soon(() => this.#hand(isLate))
    return this
  }

  #expectEvent(name: string): void {
    const names = Object.keys(this.#listeners)
    expectArgument(names.includes(name), 'name', `one of ${names.join(', ')}`)
  }

  #without<Name extends keyof ChannelEvents<In>>(
    name: Name,
    listener: Listener<ChannelEvents<In>[Name]>,
  ): void {
    const listeners: readonly Listening<ChannelEvents<In>[Name]>[] = this.#listeners[name]
    this.#replace(
      name,
      listeners.filter(one => one.listener !== listener),
    )
  }

  #replace<Name extends keyof ChannelEvents<In>>(
    name: Name,
    listeners: readonly Listening<ChannelEvents<In>[Name]>[],
  ): void {
    this.#listeners[name] = listeners as never
  }

  /** Each value once, in order, to whoever asks next. Leaving the loop leaves the channel open. */
  [Symbol.asyncIterator](): AsyncIterator<In, undefined> {
    const iterator: AsyncIterator<In, undefined> = {
      next: () => this.#next(iterator),
      return: () => {
        this.#leave(iterator)
        return Promise.resolve(END)
      },
    }
    return iterator
  }

  /** What was asked for by who has left gets no value: the next one is for the next reader. */
  #leave(iterator: object): void {
    const readers = this.#readers
    this.#readers = readers.filter(reader => reader.iterator !== iterator)
    this.#isRead = this.#readers.length > 0
    for (const reader of readers) if (reader.iterator === iterator) reader.resolve(END)
  }

  #next(iterator: object): Promise<IteratorResult<In, undefined>> {
    const first = this.#first()
    if (first !== undefined) return Promise.resolve({ value: first.value, done: false })
    if (this.#error !== undefined) return Promise.reject(this.#error)
    if (this.#isCut) return Promise.reject(cutShort(this.#maxWaitingBytes))
    if (this.#isFinished) return Promise.resolve(END)
    return new Promise((resolve, reject) => this.#readers.push({ iterator, resolve, reject }))
  }

  /** @internal The value that has waited longest, if one does. @throws TypeError while listeners get all values */
  protected takeNow(): { readonly value: In } | undefined {
    expectArgument(
      this.#listeners.message.length === 0,
      'receiveSync',
      "called without listeners of 'message'",
    )
    return this.#first()
  }

  /** The value that has waited longest, for somebody who reads. */
  #first(): Arrived<In> | undefined {
    this.#isRead = true
    if (this.#waiting.length === 0) return undefined
    const first = this.#shift()
    this.#resume()
    return first
  }

  #shift(): Arrived<In> {
    const first = this.#waiting.shift() as Arrived<In>
    this.#waitingBytes -= first.byteLength
    if (this.#isPaused && this.#isClosing) this.#waitForReader()
    return first
  }

  #take(parcel: Parcel): void {
    const received = this.#received
    const inBand = parcel.meta.length
    const outOfBand = bytesOf(parcel.buffers)
    received.messages++
    received.inBand += inBand
    received.outOfBand += outOfBand
    if (this.#isCut) return
    let value: In
    try {
      value = this.#hosts.decode(this.#codec, parcel) as In
    } catch (error) {
      return this.abort(error as OutbandError)
    }
    if (this.#readers.length > 0) return this.#readers.shift()?.resolve({ value, done: false })
    if (this.#listeners.message.length > 0 && this.#waiting.length === 0) return this.#emit('message', value)
    const byteLength = inBand + outOfBand
    this.#waiting.push({ value, byteLength })
    this.#waitingBytes += byteLength
    const isRoom = this.#waiting.length < this.#maxWaiting && this.#waitingBytes < this.#maxWaitingBytes
    if (isRoom || this.#isPaused) return
    if (this.#isClosing && !this.#isRead) {
      const bytes = this.#waitingBytes + this.#waiting.length * MESSAGE_BYTES
      this.#isCut = bytes > this.#maxWaitingBytes + UNDER_WAY
      return
    }
    this.#isPaused = true
    this.#carrier.pause()
    if (this.#isClosing) this.#waitForReader()
  }

  /** Whoever has read and does so no more must not keep the channel from its end. */
  #waitForReader(): void {
    clearTimeout(this.#patience)
    this.#patience = setTimeout(() => {
      this.#isRead = false
      this.#isPaused = false
      this.#carrier.resume()
    }, READER_MS)
    keepAlive(this.#patience, false)
  }

  /** Gives the listeners what waited for them: nothing more once an end has been told, unless they came after it. */
  #hand(isLate = false): void {
    while (this.#waiting.length > 0 && this.#listeners.message.length > 0) {
      if (this.#isEnded && !isLate) return
      this.#emit('message', this.#shift().value)
    }
    this.#resume()
  }

  #resume(): void {
    if (!this.#isPaused || this.#waiting.length > this.#maxWaiting / 2) return
    if (this.#waitingBytes > this.#maxWaitingBytes / 2) return
    this.#isPaused = false
    clearTimeout(this.#patience)
    this.#carrier.resume()
  }

  #finish(): void {
    this.#hand()
    this.#isFinished = true
    for (const reader of this.#readers.splice(0)) reader.resolve(END)
    this.#emit('end')
  }

  #end(error: OutbandError | undefined): void {
    // What came before the end is told before it, but for who did not want it any more.
    if (!this.#isAborted) this.#hand()
    this.#isFinished = true
    this.#isEnded = true
    this.#error = error
    // Of what still waits nothing is lost, however long its reader takes.
    this.#isPaused = false
    clearTimeout(this.#patience)
    for (const reader of this.#readers.splice(0)) {
      if (error === undefined) reader.resolve(END)
      else reader.reject(error)
    }
    if (error !== undefined) this.#emit('error', error)
    this.#emit('close')
  }

  /** A listener that throws ends neither the message that follows nor the carrier: its error is thrown by itself. */
  #emit<Name extends keyof ChannelEvents<In>>(name: Name, ...args: ChannelEvents<In>[Name]): void {
    const listeners = this.#listeners[name]
    for (let i = 0; i < listeners.length; i++) {
      const { listener, isOnce } = listeners[i] as Listening<ChannelEvents<In>[Name]>
      if (isOnce) this.#without(name, listener)
      try {
        listener(...args)
      } catch (error) {
        throwApart(error)
      }
    }
  }
}

function cutShort(max: number): OutbandError {
  const fields = { limit: 'maxWaitingBytes', max }
  return new OutbandError(
    'LIMIT',
    'close: what came after it found nobody who reads, and was let go of',
    fields,
  )
}

function bytesOf(buffers: readonly Uint8Array[]): number {
  let bytes = 0
  for (let i = 0; i < buffers.length; i++) bytes += (buffers[i] as Uint8Array).byteLength
  return bytes
}
