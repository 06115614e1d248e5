/**
 * Packets out: into the ring while there is room, else to wait for some, in order. What must move, is shared or is long
 * goes by the port, at once, and an entry of the ring says when it is its turn: behind the post, for whoever reads the
 * entry in a thread that blocks must find it there. Memory is copied, moved or shared when
 * `send` returns.
 */
import { expectArgument, expectBytes, OutbandError } from '../../errors.js'
import type { RingWriter } from '../../memory/ring.js'
import type { Parcel } from '../../packet.js'
import type { Counts, Transfer } from '../carrier.js'
import { Deferred } from '../deferred.js'
import { handOver } from '../handover.js'
import { toPost } from '../port/posts.js'
import { Backlog } from './backlog.js'
import { BYE, META, PACKET, POSTED, packetBytes, writePacket } from './entry.js'
import { TAKEN, UNIT } from './wake.js'

/** Begins every post. The port is the carrier's alone, so it need not be secret. */
export const BRAND = 'outband ring 1:'
/** And one with nothing before it but what is in the ring: whoever hears it need not wait for its entry. As long. */
export const NEXT = 'outband ring 1>'
/** Longer packets go by the port, which moves their copy: two copies and a fresh memory cost more than the post. */
const INLINE = 32_768
/** Longer metadata is moved as well. */
const LONG_META = 8192

/** What a packet that is posted counts for, in units. */
export function unitsOf({ meta, buffers }: Parcel): number {
  let bytes = meta.length + UNIT
  for (const { byteLength } of buffers) bytes += byteLength
  return Math.ceil(bytes / UNIT)
}

/** Posts by the port; `isNext`: as one whose peer need not wait for its entry. */
type Post = (message: unknown, list: object[], isNext: boolean) => void

export class Outgoing {
  readonly counts: Counts = { copied: 0, transferred: 0, shared: 0 }
  readonly #writer: RingWriter
  readonly #post: Post
  readonly #isStrict: boolean
  readonly #highWaterMark: number
  readonly #inline: number
  /** What there is no room for yet. */
  readonly #backlog: Backlog
  /** Units that went by the port, and those of them that the peer had taken when last seen, modulo 2**32. */
  #posted = 0
  #taken = 0
  #room: Deferred | undefined

  /** @throws TypeError for an option of the wrong type */
  constructor(writer: RingWriter, post: Post, highWaterMark: number, isStrict: boolean) {
    expectBytes(highWaterMark, 'highWaterMark')
    expectArgument(typeof isStrict === 'boolean', 'strict', 'a boolean')
    this.#writer = writer
    this.#post = post
    this.#highWaterMark = highWaterMark
    this.#isStrict = isStrict
    this.#inline = Math.min(INLINE, writer.capacity / 4)
    this.#backlog = new Backlog(writer.capacity)
  }

  /** Bytes sent that the peer has not taken in, as far as was last seen. */
  get queuedBytes(): number {
    return this.#writer.unread + this.#backlog.byteLength + ((this.#posted - this.#taken) >>> 0) * UNIT
  }

