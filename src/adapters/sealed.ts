/**
 * A packet as a message of somebody else's port, for libraries that post by themselves:
 *
 *      [kind, metadata, buffers, hosts]      kind: a value, what was thrown in place of one, or a call
 *
 * What moves with it is in the list beside it. By default that is copies of the exact windows, made when the value is
 * sealed: changes made afterwards do not travel, however long the library lets the message wait.
 */
import { isMemory, isShared } from '../bytes/window.js'
import { expectTransfer, type Transfer } from '../carriers/carrier.js'
import { handOver, isMovable, unsupported } from '../carriers/handover.js'
import { isHost } from '../carriers/platform.js'
import { TEXT_BYTES } from '../carriers/port/posts.js'
import type { Codec, CodecOptions } from '../codec.js'
import { expectArgument, expectOptions, OutbandError } from '../errors.js'
import { Hosts } from '../hosts.js'
import { give, takeGiven } from '../out-of-band.js'
import type { Parcel } from '../packet.js'
import { type CustomType, defineType, registry } from '../registry.js'
import { isError } from '../value/errors.js'
import { lightened, remainsOf } from './thrown.js'

/** Options of every adapter; the codec's among them. */
export interface AdapterOptions extends CodecOptions {
  /** What becomes of the sender's memory when a call does not say. Default: it is copied, once. */
  readonly transfer?: Transfer | undefined
  /**
   * Refuses, with NOT_TRANSFERABLE, what was to move and can only be copied; errors of which a part cannot travel; and
   * what `strict` of `encode` refuses.
   */
  readonly strict?: boolean | undefined
}

/** What the port carries. */
export type Message = readonly [
  kind: string,
  meta: Uint8Array | string,
  buffers: readonly Uint8Array[],
  hosts: readonly object[],
]

/** A message, and what moves with it. */
export interface Sealed {
  readonly message: Message
  readonly list: object[]
}

const VALUE = 'outband value'
const THROWN = 'outband thrown'
/** What asks for a value: a pool that gets it back as the answer has a worker that was not wrapped and returns its argument. */
export const CALL = 'outband call'

type Kind = typeof VALUE | typeof CALL

/** Both directions, with their options. */
export class Seals {
  readonly #hosts = new Hosts()
  readonly #codec: Codec
  /** Carries our own errors with their class. Its search costs every object some time, so values go without it. */
  readonly #thrownCodec: Codec
  readonly #transfer: Transfer
  readonly #isStrict: boolean

