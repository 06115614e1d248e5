/**
 * A child process as a carrier: frames through a pipe of its own, and an end that says how the child ended. The pipe
 * knows of that first and the system tells the rest a moment later, so a loss is told a moment late.
 */
import { expectTime, isOutbandError, OutbandError } from '../../errors.js'
import { packNote } from '../../frame/note.js'
import { resolveLimits } from '../../limits.js'
import type { Parcel } from '../../packet.js'
import type { Carrier, Counts, Sink, Transfer } from '../carrier.js'
import { Ending } from '../ending.js'
import { keepAlive } from '../keep-alive.js'
import { whenSilent } from '../silence.js'
import type { Annex } from '../stream/annex.js'
import type { Link } from '../stream/link.js'
import { helloMs, StreamCarrier, type StreamOptions } from '../stream/stream.js'
import type { Child } from './child.js'
import type { ProcessLink } from './link.js'

/** How long a child whose pipe has ended is waited for, to say how it ended. */
const EXIT_MS = 500
/** How long a child may give no sign of life, unless `graceMs` says so: one that computes for long gives none. */
const SILENCE_MS = 30_000
/** How long a child that has not said anything yet is taken for one that starts, at the least. */
const START_MS = 10_000

/** Options of a carrier to a child process. `limits` default to `'trusted'`, and no time is limited. */
export interface ProcessOptions extends StreamOptions {
  /**
   * Milliseconds that a child has to end by itself once asked to, before it is killed (default 5000); and that it may be
   * silent, because it hangs or computes, while `await using` waits for its bye (default 30 000). 0: no limit.
   */
  readonly graceMs?: number | undefined
}

/** A link over the pipe, and what it has beside. */
export interface Way {
  readonly link: Link
  readonly annex?: Annex | undefined
}

/** The stream's options of a peer that is ours: it is trusted, and has time. */
export function ownPeer(options: StreamOptions): StreamOptions {
  const { limits, closeTimeoutMs = 0, frameTimeoutMs = 0, idleTimeoutMs = 0 } = options
  return { ...options, limits: resolveLimits(limits), closeTimeoutMs, frameTimeoutMs, idleTimeoutMs }
}

export class ProcessCarrier implements Carrier {
  readonly name = 'process'
  readonly textBytes: number
  readonly takesHosts: boolean
  readonly sharesMemory: boolean
  readonly child: Child
  readonly #link: ProcessLink
  readonly #stream: StreamCarrier
  readonly #ending = new Ending()
  readonly #graceMs: number
  readonly #silenceMs: number
  #sentPackets = 0
  #isClosing = false
  #isAborted = false

  /** `over`: the link, if there is more to it than the pipe. @throws TypeError for an option of the wrong type */
  constructor(
    child: Child,
    link: ProcessLink,
    options: ProcessOptions = {},
    { link: over, annex }: Way = { link },
  ) {
    const { graceMs = 5000 } = options
    expectTime(graceMs, 'graceMs')
    this.child = child
    this.#graceMs = graceMs
    this.#silenceMs = options.graceMs ?? SILENCE_MS
    this.#link = link
    this.#stream = new StreamCarrier(over, ownPeer(options), undefined, annex)
    this.#hello(over, options)
    this.textBytes = this.#stream.textBytes
    this.takesHosts = this.#stream.takesHosts
    this.sharesMemory = this.#stream.sharesMemory
    this.#stream.closed.then(
      () => this.#end(undefined),
      error => this.#end(error),
    )
    const rest = () => link.rest()
    child.exited.then(rest, rest)
  }

  get counts(): Readonly<Counts> {
    return this.#stream.counts
  }

  get queuedBytes(): number {
    return this.#stream.queuedBytes
  }

  get closed(): Promise<void> {
    return this.#ending.closed
  }

  receive(sink: Sink): void {
    this.#ending.tell(sink)
    this.#stream.receive({
      parcel: parcel => sink.parcel(parcel),
      end: () => {},
      finish: () => sink.finish?.(),
      progress: progress => sink.progress?.(progress),
    })
  }

  send(parcel: Parcel, transfer?: Transfer): Promise<void> | undefined {
    this.#ending.expectOpen()
    try {
      const room = this.#stream.send(parcel, transfer)
      this.#sentPackets++
      return room && this.#told(room)
    } catch (error) {
      // The stream's end is told a moment later than it comes: that it has come is no fault of this call, but for a plain close.
      if (!this.#stream.isOver || isOutbandError(error, 'CLOSED')) throw error
      return this.#told(Promise.reject(error))
    }
  }

  /** A loss is told as the end is, once it is known how the child ended. */
  #told(room: Promise<void>): Promise<void> {
    const told = room.catch(async error => {
      if (isOutbandError(error, 'PEER_GONE')) await this.closed
      throw error
    })
    told.catch(() => {})
    return told
  }

  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  close(): Promise<void> {
    this.#isClosing = true
    void this.#stream.close()
    return this.closed
  }

  /** Ends at once, and the child as well: SIGTERM, then SIGKILL. */
  abort(error?: OutbandError): void {
    this.#isAborted = true
    this.#stream.abort(error)
  }

  /**
   * Until the channel has ended, gives a child up of which nothing is heard, and that takes nothing, for so long: TIMEOUT. One
   * that is slow, or holds back, is heard of.
   */
  expectSigns(): void {
    const silenceMs = this.#silenceMs
    const link = this.#link
    const ms = silenceMs === 0 || link.hasHeard ? silenceMs : Math.max(silenceMs, START_MS)
    const stop = whenSilent(
      ms,
      () => link.signs,
      () => this.abort(new OutbandError('TIMEOUT', `close: the child gave no sign of life for ${ms} ms`)),
    )
    this.closed.then(stop, stop)
  }

  /** Asks for signs of life, since a child that holds back reads no question, and answers none. */
  #hello(link: Link, { idleTimeoutMs = 0 }: ProcessOptions): void {
    const silenceMs = this.#silenceMs
    // The stream's own hello asks for as many, or more.
    if (silenceMs === 0 || (idleTimeoutMs > 0 && idleTimeoutMs <= silenceMs)) return
    link.write([packNote('hello', helloMs(silenceMs))])
  }

  /** Resolves when the child has ended: by itself, if it does in time. */
  async exit(): Promise<void> {
    await this.child.over(this.#graceMs)
    this.child.stop(this.#graceMs)
    await this.child.over(0)
  }

  /** The child keeps this process alive as well, and does when the channel has ended. */
  keepAlive(isKept: boolean): void {
    this.#stream.keepAlive(isKept)
    keepAlive(this.child.process, isKept)
  }

  async #end(error: OutbandError | undefined): Promise<void> {
    const isOurs = error !== undefined && (this.#isAborted || error.code !== 'PEER_GONE')
    // A child whose channel we ended has nobody left to work for.
    if (isOurs) this.child.stop(this.#graceMs)
    // A program that is no channel is not asked what it has taken in: the system tells whether it has read what it was sent.
    const hasRead = !this.#link.isReset || this.#sentPackets === 0
    const { isPeerChannel, hasHeardBye } = this.#stream
    const isGoodbye = error === undefined && (isPeerChannel || (hasHeardBye && hasRead))
    if (isOurs || isGoodbye) return this.#ending.come(error, () => {})
    await this.child.over(EXIT_MS)
    // One that knows no notes has said goodbye by its last byte, if it ended well.
    const hasSaid = this.#link.hasHeard || this.#isClosing
    const isInOrder = error === undefined && this.child.isWell && hasRead && hasSaid
    this.#ending.come(isInOrder ? undefined : this.child.lost(error?.cause), () => {})
  }
}