  /** Bytes of entries since the beginning, those that there was no room for yet among them, modulo 2**32. */
  get entered(): number {
    return (this.#writer.written + this.#backlog.byteLength) | 0
  }

  /** The same with what went by the port. */
  get written(): number {
    return (this.entered + this.#posted * UNIT) | 0
  }

  /** Whether more is under way than should be; looks only when it seems so. @throws RING_CORRUPT */
  get isFull(): boolean {
    if (this.queuedBytes <= this.#highWaterMark) return false
    this.look()
    return this.queuedBytes > this.#highWaterMark
  }

  /** Whether all of it is in the ring. */
  get isFlushed(): boolean {
    return this.#backlog.isEmpty
  }

  /** Whether somebody waits for what the peer takes in. */
  get isWaiting(): boolean {
    return !this.#backlog.isEmpty || this.#room !== undefined
  }

  /** Takes a packet. @throws DETACHED, UNSUPPORTED, NOT_TRANSFERABLE, RING_CORRUPT */
  send(parcel: Parcel, transfer: Transfer): void {
    const { meta, buffers, hosts, ports } = parcel
    if (hosts !== undefined || ports !== undefined || typeof transfer === 'object') {
      return this.#sendPost(parcel, transfer)
    }
    if (buffers.length === 0 && meta.length <= this.#inline) return this.#sendMeta(meta, parcel.lent)
    const length = transfer ? -1 : packetBytes(parcel, this.#inline)
    if (length < 0) return this.#sendPost(parcel, transfer)
    const ring = this.#ringFor(length)
    writePacket(ring, ring.claim(length), parcel)
    ring.commit(PACKET)
    for (const { byteLength } of buffers) this.counts.copied += byteLength
  }

  /** Says that nothing more will come. @throws RING_CORRUPT */
  bye(): void {
    this.#sendBare(BYE)
  }

  /** Writes what waits while there is room; whether nothing waits any more. @throws RING_CORRUPT */
  flush(): boolean {
    this.#backlog.moveTo(this.#writer)
    return this.isFlushed
  }

  /** Sees how far the peer has come. @throws RING_CORRUPT */
  look(): void {
    this.#writer.look()
    const taken = Atomics.load(this.#writer.control, TAKEN)
    const passed = (taken - this.#taken) >>> 0
    const most = (this.#posted - this.#taken) >>> 0
    if (passed > most) {
      const message = `ring: more was taken than was posted; wanted at most ${most} units, got ${passed}`
      throw new OutbandError('RING_CORRUPT', message, { requested: passed, available: most })
    }
    this.#taken = taken
  }

  /** Whether the peer has taken in everything. @throws RING_CORRUPT */
  isTaken(): boolean {
    if (!this.isFlushed) return false
    this.look()
    return this.queuedBytes === 0
  }

  /** Resolves when the bytes under way are under the high-water mark; nothing, when they are. */
  room(): Promise<void> | undefined {
    if (!this.isFull) return undefined
    this.#room ??= new Deferred()
    return this.#room.promise
  }

  /** Lets go on whoever waits, when there is room. @throws RING_CORRUPT */
  letGo(): void {
    if (this.#room === undefined || this.isFull) return
    this.#room.resolve()
    this.#room = undefined
  }

  /** At the end: all was taken in, but after an error nobody knows what. */
  end(error: OutbandError | undefined): void {
    if (error === undefined) this.#room?.resolve()
    else this.#room?.reject(error)
    this.#room = undefined
  }

  #sendMeta(meta: Uint8Array | string, lent?: DataView): void {
    if (this.#backlog.isEmpty && this.#writer.write(meta, META, lent)) return
    this.#backlog.roomFor(meta.length).write(meta, META, lent)
  }

  #sendBare(mark: number): void {
    const ring = this.#ringFor(0)
    ring.claim(0)
    ring.commit(mark)
  }

  #sendPost(parcel: Parcel, transfer: Transfer): void {
    // The metadata may lie on more than itself.
    const meta = typeof parcel.meta === 'string' ? parcel.meta : parcel.meta.slice()
    const units = unitsOf(parcel)
    const own = typeof meta !== 'string' && meta.length > LONG_META ? [meta.buffer] : []
    const isNext = this.#backlog.isEmpty
    const brand = isNext ? NEXT : BRAND
    handOver(parcel, transfer, this.#isStrict, this.counts, (buffers, list) =>
      this.#post(toPost(brand, { ...parcel, meta }, buffers), [...list, ...own], isNext),
    )
    this.#posted = (this.#posted + units) | 0
    this.#sendBare(POSTED)
  }

  /** Where there is room for an entry. */
  #ringFor(length: number): RingWriter {
    const hasRoom = this.#backlog.isEmpty && this.#writer.claim(length) >= 0
    return hasRoom ? this.#writer : this.#backlog.roomFor(length)
  }
}
