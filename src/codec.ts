/**
 * Both halves together. An encoder and a decoder are kept and reused: their memory and what they learned
 * about shapes is most of their speed. Code that runs inside a call (getters, `reduce`, `rebuild`,
 * callbacks) may call encode and decode again; it gets a fresh one.
 */
import { writeText } from './bytes/text.js'
import { isBytes } from './bytes/window.js'
import { Decoder, type KnownShapes } from './decode/decode.js'
import { decodeSettings, type DecodeOptions as OwnDecodeOptions } from './decode/settings.js'
import { Encoder } from './encode/encode.js'
import {
  type EncodeSettings,
  encodeSettings,
  type EncodeOptions as OwnEncodeOptions,
} from './encode/settings.js'
import { expectArgument, expectObject, expectOptions } from './errors.js'
import { type Format, isFormat } from './formats/format.js'
import { expectPacket, LENT, type Packet, type PacketLike, type Parcel } from './packet.js'
import type { CustomType } from './registry.js'

interface FormatOption {
  /** How the metadata is written, for peers in other languages: `msgpack` of `outband/msgpack`, say. Default: our own format. */
  format?: Format | undefined
}

/** Options of `encode`. */
export interface EncodeOptions extends OwnEncodeOptions, FormatOption {}

/** Options of `decode`. */
export interface DecodeOptions extends OwnDecodeOptions, FormatOption {}

/** Options of both directions; a call's own options override them. */
export interface CodecOptions extends EncodeOptions, DecodeOptions {}

/** An encoder and a decoder with their options. */
export class Codec {
  readonly #options: CodecOptions | undefined
  readonly #format: Format | undefined
  readonly #encodeSettings: EncodeSettings
  readonly #decodeSettings
  /** Made when first needed: a port that only sends decodes nothing. */
  #encoder: Encoder | undefined
  #decoder: Decoder | undefined
  /** The peer's shapes, where both sides keep them. */
  readonly #known: KnownShapes | undefined

  /** @throws TypeError for an option of the wrong type */
  constructor(options?: CodecOptions)
  /**
   * @internal With the type of what a carrier takes as it is. `keepsShapes`: parcels leave out the shapes of those before
   * them, for one of these that opens all of them in order.
   */
  constructor(options: CodecOptions | undefined, host?: CustomType, keepsShapes?: boolean)
  constructor(options?: CodecOptions, host?: CustomType, keepsShapes = false) {
    expectOptions(options)
    this.#encodeSettings = encodeSettings(options, host)
    this.#decodeSettings = decodeSettings(options, host)
    this.#format = formatOf(options)
    this.#known = keepsShapes ? { shapes: [] } : undefined
    // A copy, limits resolved: what the caller does to the object later changes nothing.
    this.#options = options && { ...options, limits: this.#decodeSettings.limits }
  }

