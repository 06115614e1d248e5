/**
 * Packets through an endpoint, in one direction: posts them, keeps count of what the peer has not yet taken in, and
 * waits when that is too much. Ports have no back-pressure of their own: the sender asks now and then, and the
 * answer comes when everything before the question has been taken in.
 */
import { OutbandError } from '../../errors.js'
import type { Parcel } from '../../packet.js'
import type { Counts, Transfer } from '../carrier.js'
import { Deferred } from '../deferred.js'
import { copyOf, type Handover, handOver, notTransferable, settle } from '../handover.js'
import type { Endpoint } from './endpoint.js'
import { mustMove } from './platform.js'
import { ASK, textOf } from './posts.js'

/** What one message costs beside its bytes, about. */
const MESSAGE_BYTES = 64
/** A text is posted when it has grown so long, so that the peer need not wait for the end of the tick. */
const LONG_TEXT = 16_384

const NO_LIST: object[] = []

/** Options of whatever posts through a port. */
export interface LinkOptions {
  /** Bytes under way above which `send` waits. Default 4 MiB. */
  readonly highWaterMark?: number | undefined
  /** Refuses what could only be copied although it was to move. */
  readonly strict?: boolean | undefined
  /** Whether packets of one tick may share a post. */
  readonly batch: boolean
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
  readonly #isBatching: boolean
  /** Bytes sent, sent when last asked, and taken in by the peer; all since the beginning. */
  #sent = 0
  #asked = 0
  #taken = 0
  #room: Deferred | undefined
  #text = ''
  #isTickOpen = false

  constructor(
    endpoint: Endpoint,
    sender: Sender,
    { highWaterMark = 2 ** 22, strict = false, batch }: LinkOptions,
  ) {
    this.#endpoint = endpoint
    this.#sender = sender
    this.#highWaterMark = highWaterMark
    this.#isStrict = strict
    this.#isBatching = batch
  }

  /** Bytes that the peer has not taken in, as far as is known. */
  get queuedBytes(): number {
    return this.#sent - this.#taken
  }

  /** Posts a packet; memory is copied, moved or shared before this returns. */
  send(parcel: Parcel, transfer: Transfer): Promise<void> | undefined {
    const { meta, buffers, hosts } = parcel
    if (
      typeof meta === 'string' &&
      buffers.length === 0 &&
      hosts === undefined &&
      typeof transfer === 'boolean'
    ) {
      this.#sendText(textOf(meta))
      this.#sent += meta.length + MESSAGE_BYTES
    } else this.#sendList(parcel, transfer)
    const queued = this.#sent - this.#taken
    if (this.#sent - this.#asked > this.#highWaterMark / 2 || queued > this.#highWaterMark) this.#ask()
    return queued > this.#highWaterMark ? this.room() : undefined
  }

  /** Posts something that is no packet: a note. */
  note(kind: number, count = 0): void {
    this.flush()
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
    this.#text = ''
    this.#room?.resolve()
    this.#room = undefined
  }

  /** Posts what waits for the end of the tick. */
  flush(): void {
    const text = this.#text
    if (text === '') return
    this.#text = ''
    this.#post(this.#sender.brand + text, NO_LIST)
  }

  #ask(): void {
    if (this.#asked === this.#sent) return
    this.#asked = this.#sent
    this.note(ASK, this.#sent)
  }

  /** The first of a tick goes at once, so that a thread that then blocks has sent it; the rest goes together. */
  #sendText(text: string): void {
    if (this.#isTickOpen) {
      this.#text += text
      if (this.#text.length > LONG_TEXT) this.flush()
      return
    }
    this.#post(this.#sender.brand + text, NO_LIST)
    if (!this.#isBatching) return
    this.#isTickOpen = true
    queueMicrotask(() => {
      this.#isTickOpen = false
      this.flush()
    })
  }

  #sendList(parcel: Parcel, transfer: Transfer): void {
    const { meta, buffers, hosts = [] } = parcel
    const own = typeof meta !== 'string' && this.#endpoint.canMove ? [meta.buffer] : []
    const message = (posted: readonly Uint8Array[]) => [this.#sender.brand, meta, posted, hosts]
    this.#move(parcel, transfer, message, (post, list) => this.#post(post, [...list, ...own]))
    this.#sent += meta.length + MESSAGE_BYTES
    for (const { byteLength } of buffers) this.#sent += byteLength
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
    this.#move(parcel, transfer, open, (message, list) => this.#endpoint.post(message, [...list, ...along]))
  }

  #post(message: unknown, list: object[]): void {
    if (!this.#sender.isUnknown) return this.#endpoint.post(message, list)
    const introduced = this.#sender.introduce(message)
    this.#endpoint.post(introduced.message, [...list, ...introduced.along])
  }

  /** Posts a message made of a packet's buffers; when the engine refuses to move one, made of copies. */
  #move(
    { buffers, hosts = [] }: Parcel,
    transfer: Transfer,
    make: (buffers: readonly Uint8Array[]) => unknown,
    post: (message: unknown, list: object[]) => void,
  ): void {
    this.flush()
    let handover = handOver(buffers, transfer, this.#isStrict, this.counts)
    const attempt = () => {
      const { list } = handover
      const moving = hosts.filter(host => mustMove(host) && !list.includes(host))
      post(make(handover.buffers), [...list, ...moving])
    }
    try {
      attempt()
    } catch (error) {
      if (handover.moving.length === 0 || !isRefusal(error)) throw unsupported(error)
      if (this.#isStrict) throw notTransferable('memory of a pool, of WebAssembly or mapped', 0, error)
      handover = this.#copied(handover)
      attempt()
    }
    settle(handover, this.counts)
  }

  /** What to post instead when the engine refuses to move memory: copies. Node 20 makes them itself, without a word. */
  #copied({ buffers, list, moving }: Handover): Handover {
    const stays = new Set<object>(moving.map(([buffer]) => buffer))
    const others = list.filter(item => !stays.has(item))
    const copies = buffers.map(window => {
      if (!stays.has(window.buffer)) return window
      this.counts.copied += window.byteLength
      const copy = copyOf(window)
      others.push(copy.buffer)
      return copy
    })
    return { buffers: copies, list: others, moving: [] }
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name !== 'RangeError'
}

function unsupported(cause: unknown): OutbandError {
  const { message } = cause as Error
  return new OutbandError('UNSUPPORTED', `send: the port refuses the value: ${message}`, { cause })
}