  /** @throws TypeError for an option of the wrong type */
  constructor(all: AdapterOptions, ...more: CustomType[]) {
    expectOptions(all)
    const { transfer = false, ...options } = all
    const own = options.types?.types ?? []
    const types = registry(...own, ...more)
    this.#codec = this.#hosts.codec(more.length === 0 ? options : { ...options, types })
    const isKnown = own.some(type => type.class === OutbandError)
    this.#thrownCodec = this.#hosts.codec(
      isKnown ? { ...options, types } : { ...options, types: registry(...types.types, outbandError) },
    )
    expectTransfer(transfer)
    this.#transfer = transfer
    this.#isStrict = options.strict ?? false
  }

  /**
   * Seals a value for a post that follows, and that detaches what moves.
   * @throws what `encode` throws; NOT_TRANSFERABLE with `strict`; TypeError for a `transfer` of the wrong type
   */
  seal(value: unknown, transfer: Transfer = this.#transfer, kind: Kind = VALUE): Sealed {
    expectTransfer(transfer)
    return this.#seal(kind, this.#codec, value, transfer, LATER)
  }

  /** Seals a value for a post that comes later and must not fail: what moves leaves the sender now. */
  sealNow(value: unknown, transfer: Transfer = this.#transfer, kind: Kind = VALUE): Sealed {
    expectTransfer(transfer)
    return this.#seal(kind, this.#codec, value, transfer, NOW)
  }

  /**
   * Seals what was thrown; of an error that cannot travel as a whole the parts that can, unless `strict` forbids to lose
   * any. When nothing travels, an error that says so.
   */
  sealThrown(thrown: unknown): Sealed {
    try {
      return this.#sealWhole(thrown)
    } catch (failure) {
      return this.#sealLightened(thrown) ?? this.#sealWhole(untravelled(thrown, failure))
    }
  }

  /**
   * The value of a message that is no call.
   * @throws what the other side threw; what `decode` throws; MALFORMED for what no `Seals` made
   */
  open(message: unknown): unknown {
    expectPacket(isSealed(message))
    return this.#open(message)
  }

  /** The value of a call. @throws what `decode` throws; MALFORMED for what is no call */
  openCall(message: unknown): unknown {
    expectCall(message)
    return this.#open(message)
  }

  #open(message: Message): unknown {
    const [kind, meta, buffers, hosts] = message
    const codec = kind === THROWN ? this.#thrownCodec : this.#codec
    const value = this.#hosts.decode(codec, { meta, buffers, hosts })
    if (kind === THROWN) throw value
    return value
  }

  #sealWhole(thrown: unknown): Sealed {
    return this.#seal(THROWN, this.#thrownCodec, thrown, false, NOW)
  }

  #sealLightened(thrown: unknown): Sealed | undefined {
    if (!isError(thrown) || this.#isStrict) return undefined
    try {
      return this.#sealWhole(lightened(thrown, part => this.#canTravel(part)))
    } catch {
      // A class that wants more of its errors than a stand-in has; the caller says why the whole cannot travel.
      return undefined
    }
  }

  #canTravel(value: unknown): boolean {
    try {
      this.#hosts.encode(this.#thrownCodec, value, TEXT_BYTES, false)
      return true
    } catch {
      return false
    }
  }

  #seal(kind: string, codec: Codec, value: unknown, usual: Transfer, post: Post): Sealed {
    const parcel = this.#hosts.encode(codec, value, TEXT_BYTES, usual)
    const { meta, hosts = [] } = parcel
    const transfer = wishFor(parcel, usual)
    const ready = isAsked(transfer) ? post.moving : post.copying
    const counts = { copied: 0, transferred: 0, shared: 0 }
    const load = (buffers: readonly Uint8Array[], list: object[]) => ready({ buffers, hosts, list })
    let readied: Load
    try {
      readied = handOver(parcel, transfer, this.#isStrict, counts, load)
    } catch (error) {
      throw this.#hosts.placed(error, codec, value, parcel, transfer)
    }
    return {
      message: [kind, meta, readied.buffers, readied.hosts],
      list: typeof meta === 'string' ? readied.list : [...readied.list, meta.buffer],
    }
  }
}

/** What goes beside the metadata. */
interface Load {
  readonly buffers: readonly Uint8Array[]
  readonly hosts: readonly object[]
  readonly list: object[]
}
/** Makes a load fit for a post that cannot be tried again. @throws when memory in the list cannot move */
type Readying = (load: Load) => Load

const asIs: Readying = load => load

const isAsked = (transfer: Transfer): boolean =>
  transfer === true || (transfer !== false && transfer.length > 0)

const checked: Readying = load => {
  const isStuck = (item: object) => isMemory(item) && !isShared(item) && !isMovable(item as ArrayBuffer)
  if (load.list.some(isStuck)) throw new TypeError('memory that cannot move')
  return load
}

/** A move to this thread: afterwards all is ours, whole and movable. */
const moved: Readying = ({ buffers, hosts, list }) => {
  const own = structuredClone({ buffers, hosts }, { transfer: list as ArrayBuffer[] })
  const memory = new Set<object>(own.buffers.map(({ buffer }) => buffer))
  const movable = [...memory].filter(buffer => !isShared(buffer))
  return { ...own, list: [...movable, ...own.hosts.filter((_, i) => list.includes(hosts[i] as object))] }
}

