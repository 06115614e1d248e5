export { type ByteChunk, type PacketDecoderOptions, PacketDecoderStream } from './decoder.js'
export { type PacketEncoderOptions, PacketEncoderStream } from './encoder.js'
