/**
 * A port with the interface it had, that posts packets. To a peer that is wrapped as well go metadata and exact
 * windows; to any other go plain clones, of exact windows too. `peer.ts` finds out which it is.
 */
import type { Transfer } from '../carriers/carrier.js'
import {
  type Endpoint,
  endpointOf,
  lost,
  type PortLike,
  type WindowOptions,
} from '../carriers/port/endpoint.js'
import { Inlet, type Outlet } from '../carriers/port/inlet.js'
import { Link } from '../carriers/port/link.js'
import { ASK, TEXT_BYTES } from '../carriers/port/posts.js'
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
  /** What the other end is. Default: found out. `'wrapped'` also spares the first messages their plain form. */
  readonly peer?: 'wrapped' | 'plain' | undefined
  /** Bytes under way above which `drained` waits. Default 16 MiB. */
  readonly highWaterMark?: number | undefined
}

/** What `postMessage` takes beside the value: as the platform's, or `{ transfer: true }` for all that can move. */
export type PostOptions = readonly object[] | { readonly transfer?: Transfer | undefined } | undefined

/** A listener of `addEventListener`. */
export type MessageListener = ((event: MessageEvent) => void) | { handleEvent(event: MessageEvent): void }

/** What a wrapped port has beyond the port. */
export interface Wrapped {
  /**
   * Posts a value. What is out of band is copied, moved or shared before this returns.
   * @throws what `encode` throws; NOT_TRANSFERABLE with `strict`; UNSUPPORTED for what the port itself refuses
   */
  postMessage(value: unknown, options?: PostOptions): void
  /** As ports have it; on Node's Worker too, which has only `on`. */
  addEventListener(name: MessageName, listener: MessageListener, options?: { once?: boolean }): void
  removeEventListener(name: MessageName, listener: MessageListener): void
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
const NO_PORTS: readonly object[] = []
class Wrapper implements Outlet {
  readonly face: object
  readonly #port: PortLike
  readonly #endpoint: Endpoint
  readonly #link: Link
  readonly #peer: Peer
  readonly #codec: Codec
  readonly #hosts = new Hosts()
  readonly #transfer: Transfer
  readonly #listeners: { readonly [Name in MessageName]: Listeners }
  readonly #inlet: Inlet
  #stop: (() => void) | undefined
  #isHeard = false
  /** The event of the post that is being read. */
  #event: MessageEvent | undefined
  #isClosed = false

  constructor(port: PortLike, options: WrapOptions) {
    const { targetOrigin, transfer = false, highWaterMark, peer, ...codec } = options
    const isPeer = peer === undefined || peer === 'wrapped' || peer === 'plain'
    expectArgument(isPeer, 'peer', "'wrapped', 'plain' or nothing")
    this.#port = port
    this.#endpoint = endpointOf(port, { targetOrigin })
    this.#codec = this.#hosts.codec(codec)
    this.#transfer = transfer
    this.#peer = new Peer(peer ?? 'unknown', this.#endpoint.isBroadcast)
    this.#link = new Link(this.#endpoint, this.#peer, { highWaterMark, strict: options.strict })
    this.#peer.onTaken = count => this.#link.taken(count)
    this.#peer.onRing = memory => this.#link.useRing(memory)
    // Not while a message is on its way through the listeners: it would be heard twice.
    this.#peer.onMet = () =>
      queueMicrotask(() => {
        if (this.#stop !== undefined) this.#listen()
      })
    this.#inlet = new Inlet(this, this.#endpoint.canShare)
    this.face = faceOf(port, this.#members())
    this.#listeners = { message: new Listeners(this.face), messageerror: new Listeners(this.face) }
    this.#endpoint.onGone(() => {
      this.#inlet.finish()
      this.#end()
    }, false)
    this.#endpoint.onLost(event => {
      this.#listeners.messageerror.emit('messageerror', lost(), event, NO_PORTS)
    })
    if (this.#endpoint.isFlowing) this.#listen()
  }

  post(value: unknown, options?: PostOptions): void {
    // As ports do: nothing happens any more, and nothing is thrown.
    if (this.#isClosed) return
    const transfer = transferOf(options) ?? this.#transfer
    const parcel = this.#hosts.encode(this.#codec, value, TEXT_BYTES)
    const { kind } = this.#peer
    if (kind === 'wrapped' || (kind === 'unknown' && parcel.isBeyondClone)) this.#link.send(parcel, transfer)
    else this.#postPlain(parcel, transfer)
  }

  /** What the peer would decode, made here: a clone of it is as good, and understood by everybody. */
  #postPlain(parcel: Parcel, transfer: Transfer): void {
    const plain = (buffers: readonly Uint8Array[]) => this.#hosts.decode(this.#codec, { ...parcel, buffers })
    this.#link.sendPlain(parcel, transfer, plain, this.#peer.present())
  }

