/** The channel to a child process, together with the process. */
import type { ChildProcess } from 'node:child_process'
import { type Exit, signalTo } from '../carriers/process/child.js'
import type { ProcessCarrier } from '../carriers/process/process.js'
import { Channel, type ChannelOptions } from '../channel.js'
import { asyncDispose, dispose } from '../dispose.js'
import type { OutbandError } from '../errors.js'

/**
 * A channel whose peer is a child process. You can `send` at once: the child reads what is queued when it has started.
 *
 * - `close` delivers what was sent and ends the channel; the child goes on, and ends if it has nothing else to do.
 * - `abort` ends the child as well: SIGTERM, and SIGKILL after `graceMs`. So does what ends the channel on this side,
 *   such as a malformed packet.
 * - `unref` lets this process end while the child runs, whose channel is PEER_GONE then.
 * - `kill` sends the child a signal. A child that ends without a goodbye, in whatever way, is PEER_GONE, with `exitCode`
 *   or `signal` in the error.
 * - `await using` closes, then waits for the child, which is made to end if it has not after `graceMs`. One that says no goodbye
 *   is waited for as long as it gives signs of life, however slowly it reads what was sent; when it is silent for 30 s, or
 *   `graceMs` if given (its event loop hangs, say, or it is stopped), it is killed: TIMEOUT. One that is starting may be
 *   silent for at least 10 s.
 */
export class ChildChannel<In = unknown, Out = In> extends Channel<In, Out> {
  /** For its `pid`, its `stdout`, its events. Leave the channel's pipe to the channel. */
  readonly child: ChildProcess
  readonly #carrier: ProcessCarrier
  #isEndedHere = false

  /** @internal */
  constructor(carrier: ProcessCarrier, options: ChannelOptions) {
    super(carrier, options)
    this.#carrier = carrier
    this.child = carrier.child.process
  }

  /** Resolves when the process has ended, however it did; rejects with PEER_GONE where it could not be started. Never unhandled. */
  get exited(): Promise<Exit> {
    return this.#carrier.child.exited
  }

  /** Sends the child a signal, SIGTERM by default; false when the child has ended. */
  kill(signal?: NodeJS.Signals | number): boolean {
    this.#isEndedHere = true
    return signalTo(this.child, signal)
  }

  override abort(error?: OutbandError): void {
    this.#isEndedHere = true
    super.abort(error)
  }

  /** Closes, and waits until the child has ended. Rejects as `close` does, unless this side aborted or killed. */
  override async [asyncDispose](): Promise<void> {
    try {
      this.#carrier.expectSigns()
      await this.close()
    } catch (error) {
      if (!this.#isEndedHere) throw error
    } finally {
      await this.#carrier.exit()
    }
  }

  /** As `await using`, of which nobody awaits the end. */
  override [dispose](): void {
    this[asyncDispose]().catch(() => {})
  }
}
