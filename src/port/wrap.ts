/**
 * A port with the interface it had, that posts packets. To a peer that is wrapped as well go metadata and exact
 * windows; to any other go plain clones, of exact windows too. `peer.ts` finds out which it is.
 */
import { type Counts, expectTransfer, type Transfer } from '../carriers/carrier.js'
import { claim, expectFree } from '../carriers/claims.js'
import { isPort, mustMove } from '../carriers/platform.js'
import {
  type Endpoint,
  endpointOf,
  lost,
  type PortLike,
  type WindowOptions,
} from '../carriers/port/endpoint.js'
import { Inlet, type Outlet } from '../carriers/port/inlet.js'
import { Link } from '../carriers/port/link.js'
import { ASK, MARK, TEXT_BYTES } from '../carriers/port/posts.js'
import type { Codec, CodecOptions } from '../codec.js'
import { expectArgument, expectOptions, OutbandError } from '../errors.js'
import { Hosts, type OwnParcel } from '../hosts.js'
import type { Parcel } from '../packet.js'
import { Listeners, type MessageName } from './listeners.js'
import { Peer, type PeerListener } from './peer.js'

/** Options of `wrapPort`; the codec's among them. */
export interface WrapOptions extends CodecOptions, WindowOptions {
  /** What becomes of the sender's memory when a post does not say. Default: it is copied, once. */
  readonly transfer?: Transfer | undefined
  /** Refuses, with NOT_TRANSFERABLE, what was to move and can only be copied; and what `strict` of `encode` refuses. */
  readonly strict?: boolean | undefined
  /** What the other end is. Default: detected. `'wrapped'` also sends the first messages as packets. */
  readonly peer?: 'wrapped' | 'plain' | undefined
  /** Bytes in flight above which `drained` waits. Default 16 MiB. */
  readonly highWaterMark?: number | undefined
}

/** What `postMessage` takes beside the value: as the platform's, or `{ transfer: true }` for all that can move. */
export type PostOptions = readonly object[] | { readonly transfer?: Transfer | undefined } | undefined

/** A listener of `addEventListener`. */
export type MessageListener = ((event: MessageEvent) => void) | { handleEvent(event: MessageEvent): void }

/** Options of `addEventListener` that take effect. */
export interface ListenerOptions {
  readonly once?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly capture?: boolean | undefined
}

/** What a wrapped port has beyond the port. */
export interface Wrapped {
  /**
   * Posts a value. What is out of band is copied, moved or shared before this returns.
   * @throws what `encode` throws; NOT_TRANSFERABLE with `strict`; UNSUPPORTED for what the port itself refuses
   */
  postMessage(value: unknown, options?: PostOptions): void
  /** As ports have it; on Node's Worker too, which has only `on`. */
  addEventListener(name: MessageName, listener: MessageListener, options?: boolean | ListenerOptions): void
  addEventListener(name: string, listener: (event: never) => void, options?: boolean | ListenerOptions): void
  removeEventListener(
    name: string,
    listener: MessageListener | ((event: never) => void),
    options?: unknown,
  ): void
  /**
   * Resolves when the bytes that the peer has not accepted are under the high-water mark; at once while the peer is not
   * known to be wrapped, since it would not report.
   */
  drained(): Promise<void>
  /**
   * Bytes posted that the peer has not accepted, as far as is known: it reports in steps of half the high-water mark, and of the last
   * of it when this is read again with nothing posted for 10 ms. Is 0 while the peer is not known to be wrapped.
   */
  readonly bufferedAmount: number
  /** Bytes of out-of-band buffers posted, by what became of the sender's memory. */
  readonly counts: Readonly<Counts>
}

/**
 * Wraps a Worker, MessagePort, `parentPort`, BroadcastChannel, a worker's own scope, or a Window: the same interface,
 * packets underneath. Use the wrapper in place of the port from then on.
 * A port is wrapped once: a second call returns the same object, with the options of the first.
 * @throws TypeError for what is no port, one that a channel has, or an option of the wrong type
 */
export function wrapPort<P extends PortLike>(port: P, options: WrapOptions = {}): P & Wrapped {
  const before = faces.get(port)
  if (before !== undefined) return before as P & Wrapped
  const { face } = new Wrapper(port, options)
  faces.set(port, face)
  faces.set(face, face)
  return face as P & Wrapped
}

