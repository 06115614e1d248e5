/**
 * Both halves together. An encoder and a decoder are kept and reused: their memory and what they learned
 * about shapes is most of their speed. Code that runs inside a call (getters, `reduce`, `rebuild`,
 * callbacks) may call encode and decode again; it gets a fresh one.
 */
import { isBytes } from './bytes/window.js'
import { Decoder } from './decode/decode.js'
import { type DecodeOptions, decodeSettings } from './decode/settings.js'
import { Encoder } from './encode/encode.js'
import { type EncodeOptions, encodeSettings } from './encode/settings.js'
import { expectArgument } from './errors.js'
import type { Packet, PacketLike, Parcel } from './packet.js'
import type { CustomType } from './registry.js'

/** Options of both directions; a call's own options go before them. */
export interface CodecOptions extends EncodeOptions, DecodeOptions {}

/** An encoder and a decoder with their options. */
export class Codec {
  readonly #options: CodecOptions | undefined
  readonly #encodeSettings
  readonly #decodeSettings
  /** Made when first needed: a port that only sends decodes nothing. */
  #encoder: Encoder | undefined
  #decoder: Decoder | undefined

  /** @throws TypeError for an option of the wrong type */
  constructor(options?: CodecOptions)
  /** @internal With the type of what a carrier takes as it is. */
  constructor(options: CodecOptions | undefined, host: CustomType)
  constructor(options?: CodecOptions, host?: CustomType) {
    this.#encodeSettings = encodeSettings(options, host)
    this.#decodeSettings = decodeSettings(options, host)
    // A copy, limits resolved: what the caller does to the object later changes nothing.
    this.#options = options && { ...options, limits: this.#decodeSettings.limits }
  }

  /** As `encode`, with the codec's options under those of the call. */
  encode(value: unknown, options?: EncodeOptions): Packet {
    const settings =
      options === undefined ? this.#encodeSettings : encodeSettings(merged(this.#options, options))
    return this.#freeEncoder().encode(value, settings)
  }

  /** As `decode`, with the codec's options under those of the call. */
  decode<T = unknown>(packet: PacketLike, options?: DecodeOptions): T {
    const settings =
      options === undefined ? this.#decodeSettings : decodeSettings(merged(this.#options, options))
    expectArgument(isBytes(packet.meta), 'packet.meta', 'a Uint8Array')
    return this.#freeDecoder().decode(packet, settings) as T
  }

  /** @internal The value as a parcel, its metadata as text up to so many bytes. */
  parcel(value: unknown, textBytes: number): Parcel & { readonly isBeyondClone: boolean } {
    const encoder = this.#freeEncoder()
    const { meta, buffers } = encoder.parcel(value, this.#encodeSettings, textBytes)
    return { meta, buffers, isBeyondClone: encoder.isBeyondClone }
  }

  /** @internal The value of a parcel. */
  open(parcel: Parcel): unknown {
    return this.#freeDecoder().decode(parcel, this.#decodeSettings)
  }

  #freeEncoder(): Encoder {
    this.#encoder ??= new Encoder()
    return this.#encoder.isBusy ? new Encoder() : this.#encoder
  }

  #freeDecoder(): Decoder {
    this.#decoder ??= new Decoder()
    return this.#decoder.isBusy ? new Decoder() : this.#decoder
  }
}

/** The codec's options under those of a call; one of `undefined` is none, and single limits go over the codec's. */
function merged(own: CodecOptions | undefined, call: CodecOptions): CodecOptions {
  if (own === undefined) return call
  const given = Object.entries(call).filter(([, option]) => option !== undefined)
  const options: CodecOptions = { ...own, ...Object.fromEntries(given) }
  if (typeof own.limits !== 'object' || typeof call.limits !== 'object') return options
  return { ...options, limits: { ...own.limits, ...call.limits } }
}

const codec = new Codec()

/**
 * Splits a value into metadata and out-of-band buffers.
 *
 * Memory: `meta` is fresh and owns its ArrayBuffer; `buffers` are windows on the caller's memory (borrow):
 * nothing is copied or detached, and a write to the value's arrays shows through them until they are sent.
 *
 * @throws UNSUPPORTED when the value holds what cannot travel, with its path.
 * @throws DETACHED when a view lost its memory, before or during the call.
 * @throws LIMIT when the message would be one that its receiver's limits refuse.
 * @throws TypeError for an option of the wrong type. What getters, callbacks and `reduce` throw passes unchanged.
 */
export function encode(value: unknown, options?: EncodeOptions): Packet {
  return codec.encode(value, options)
}

/**
 * Puts a value together again from metadata and the buffers it was split from, in the same order.
 *
 * Memory: views lie on the buffers given (borrow; `out.buffer === in.buffer`) when they are aligned there,
 * else on one copy; what travelled in band is fresh (own). `buffers` is iterated lazily, once.
 *
 * @throws TRUNCATED, TRAILING, MALFORMED, VERSION, CHECKSUM when the bytes are not a whole message.
 * @throws BUFFERS when buffers are missing, too many, or of another size than announced.
 * @throws LIMIT when the message asks for more than `limits` allow.
 * @throws UNKNOWN_TYPE for a tag that `types` does not have; REBUILD when a type's own code fails.
 * @throws UNSUPPORTED for a kind of value that `limits` switch off or the engine lacks.
 * @throws TypeError when `packet` or an option is not of its type. Nothing else.
 */
export function decode<T = unknown>(packet: PacketLike, options?: DecodeOptions): T {
  return codec.decode<T>(packet, options)
}