  /** As `encode`, with the codec's options under those of the call. */
  encode(value: unknown, options?: EncodeOptions): Packet {
    const all = options === undefined ? undefined : merged(this.#options, options)
    const settings = all === undefined ? this.#encodeSettings : encodeSettings(all)
    const format = all === undefined ? this.#format : formatOf(all)
    return format === undefined ? this.#freeEncoder().encode(value, settings) : format.encode(value, settings)
  }

  /** As `decode`, with the codec's options under those of the call. */
  decode<T = unknown>(packet: PacketLike, options?: DecodeOptions): T {
    const all = options === undefined ? undefined : merged(this.#options, options)
    const settings = all === undefined ? this.#decodeSettings : decodeSettings(all)
    const format = all === undefined ? this.#format : formatOf(all)
    if (format !== undefined) {
      expectPacket(packet)
      return format.decode(packet, settings) as T
    }
    // Its buffers the decoder looks at, which takes parcels as well.
    expectObject(packet, 'packet')
    expectArgument(isBytes(packet.meta), 'packet.meta', 'a Uint8Array')
    return this.#freeDecoder().decode(packet, settings) as T
  }

  /**
   * @internal The value as a parcel, its metadata as text up to so many bytes, or as `LENT`; views on the memory of a list, which
   * moves, out of band.
   */
  parcel(
    value: unknown,
    textBytes: number,
    list?: readonly object[],
  ): Parcel & { readonly isBeyondClone: boolean } {
    const settings = list === undefined ? this.#encodeSettings : this.#settingsFor(list)
    // Who asks for a format wants it, even where a clone would do.
    if (this.#format !== undefined) return { ...this.#format.encode(value, settings), isBeyondClone: true }
    const encoder = this.#freeEncoder()
    const isKept = this.#known !== undefined && encoder === this.#encoder
    // What comes in between, while the encoder is busy, tells the receiver other shapes.
    if (!isKept) this.forget()
    const { meta, buffers } = encoder.parcel(value, settings, textBytes, isKept)
    const lent = textBytes === LENT ? encoder.lent : undefined
    return { meta, buffers, lent, isBeyondClone: encoder.isBeyondClone }
  }

  /** Made anew, not spread: V8 reads all settings faster where they were made in one place. */
  #settingsFor(list: readonly object[]): EncodeSettings {
    const moving = new Set(list.map(item => (ArrayBuffer.isView(item) ? item.buffer : item)))
    return encodeSettings(this.#options, this.#encodeSettings.host, moving)
  }

  /** @internal A parcel was not sent: the next one says again what its shapes are. */
  forget(): void {
    this.#encoder?.shapes.forget()
  }

  /** @internal The value of a parcel. */
  open(parcel: Parcel): unknown {
    if (this.#format === undefined)
      return this.#freeDecoder().decode(parcel, this.#decodeSettings, this.#known, parcel.lent)
    return this.#format.decode({ meta: ownMeta(parcel), buffers: parcel.buffers }, this.#decodeSettings)
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

/** The format among options that were checked otherwise. */
function formatOf(options: CodecOptions | undefined): Format | undefined {
  const format = options?.format
  if (format === undefined) return undefined
  expectArgument(isFormat(format), 'format', "a format, such as msgpack of 'outband/msgpack'")
  expectArgument(!options?.checksum, 'checksum', `false, for ${format.name} has none (frames have)`)
  return format
}

/** Metadata to keep. That which came as text, as our own does between threads, is none of a format: it is refused as what it is. */
function ownMeta({ meta, lent }: Parcel): Uint8Array {
  if (typeof meta !== 'string') return lent === undefined ? meta : meta.slice()
  const bytes = new Uint8Array(meta.length)
  writeText(bytes, 0, meta, false)
  return bytes
}

/** The codec's options under those of a call; one of `undefined` is none, and single limits go over the codec's. */
function merged(own: CodecOptions | undefined, call: CodecOptions): CodecOptions {
  expectOptions(call)
  if (own === undefined) return call
  const options: CodecOptions = { ...own, ...given(call) }
  if (typeof own.limits !== 'object' || typeof call.limits !== 'object' || call.limits === null)
    return options
  return { ...options, limits: { ...own.limits, ...given(call.limits) } }
}

/** What is not `undefined`. */
function given<Options extends object>(options: Options): Partial<Options> {
  return Object.fromEntries(
    Object.entries(options).filter(([, option]) => option !== undefined),
  ) as Partial<Options>
}

const codec = new Codec()

/**
 * Splits a value into metadata and out-of-band buffers.
 *
 * Memory: `meta` is fresh and owns its ArrayBuffer; `buffers` are windows on the caller's memory (borrow):
 * nothing is copied or detached, and a write to the value's arrays shows through them until they are sent.
 *
 * @throws UNSUPPORTED when the value holds something that cannot travel, with its path.
 * @throws DETACHED when a view lost its memory, before or during the call.
 * @throws LIMIT when the message would exceed a limit that its receiver has too; in our own format only the receiver checks `stringBytes`.
 * @throws TypeError for an option of the wrong type. What getters, callbacks and `reduce` throw passes unchanged.
 */
export function encode(value: unknown, options?: EncodeOptions): Packet {
  return codec.encode(value, options)
}

/**
 * Puts a value together again from metadata and the buffers it was split from, in the same order.
 *
 * Memory: views lie on the buffers given (borrow; `out.buffer === in.buffer`) when they are aligned there,
 * else on a copy; what travelled in band is fresh (own). `buffers` is iterated lazily, once.
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