/** Wrapped ports by port, and by themselves: two wrappers of one port would each count the other's posts. */
const faces = new WeakMap<object, object>()

const DONE = Promise.resolve()
const NO_PORTS: readonly object[] = []

class Wrapper implements Outlet, PeerListener {
  readonly face: object
  readonly #port: PortLike
  readonly #endpoint: Endpoint
  /** The event that tells of the port's end, to which this listens. */
  readonly #ending: string
  readonly #link: Link
  readonly #peer: Peer
  readonly #codec: Codec
  readonly #hosts = new Hosts()
  readonly #transfer: Transfer
  readonly #listeners: { readonly [Name in MessageName]: Listeners }
  /** Lets others have the port. */
  readonly #release: () => void
  #inlet: Inlet
  /** Whether the peer that the inlet is about has gone; what it posted before may still come. */
  #isForgotten = false
  /** Whether the user has called `start`. */
  #isStarted = false
  #watching: (() => void)[] = []
  #stop: (() => void) | undefined
  #isHeard = false
  /** Each takes what waits to take a listener back off the signal that it waits for. */
  readonly #unlisten = new Set<() => void>()
  /** The event of the post that is being read. */
  #event: MessageEvent | undefined
  #isClosed = false

  constructor(port: PortLike, options: WrapOptions) {
    expectOptions(options)
    const { targetOrigin, transfer = false, highWaterMark, peer, ...codec } = options
    const isPeer = peer === undefined || peer === 'wrapped' || peer === 'plain'
    expectArgument(isPeer, 'peer', "'wrapped', 'plain' or nothing")
    expectTransfer(transfer)
    this.#port = port
    this.#endpoint = endpointOf(port, { targetOrigin })
    expectFree(port, 'port')
    this.#ending = this.#endpoint.isFlowing ? 'exit' : 'close'
    this.#codec = this.#hosts.codec(codec)
    this.#transfer = transfer
    this.#peer = new Peer(peer ?? 'unknown', this.#endpoint.isBroadcast, this)
    this.#link = new Link(this.#endpoint, this.#peer, { highWaterMark, strict: options.strict })
    this.#inlet = new Inlet(this, this.#endpoint.canShare)
    this.face = faceOf(port, this.#members())
    const canRepeat = !isMember('addEventListener', port)
    this.#listeners = {
      message: new Listeners(this.face, () => this.#attend(), canRepeat),
      messageerror: new Listeners(this.face, () => {}, canRepeat),
    }
    this.#release = claim(port, 'port')
    this.#watch()
    if (this.#endpoint.isFlowing) this.#listen()
  }

  /** Hears what ends the port, and what it loses; once, however often it is asked to. */
  #watch(): void {
    for (const stop of this.#watching) stop()
    this.#watching = [
      this.#endpoint.onGone(() => {
        this.#inlet.finish()
        this.#end()
        for (const unlisten of this.#unlisten) unlisten()
      }, false),
      this.#endpoint.onLost(event => {
        this.#listeners.messageerror.emit('messageerror', lost(), event, NO_PORTS)
        if (this.#peer.isMet) this.#inlet.lost()
      }),
    ]
  }

  /** The peer has taken in so much. */
  taken(count: number): void {
    this.#link.taken(count)
  }

  ringOffered(memory: SharedArrayBuffer | undefined): void {
    this.#use(() => this.#link.useRing(memory))
  }

  tallyOffered(memory: SharedArrayBuffer): void {
    this.#use(() => this.#link.useTally(memory))
  }

  /** What the peer offers may be no ring or tally: nobody could catch what a lane's listener throws. */
  #use(use: () => void): void {
    try {
      use()
    } catch (error) {
      this.broken(error)
    }
  }

  forgotten(): void {
    this.#link.forget()
    this.#isForgotten = true
  }

  /** Takes in a post under this brand: of the peer, of the one before it, or the first of a new one. */
  #take(message: unknown, brand: string, event: MessageEvent | undefined): void {
    if (this.#isForgotten && !this.#peer.isFormer(brand)) {
      this.#isForgotten = false
      this.#inlet.finish()
      this.#inlet = new Inlet(this, this.#endpoint.canShare)
    }
    this.#inlet.hear(message, brand, event)
  }

  post(value: unknown, options: PostOptions | string, list: unknown): void {
    const transfer = transferOf(this.#endpoint.isOrigin(options) ? list : options) ?? this.#transfer
    if (this.#isClosed) {
      // As ports do: nothing happens any more, and nothing is thrown. A closed BroadcastChannel throws; let it.
      if (this.#endpoint.isBroadcast) this.#endpoint.post(undefined, [])
      return
    }
    const parcel = this.#hosts.encode(this.#codec, value, TEXT_BYTES, transfer)
    try {
      this.#postParcel(parcel, transfer)
    } catch (error) {
      throw this.#hosts.placed(error, this.#codec, value, parcel, transfer)
    }
  }

  #postParcel(parcel: OwnParcel, transfer: Transfer): void {
    const { kind } = this.#peer
    if (kind === 'wrapped' || (kind === 'unknown' && parcel.isBeyondClone && !this.#endpoint.isBroadcast)) {
      const ports = typeof transfer === 'boolean' ? NO_PORTS : transfer.filter(isPort)
      this.#link.send(ports.length === 0 ? parcel : { ...parcel, ports }, transfer)
    } else this.#postPlain(parcel, transfer)
  }

  /** What the peer would decode, made here: a clone of it is as good, and understood by everybody. */
  #postPlain(parcel: Parcel, transfer: Transfer): void {
    const plain = (buffers: readonly Uint8Array[]) => this.#hosts.decode(this.#codec, { ...parcel, buffers })
    // A stream brings ports of its own, which Node puts behind all others: not beside an introduction.
    const moved = [...(parcel.hosts ?? []), ...(typeof transfer === 'boolean' ? [] : transfer)]
    const isAlone = !moved.some(item => mustMove(item) && !isPort(item))
    this.#link.sendPlain(parcel, transfer, plain, message => this.#peer.present(message, isAlone))
  }

  #hear(data: unknown, event: MessageEvent | undefined): void {
    const brand = this.#peer.brandOf(data)
    if (brand !== undefined) return this.#take(data, brand, event)
    const heard = this.#peer.hear(data, event?.ports ?? NO_PORTS)
    if (heard.brand !== undefined) this.#take(heard.message, heard.brand, event)
    else if (heard.isForeign) this.#listeners.messageerror.emit('messageerror', foreign(), event, NO_PORTS)
    else this.#listeners.message.emit('message', data, event, heard.ports)
  }

  begin(event: MessageEvent | undefined): void {
    this.#event = event
  }

  /** A packet of the peer's. */
  parcel(parcel: Parcel): void {
    const event = this.#event
    let value: unknown
    try {
      value = this.#hosts.decode(this.#codec, parcel)
    } catch (error) {
      return this.#listeners.messageerror.emit('messageerror', error, event, NO_PORTS)
    }
    this.#listeners.message.emit('message', value, event, parcel.ports ?? NO_PORTS)
  }

  /** A note of the peer's: it asks when all before has been taken in, and now it has. */
  note(kind: number, count: number): void {
    if (kind === MARK) this.#inlet.took(count)
    else if (kind === ASK) {
      this.#peer.acknowledge(count)
      this.#inlet.keepTally()
    }
  }

  offer(memory: SharedArrayBuffer | undefined): void {
    this.#peer.offer(memory)
  }

  offerTally(memory: SharedArrayBuffer): void {
    this.#peer.offerTally(memory)
  }

  broken(error: unknown): void {
    this.#listeners.messageerror.emit('messageerror', error, this.#event, NO_PORTS)
  }

  /** Offers come through the lane: a port that only sends is not heard. */
  ring(): void {}
  tally(): void {}

  /** Hears the port while somebody hears this: without a listener a port keeps its messages, and no thread alive. */
  #attend(): void {
    const isHeard = this.#listeners.message.size > 0
    if (isHeard === this.#isHeard) return
    this.#isHeard = isHeard
    if (this.#endpoint.isFlowing) {
      const isKept = this.#endpoint.attend(isHeard)
      if (isHeard) this.#inlet.resume()
      else if (isKept) this.#inlet.hold()
    } else if (isHeard) {
      this.#listen()
      if (this.#isStarted) this.#endpoint.start()
      this.#inlet.resume()
    } else {
      this.#inlet.hold()
      this.#stop?.()
      this.#stop = undefined
    }
  }

  /** Not for nobody: Node throws away the messages of a port that was started and is not heard. */
  #start(): void {
    if (this.#isHeard) this.#endpoint.start()
  }

  #listen(): void {
    this.#stop = this.#endpoint.listen((data, event) => this.#hear(data, event), true)
  }

  /** Nothing is sent any more; what has come is still delivered, as by the port itself. */
  #end(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#release()
    this.#link.end()
    this.#peer.close()
  }

  /** Adds a listener until the signal aborts, of which nothing is kept once the listener has had its call or the port has ended. */
  #hearUntil(signal: AbortSignal, raw: Raw, name: string, listener: unknown, isOnce: boolean): void {
    expectArgument(typeof listener === 'function', 'listener', 'a function')
    const leave = () => {
      raw.off(name, ours)
      unlisten()
    }
    function hear(this: unknown, ...args: unknown[]): void {
      if (isOnce) leave()
      Reflect.apply(listener as () => void, this, args)
    }
    // By `listener` Node finds it when that is taken back. The same, added again, is another one, and stays.
    const ours = Object.assign(hear, { listener })
    const unlisten = () => {
      signal.removeEventListener('abort', leave)
      this.#unlisten.delete(unlisten)
    }
    raw.on(name, ours)
    signal.addEventListener('abort', leave)
    this.#unlisten.add(unlisten)
  }

  #of(name: unknown): Listeners | undefined {
    return name === 'message' || name === 'messageerror' ? this.#listeners[name] : undefined
  }

  /** The user's listeners of this name: those by which this hears of the port's end are not among them. */
  #countOf(raw: Raw, name: unknown, listener?: unknown): number {
    const ours = this.#of(name)
    if (ours !== undefined) return listener === undefined ? ours.size : ours.count(listener)
    const count = raw.listenerCount(name, listener) as number
    return listener === undefined && name === this.#ending ? count - 1 : count
  }

  #namesOf(raw: Raw): unknown[] {
    const isOurs = (name: unknown) => this.#of(name) !== undefined || name === this.#ending
    const theirs = (raw.eventNames() as unknown[]).filter(name => !isOurs(name))
    const heard = ['message', 'messageerror', this.#ending].filter(name => this.#countOf(raw, name) > 0)
    return [...theirs, ...heard]
  }

  /** With no name, all of the user's; not those by which this hears of the port's end. */
  #removeAll(raw: Raw, name?: string): void {
    const ours = this.#of(name)
    if (ours !== undefined) return ours.clear()
    if (name === undefined) {
      // First: a port that still has our listeners is one that Node takes messages from.
      for (const listeners of Object.values(this.#listeners)) listeners.clear()
      this.#stop?.()
      this.#stop = undefined
    }
    raw.removeAllListeners(...(name === undefined ? [] : [name]))
    this.#watch()
    if (name === undefined && this.#endpoint.isFlowing) this.#listen()
  }

  /** What the wrapper does itself; all else is the port's. */
  #members(): Members {
    const raw = this.#port as unknown as Raw
    const wrapper = this
    const on = (way: string, isOnce: boolean) =>
      function (this: object, name: string, listener: unknown) {
        const ours = wrapper.#of(name)
        if (ours === undefined) raw[way](name, listener)
        else {
          ours.add(listener, true, isOnce)
          wrapper.#start()
        }
        return this
      }
    const off = (way: string) =>
      function (this: object, name: string, listener: unknown) {
        const ours = wrapper.#of(name)
        if (ours === undefined) raw[way](name, listener)
        else ours.remove(listener, true)
        return this
      }
    const handler = (name: MessageName): PropertyDescriptor => ({
      get: () => this.#listeners[name].property,
      set: (listener: unknown) => {
        this.#listeners[name].property = listener
        this.#start()
      },
    })
    const ending = (way: string) => () => {
      this.#end()
      return raw[way]()
    }
    return {
      always: {
        postMessage: {
          value: (value: unknown, options?: PostOptions | string, list?: unknown) =>
            this.post(value, options, list),
        },
        drained: { value: () => this.#link.room() ?? DONE },
        bufferedAmount: { get: () => this.#link.poll() },
        counts: { get: () => this.#link.counts },
        // Node's Worker has none, and libraries for ports of browsers ask for them.
        addEventListener: {
          value: (name: string, listener: unknown, how?: boolean | ListenerOptions) => {
            const { once = false, signal, capture = false } = optionsOf(how)
            const ours = this.#of(name)
            if (ours === undefined) {
              if ('addEventListener' in raw) raw.addEventListener(name, listener, how)
              else if (signal === undefined) raw[once ? 'once' : 'on'](name, listener)
              else if (!signal.aborted) this.#hearUntil(signal, raw, name, listener, once)
            } else if (signal?.aborted !== true) ours.add(listener, false, once, capture, signal)
          },
        },
        removeEventListener: {
          value: (name: string, listener: unknown, how?: boolean | ListenerOptions) => {
            const ours = this.#of(name)
            const { capture = false } = optionsOf(how)
            if (ours !== undefined) ours.remove(listener, false, capture)
            else if ('removeEventListener' in raw) raw.removeEventListener(name, listener, how)
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
        removeAllListeners: {
          value: function (this: object, name?: string) {
            wrapper.#removeAll(raw, name)
            return this
          },
        },
        listenerCount: { value: (name: unknown, listener?: unknown) => this.#countOf(raw, name, listener) },
        eventNames: { value: () => this.#namesOf(raw) },
        onmessage: handler('message'),
        onmessageerror: handler('messageerror'),
        start: {
          value: () => {
            this.#isStarted = true
            this.#start()
          },
        },
        close: { value: ending('close') },
        terminate: { value: ending('terminate') },
      },
    }
  }
}

function optionsOf(how: boolean | ListenerOptions | null | undefined): ListenerOptions {
  return typeof how === 'object' ? (how ?? {}) : { capture: how === true }
}

/** The error for a packet whose sender does not know that the port is another's by now. */
function foreign(): OutbandError {
  return new OutbandError('UNSUPPORTED', 'port: a packet came for whoever had this port before')
}

/** Ports take any iterable for a list. */
function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}

/** @throws TypeError for what is no transfer */
function transferOf(options: unknown): Transfer | undefined {
  if (options === undefined || options === null) return undefined
  const given = isIterable(options) ? options : (options as { transfer?: unknown }).transfer
  const transfer = isIterable(given) ? [...given] : given
  if (transfer === undefined) {
    expectArgument(typeof options === 'object', 'postMessage', 'a transfer list, or an object with transfer')
    return undefined
  }
  expectTransfer(transfer)
  return transfer
}

/** The port, asked for members by name. */
type Raw = Record<string, (...args: unknown[]) => unknown>

interface Members {
  readonly always: PropertyDescriptorMap
  /** For the members among them that the port has. */
  readonly ifPresent: PropertyDescriptorMap
}

/** An object that has what the port has: our members, and behind them the port's own, bound to it. */
function faceOf(port: object, { always, ifPresent }: Members): object {
  const face = Object.create(Object.getPrototypeOf(port) as object | null) as object
  const raw = port as Readonly<Record<string | symbol, unknown>>
  const ours: PropertyDescriptorMap = { ...always }
  for (const [name, descriptor] of Object.entries(ifPresent))
    if (isMember(name, port)) ours[name] = descriptor
  for (const name of namesOf(port)) {
    if (!(name in ours)) Object.defineProperty(face, name, delegate(raw, name, face))
  }
  // What `console.log` calls, on an object that the platform knows, and where `getEventListeners` of Node looks.
  const hidden = Object.getOwnPropertySymbols(port).filter(({ description }) => description === 'kEvents')
  if (isMember(INSPECT, port)) hidden.push(INSPECT)
  for (const symbol of hidden) Object.defineProperty(face, symbol, delegate(raw, symbol, face))
  for (const [name, descriptor] of Object.entries(ours)) {
    Object.defineProperty(face, name, { ...descriptor, configurable: true, enumerable: true })
  }
  return face
}

/** What is shown of a window or a worker's scope beside what makes it a port. */
const SCOPE_MEMBERS = ['name', 'closed', 'origin']
/** What a window of another origin hides; it is heard on one's own. */
const WINDOW_EARS: ReadonlySet<string | symbol> = new Set([
  'addEventListener',
  'removeEventListener',
  'onmessage',
  'onmessageerror',
])

const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** A window of another origin throws when it is asked for most of its members. */
function isMember(name: string | symbol, port: object): boolean {
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

/** A member of the port's own; a method that returns the port returns the face. */
function delegate(
  port: Readonly<Record<string | symbol, unknown>>,
  name: string | symbol,
  face: object,
): PropertyDescriptor {
  return {
    configurable: true,
    enumerable: typeof name === 'string',
    get: () => {
      const member = port[name]
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        const result: unknown = member.apply(port, args)
        return result === port ? face : result
      }
    },
    set: (value: unknown) => {
      Reflect.set(port, name, value)
    },
  }
}