/** Copies are ours already. */
const movedHosts: Readying = load => (load.hosts.length === 0 ? load : moved(load))

/** How a load is made fit for its post: when the sender's memory moves with it, and when all is copied. */
interface Post {
  readonly moving: Readying
  readonly copying: Readying
}
const LATER: Post = { moving: checked, copying: asIs }
const NOW: Post = { moving: moved, copying: movedHosts }

/** Whether a message is a packet, and no call. */
export function isSealed(message: unknown): message is Message {
  return isMessage(message) && (message[0] === VALUE || message[0] === THROWN)
}

/** @throws MALFORMED for a message that is no call */
export function expectCall(message: unknown): asserts message is Message {
  expectPacket(isMessage(message) && message[0] === CALL)
}

function isMessage(message: unknown): message is Message {
  if (!Array.isArray(message) || message.length !== 4) return false
  const [kind, meta, buffers, hosts] = message as unknown[]
  if (typeof kind !== 'string' || !Array.isArray(buffers) || !Array.isArray(hosts)) return false
  return typeof meta === 'string' || ArrayBuffer.isView(meta)
}

/** @throws MALFORMED */
function expectPacket(isOne: boolean): asserts isOne {
  if (isOne) return
  throw new OutbandError('MALFORMED', 'open: a message that is no packet; is the other side wrapped as well?')
}

/**
 * Gives memory away with the next call that has it among its arguments or in its result, at whatever depth: these
 * ArrayBuffers (or those under these views), ports and streams move. Default: the value itself. Returns the value.
 * @throws TypeError for what does not move: an object that only holds memory, say
 */
export function transfer<T extends object>(value: T, list: readonly object[] = [value]): T {
  const isRight = Array.isArray(list) && list.every(isTransferable)
  expectArgument(isRight, 'transfer', 'an ArrayBuffer, view or port, or a list of them')
  for (const item of list) give(ArrayBuffer.isView(item) ? item.buffer : item)
  return value
}

function isTransferable(item: unknown): boolean {
  if (typeof item !== 'object' || item === null) return false
  return isMemory(item) || ArrayBuffer.isView(item) || isHost(item)
}

/** What is usual, and what of the parcel `transfer` was told of. */
function wishFor({ buffers, hosts = [] }: Parcel, usual: Transfer): Transfer {
  const given = [...buffers.map(({ buffer }) => buffer), ...hosts].filter(takeGiven)
  if (given.length === 0 || usual === true) return usual
  return usual === false ? given : [...usual, ...given]
}

/** What the port said of a message, as an error of ours; other errors stay as they are. */
export function refused(error: unknown): unknown {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown }
  // Node has an error of its own for a transfer list that holds what does not move.
  if (name !== 'DataCloneError' && code !== 'ERR_INVALID_TRANSFER_OBJECT') return error
  return unsupported(error)
}

/** Our own errors, with their class; built first, so that a cause may refer back. */
const outbandError: CustomType = defineType<OutbandError, Record<string, unknown>>({
  tag: 'outband.error',
  class: OutbandError,
  reduce: error => {
    const { message, stack } = error
    const hidden = Object.hasOwn(error, 'cause') ? { cause: error.cause } : {}
    return { fields: { ...error }, hidden: { message, stack, ...hidden } }
  },
  create: () => new OutbandError('MALFORMED', ''),
  fill: (error, { fields, hidden }) => {
    // Defined, not set: a key of the peer's may be `__proto__`.
    const define = (from: unknown, enumerable: boolean) => {
      for (const [key, value] of Object.entries(from as object)) {
        Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable })
      }
    }
    define(fields, true)
    define(hidden, false)
  },
}) as CustomType

/** What is said in place of what was thrown. */
function untravelled(thrown: unknown, failure: unknown): OutbandError {
  const reason = isError(failure) ? failure.message : 'it could not be read'
  const message = `thrown: what was thrown cannot travel: ${reason}`
  return new OutbandError('UNSUPPORTED', message, { cause: remainsOf(thrown) })
}
