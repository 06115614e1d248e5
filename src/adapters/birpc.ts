/**
 * birpc over a port: calls and answers as packets. birpc has one pair of functions for all of a message; who calls
 * and who answers, and which call it is, stays outside the packet, so that one that cannot be read still fails its call:
 *
 *      { t: 'q', i, m, o, p: [arguments] }        a call
 *      { t: 's', i, p: result or what was thrown }   an answer
 *
 * A call without a packet is answered as birpc itself does: `{ t: 's', i, e }`.
 */
import {
  type Endpoint,
  endpointOf,
  type PortLike,
  peerGone,
  type WindowOptions,
} from '../carriers/port/endpoint.js'
import { expectOptions, type OutbandError } from '../errors.js'
import { type AdapterOptions, isSealed, refused, type Sealed, Seals } from './sealed.js'

export { transfer } from './sealed.js'

/** Options of `birpcPort`. */
export interface BirpcPortOptions extends AdapterOptions, WindowOptions {}

/** What `createBirpc` and `createBirpcGroup` take as options of a channel. */
export interface BirpcChannel {
  post(data: unknown): void
  on(hear: (data: unknown) => void): void
  off(hear: (data: unknown) => void): void
  serialize(message: unknown): unknown
  deserialize(data: unknown): unknown
}

/** birpc's message: a call, or with `t: 's'` an answer. */
interface RpcMessage {
  readonly t: 'q' | 's'
  readonly i?: string
  readonly m?: string
  readonly a?: unknown[]
  readonly o?: boolean
  readonly r?: unknown
  readonly e?: unknown
}

/** A message whose values are sealed. */
interface Letter {
  readonly head: Head
  readonly seal: Sealed
}
type Head = Omit<RpcMessage, 'a' | 'r' | 'e'>

/** An answer to no call, which birpc passes over. */
const NOTHING: RpcMessage = { t: 's' }

/**
 * A Worker, MessagePort, `parentPort`, BroadcastChannel, a worker's own scope, or a Window as options of birpc:
 * `createBirpc(functions, { ...birpcPort(port), timeout })`. Both sides must do so. Calls that wait when the other
 * thread ends are rejected with PEER_GONE.
 * @throws TypeError for what is no port, or an option of the wrong type
 */
export function birpcPort(port: PortLike, options: BirpcPortOptions = {}): BirpcChannel {
  expectOptions(options)
  const { targetOrigin, ...rest } = options
  return new BirpcPort(endpointOf(port, { targetOrigin }), rest).channel
}

class BirpcPort {
  readonly #endpoint: Endpoint
  readonly #seals: Seals
  /** Calls without an answer. */
  readonly #waiting = new Set<string>()
  readonly #listeners = new Map<(data: unknown) => void, () => void>()
  /** Hears of the port's end no longer; undefined while nobody listens. */
  #leave: (() => void) | undefined
  #gone: OutbandError | undefined

  constructor(endpoint: Endpoint, options: AdapterOptions) {
    this.#endpoint = endpoint
    this.#seals = new Seals(options)
  }

  get channel(): BirpcChannel {
    return {
      post: letter => this.#post(letter as Letter),
      on: hear => this.#on(hear),
      off: hear => this.#off(hear),
      serialize: message => this.#serialize(message as RpcMessage),
      deserialize: data => this.#deserialize(data),
    }
  }

  #on(hear: (data: unknown) => void): void {
    this.#listeners.set(hear, this.#endpoint.listen(hear, false))
    this.#leave ??= this.#endpoint.onGone(reason => this.#end(reason), false)
    this.#endpoint.start()
  }

  #off(hear: (data: unknown) => void): void {
    this.#listeners.get(hear)?.()
    this.#listeners.delete(hear)
    if (this.#listeners.size > 0) return
    this.#leave?.()
    this.#leave = undefined
  }

  #serialize({ a, r, e, ...head }: RpcMessage): Letter {
    if (head.t === 'q') {
      const seal = this.#seals.seal(a)
      return { head, seal }
    }
    if (e !== undefined) return { head, seal: this.#seals.sealThrown(e) }
    try {
      return { head, seal: this.#seals.seal(r) }
    } catch (error) {
      // The caller waits for an answer: that there can be none is one.
      return { head, seal: this.#seals.sealThrown(error) }
    }
  }

  #post({ head, seal }: Letter): void {
    if (this.#gone !== undefined) throw this.#gone
    const { t, i } = head
    try {
      this.#endpoint.post({ ...head, p: seal.message }, seal.list)
    } catch (error) {
      if (t === 'q') throw refused(error)
      // As above. It would be thrown at nobody, and end the thread.
      const { message, list } = this.#seals.sealThrown(refused(error))
      this.#endpoint.post({ ...head, p: message }, list)
    }
    if (t === 'q' && i !== undefined) this.#waiting.add(i)
  }

  #deserialize(data: unknown): RpcMessage {
    if (data instanceof Ended) return data.answer
    // The port may serve others too.
    if (!isMessage(data)) return NOTHING
    const { p, ...head } = data
    if (head.t === 's') this.#waiting.delete(head.i as string)
    try {
      const value = this.#seals.open(p)
      return head.t === 'q' ? { ...head, a: value as unknown[] } : { ...head, r: value }
    } catch (error) {
      if (head.i === undefined) throw error
      if (head.t === 's') return { ...head, e: error }
      if (isSealed(p)) return { ...head, a: unreadable(error) }
      // Who asks without a packet reads none: it would be a result of undefined.
      this.#endpoint.post({ t: 's', i: head.i, e: error }, [])
      return NOTHING
    }
  }

  #end(reason: unknown): void {
    this.#gone = peerGone(reason)
    for (const i of this.#waiting) {
      for (const hear of this.#listeners.keys()) hear(new Ended({ t: 's', i, e: this.#gone }))
    }
    this.#waiting.clear()
  }
}

/** Whether a message is birpc's: a call of a function, or an answer to a call. */
function isMessage(data: unknown): data is Head & { readonly p?: unknown } {
  const { t, i, m } = (data ?? {}) as Partial<RpcMessage>
  return (t === 'q' && m !== undefined) || (t === 's' && i !== undefined)
}

/** An answer of our own to a call that will get no other. */
class Ended {
  constructor(readonly answer: RpcMessage) {}
}

/** Arguments that throw when birpc spreads them: inside its `try`, whose errors go back to the caller. */
function unreadable(error: unknown): unknown[] {
  return Object.defineProperty({}, 'length', {
    get: () => {
      throw error
    },
  }) as unknown[]
}
