/**
 * A port with the interface it had, that posts packets. To a peer that is wrapped as well go metadata and exact
 * windows; to any other go plain clones, of exact windows too. `peer.ts` finds out which it is.
 */
import type { Transfer } from '../carriers/carrier.js'
import {
  type Endpoint,
  endpointOf,
  type PortLike,
  type Post,
  type WindowOptions,
} from '../carriers/port/endpoint.js'
import { Link } from '../carriers/port/link.js'
import { ASK, readPost, TEXT_BYTES } from '../carriers/port/posts.js'
import type { Codec, CodecOptions } from '../codec.js'
import { expectArgument } from '../errors.js'
import { Hosts } from '../hosts.js'
import type { Parcel } from '../packet.js'
import { Listeners, type MessageName } from './listeners.js'
import { Peer } from './peer.js'

/** Options of `wrapPort`; the codec's among them. */
export interface WrapOptions extends CodecOptions, WindowOptions {
  /** What becomes of the sender's memory when a post does not say. Default: it is copied, once. */
  readonly transfer?: Transfer | undefined
  /** Refuses, with NOT_TRANSFERABLE, what was to move and can only be copied; and what `strict` of `encode` refuses. */
  readonly strict?: boolean | undefined
  /** Packets of one tick share a post. Not for a thread that blocks (`Atomics.wait`) before its tick is over. Default false. */
  readonly batch?: boolean | undefined
  /** What the other end is. Default: found out. `'wrapped'` also spares the first messages their plain form. */
  readonly peer?: 'wrapped' | 'plain' | undefined
  /** Bytes under way above which `drained` waits. Default 4 MiB. */
  readonly highWaterMark?: number | undefined
}

/** What `postMessage` takes beside the value: as the platform's, or `{ transfer: true }` for all that can move. */
export type PostOptions = readonly object[] | { readonly transfer?: Transfer | undefined } | undefined

/** What a wrapped port has beyond the port. */
export interface Wrapped {
  /**
   * Posts a value. What is out of band is copied, moved or shared before this returns.
   * @throws what `encode` throws; NOT_TRANSFERABLE with `strict`; UNSUPPORTED for what the port itself refuses
   */
  postMessage(value: unknown, options?: PostOptions): void
  /** Resolves when the bytes that the peer has not taken in are under the high-water mark. */
  drained(): Promise<void>
  /** Bytes posted that the peer has not taken in, as far as is known; 0 while it is not known to be wrapped. */
  readonly bufferedAmount: number
  /** Bytes of out-of-band buffers posted, by what became of the sender's memory. */
  readonly counts: Readonly<{ copied: number; transferred: number; shared: number }>
}

/**
 * Wraps a Worker, MessagePort, `parentPort`, BroadcastChannel, a worker's own scope, or a Window: the same interface,
 * packets underneath. Use the wrapper in place of the port from then on.
 * @throws TypeError for what is no port, or an option of the wrong type
 */
export function wrapPort<P extends PortLike>(port: P, options: WrapOptions = {}): P & Wrapped {
  return new Wrapper(port, options).face as P & Wrapped
}

const DONE = Promise.resolve()
class Wrapper {
  readonly face: object
  readonly #port: PortLike
  readonly #endpoint: Endpoint
  readonly #link: Link
  readonly #peer: Peer
  readonly #codec: Codec
  readonly #hosts = new Hosts()
  readonly #transfer: Transfer
  readonly #listeners: { readonly [Name in MessageName]: Listeners }
  #stop: (() => void) | undefined
  #isClosed = false

