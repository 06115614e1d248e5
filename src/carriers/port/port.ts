/** A port as a carrier: `Link` sends, this receives, and the two ends say goodbye to each other. */
import { expectOptions, expectTime, OutbandError } from '../../errors.js'
import type { Parcel } from '../../packet.js'
import { type Carrier, type Sink, type Transfer, throwApart } from '../carrier.js'
import { claim, expectFree } from '../claims.js'
import { Ending } from '../ending.js'
import { whenSilent } from '../silence.js'
import { Turns } from '../turns.js'
import { type Endpoint, endpointOf, lost, type PortLike, peerGone, type WindowOptions } from './endpoint.js'
import { Inlet, type Outlet } from './inlet.js'
import { Link, type Sender } from './link.js'
import { ABORT, ACK, ASK, BYE, isBranded, MARK, TEXT_BYTES } from './posts.js'

/** Begins every post of a channel. A port that a channel has is the channel's alone, so it need not be secret. */
const BRAND = 'outband 1:'
/** Packets after which who awaits each `send` has a turn of its event loop: some 10 ms of small ones. */
const TURN_PACKETS = 8192
const SENDER: Sender = {
  brand: BRAND,
  isUnknown: false,
  isMet: true,
  introduce: message => ({ message, along: [], done: () => {} }),
  hold: () => {},
}

/** Options of a port as a carrier. */
export interface PortOptions extends WindowOptions {
  /** Bytes under way above which `send` waits. Default 16 MiB. */
  readonly highWaterMark?: number | undefined
  /** Refuses, with NOT_TRANSFERABLE, what was to move and can only be copied. Default: copies, and counts it. */
  readonly strict?: boolean | undefined
  /**
   * How many ms `close` waits for a peer that is not seen to read, and may be gone unnoticed. Default 10 000; 0: forever.
   */
  readonly closeTimeoutMs?: number | undefined
}

/** A carrier over anything that `connectPort` takes. */
export class PortCarrier implements Carrier, Outlet {
  readonly name = 'port'
  readonly textBytes = TEXT_BYTES
  readonly takesHosts = true
  readonly sharesMemory = true
  readonly #port: PortLike
  readonly #endpoint: Endpoint
  readonly #link: Link
  readonly #inlet: Inlet
  readonly #ending = new Ending()
  readonly #stop: (() => void)[] = []
  readonly #closeTimeoutMs: number
  #sink: Sink | undefined
  readonly #turns = new Turns(TURN_PACKETS)
  /** Packets. */
  #sent = 0
  #isKept = true
  #isPaused = false
  /** The peer's question that waits for `resume`. */
  #question = -1
  /** Posts that came, for who waits for any. */
  #heard = 0
  #stopWaiting: (() => void) | undefined

  /** @throws TypeError for what is no port, or somebody's already */
  constructor(port: PortLike, options: PortOptions = {}) {
    expectOptions(options)
    this.#port = port
    this.#endpoint = endpointOf(port, options)
    expectFree(port, 'port')
    this.#link = new Link(this.#endpoint, SENDER, options)
    this.#inlet = new Inlet(this, this.#endpoint.canShare)
    const { closeTimeoutMs = 10_000 } = options
    expectTime(closeTimeoutMs, 'closeTimeoutMs')
    this.#closeTimeoutMs = closeTimeoutMs
  }

  get counts() {
    return this.#link.counts
  }

  get queuedBytes(): number {
    return this.#link.poll()
  }

  get closed(): Promise<void> {
    return this.#ending.closed
  }

