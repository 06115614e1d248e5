/**
 * Packets as frames through a link, which moves bytes. Between packets the two ends exchange notes (`frame/note.ts`):
 *
 *      hello ── packets … ask ──→            a peer that says hello is a channel: it ends with a goodbye, and answers
 *            ←── taken … packets ── bye      what it is asked. One that does not is plain: its last byte is its goodbye
 */
import { isMemory } from '../../bytes/window.js'
import {
  expectArgument,
  expectOptions,
  expectTime,
  isOutbandError,
  named,
  OutbandError,
} from '../../errors.js'
import { Deframer, pack } from '../../frame/index.js'
import { type Item, isNote, type Note, packNote } from '../../frame/note.js'
import { LIMITS, type Limits, type LimitsOption, resolveLimits } from '../../limits.js'
import { NO_TEXT, type Packet, type Parcel } from '../../packet.js'
import { type Carrier, type Counts, type Sink, type Transfer, throwApart } from '../carrier.js'
import { Credits } from '../credits.js'
import { Deferred } from '../deferred.js'
import { Ending } from '../ending.js'
import { handOver } from '../handover.js'
import { keepAlive } from '../keep-alive.js'
import type { Annex, Stowed } from './annex.js'
import { chunksOf, type Written } from './chunks.js'
import type { Inlet, Link } from './link.js'
import type { Quota, Share } from './quota.js'
import { Watch, type WatchOptions } from './watch.js'

/** What one message costs beside its bytes, about. */
const MESSAGE_BYTES = 64
/** Frames of fewer bytes are not worth to be told of. */
const PROGRESS_BYTES = 65_536
/** How long senders wait for a peer that has said nothing, as for a channel; and how long the last byte waits for its hello. */
const PATIENCE_MS = 1000
const FAREWELL_MS = 5000
/** A hello names no more. */
const MOST_MS = 2 ** 40
/** Up to so much is read from a peer that is to wait: so its end is noticed. */
const HELD_BYTES = 65_536
/** Memory to read to when there is no frame to put it to. */
const NOWHERE = new Uint8Array(65_536)
const NO_MEMORY = new Set<ArrayBuffer>()

/** Options of every carrier over bytes. */
export interface StreamOptions extends WatchOptions {
  /** `'untrusted'` (default), `'trusted'` for your own peers, or single limits over `untrusted`. */
  readonly limits?: LimitsOption | undefined
  /** Bytes under way above which `send` waits. Default 16 MiB. */
  readonly highWaterMark?: number | undefined
  /** Refuses, with NOT_TRANSFERABLE, what was to move and can only be copied. Default: copies, and counts it. */
  readonly strict?: boolean | undefined
  /** How many ms `close` waits for a silent peer. Default 30 000; 0: forever. */
  readonly closeTimeoutMs?: number | undefined
  /**
   * When the peer has closed, goes on sending until this side closes as well, which it has to: a peer that is gone by then
   * is found out (PEER_GONE) only every `idleTimeoutMs`, and one that waits is not given up. Default: closes.
   */
  readonly allowHalfOpen?: boolean | undefined
}

/** A silent one is treated as plain: it may be a channel that is slow to start. */
type Peer = 'unknown' | 'silent' | 'channel' | 'plain'

/** A packet as it is written, with what of it is elsewhere. */
type Framed = Written & { readonly stowed?: Stowed }

export class StreamCarrier implements Carrier, Inlet {
  readonly name: string
  readonly textBytes = NO_TEXT
  readonly takesHosts = false
  readonly sharesMemory = false
  readonly counts: Counts = { copied: 0, transferred: 0, shared: 0 }
  readonly #link: Link
  readonly #limits: Readonly<Limits>
  readonly #deframer: Deframer
  readonly #credits: Credits
  readonly #watch: Watch
  readonly #ending = new Ending()
  readonly #share: Share | undefined
  readonly #annex: Annex | undefined
  readonly #isStrict: boolean
  readonly #isHalfOpen: boolean
  readonly #closeTimeoutMs: number
  #sink: Sink | undefined
  #peer: Peer = 'unknown'
  #patience: ReturnType<typeof setTimeout> | undefined
  #farewell: ReturnType<typeof setTimeout> | undefined
  #isKept = true
  #isPaused = false
  #isOverQuota = false
  /** Whether the link is not read from. */
  #isDeaf = false
  /** What came and is held back, in order. */
  #inbox: Item[] = []
  #inboxBytes = 0
  /** Bytes of packets whose frames the system has. */
  #writtenBytes = 0
  /** What the peer says it has taken in, while we have not heard that so much is written. */
  #claimedBytes = 0
  /** Who waits for memory of theirs that is not yet written. */
  readonly #lent = new Set<Deferred>()
  /** The peer's last question, while the answer to one before is not yet written; −1: none. */
  #question = -1
  #isAnswering = false
  /** Whether a sign of life is not yet written. */
  #isSpeaking = false
  #sentPackets = 0
  #receivedPackets = 0
  /** Whether the peer has said all, and whether its last byte is there. */
  #isPeerDone = false
  #hasHeardBye = false
  #isEnded = false
  #hasSaidBye = false
  /** Whether the peer was asked, with our goodbye, what it has taken in. */
  #needsAnswer = false
  #isFinished = false
  /** Whether the annex has a part of the next packet. */
  #hasHandles = false

