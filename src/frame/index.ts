export { Deframer, type DeframerOptions, type Progress } from './deframe.js'
export { type PackOptions, pack, packBytes } from './pack.js'
export type { Sink } from './part.js'
export { type UnpackOptions, unpack } from './unpack.js'
