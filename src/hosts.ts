/**
 * Objects that only the platform can move (ports, streams, blobs, keys, file handles): they stay as they are, in a
 * list beside the packet, and the metadata names them by number, as parts of a custom type of a reserved tag.
 */
import type { Transfer } from './carriers/carrier.js'
import { isHost } from './carriers/platform.js'
import { Codec, type CodecOptions } from './codec.js'
import type { Parcel } from './packet.js'
import { type CustomType, defineType } from './registry.js'
import { stopped } from './value/trace.js'

const NONE: object[] = []
const TAG = 'outband.host'

type OwnParcel = ReturnType<Codec['parcel']>

/** The hosts of the message that is being encoded or decoded. */
export class Hosts {
  #list = NONE
  readonly #type: CustomType<object> = defineType<object, number>({
    tag: TAG,
    is: isHost,
    reduce: host => this.#add(host),
    rebuild: number => {
      const host = this.#list[number]
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

  #add(host: object): number {
    // The platform knows it not from a port until it is posted, and then does not say which it was.
    if ('drained' in host) {
      throw stopped('UNSUPPORTED', 'a wrapped port cannot travel; wanted the port that it wraps')
    }
    if (this.#list === NONE) this.#list = []
    return this.#list.push(host) - 1
  }
}