  #hear(data: unknown, event: MessageEvent | undefined): void {
    const brand = this.#peer.brandOf(data)
    if (brand !== undefined) return this.#read(data, brand, event)
    const heard = this.#peer.hear(data, event?.ports ?? NO_PORTS)
    if (heard.brand !== undefined) this.#read(heard.message, heard.brand, event)
    else this.#listeners.message.emit('message', data, event, heard.ports)
  }

  #read(message: unknown, brand: string, event: MessageEvent | undefined): void {
    const outer = this.#event
    this.#event = event
    try {
      this.#inlet.hear(message, brand)
    } catch (error) {
      this.#listeners.messageerror.emit('messageerror', error, event, NO_PORTS)
    } finally {
      this.#event = outer
    }
  }

  /** A packet of the peer's. */
  parcel(parcel: Parcel): void {
    if (this.#isClosed) return
    let value: unknown
    try {
      value = this.#hosts.decode(this.#codec, parcel)
    } catch (error) {
      return this.#listeners.messageerror.emit('messageerror', error, this.#event, NO_PORTS)
    }
    this.#listeners.message.emit('message', value, this.#event, NO_PORTS)
  }

  /** A note of the peer's: it asks when all before has been taken in, and now it has. */
  note(kind: number, count: number): void {
    if (kind === ASK) this.#peer.acknowledge(count)
  }

  offer(memory: SharedArrayBuffer): void {
    this.#peer.offer(memory)
  }

  broken(error: unknown): void {
    this.#listeners.messageerror.emit('messageerror', error, this.#event, NO_PORTS)
  }

  /** Offers come through the lane: a port that only sends is not heard. */
  ring(): void {}

  /**
   * Hears the port from the first listener on, and never leaves it: what comes through the ring is counted against
   * what comes through the port.
   */
  #attend(): void {
    const isHeard = this.#listeners.message.size > 0
    if (isHeard && this.#stop === undefined) this.#listen()
    else if (isHeard !== this.#isHeard) this.#endpoint.attend(isHeard)
    this.#isHeard = isHeard
  }

  /** Events are of use only for the ports by which a peer introduces itself. */
  #listen(): void {
    const before = this.#stop
    this.#stop = this.#endpoint.listen(
      (data, event) => this.#hear(data, event),
      this.#peer.kind !== 'wrapped',
    )
    // Last: without any listener Node would let the thread end.
    before?.()
  }

  #end(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#link.end()
    this.#peer.close()
  }

  #add(name: string, listener: unknown, isBare: boolean, isOnce: boolean): boolean {
    if (name !== 'message' && name !== 'messageerror') return false
    this.#listeners[name].add(listener, isBare, isOnce)
    this.#attend()
    if (isBare) this.#endpoint.start()
    return true
  }

  #remove(name: string, listener?: unknown): boolean {
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
        if (!wrapper.#add(name, listener, true, once)) raw[way](name, listener)
        return this
      }
    const off = (way: string) =>
      function (this: object, name: string, listener?: unknown) {
        if (!wrapper.#remove(name, listener)) raw[way](name, ...(listener === undefined ? [] : [listener]))
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
      this.#end()
      return raw[way]()
    }
    return {
      always: {
        postMessage: { value: (value: unknown, options?: PostOptions) => this.post(value, options) },
        drained: { value: () => this.#link.room() ?? DONE },
        bufferedAmount: { get: () => this.#link.queuedBytes },
        counts: { get: () => this.#link.counts },
        // Node's Worker has none, and libraries for ports of browsers ask for them.
        addEventListener: {
          value: (name: string, listener: unknown, how?: boolean | { once?: boolean }) => {
            const once = typeof how === 'object' && how?.once === true
            if (this.#add(name, listener, false, once)) return
            if ('addEventListener' in raw) raw.addEventListener(name, listener, how)
            else raw[once ? 'once' : 'on'](name, listener)
          },
        },
        removeEventListener: {
          value: (name: string, listener: unknown, how?: unknown) => {
            if (this.#remove(name, listener)) return
            if ('removeEventListener' in raw) raw.removeEventListener(name, listener, how)
            else raw.off(name, listener)
          },
        },
      },
      ifPresent: {
        on: { value: on('on', false) },
        once: { value: on('once', true) },
        addListener: { value: on('addListener', false) },
        off: { value: off('off') },
        removeListener: { value: off('removeListener') },
        removeAllListeners: { value: off('removeAllListeners') },
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
  for (const [name, descriptor] of Object.entries(ifPresent))
    if (isMember(name, port)) ours[name] = descriptor
  for (const name of namesOf(port)) {
    if (!(name in ours)) Object.defineProperty(face, name, delegate(port as Record<string, unknown>, name))
  }
  for (const [name, descriptor] of Object.entries(ours)) {
    Object.defineProperty(face, name, { ...descriptor, configurable: true, enumerable: true })
  }
  return face
}

/** What is shown of a window or a worker's scope beside what makes it a port. */
const SCOPE_MEMBERS = ['name', 'closed', 'origin']
/** What a window of another origin hides; it is heard on one's own. */
const WINDOW_EARS = new Set(['addEventListener', 'removeEventListener', 'onmessage', 'onmessageerror'])

/** A window of another origin throws when it is asked for most of its members. */
function isMember(name: string, port: object): boolean {
  try {
    return name in port
  } catch {
    return WINDOW_EARS.has(name)
  }
}

/** The names of a port's members; of a window or a worker's scope, only those that make it a port. */
function namesOf(port: object): string[] {
  if ('window' in port || 'self' in port) return SCOPE_MEMBERS.filter(name => isMember(name, port))
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
