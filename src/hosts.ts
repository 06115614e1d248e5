/**
 * Objects that only the platform can move (ports, streams, blobs, keys, file handles): they stay as they are, in a
 * list beside the packet, and the metadata names them by number, as parts of a custom type of a reserved tag.
 */
import { isMemory, isShared } from './bytes/window.js'
import type { Transfer } from './carriers/carrier.js'
import { isHost, isStuck, obstacleOf } from './carriers/platform.js'
import { Codec, type CodecOptions } from './codec.js'
import { isOutbandError, OutbandError } from './errors.js'
import { NO_TEXT, type Parcel } from './packet.js'
import { type CustomType, defineType } from './registry.js'
import { stopped } from './value/trace.js'

const NONE: object[] = []
const TAG = 'outband.host'
const GONE = 'what has moved already cannot travel'

export type OwnParcel = ReturnType<Codec['parcel']>

/** The hosts of the message that is being encoded or decoded. */
export class Hosts {
  #list = NONE
  /** Where the value is only walked for the place of a host: whether it is that one. */
  #isSought: ((host: object) => boolean) | undefined
  readonly #type: CustomType<object> = defineType<object, number>({
    tag: TAG,
    is: isHost,
    reduce: host => this.#add(host),
    rebuild: number => {
      // A peer may say anything: of a name the list would give its method, or its prototype.
      const host = Number.isInteger(number) ? this.#list[number] : undefined
      if (host === undefined) throw new RangeError(`wanted a host below ${this.#list.length}, got ${number}`)
      return host
    },
  })

  /** A codec that passes hosts by. */
  codec(options: CodecOptions, keepsShapes = false): Codec {
    return new Codec(options, this.#type as CustomType, keepsShapes)
  }

  /** Encodes for a send with a codec of this; the hosts of the value are put to the parcel. */
  encode(codec: Codec, value: unknown, textBytes: number, transfer: Transfer): OwnParcel {
    const outer = this.#list
    this.#list = NONE
    try {
      const parcel = codec.parcel(value, textBytes, typeof transfer === 'object' ? transfer : undefined)
      return this.#list === NONE ? parcel : { ...parcel, hosts: this.#list }
    } finally {
      this.#list = outer
    }
  }

  /** Decodes with a codec of this; the hosts that came with the parcel take their places. */
  decode(codec: Codec, parcel: Parcel): unknown {
    if (parcel.hosts === undefined) return codec.open(parcel)
    const outer = this.#list
    this.#list = [...parcel.hosts]
    try {
      return codec.open(parcel)
    } finally {
      this.#list = outer
    }
  }

  /**
   * The error of a send, with the place of the host that did not move, where it can be told: nobody says which it was, so
   * the value is encoded again.
   */
  placed(error: unknown, codec: Codec, value: unknown, parcel: Parcel, transfer: Transfer): unknown {
    if (!isOutbandError(error, 'UNSUPPORTED') || error.path !== undefined) return error
    const { hosts = NONE } = parcel
    const isCulprit = error.cause !== undefined && isOnlySuspect(parcel, transfer)
    if (!isCulprit && !hosts.some(isStuck)) return error
    this.#isSought = isCulprit ? () => true : isStuck
    try {
      this.encode(codec, value, NO_TEXT, false)
    } catch (found) {
      if (isOutbandError(found, 'UNSUPPORTED') && found.path !== undefined) {
        const { path } = found
        return new OutbandError('UNSUPPORTED', `${error.message} at ${path}`, { path, cause: error.cause })
      }
    } finally {
      this.#isSought = undefined
    }
    return error
  }

  #add(host: object): number {
    if ('drained' in host || this.#isSought?.(host) === true) {
      throw stopped('UNSUPPORTED', obstacleOf(host) ?? GONE)
    }
    if (this.#list === NONE) this.#list = []
    return this.#list.push(host) - 1
  }
}

/** Whether nothing but the one host of a parcel can be what a port refuses: it takes memory, unless it is shared. */
function isOnlySuspect({ buffers, hosts = NONE }: Parcel, transfer: Transfer): boolean {
  const [host] = hosts
  const isClear = (item: object) => item === host || ArrayBuffer.isView(item) || isMemory(item)
  return (
    new Set(hosts).size === 1 &&
    (typeof transfer === 'boolean' || transfer.every(isClear)) &&
    !buffers.some(({ buffer }) => isShared(buffer))
  )
}