  /** Opens the link. @throws TypeError for an option of the wrong type */
  constructor(link: Link, options: StreamOptions = {}, quota?: Quota, annex?: Annex) {
    expectOptions(options)
    const { limits, highWaterMark, strict = false, closeTimeoutMs = 30_000, allowHalfOpen = false } = options
    expectTime(closeTimeoutMs, 'closeTimeoutMs')
    expectArgument(typeof strict === 'boolean', 'strict', 'a boolean')
    expectArgument(typeof allowHalfOpen === 'boolean', 'allowHalfOpen', 'a boolean')
    this.#limits = resolveLimits(limits, 'untrusted')
    this.#credits = new Credits(highWaterMark)
    this.#deframer = new Deframer({ limits: this.#limits }, true)
    this.#isStrict = strict
    this.#isHalfOpen = allowHalfOpen
    this.#closeTimeoutMs = closeTimeoutMs
    const isPatient = this.#limits === LIMITS.trusted
    const { frameTimeoutMs = isPatient ? 0 : 60_000, idleTimeoutMs = isPatient ? 0 : 30_000 } = options
    this.#watch = new Watch(
      { frameTimeoutMs, idleTimeoutMs },
      {
        late: (what, ms) => this.abort(new OutbandError('TIMEOUT', `${link.name}: ${what} for ${ms} ms`)),
        speak: () => this.#speak(),
        isOwed: () => !this.#isEnded || this.#credits.queuedBytes > 0,
      },
      link.isBlind,
    )
    const tooSlow = `${link.name}: the frame was too slow while others waited for room`
    this.#share = quota?.share(
      { tell: isRoom => this.#fill(!isRoom), late: () => this.abort(new OutbandError('TIMEOUT', tooSlow)) },
      frameTimeoutMs,
    )
    this.name = link.name
    this.#link = link
    link.open(this)
    link.pause()
    this.#say('hello', helloMs(this.#watch.idleTimeoutMs))
    this.#annex = annex
    annex?.open(word => this.#say('memory', word))
  }

