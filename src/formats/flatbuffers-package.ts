/**
 * The one door of the `flatbuffers` package. Its modules, which bundlers want, lack what tells Node 20 that they are: by
 * `imports` of our package.json Node gets the scripts.
 */

import type { builder as NewBuilder } from 'flatbuffers/js/flexbuffers.js'
import { builder as newBuilder } from '#flexbuffers'

export { ByteBuffer } from 'flatbuffers'
/** Typed by its place in the package: declarations go by no `imports`. */
export const builder: typeof NewBuilder = newBuilder
