/**
 * Packets through an endpoint, in one direction: posts them, keeps count of what the peer has not yet taken in, and
 * waits when that is too much, since ports have no back-pressure of their own.
 */
import { isShared } from '../../bytes/window.js'
import { expectArgument, OutbandError } from '../../errors.js'
import { RingWriter } from '../../memory/ring.js'
import type { Parcel } from '../../packet.js'
import type { Counts, Transfer } from '../carrier.js'
import { Credits } from '../credits.js'
import { handOver, notTransferable } from '../handover.js'
import { noteDeparture } from './arrivals.js'
import type { Endpoint } from './endpoint.js'
import { ASK, RING, SMALL, TAKEN, TALLY, toPost } from './posts.js'
import { Tally } from './tally.js'

/** What one message costs beside its bytes, about. */
const MESSAGE_BYTES = 64

const NO_LIST: object[] = []

/** Options of whatever posts through a port. */
export interface LinkOptions {
  /** Bytes under way above which `send` waits. Default 16 MiB. */
  readonly highWaterMark?: number | undefined
  /** Refuses what could only be copied although it was to move. */
  readonly strict?: boolean | undefined
}

/** A message that introduces its sender, and what must move with it. */
export interface Introduction {
  readonly message: unknown
  readonly along: readonly object[]
  /** Told whether it was posted. */
  done(isPosted: boolean): void
}

/** Whose posts these are. */
export interface Sender {
  /** What they begin with. */
  readonly brand: string
  /** Whether the peer may not know the brand, so that the next post must be introduced. */
  readonly isUnknown: boolean
  /** Whether the peer can be asked how much it has taken in. */
  readonly isMet: boolean
  introduce(post: unknown): Introduction
  /** Whether somebody waits for the peer's answer, so that the thread must live. */
  hold(isHeld: boolean): void
}

export class Link {
  readonly counts: Counts = { copied: 0, transferred: 0, shared: 0 }
  readonly #sender: Sender
  readonly #endpoint: Endpoint
  readonly #isStrict: boolean
  readonly #credits: Credits
  /** Whether somebody waits for room. */
  #isHolding = false
  #isEnded = false
  /** Posts made since the ring was taken, modulo 2**32. */
  #posts = 0
  #ring: RingWriter | undefined
  /** Where the peer keeps count, once it has said so: marks then do for questions, until somebody waits. */
  #tally: Tally | undefined

  /** @throws TypeError for an option of the wrong type */
  constructor(endpoint: Endpoint, sender: Sender, { highWaterMark, strict = false }: LinkOptions) {
    expectArgument(typeof strict === 'boolean', 'strict', 'a boolean')
    this.#endpoint = endpoint
    this.#sender = sender
    this.#credits = new Credits(highWaterMark)
    this.#isStrict = strict
  }

  /** Bytes that the peer has not taken in, as far as is known; 0 while nobody would tell. */
  get queuedBytes(): number {
    this.#look()
    return this.#sender.isMet ? this.#credits.queuedBytes : 0
  }

