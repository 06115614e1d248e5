/** A channel over a ring, with what only a ring can do: to send and receive without the event loop. */
import { transferOf } from '../carriers/carrier.js'
import type { RingCarrier } from '../carriers/ring/ring.js'
import { Channel, type ChannelOptions, type SendOptions } from '../channel.js'
import { expectOptions, expectTime, OutbandError } from '../errors.js'
import type { Sendable } from '../out-of-band.js'

/** Options of `receiveSync`. */
export interface SyncOptions {
  /** How long to wait; 0: not at all. Default: as long as it takes. */
  readonly timeoutMs?: number | undefined
}

/** Options of `sendSync`. */
export interface SyncSendOptions extends SendOptions, SyncOptions {}

/** A `Channel` that may also block its thread; made by `connectRing`. */
export class RingChannel<In = unknown, Out = In> extends Channel<In, Out> {
  readonly #carrier: RingCarrier

  /** Takes the carrier over. */
  constructor(carrier: RingCarrier, options: ChannelOptions = {}) {
    super(carrier, options)
    this.#carrier = carrier
  }

  /**
   * Sends a value as `send` does, and blocks the thread while there is no room for it. What does not fit before the time
   * is over, though there was room for what came before it, is sent later. Nothing is read meanwhile: two threads that
   * do this to each other, with both rings full, wait forever without `timeoutMs`.
   *
   * @throws TIMEOUT when there was no room in time; nothing of the value was sent. What `send` rejects with.
   * @throws TypeError where a thread may not block: a page's main thread
   */
  sendSync(value: Sendable<Out>, options?: SyncSendOptions): void {
    const transfer = transferOf(options)
    const timeoutMs = options?.timeoutMs ?? Number.POSITIVE_INFINITY
    const until = deadline(timeoutMs)
    if (!this.#carrier.flushBlocking(until)) throw late('send: no room', timeoutMs)
    this.sendNow(value, transfer)
    this.#carrier.flushBlocking(until)
  }

  /**
   * The next value, in order; blocks the thread until it comes.
   *
   * @throws TIMEOUT when none came in time; CLOSED when the channel was closed, PEER_GONE and so on when it ended otherwise.
   * @throws UNSUPPORTED for a value that is long or moved, in a browser: there it needs the event loop.
   * @throws TypeError while there are listeners of 'message', who get all values, and where a thread may not block
   */
  receiveSync(options?: SyncOptions): In {
    expectOptions(options)
    const { timeoutMs = Number.POSITIVE_INFINITY } = options ?? {}
    const until = deadline(timeoutMs)
    for (;;) {
      const found = this.takeNow()
      if (found !== undefined) return found.value
      if (!this.#carrier.receiveBlocking(until)) throw late('receive: nothing came', timeoutMs)
    }
  }
}

function deadline(timeoutMs: number): number {
  expectTime(timeoutMs, 'timeoutMs')
  return performance.now() + timeoutMs
}

function late(what: string, timeoutMs: number): OutbandError {
  return new OutbandError('TIMEOUT', `${what} for ${timeoutMs} ms`)
}