  constructor(port: PortLike, options: WrapOptions) {
    const { targetOrigin, transfer = false, highWaterMark, batch = false, peer, ...codec } = options
    const isPeer = peer === undefined || peer === 'wrapped' || peer === 'plain'
    expectArgument(isPeer, 'peer', "'wrapped', 'plain' or nothing")
    this.#port = port
    this.#endpoint = endpointOf(port, { targetOrigin })
    this.#codec = this.#hosts.codec(codec)
    this.#transfer = transfer
    this.#peer = new Peer(peer ?? 'unknown', this.#endpoint.isBroadcast)
    this.#link = new Link(this.#endpoint, this.#peer, { highWaterMark, strict: options.strict, batch })
    this.#peer.onTaken = count => this.#link.taken(count)
    this.face = faceOf(port, this.#members())
    this.#listeners = { message: new Listeners(this.face), messageerror: new Listeners(this.face) }
    this.#endpoint.onGone(() => this.#end(), false)
  }

  post(value: unknown, options?: PostOptions): void {
    // As ports do: nothing happens any more, and nothing is thrown.
    if (this.#isClosed) return
    const transfer = transferOf(options) ?? this.#transfer
    const parcel = this.#hosts.collect(() => this.#codec.parcel(value, TEXT_BYTES))
    const { kind } = this.#peer
    if (kind === 'wrapped' || (kind === 'unknown' && parcel.isBeyondClone)) this.#link.send(parcel, transfer)
    else this.#postPlain(parcel, transfer)
  }

  /** What the peer would decode, made here: a clone of it is as good, and understood by everybody. */
  #postPlain(parcel: Parcel, transfer: Transfer): void {
    const plain = (buffers: readonly Uint8Array[]) =>
      this.#hosts.lend(parcel.hosts, () => this.#codec.open({ ...parcel, buffers }))
    this.#link.sendPlain(parcel, transfer, plain, this.#peer.present())
  }

  #hear({ data, ports, event }: Post): void {
    const { brand, message, ports: own } = this.#peer.hear(data, ports)
    const origin = { ports: own, event }
    if (brand === undefined) return this.#listeners.message.emit('message', message, origin)
    try {
      readPost(message, brand, {
        parcel: parcel => this.#take(parcel, origin),
        note: (kind, count) => {
          if (kind === ASK) this.#peer.acknowledge(count)
        },
      })
    } catch (error) {
      this.#listeners.messageerror.emit('messageerror', error, origin)
    }
  }

