/** The door of `outband`: exports only. */
export { Codec, type CodecOptions, type DecodeOptions, decode, type EncodeOptions, encode } from './codec.js'
export { type ErrorCode, type ErrorFields, isOutbandError, OutbandError } from './errors.js'
export type { Format, FormatDecodeSettings, FormatEncodeSettings } from './formats/format.js'
export { LIMITS, type Limits, type LimitsOption } from './limits.js'
export { isReadonly, type OutOfBand, outOfBand, type Sendable } from './out-of-band.js'
export type { Packet, PacketLike } from './packet.js'
export { type CustomType, defineType, type Registry, registry, type TypeDefinition } from './registry.js'
export { inspect } from './wire/inspect.js'
