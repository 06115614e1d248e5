/**
 * Packets through an endpoint, in one direction: posts them, keeps count of what the peer has not yet taken in, and
 * waits when that is too much. Ports have no back-pressure of their own: the sender asks now and then, and the
 * answer comes when everything before the question has been taken in.
 */

import { isShared } from '../../bytes/window.js'
import { OutbandError } from '../../errors.js'
import { RingWriter } from '../../memory/ring.js'
import type { Parcel } from '../../packet.js'
import type { Counts, Transfer } from '../carrier.js'
import { Deferred } from '../deferred.js'
import { handOver } from '../handover.js'
import type { Endpoint } from './endpoint.js'
import { ASK, RING, SMALL, toPost } from './posts.js'

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

/** Whose posts these are: the brand they begin with, and how a post is introduced to a peer that may not know it. */
export interface Sender {
  readonly brand: string
  /** Whether the next post must be introduced. */
  readonly isUnknown: boolean
  introduce(post: unknown): { readonly message: unknown; readonly along: readonly object[] }
}

export class Link {
  readonly counts: Counts = { copied: 0, transferred: 0, shared: 0 }
  readonly #sender: Sender
  readonly #endpoint: Endpoint
  readonly #highWaterMark: number
  readonly #isStrict: boolean
  /** Bytes sent, sent when last asked, and taken in by the peer; all since the beginning. */
  #sent = 0
  #asked = 0
  #taken = 0
  #room: Deferred | undefined
  /** Posts made, modulo 2**32. */
  #posts = 0
  #ring: RingWriter | undefined

  constructor(endpoint: Endpoint, sender: Sender, { highWaterMark = 2 ** 24, strict = false }: LinkOptions) {
    this.#endpoint = endpoint
    this.#sender = sender
    this.#highWaterMark = highWaterMark
    this.#isStrict = strict
  }

  /** Bytes that the peer has not taken in, as far as is known. */
  get queuedBytes(): number {
    return this.#sent - this.#taken
  }

  /** Posts a packet; memory is copied, moved or shared before this returns. */
  send(parcel: Parcel, transfer: Transfer): Promise<void> | undefined {
    const { meta, buffers, hosts } = parcel
    const isBare = buffers.length === 0 && hosts === undefined && typeof transfer === 'boolean'
    if (isBare && this.#sendByRing(meta)) this.#sent += meta.length + MESSAGE_BYTES
    else if (isBare && typeof meta === 'string' && meta !== '') {
      // One without metadata would be a bell.
      this.#post(this.#sender.brand + meta, NO_LIST)
      this.#sent += meta.length + MESSAGE_BYTES
    } else this.#sendList(parcel, transfer)
    const queued = this.#sent - this.#taken
    if (this.#sent - this.#asked > this.#highWaterMark / 2 || queued > this.#highWaterMark) this.#ask()
    return queued > this.#highWaterMark ? this.room() : undefined
  }

  /** Posts something that is no packet: a note. */
  note(kind: number, count = 0): void {
    this.#post([this.#sender.brand, kind, count], NO_LIST)
  }

  /** Resolves when the bytes under way are under the high-water mark. */
  room(): Promise<void> | undefined {
    if (this.queuedBytes <= this.#highWaterMark) return undefined
    this.#room ??= new Deferred()
    return this.#room.promise
  }

  /** The peer has taken in what was sent up to this count. */
  taken(count: number): void {
    // A count from another peer of a broadcast, or from nowhere, must not open the gate for good.
    if (count > this.#taken && count <= this.#sent) this.#taken = count
    if (this.queuedBytes > this.#highWaterMark) return
    this.#room?.resolve()
    this.#room = undefined
  }

  /** Nobody will answer any more: whoever waits goes on, to learn that from the next `send`. */
  end(): void {
    this.#room?.resolve()
    this.#room = undefined
  }

  /** The peer offers a ring for small packets. @throws RING_CORRUPT when it is none */
  useRing(memory: unknown): void {
    if (this.#ring !== undefined) return
    this.#ring = new RingWriter(memory as SharedArrayBuffer)
  }

  /** Offers the peer a ring to write to. It is not counted among the posts: windows may refuse to carry it. */
  offer(memory: SharedArrayBuffer): void {
    this.#endpoint.post([this.#sender.brand, RING, memory], NO_LIST)
  }

  #ask(): void {
    if (this.#asked === this.#sent) return
    this.#asked = this.#sent
    this.note(ASK, this.#sent)
  }

  /** False when there is no ring, or no room in it. */
  #sendByRing(meta: Uint8Array | string): boolean {
    const ring = this.#ring
    if (ring === undefined || meta.length > SMALL || !ring.write(meta, this.#posts)) return false
    // A bell: a post with nothing in it.
    if (ring.mustWake()) this.#endpoint.post(this.#sender.brand, NO_LIST)
    return true
  }

  #sendList(parcel: Parcel, transfer: Transfer): void {
    const { meta, buffers } = parcel
    // To move a short run costs a port more than to clone it.
    const isLong = typeof meta !== 'string' && meta.length > SMALL
    const own = isLong && this.#endpoint.canMove ? [meta.buffer] : []
    const message = (posted: readonly Uint8Array[]) => toPost(this.#sender.brand, parcel, posted)
    // Measured first: what moves has no length afterwards.
    let byteLength = meta.length + MESSAGE_BYTES
    for (const buffer of buffers) byteLength += buffer.byteLength
    this.#move(parcel, transfer, message, (post, list) => this.#post(post, [...list, ...own]))
    this.#sent += byteLength
  }

  /**
   * Posts a packet as the plain value that `open` makes of it once its buffers are copied or about to move; `along`
   * moves with it. It is not counted: who takes it in says nothing.
   */
  sendPlain(
    parcel: Parcel,
    transfer: Transfer,
    open: (buffers: readonly Uint8Array[]) => unknown,
    along: readonly object[],
  ): void {
    this.#move(parcel, transfer, open, (message, list) => this.#endpoint.post(message, [...along, ...list]))
  }

  #post(message: unknown, list: object[]): void {
    if (!this.#sender.isUnknown) this.#endpoint.post(message, list)
    else {
      const introduced = this.#sender.introduce(message)
      this.#endpoint.post(introduced.message, [...introduced.along, ...list])
    }
    // Counted when made: the engine may have refused it.
    this.#posts = (this.#posts + 1) | 0
  }

  /** Posts a message made of a packet's buffers, as they are or copied. */
  #move(
    parcel: Parcel,
    transfer: Transfer,
    make: (buffers: readonly Uint8Array[]) => unknown,
    post: (message: unknown, list: object[]) => void,
  ): void {
    if (this.#endpoint.losesShared && parcel.buffers.some(({ buffer }) => isShared(buffer))) {
      throw new OutbandError('UNSUPPORTED', 'send: shared memory cannot go through a BroadcastChannel')
    }
    handOver(parcel, transfer, this.#isStrict, this.counts, (posted, list) => post(make(posted), list))
  }
}
