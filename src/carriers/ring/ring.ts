/**
 * A ring as a carrier: `Outgoing` writes, `Incoming` reads, and this delivers, sleeps, wakes and ends. Small packets
 * cost no message of a port: one is posted only to wake a peer that sleeps in its event loop, and to carry what must
 * move. The port's end is how a peer that died is noticed.
 */
import { expectOptions, expectTime, isOutbandError, OutbandError } from '../../errors.js'
import type { RingReader, RingWriter } from '../../memory/ring.js'
import { LENT, type Parcel } from '../../packet.js'
import { type Carrier, type Sink, type Transfer, throwApart } from '../carrier.js'
import { claim, expectFree } from '../claims.js'
import { Ending } from '../ending.js'
import { type Endpoint, endpointOf, lost } from '../port/endpoint.js'
import { isBell, isBranded } from '../port/posts.js'
import { whenSilent } from '../silence.js'
import { isClosed } from '../threads.js'
import { hasQuickTurns, later, Turns } from '../turns.js'
import { type RingEnd, ringsOf } from './end.js'
import { Incoming } from './incoming.js'
import { canPeek, takeAll } from './mailbox.js'
import { BRAND, NEXT, Outgoing } from './outgoing.js'
import { locksBeside, Presence } from './presence.js'
import { Spin } from './spin.js'
import { ABORTED, BELL, BLOCKED, block, isBlocking, STATE, takeBell, unblock } from './wake.js'

/** Deliveries in one go; then the thread's other work has its turn, and a writer that waits is told. */
const AT_ONCE = 256
/**
 * A reader that found fewer than this is level with the writer, and leaves it alone for some turns of the loop (3 to 4 µs).
 * Close behind it would take away the cache lines that are written next, and the writer waits for each: 75 to 100 ns of
 * 370 a small message.
 */
const LEVEL = 32
const LEVEL_TURNS = 4
/**
 * How much a thread sends before it looks whether the peer has closed, and again before it takes note of that: where it only
 * sends, its event loop, which would tell, may never have a turn.
 */
const UNHEARD_BYTES = 2 ** 24
/** Bytes of entries after which who awaits each `send` has a turn of its event loop. */
const TURN_BYTES = 2 ** 20
/** A thread that blocks looks whether its peer lives after so long. */
const PATIENCE_MS = 50
const NO_LIST: object[] = []

/** Options of a ring as a carrier. */
export interface RingOptions {
  /** Bytes under way above which `send` waits. Default 16 MiB. */
  readonly highWaterMark?: number | undefined
  /** Refuses, with NOT_TRANSFERABLE, what was to move and can only be copied. Default: copies, and counts it. */
  readonly strict?: boolean | undefined
  /**
   * How many ms `close` waits for a peer that is not seen to read, and may be gone unnoticed. Default 10 000; 0: forever.
   */
  readonly closeTimeoutMs?: number | undefined
  /** How many ms at most to poll for more before going to sleep; less where that does not pay. 0: not at all. Default 0.05. */
  readonly spinMs?: number | undefined
}

/** A carrier over an end that `createRing` made. */
export class RingCarrier implements Carrier {
  readonly name = 'ring'
  readonly textBytes = LENT
  readonly takesHosts = true
  readonly keepsShapes = true
  readonly sharesMemory = true
  readonly #port: RingEnd['port']
  readonly #endpoint: Endpoint
  readonly #writer: RingWriter
  readonly #reader: RingReader
  readonly #outgoing: Outgoing
  readonly #incoming: Incoming
  readonly #ending = new Ending()
  readonly #stop: (() => void)[] = []
  readonly #spin: Spin
  readonly #closeTimeoutMs: number
  readonly #presence: Presence | undefined
  #sink: Sink | undefined
  #stopWaiting: (() => void) | undefined
  #isKept = true
  #isPaused = false
  /** Whether deliveries go on in this turn, or in a later one. */
  #isGoing = false
  #isDue = false
  /** Whether somebody takes a packet in: who blocks for another one meanwhile does not get it in the same place. */
  #isDelivering = false
  /** Whether the peer will send nothing more; whether it is not there any more. */
  #isFinished = false
  #isGone = false
  /** Whether what was sent last is a bell by itself for a peer in its event loop. */
  #isHeard = false
  /** What was written when last looked whether the peer has closed, and whether it had. */
  #lookedAt = 0
  #hasSeenBye = false
  readonly #turns = new Turns(TURN_BYTES)
  /** Packets delivered. */
  #count = 0

