/** The one door of the `flatbuffers` package. Its build for Node, which is a default for bundlers too: the other has no type. */
export { ByteBuffer } from 'flatbuffers'
export { builder } from 'flatbuffers/js/flexbuffers.js'