  receive(sink: Sink): void {
    this.#sink = sink
    this.#ending.tell(sink)
    if (this.#ending.isOver) return
    this.#stop.push(
      claim(this.#port, 'port'),
      this.#endpoint.onGone(reason => this.#gone(reason), true),
      this.#endpoint.onLost(() => this.abort(lost())),
      this.#endpoint.listen(data => this.#hear(data), false),
    )
    this.#endpoint.start()
    // In Node the first who listens to a port makes it a reason to live.
    if (!this.#isKept) this.#endpoint.keepAlive(false)
  }

  send(parcel: Parcel, transfer: Transfer = false): Promise<void> | undefined {
    this.#ending.expectOpen()
    return this.#link.send(parcel, transfer) ?? this.#turns.due(++this.#sent)
  }

  pause(): void {
    this.#isPaused = true
    this.#inlet.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#inlet.resume()
    if (this.#question < 0) return
    const question = this.#question
    this.#question = -1
    if (!this.#ending.isOver) this.#link.note(ACK, question)
  }

  keepAlive(isKept: boolean): void {
    this.#isKept = isKept
    if (this.#sink !== undefined && !this.#ending.isOver) this.#endpoint.keepAlive(isKept)
  }

  close(): Promise<void> {
    if (!this.#ending.isOver && !this.#ending.isClosing) {
      this.#ending.isClosing = true
      // What is under way arrives now; who pauses again holds it back again.
      if (this.#isPaused) this.resume()
      this.#link.note(BYE)
      const ms = this.#closeTimeoutMs
      this.#stopWaiting = whenSilent(
        ms,
        () => (this.#isPaused ? undefined : this.#heard - this.#link.queuedBytes),
        () => this.#end(new OutbandError('TIMEOUT', `close: the peer has not answered for ${ms} ms`)),
      )
    }
    return this.#ending.closed
  }

  abort(error = new OutbandError('CLOSED', 'abort: the carrier was aborted')): void {
    if (this.#ending.isOver) return
    this.#link.note(ABORT)
    this.#end(error)
  }

  #hear(data: unknown): void {
    this.#heard++
    if (isBranded(data, BRAND)) this.#inlet.hear(data, BRAND)
    else this.abort(new OutbandError('MALFORMED', 'port: a message that no channel sent'))
  }

  begin(): void {}

  offer(memory: SharedArrayBuffer | undefined): void {
    if (!this.#ending.isOver) this.#link.offer(memory)
  }

  offerTally(memory: SharedArrayBuffer): void {
    if (!this.#ending.isOver) this.#link.offerTally(memory)
  }

  broken(error: unknown): void {
    this.abort(error as OutbandError)
  }

  /** The peer offers a ring. */
  ring(memory: unknown): void {
    this.#link.useRing(memory)
  }

  /** The peer offers to keep a tally. */
  tally(memory: unknown): void {
    this.#link.useTally(memory)
  }

  /** A packet from the peer. */
  parcel(parcel: Parcel): void {
    if (this.#ending.isOver) return
    try {
      this.#sink?.parcel(parcel)
    } catch (error) {
      throwApart(error)
    }
  }

  /** A note from the peer. */
  note(kind: number, count: number): void {
    if (this.#ending.isOver) return
    if (kind === ACK) this.#link.taken(count)
    else if (kind === ASK || kind === MARK) this.#answer(kind, count)
    else if (kind === BYE) {
      if (!this.#ending.isClosing) this.#link.note(BYE)
      this.#end(undefined)
    } else if (kind === ABORT) this.#end(new OutbandError('PEER_GONE', 'port: the peer aborted'))
  }

  /** The peer wants to know when what it sent up to this count has been taken in; not what waits for `resume`. */
  #answer(kind: number, count: number): void {
    if (this.#isPaused) this.#question = count
    else if (kind === MARK) this.#inlet.took(count)
    else {
      this.#link.note(ACK, count)
      this.#inlet.keepTally()
    }
  }

  #gone(reason: unknown): void {
    this.#inlet.finish()
    this.#end(peerGone(reason))
  }

  #end(error: OutbandError | undefined): void {
    this.#ending.come(error, () => {
      this.#stopWaiting?.()
      for (const stop of this.#stop) stop()
      // All was taken in then.
      if (error === undefined) this.#link.forget()
      this.#link.end(error)
      this.#endpoint.release()
    })
  }
}