  #take(parcel: Parcel, origin: { ports: readonly object[]; event?: Event | undefined }): void {
    let value: unknown
    try {
      value = this.#hosts.lend(parcel.hosts, () => this.#codec.open(parcel))
    } catch (error) {
      return this.#listeners.messageerror.emit('messageerror', error, origin)
    }
    this.#listeners.message.emit('message', value, origin)
  }

  /** Hears the port while somebody hears this: a port without a listener keeps its messages, and no thread alive. */
  #attend(): void {
    const isHeard = this.#listeners.message.size > 0
    if (isHeard === (this.#stop !== undefined)) return
    if (isHeard) this.#stop = this.#endpoint.listen(post => this.#hear(post))
    else {
      this.#stop?.()
      this.#stop = undefined
    }
  }

  #end(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#link.end()
    this.#peer.close()
  }

  #listen(name: string, listener: unknown, how: 'bare' | 'event', once: boolean): boolean {
    if (name !== 'message' && name !== 'messageerror') return false
    this.#listeners[name].add(listener, how, once)
    this.#attend()
    if (how === 'bare') this.#endpoint.start()
    return true
  }

  #unlisten(name: string, listener?: unknown): boolean {
    if (name !== 'message' && name !== 'messageerror') return false
    if (listener === undefined) this.#listeners[name].clear()
    else this.#listeners[name].remove(listener)
    this.#attend()
    return true
  }

  /** What the wrapper does itself; all else is the port's. */
  #members(): Members {
    const raw = this.#port as unknown as Record<string, (...args: unknown[]) => unknown>
    const wrapper = this
    const on = (way: string, once: boolean) =>
      function (this: object, name: string, listener: unknown) {
        if (!wrapper.#listen(name, listener, 'bare', once)) raw[way](name, listener)
        return this
      }
    const off = (way: string) =>
      function (this: object, name: string, listener?: unknown) {
        if (!wrapper.#unlisten(name, listener)) raw[way](name, ...(listener === undefined ? [] : [listener]))
        return this
      }
    const handler = (name: MessageName): PropertyDescriptor => ({
      get: () => this.#listeners[name].property,
      set: (listener: unknown) => {
        this.#listeners[name].property = listener
        this.#attend()
        this.#endpoint.start()
      },
    })
    const ending = (way: string) => () => {
      if (!this.#isClosed) this.#link.flush()
      this.#end()
      return raw[way]()
    }
    return {
      always: {
        postMessage: { value: (value: unknown, options?: PostOptions) => this.post(value, options) },
        drained: { value: () => this.#link.room() ?? DONE },
        bufferedAmount: { get: () => this.#link.queuedBytes },
        counts: { get: () => this.#link.counts },
      },
      ifPresent: {
        on: { value: on('on', false) },
        once: { value: on('once', true) },
        addListener: { value: on('addListener', false) },
        off: { value: off('off') },
        removeListener: { value: off('removeListener') },
        removeAllListeners: { value: off('removeAllListeners') },
        addEventListener: {
          value: (name: string, listener: unknown, how?: boolean | { once?: boolean }) => {
            const once = typeof how === 'object' && how?.once === true
            if (!this.#listen(name, listener, 'event', once)) raw.addEventListener(name, listener, how)
          },
        },
        removeEventListener: {
          value: (name: string, listener: unknown, how?: unknown) => {
            if (!this.#unlisten(name, listener)) raw.removeEventListener(name, listener, how)
          },
        },
        onmessage: handler('message'),
        onmessageerror: handler('messageerror'),
        close: { value: ending('close') },
        terminate: { value: ending('terminate') },
      },
    }
  }
}

function transferOf(options: PostOptions): Transfer | undefined {
  if (options === undefined || options === null) return undefined
  if (Array.isArray(options)) return options
  expectArgument(typeof options === 'object', 'postMessage', 'a transfer list, or an object with transfer')
  return (options as { transfer?: Transfer }).transfer ?? undefined
}

interface Members {
  readonly always: PropertyDescriptorMap
  /** For the members among them that the port has. */
  readonly ifPresent: PropertyDescriptorMap
}

/** An object that has what the port has: our members, and behind them the port's own, bound to it. */
function faceOf(port: object, { always, ifPresent }: Members): object {
  const face = Object.create(Object.getPrototypeOf(port) as object | null) as object
  const ours: PropertyDescriptorMap = { ...always }
  for (const [name, descriptor] of Object.entries(ifPresent)) if (name in port) ours[name] = descriptor
  for (const name of namesOf(port)) {
    if (!(name in ours)) Object.defineProperty(face, name, delegate(port as Record<string, unknown>, name))
  }
  for (const [name, descriptor] of Object.entries(ours)) {
    Object.defineProperty(face, name, { ...descriptor, configurable: true, enumerable: true })
  }
  return face
}

/** The names of a port's members; of a window or a worker's scope, only those that make it a port. */
function namesOf(port: object): string[] {
  if ('window' in port || 'self' in port) return ['name', 'closed', 'origin'].filter(name => name in port)
  const names = new Set<string>()
  for (
    let base = port;
    base !== Object.prototype && base !== null;
    base = Object.getPrototypeOf(base) as object
  ) {
    for (const name of Object.getOwnPropertyNames(base)) if (name !== 'constructor') names.add(name)
  }
  return [...names]
}

function delegate(port: Record<string, unknown>, name: string): PropertyDescriptor {
  return {
    configurable: true,
    enumerable: true,
    get: () => {
      const member = port[name]
      return typeof member === 'function' ? member.bind(port) : member
    },
    set: (value: unknown) => {
      port[name] = value
    },
  }
}