  /** The same for who may read it until nothing is left: then the peer is asked. */
  poll(): number {
    const { queuedBytes } = this
    if (queuedBytes > 0 && !this.#isEnded && this.#credits.isAwaited()) this.#ask()
    return queuedBytes
  }

  /** Posts a packet; memory is copied, moved or shared before this returns. */
  send(parcel: Parcel, transfer: Transfer): Promise<void> | undefined {
    const { meta, buffers, hosts } = parcel
    const isBare = buffers.length === 0 && hosts === undefined && typeof transfer === 'boolean'
    if (isBare && this.#sendByRing(meta)) this.#credits.add(meta.length + MESSAGE_BYTES)
    else if (isBare && typeof meta === 'string' && meta !== '') {
      // One without metadata would be a bell.
      this.#post(this.#sender.brand + meta, NO_LIST)
      this.#credits.add(meta.length + MESSAGE_BYTES)
    } else this.#sendList(parcel, transfer)
    if (this.#sender.isMet && this.#credits.isDue) {
      this.#look()
      if (this.#credits.isDue) this.#ask()
    }
    return this.room()
  }

  /** Posts something that is no packet: a note. After the end there is nobody to read it. */
  note(kind: number, count = 0): void {
    if (!this.#isEnded) this.#post([this.#sender.brand, kind, count], NO_LIST)
  }

  /** Resolves when the bytes under way are under the high-water mark; nothing, when they are, or nobody will ever say. */
  room(): Promise<void> | undefined {
    if (this.#isEnded || !this.#sender.isMet) return undefined
    if (!this.#credits.isFull) return undefined
    this.#look()
    const room = this.#credits.room()
    if (room === undefined || this.#isHolding) return room
    this.#isHolding = true
    this.#sender.hold(true)
    this.#ask()
    return room
  }

  /** The peer has taken in what was sent up to this count. */
  taken(count: number): void {
    this.#credits.taken(count)
    if (!this.#credits.isFull) this.#letGo()
  }

  /** Nobody will answer for what was sent: the peer is another, or none of ours. */
  forget(): void {
    this.#credits.forgive()
    this.#ring = undefined
    this.#tally = undefined
    this.#letGo()
  }

  /** Nobody will answer any more: whoever waits hears of the error or, without one, goes on. */
  end(error?: OutbandError): void {
    this.#isEnded = true
    if (error === undefined) this.#credits.open()
    else this.#credits.end(error)
    this.#letGo()
  }

  #letGo(): void {
    if (!this.#isHolding) return
    this.#isHolding = false
    this.#sender.hold(false)
  }

  /** The peer offers a ring, or takes it back. @throws RING_CORRUPT when it is none */
  useRing(memory: unknown): void {
    if (memory === undefined) this.#ring = undefined
    if (memory === undefined || this.#ring !== undefined || this.#isEnded) return
    if (!isShared(memory)) throw new OutbandError('MALFORMED', 'port: wanted shared memory for a ring')
    const ring = new RingWriter(memory as SharedArrayBuffer)
    // What was posted before may have been lost, or heard by somebody else: both sides count from here.
    this.note(TAKEN)
    this.#posts = 0
    this.#ring = ring
  }

  /** The peer offers to keep a tally. @throws MALFORMED when it is none */
  useTally(memory: unknown): void {
    this.#tally ??= new Tally(memory)
  }

  /** Offers the peer a ring to write to, or takes it back. It is not counted among the posts: windows may refuse to carry it. */
  offer(memory: SharedArrayBuffer | undefined): void {
    this.#endpoint.post([this.#sender.brand, RING, memory], NO_LIST)
  }

  /** Offers the peer a tally to look at; it is not counted either. */
  offerTally(memory: SharedArrayBuffer): void {
    this.#endpoint.post([this.#sender.brand, TALLY, memory], NO_LIST)
  }

  /** Looks how far the peer has come. */
  #look(): void {
    if (this.#tally !== undefined) this.taken(this.#tally.count)
  }

  #ask(): void {
    const count = this.#credits.ask()
    if (count !== undefined) this.note(ASK, count)
  }

  /** False when there is no ring, or no room in it. */
  #sendByRing(meta: Uint8Array | string): boolean {
    const ring = this.#ring
    if (ring === undefined || meta.length > SMALL || !ring.write(meta, this.#posts)) return false
    // A bell: a post with nothing in it.
    if (ring.mustWake() !== 0) this.#endpoint.post(this.#sender.brand, NO_LIST)
    return true
  }

  #sendList(parcel: Parcel, transfer: Transfer): void {
    const { meta, buffers } = parcel
    // Measured first: what moves has no length afterwards.
    let byteLength = meta.length + MESSAGE_BYTES
    for (const buffer of buffers) byteLength += buffer.byteLength
    const mark = this.#tally === undefined ? undefined : this.#credits.nextMark(byteLength)
    this.#move(parcel, transfer, (posted, list) => {
      // To move a short run costs a port more than to clone it.
      if (typeof meta !== 'string' && meta.length > SMALL && this.#endpoint.canMove) list.push(meta.buffer)
      this.#post(toPost(this.#sender.brand, parcel, posted, mark), list)
    })
    this.#credits.add(byteLength)
    if (mark !== undefined) this.#credits.markAt(mark)
  }

  /**
   * Posts a packet as the plain value that `open` makes of it once its buffers are copied or about to move. It is not
   * counted: who takes it in says nothing.
   */
  sendPlain(
    parcel: Parcel,
    transfer: Transfer,
    open: (buffers: readonly Uint8Array[]) => unknown,
    introduce: (message: unknown) => Introduction,
  ): void {
    this.#move(parcel, transfer, (posted, list) => this.#postIntroduced(introduce(open(posted)), list))
  }

  #post(message: unknown, list: object[]): void {
    if (!this.#sender.isUnknown) this.#endpoint.post(message, list)
    else this.#postIntroduced(this.#sender.introduce(message), list)
    // Counted when made: the engine may have refused it.
    this.#posts = (this.#posts + 1) | 0
  }

  #postIntroduced({ message, along, done }: Introduction, list: object[]): void {
    let isPosted = false
    try {
      this.#endpoint.post(message, [...list, ...along])
      isPosted = true
    } finally {
      done(isPosted)
    }
  }

  /** Hands a packet's buffers to `post`, as they are or copied, with what moves. */
  #move(
    parcel: Parcel,
    transfer: Transfer,
    post: (buffers: readonly Uint8Array[], list: object[]) => void,
  ): void {
    const { canMove, losesShared } = this.#endpoint
    if (losesShared && parcel.buffers.some(({ buffer }) => isShared(buffer))) {
      throw new OutbandError('UNSUPPORTED', 'send: shared memory cannot go through a BroadcastChannel')
    }
    if (!canMove && this.#isStrict && transfer !== false) {
      throw notTransferable('through a broadcast channel memory', 0)
    }
    const { counts } = this
    const before = counts.transferred
    handOver(parcel, canMove ? transfer : false, this.#isStrict, counts, post)
    noteDeparture(counts.transferred - before)
  }
}
