/**
 * Objects that only the platform can move (ports, streams, blobs, keys, file handles): they stay as they are, in a
 * list beside the packet, and the metadata names them by number, as parts of a custom type of a reserved tag.
 */
import { isHost } from './carriers/port/platform.js'
import { Codec, type CodecOptions } from './codec.js'
import type { Parcel } from './packet.js'
import { type CustomType, defineType } from './registry.js'

const TAG = 'outband.host'

/** The hosts of the message that is being encoded or decoded. */
export class Hosts {
  #list: object[] = []
  readonly #type: CustomType<object> = defineType<object, number>({
    tag: TAG,
    is: isHost,
    reduce: host => this.#list.push(host) - 1,
    rebuild: number => {
      const host = this.#list[number]
      if (host === undefined) throw new RangeError(`wanted a host below ${this.#list.length}, got ${number}`)
      return host
    },
  })

  /** A codec that passes hosts by. */
  codec(options: CodecOptions): Codec {
    return new Codec(options, this.#type as CustomType)
  }

  /** Runs an encode; its hosts are put to the parcel. */
  collect<P extends Parcel>(encode: () => P): P {
    const outer = this.#list
    this.#list = []
    try {
      const parcel = encode()
      return this.#list.length === 0 ? parcel : { ...parcel, hosts: this.#list }
    } finally {
      this.#list = outer
    }
  }

  /** Runs a decode with the hosts that came with its parcel. */
  lend(hosts: readonly object[] | undefined, decode: () => unknown): unknown {
    if (hosts === undefined) return decode()
    const outer = this.#list
    this.#list = [...hosts]
    try {
      return decode()
    } finally {
      this.#list = outer
    }
  }
}