  get queuedBytes(): number {
    // Who reads it again may do so until nothing is left.
    if (this.#peer === 'channel' && this.#credits.isAwaited()) this.#ask()
    return this.#credits.queuedBytes
  }

  get closed(): Promise<void> {
    return this.#ending.closed
  }

  /** Whether nothing can be sent any more, nor comes. */
  get isOver(): boolean {
    return this.#ending.isOver
  }

  /** Whether the peer has said hello: an end without an error is its goodbye then, and not only its last byte. */
  get isPeerChannel(): boolean {
    return this.#peer === 'channel'
  }

  /** Whether the peer has said bye, which one that is no channel may do as well. */
  get hasHeardBye(): boolean {
    return this.#hasHeardBye
  }

  receive(sink: Sink): void {
    this.#sink = sink
    this.#ending.tell(sink)
    if (this.#ending.isOver) return
    this.#watch.start()
    this.#release()
  }

  /** What is not moved is lent, if it is long, until the promise resolves; it rejects when it could not be written. */
  send(parcel: Parcel, transfer: Transfer = false): Promise<void> | undefined {
    this.#ending.expectOpen()
    let byteLength = MESSAGE_BYTES + parcel.meta.length
    for (const buffer of parcel.buffers) byteLength += buffer.byteLength
    const { chunks, isLent, stowed } = this.#framed(parcel, transfer)
    if (stowed !== undefined) {
      // What the peer sees where it lies is no burden to the way there.
      byteLength -= stowed.shared
      this.#say('handles')
    }
    this.#sentPackets++
    if (this.#isEnded && this.#credits.queuedBytes === 0) this.#watch.took()
    this.#credits.add(byteLength)
    const lent = isLent && this.#link.isCopying !== true ? new Deferred() : undefined
    if (lent !== undefined) this.#lent.add(lent)
    this.#watch.said()
    this.#link.write(chunks, isOut => this.#written(byteLength, isOut, lent))
    if (this.#credits.isDue) this.#ask()
    const room = this.#credits.room()
    if (room === undefined || lent === undefined) return room ?? lent?.promise
    const both = Promise.all([room, lent.promise]).then(() => {})
    both.catch(() => {})
    return both
  }

  pause(): void {
    this.#isPaused = true
    this.#brake()
  }

  resume(): void {
    this.#isPaused = false
    this.#release()
  }

  keepAlive(isKept: boolean): void {
    this.#isKept = isKept
    this.#holdOn()
  }

  /** The link and who waits for a hello are reasons to live, or none; so is a `close` that comes to an end in any case. */
  #holdOn(): void {
    if (this.#ending.isOver) return
    const isKept = this.#isKept || (this.#ending.isClosing && this.#closeTimeoutMs > 0)
    this.#link.keepAlive?.(isKept)
    for (const timer of [this.#patience, this.#farewell]) if (timer !== undefined) keepAlive(timer, isKept)
  }

  close(): Promise<void> {
    if (!this.#ending.isOver && !this.#ending.isClosing) {
      this.#ending.isClosing = true
      this.#watch.closing(this.#closeTimeoutMs)
      if (this.#hasMet()) this.#goodbye()
      else this.#waitForHello()
      // What is under way arrives now; who pauses again holds it back again.
      this.#isPaused = false
      this.#release()
      if (!this.#isKept) this.#holdOn()
    }
    return this.#ending.closed
  }

  abort(error = new OutbandError('CLOSED', 'abort: the carrier was aborted')): void {
    this.#end(error)
  }

  // What goes out.

  #framed({ meta, buffers, hosts }: Parcel, transfer: Transfer): Framed {
    const limits = this.#limits
    const packetOf = (windows: readonly Uint8Array[]): Packet => ({
      meta: meta as Packet['meta'],
      buffers: windows,
    })
    if (buffers.length === 0 && typeof transfer === 'boolean') return chunksOf(packetOf(buffers), limits)
    const framed = handOver(
      { meta, buffers, hosts },
      transfer,
      this.#isStrict,
      this.counts,
      (windows, list) => {
        if (list.length === 0) return this.#stowed(packetOf(windows), NO_MEMORY)
        const stranger = list.find(item => !isMemory(item))
        if (stranger !== undefined) {
          throw new OutbandError(
            'UNSUPPORTED',
            `send: ${named(stranger.constructor?.name)} cannot go by ${this.name}`,
          )
        }
        // What cannot be packed is refused before anything moves.
        pack(packetOf(windows), { limits })
        return this.#stowed(packetOf(windows), new Set(list as ArrayBuffer[]))
      },
      true,
    )
    const { shared = 0 } = framed.stowed ?? {}
    this.counts.shared += shared
    this.counts.copied -= shared
    return framed
  }

  /** What of the packet is not stowed as it is framed; then the memory has moved. */
  #stowed(packet: Packet, memory: Set<ArrayBuffer>): Framed {
    const annex = this.#annex
    const stowed = annex?.stow(packet)
    try {
      const { meta, buffers } = stowed?.packet ?? packet
      // To share memory is better than to move it, which would copy it.
      for (const { buffer } of packet.buffers) {
        if (annex?.owns(buffer)) memory.delete(buffer as ArrayBuffer)
      }
      const windows = memory.size === 0 ? buffers : moved(buffers, memory)
      const written = chunksOf({ meta, buffers: windows }, this.#limits)
      return stowed === undefined ? written : { ...written, stowed }
    } catch (error) {
      if (stowed !== undefined) annex!.recall(stowed)
      throw error
    }
  }

  #written(byteLength: number, isOut: boolean, lent: Deferred | undefined): void {
    // What is lost is told when the link says that it is gone.
    if (!isOut) return
    this.#writtenBytes += byteLength
    if (this.#claimedBytes > 0) this.#hearTaken(this.#claimedBytes)
    if (this.#peer === 'plain' || this.#peer === 'silent') {
      this.#credits.taken(this.#writtenBytes)
      // Who has said all, or is waited for, is heard by what it takes in.
      if (this.#isEnded || this.#ending.isClosing) this.#watch.took()
    } else if (this.#isDeaf) this.#credits.pass(this.#writtenBytes)
    if (lent === undefined) return
    this.#lent.delete(lent)
    lent.resolve()
  }

  #say(kind: NonNullable<Note['kind']>, count?: number, done?: () => void): void {
    if (this.#isFinished) return
    this.#watch.said()
    this.#link.write([packNote(kind, count)], done)
  }

  #ask(): void {
    if (this.#peer === 'unknown') this.#wait()
    if (this.#peer !== 'channel') return
    const count = this.#credits.ask()
    if (count !== undefined) this.#say('ask', count)
  }

  /** One at a time, as answers are. */
  #speak(): void {
    if (this.#isSpeaking) return
    this.#isSpeaking = true
    this.#say('alive', 0, () => {
      this.#isSpeaking = false
    })
  }

  /** One answer is under way at a time, so that who asks without end and reads nothing does not fill our memory. */
  #answer(count: number): void {
    this.#question = count
    if (this.#isAnswering) return
    this.#isAnswering = true
    this.#question = -1
    this.#say('taken', count, () => {
      this.#isAnswering = false
      if (this.#ending.isOver) return
      if (this.#question >= 0) this.#answer(this.#question)
      this.#finish()
    })
  }

  /** A goodbye of the peer may have been said before it heard ours: only an answer tells what it took in. */
  #goodbye(): void {
    if (!this.#hasSaidBye) {
      this.#needsAnswer = this.#peer === 'channel'
      this.#ask()
      // Not before: a stream within the process may bring the answer at once, and with it the last byte would go.
      this.#hasSaidBye = true
      this.#say('bye')
    }
    this.#finish()
  }

  /** The last byte, as soon as the peer needs no more answers of ours: a channel has said goodbye then. */
  #finish(): void {
    if (!this.#hasSaidBye || this.#isFinished) return
    const isAnswered = this.#isEnded || !this.#needsAnswer || this.#credits.queuedBytes === 0
    if (this.#peer === 'channel' && !(this.#isPeerDone && this.#question < 0 && isAnswered)) return
    this.#isFinished = true
    this.#link.finish()
  }

  /** Some peers never speak: these are plain. */
  #wait(): void {
    this.#patience ??= setTimeout(() => {
      this.#peer = 'silent'
      this.#credits.taken(this.#writtenBytes)
    }, PATIENCE_MS)
    if (!this.#isKept) this.#holdOn()
  }

  /** A channel that is still to speak wants answers of ours, and a plain peer our last byte. */
  #waitForHello(): void {
    const { patienceMs = FAREWELL_MS } = this.#link
    this.#farewell = setTimeout(() => this.#meet('plain'), patienceMs)
  }

  // What comes in.

  target(): Uint8Array {
    if (this.#ending.isOver) return NOWHERE
    try {
      return this.#deframer.target()
    } catch (error) {
      this.#fail(error)
      return NOWHERE
    }
  }

  filled(byteLength: number): void {
    this.#take(() => this.#deframer.filled(byteLength))
  }

  push(chunk: Uint8Array): void {
    this.#take(() => this.#deframer.push(chunk))
  }

  boundary(): void {
    if (this.#ending.isOver || this.#deframer.progress === undefined) return
    this.abort(new OutbandError('MALFORMED', `${this.name}: a message ends inside a frame`))
  }

  underway(byteLength: number): void {
    if (this.#ending.isOver) return
    this.#watch.heard(byteLength > 0, false)
    this.#share?.use(byteLength, undefined)
    this.#brake(byteLength)
  }

  ended(): void {
    if (this.#ending.isOver) return
    this.#isEnded = true
    if (this.#inbox.length === 0) return this.#hearEnd()
    // A peer that has closed waits for who holds back, and one that is gone does not.
    const isHeld = (kind: Note['kind']) => this.#inbox.some(item => isNote(item) && item.kind === kind)
    if ((this.#peer === 'channel' || isHeld('hello')) && !isHeld('bye')) this.#drain(true)
  }

  gone(error?: OutbandError): void {
    if (this.#ending.isOver) return
    this.#drain(true)
    if (this.#ending.isOver) return
    const isTaken = this.#credits.queuedBytes === 0
    // A plain peer that has said all need not be there for our goodbye, if nothing else was lost. One that said nothing refused us.
    const hasSaid = this.#receivedPackets > 0 || (this.#hasHeardBye && this.#sentPackets === 0)
    const isExcused = isTaken && this.#peer === 'plain' && hasSaid
    const isWhole = error === undefined ? isTaken || !this.#needsAnswer : isExcused
    const isInOrder = this.#isEnded && this.#isPeerDone && this.#ending.isClosing && isWhole
    this.#end(isInOrder ? undefined : (error ?? this.#lost()))
  }

  #take(read: () => Iterable<Packet>): void {
    if (this.#ending.isOver) return
    let count = 0
    try {
      for (const item of read() as Iterable<Item>) {
        count++
        if (isNote(item) && (item.kind === 'taken' || item.kind === 'memory')) this.#hear(item)
        else if (this.#isHeld() || this.#inbox.length > 0) this.#keep(item)
        else this.#handle(item)
        if (this.#ending.isOver) return
      }
    } catch (error) {
      return this.#fail(error)
    }
    const { progress } = this.#deframer
    this.#watch.heard(progress !== undefined, count > 0)
    const { received = 0, total = 0 } = progress ?? {}
    if (total >= PROGRESS_BYTES) this.#sink?.progress?.({ received, total })
    // Whoever heard of it may have ended this, and its share would be used by nobody for ever.
    if (this.#ending.isOver) return
    this.#share?.use(received, progress?.total)
    this.#brake(total)
  }

  /** Ends by what was thrown while reading. What is no error of ours is a bug that a peer has found: it ends no more than this. */
  #fail(thrown: unknown): void {
    if (isOutbandError(thrown)) return this.abort(thrown)
    const what = `${this.name}: what the peer sent cannot be read`
    this.abort(new OutbandError('MALFORMED', what, { cause: thrown }))
  }

  #isHeld(): boolean {
    return this.#sink === undefined || this.#isPaused
  }

  /** @throws LIMIT when the peer sends on although it should wait */
  #keep(item: Item): void {
    this.#inbox.push(item)
    this.#inboxBytes += MESSAGE_BYTES
    if (!isNote(item)) {
      this.#inboxBytes += item.meta.length
      for (const { byteLength } of item.buffers) this.#inboxBytes += byteLength
    }
    const { totalBytes } = this.#limits
    if (this.#link.canPause || this.#inboxBytes <= totalBytes) return
    const fields = { limit: 'totalBytes', max: totalBytes, requested: this.#inboxBytes }
    throw new OutbandError(
      'LIMIT',
      `${this.name}: limits.totalBytes is ${totalBytes}, got more than is read`,
      fields,
    )
  }

  #handle(item: Item): void {
    if (isNote(item)) return this.#hear(item)
    if (!this.#hasMet()) this.#meet('plain')
    this.#receivedPackets++
    const packet = this.#whole(item)
    if (packet === undefined) return
    try {
      this.#sink?.parcel(packet)
    } catch (error) {
      throwApart(error)
    }
  }

  /** The packet, with what the annex has of it; nothing, and the end, when that cannot be. */
  #whole(packet: Packet): Packet | undefined {
    if (!this.#hasHandles) return packet
    this.#hasHandles = false
    try {
      return this.#annex!.unstow(packet)
    } catch (error) {
      this.#fail(error)
      return undefined
    }
  }

  #hear({ kind, count }: Note): void {
    if (kind === 'hello') {
      this.#watch.keepAlive(count / 3)
      this.#meet('channel')
    } else if (kind === 'ask') this.#answer(count)
    else if (kind === 'taken') this.#hearTaken(count)
    else if (kind === 'bye') {
      this.#hasHeardBye = true
      this.#hearBye()
    } else if (kind === 'memory') this.#annex?.hear(count)
    else if (kind === 'handles') this.#expectHandles()
  }

  /**
   * Nobody has taken in what is not yet written: who says so and reads nothing would have us keep all that is sent. (An answer
   * may be quicker than the system's word that what it answers is out.)
   */
  #hearTaken(count: number): void {
    const isOut = count <= this.#writtenBytes
    this.#claimedBytes = isOut ? 0 : count
    if (!isOut) return
    this.#credits.taken(count)
    if (this.#credits.isDue) this.#ask()
    this.#finish()
  }

  #expectHandles(): void {
    if (this.#annex !== undefined && !this.#hasHandles) this.#hasHandles = true
    else this.abort(new OutbandError('MALFORMED', `${this.name}: handles that nobody asked for`))
  }

  /** Whether the peer has said what it is. */
  #hasMet(): boolean {
    return this.#peer === 'channel' || this.#peer === 'plain'
  }

  #meet(peer: 'channel' | 'plain'): void {
    this.#peer = peer
    clearTimeout(this.#patience)
    clearTimeout(this.#farewell)
    if (peer === 'plain') this.#credits.taken(this.#writtenBytes)
    else if (this.#credits.isDue) this.#ask()
    if (this.#ending.isClosing) this.#goodbye()
  }

  #hearBye(): void {
    // Who says it again says nothing.
    if (this.#isPeerDone) return
    this.#isPeerDone = true
    if (!this.#hasMet()) this.#meet('plain')
    if (this.#isHalfOpen && !this.#ending.isClosing) this.#sink?.finish?.()
    else void this.close()
    this.#finish()
  }

  #hearEnd(): void {
    try {
      this.#deframer.end()
    } catch (cause) {
      return this.#end(this.#lost(cause))
    }
    if (this.#isHalfOpen) this.#watch.probe()
    if (this.#isPeerDone) return this.#finish()
    // Of a peer that never spoke nobody knows whether it took what was sent.
    const isPlain = this.#peer !== 'channel' && (this.#receivedPackets > 0 || this.#sentPackets === 0)
    if (!isPlain) return this.#end(this.#lost())
    this.#hearBye()
  }

  #lost(cause?: unknown): OutbandError {
    const fields = cause === undefined ? {} : { cause }
    return new OutbandError('PEER_GONE', `${this.name}: the peer is gone without a goodbye`, fields)
  }

  // Holding back.

  #fill(isFull: boolean): void {
    this.#isOverQuota = isFull
    if (isFull) this.#brake()
    else if (this.#isHeld()) this.#share?.read(false)
    else this.#release()
  }

  /** `byteLength`: of the frame that is on its way. */
  #brake(byteLength = this.#deframer.progress?.total ?? 0): void {
    if (this.#ending.isOver) return
    const isHeld = this.#isHeld() && this.#inboxBytes + byteLength >= HELD_BYTES
    if (!this.#isOverQuota && !isHeld) return
    this.#link.pause()
    this.#watch.hold()
    if (isHeld) this.#share?.read(false)
    if (!this.#link.canPause) return
    // The answers of the peer are behind what is not read: who waits for them before it reads on would wait for ever.
    this.#isDeaf = true
    this.#credits.pass(this.#writtenBytes)
  }

  #release(): void {
    if (this.#ending.isOver || this.#isHeld()) return
    this.#drain()
    if (this.#ending.isOver || this.#isHeld()) return
    this.#share?.read(true)
    if (this.#isOverQuota) return
    this.#isDeaf = false
    this.#watch.release()
    this.#link.resume()
  }

  /** Hands on what was held back, until it is to be held back again, or for good. */
  #drain(isLast = false): void {
    if (this.#inbox.length === 0 || this.#sink === undefined) return
    const inbox = this.#inbox
    this.#inbox = []
    this.#inboxBytes = 0
    for (const [at, item] of inbox.entries()) {
      if (this.#ending.isOver) return
      if (this.#isHeld() && !isLast) {
        for (const held of inbox.slice(at)) this.#keep(held)
        return
      }
      this.#handle(item)
    }
    if (this.#isEnded && !this.#ending.isOver) this.#hearEnd()
  }

  #end(error: OutbandError | undefined): void {
    this.#ending.come(error, () => {
      this.#watch.stop()
      clearTimeout(this.#patience)
      clearTimeout(this.#farewell)
      this.#inbox = []
      this.#credits.end(error)
      for (const lent of this.#lent) {
        if (error === undefined) lent.resolve()
        else lent.reject(error)
      }
      this.#lent.clear()
      this.#share?.leave()
      this.#link.destroy()
      this.#annex?.ended()
    })
  }
}

/** A time as a hello names it, in whole milliseconds: rounded up, since 0 means never. */
export function helloMs(ms: number): number {
  return Math.min(Math.ceil(ms), MOST_MS)
}

/** The windows, those on memory of the set moved with it. */
function moved(windows: readonly Uint8Array[], memory: ReadonlySet<ArrayBufferLike>): readonly Uint8Array[] {
  const isMoving = ({ buffer }: Uint8Array) => memory.has(buffer)
  const gone = windows.filter(isMoving)
  const fresh = structuredClone(gone, { transfer: [...memory] as ArrayBuffer[] })
  let at = 0
  return windows.map(window => (gone[at] === window ? fresh[at++]! : window))
}