  /** @throws TypeError for what is no end or option, or somebody's already; RING_CORRUPT for memory that holds no rings */
  constructor(end: RingEnd, options: RingOptions = {}) {
    expectOptions(options)
    const { highWaterMark = 2 ** 24, strict = false, closeTimeoutMs = 10_000, spinMs = 0.05 } = options
    expectTime(closeTimeoutMs, 'closeTimeoutMs')
    expectTime(spinMs, 'spinMs')
    const { writer, reader } = ringsOf(end)
    this.#port = end.port
    this.#endpoint = endpointOf(end.port)
    expectFree(end.port, 'end')
    this.#writer = writer
    this.#reader = reader
    this.#outgoing = new Outgoing(
      writer,
      (message, list, isNext) => this.#post(message, list, isNext),
      highWaterMark,
      strict,
    )
    this.#incoming = new Incoming(reader)
    this.#closeTimeoutMs = closeTimeoutMs
    this.#spin = new Spin(spinMs)
    const locks = locksBeside(end.port)
    this.#presence = locks && new Presence(locks, end.name, end.side, () => this.#gone())
  }

  get counts() {
    return this.#outgoing.counts
  }

  get queuedBytes(): number {
    try {
      this.#outgoing.look()
    } catch {
      // What is wrong with the ring is told by whoever uses it next.
    }
    return this.#outgoing.queuedBytes
  }

  get closed(): Promise<void> {
    return this.#ending.closed
  }

  receive(sink: Sink): void {
    this.#sink = sink
    this.#ending.tell(sink)
    if (this.#ending.isOver) return
    this.#presence?.hold()
    this.#stop.push(
      claim(this.#port, 'end'),
      this.#endpoint.onGone(() => this.#gone(), true),
      this.#endpoint.onLost(() => this.abort(lost())),
      this.#endpoint.listen(data => this.#hear(data), false),
    )
    this.#endpoint.start()
    // In Node the first who listens to a port makes it a reason to live.
    if (!this.#isKept) this.#endpoint.keepAlive(false)
    this.#guard(() => this.#rest())
  }

  send(parcel: Parcel, transfer: Transfer = false): Promise<void> | undefined {
    this.#ending.expectOpen()
    this.#isHeard = false
    try {
      if (((this.#outgoing.written - this.#lookedAt) | 0) > UNHEARD_BYTES) this.#hearBye()
      this.#outgoing.send(parcel, transfer)
      const room = this.#outgoing.room() ?? this.#turns.due(this.#outgoing.entered)
      if (this.#outgoing.isWaiting) this.#settle()
      if (!this.#isHeard || this.#outgoing.isWaiting || isBlocking(this.#writer.control)) this.#wake()
      return room
    } catch (error) {
      if (isOutbandError(error, 'RING_CORRUPT')) this.abort(error)
      throw error
    }
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#goLater()
  }

  keepAlive(isKept: boolean): void {
    this.#isKept = isKept
    if (this.#sink !== undefined && !this.#ending.isOver) this.#endpoint.keepAlive(isKept)
  }

  close(): Promise<void> {
    if (!this.#ending.isOver && !this.#ending.isClosing) {
      this.#guard(() => this.#bye())
      this.#goLater()
    }
    return this.#ending.closed
  }

  abort(error = new OutbandError('CLOSED', 'abort: the carrier was aborted')): void {
    if (this.#ending.isOver) return
    Atomics.store(this.#writer.control, STATE, ABORTED)
    this.#rouse(BLOCKED)
    this.#rouse(BELL)
    this.#end(error)
  }

  /**
   * Blocks the thread until a packet is delivered; false when none came until then, as `performance.now()` has it.
   * @throws what ended the carrier; CLOSED when it was closed; UNSUPPORTED for what only the event loop can take here
   */
  receiveBlocking(until: number): boolean {
    const before = this.#count
    const isThere = () => {
      // Whoever is to answer may wait for it.
      this.#flush()
      return this.#reader.mark !== undefined
    }
    try {
      while (this.#count === before) {
        this.#expectMore()
        if (this.#incoming.isBlocked) this.#takePosts()
        if (this.#deliver()) this.#spin.found()
        else if (!this.#block(until, isThere)) return false
      }
      return true
    } catch (error) {
      if (isOutbandError(error, 'RING_CORRUPT', 'MALFORMED')) this.abort(error)
      throw error
    } finally {
      if (!this.#ending.isOver) this.#tellRoom()
      this.#goLater()
    }
  }

  /**
   * Blocks the thread until what was sent is in the ring and under the high-water mark; false when it is not until then.
   * @throws what ended the carrier
   */
  flushBlocking(until: number): boolean {
    const isDone = () => this.#flush() && !this.#outgoing.isFull
    try {
      for (;;) {
        this.#ending.expectOpen()
        if (isDone()) return true
        if (!this.#block(until, isDone)) return false
      }
    } catch (error) {
      if (isOutbandError(error, 'RING_CORRUPT')) this.abort(error)
      throw error
    } finally {
      this.#goLater()
    }
  }

  /** Looks once more, or sleeps until the peer has done something or may have died; false when it is too late for that. */
  #block(until: number, isThere: () => boolean): boolean {
    const left = until - performance.now()
    if (!(left > 0)) return false
    if (this.#spin.goesOn()) return true
    // In this order: who is told of room before it says that it sleeps would sleep all the same.
    this.#reader.doze(BLOCKED)
    this.#writer.wait(BLOCKED)
    // What the peer did before it could see that, nobody will tell.
    const isLate = !isThere() && block(this.#reader.control, Math.min(left, PATIENCE_MS)) === 'timed-out'
    this.#reader.wake()
    if (this.#hasAborted()) return true
    if (!isLate || !canPeek) return true
    for (const post of takeAll(this.#port)) this.#keep(post)
    if (isClosed(this.#port)) this.#gone()
    return true
  }

  /** The next packet came by the port, and no event will tell. */
  #takePosts(): void {
    for (const post of takeAll(this.#port)) this.#keep(post)
    if (!this.#incoming.isBlocked) return
    throw new OutbandError('UNSUPPORTED', 'receive: what is long or moves waits for the event loop here')
  }

  #expectMore(): void {
    if (this.#ending.isOver) this.#ending.expectOpen()
    if (this.#isFinished) throw new OutbandError('CLOSED', 'receive: the peer has closed')
  }

  /** A goodbye with nothing before it, which was there the last time as well. @throws CLOSED, RING_CORRUPT */
  #hearBye(): void {
    this.#lookedAt = this.#outgoing.written
    if (this.#isPaused || !this.#incoming.isByeNext) return
    if (this.#hasSeenBye) this.#deliver()
    this.#hasSeenBye = true
    this.#ending.expectOpen()
  }

  #hear(data: unknown): void {
    this.#keep(data)
    if (!this.#isGoing) this.#go()
  }

  #keep(data: unknown): void {
    if (!isBranded(data, BRAND) && !isBranded(data, NEXT)) {
      return this.abort(new OutbandError('MALFORMED', 'ring: a message that no channel sent'))
    }
    if (!isBell(data, BRAND)) this.#incoming.hold(data)
  }

  #goLater(turns = 1): void {
    if (this.#isDue || this.#ending.isOver) return
    this.#isDue = true
    const go = (left: number): void => {
      if (!this.#isDue || this.#isGoing) return
      if (left > 1) later(() => go(left - 1))
      else this.#go()
    }
    later(() => go(turns))
  }

  #go(): void {
    this.#isDue = false
    if (this.#ending.isOver || this.#sink === undefined || this.#hasAborted()) return
    this.#presence?.look()
    this.#isGoing = true
    this.#guard(() => {
      let count = 0
      let known = 0
      let isLevel = false
      while (count < AT_ONCE && !isLevel && !this.#isPaused && this.#deliver()) {
        count++
        known++
        if (this.#reader.hasSeen) continue
        // One by itself may be an answer that somebody waits for.
        isLevel = count > 1 && known < LEVEL && hasQuickTurns
        known = 0
      }
      if (count > 0) this.#spin.found()
      if (this.#ending.isOver) return
      this.#tellRoom()
      this.#settle()
      if (isLevel) this.#goLater(LEVEL_TURNS)
      else if (count === AT_ONCE) this.#goLater()
      else this.#rest()
    })
    this.#isGoing = false
  }

  /** Nothing is there, or it may not be taken: the peer, or `resume`, will tell. */
  #rest(): void {
    if (this.#ending.isOver || this.#isPaused || this.#incoming.isBlocked) return
    const goesOn = hasQuickTurns && this.#spin.goesOn()
    if (goesOn || !this.#reader.sleep(BELL)) this.#goLater()
  }

  /** Whether something was there. @throws RING_CORRUPT, MALFORMED */
  #deliver(): boolean {
    if (this.#ending.isOver || this.#isFinished) return false
    const next = this.#incoming.next(this.#isDelivering)
    if (next === undefined) return false
    if (next === 'bye') {
      this.#isFinished = true
      if (!this.#ending.isClosing) this.#bye()
      this.#settle()
      return true
    }
    this.#count++
    const isNested = this.#isDelivering
    this.#isDelivering = true
    try {
      this.#sink?.parcel(next)
    } catch (error) {
      throwApart(error)
    }
    this.#isDelivering = isNested
    return true
  }

  /** Goes on with what waits for the peer: packets for room, senders for the mark, the end for all to be taken. */
  #settle(): void {
    for (let isAsked = false; ; isAsked = true) {
      this.#flush()
      this.#outgoing.letGo()
      if (this.#ending.isOver) return
      if (this.#isFinished && this.#outgoing.isTaken()) return this.#end(undefined)
      if (isAsked || !(this.#outgoing.isWaiting || this.#isFinished)) return
      // And once more: what the peer took before it could see that, it does not tell.
      this.#writer.wait(BELL)
    }
  }

  #flush(): boolean {
    if (this.#outgoing.isFlushed) return true
    const isFlushed = this.#outgoing.flush()
    this.#wake()
    return isFlushed
  }

  #wake(): void {
    const how = this.#writer.mustWake()
    if (how !== 0) this.#rouse(how)
  }

  #tellRoom(): void {
    const how = this.#reader.mustTell()
    if (how !== 0) this.#rouse(how)
  }

  #rouse(how: number): void {
    if (this.#isGone) return
    if (how === BLOCKED) unblock(this.#writer.control)
    else this.#endpoint.post(BRAND, NO_LIST)
  }

  /** A packet that goes by the port is a bell as well, unless the peer may not take it yet. */
  #post(message: unknown, list: object[], isNext: boolean): void {
    const isBell = isNext && takeBell(this.#writer.control)
    try {
      this.#endpoint.post(message, list)
      this.#isHeard = isNext
    } catch (error) {
      if (isBell) this.#rouse(BELL)
      throw error
    }
  }

  /** Says that nothing more will be sent. */
  #bye(): void {
    this.#ending.isClosing = true
    // What is under way arrives now; who pauses again holds it back again.
    this.#isPaused = false
    this.#outgoing.bye()
    this.#wake()
    const ms = this.#closeTimeoutMs
    this.#stopWaiting = whenSilent(
      ms,
      () => (this.#isPaused ? undefined : this.#count - this.queuedBytes),
      () => this.#end(new OutbandError('TIMEOUT', `close: the peer has not answered for ${ms} ms`)),
    )
  }

  #hasAborted(): boolean {
    if (Atomics.load(this.#reader.control, STATE) !== ABORTED) return false
    this.#end(new OutbandError('PEER_GONE', 'ring: the peer aborted'))
    return true
  }

  /** The port is closed, or its thread is gone: what was written still is there. */
  #gone(): void {
    if (this.#ending.isOver || this.#hasAborted()) return
    this.#isGone = true
    this.#guard(() => {
      while (this.#deliver());
      if (this.#isFinished && this.#outgoing.isTaken()) this.#end(undefined)
    })
    this.#end(new OutbandError('PEER_GONE', 'ring: the peer is gone'))
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.abort(error as OutbandError)
    }
  }

  #end(error: OutbandError | undefined): void {
    this.#ending.come(error, () => {
      this.#stopWaiting?.()
      this.#presence?.stop()
      for (const stop of this.#stop) stop()
      // Where no event tells the peer that the port closes.
      if (error === undefined) this.#tellRoom()
      this.#outgoing.end(error)
      this.#endpoint.release()
    })
  }
}
