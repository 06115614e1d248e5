/**
 * A scan writes over the bytes it looks at, and what it saw must not change before the library reads it: metadata is copied
 * first. Short ones go to memory that is kept, beside which the library keeps its DataView: a small message is decoded in three
 * quarters of the time, since V8 makes and frees no memory for it (measured).
 */
import { asBuffer } from '../bytes/text.js'

const KEPT_BYTES = 1024
const memory = new ArrayBuffer(KEPT_BYTES)
/** What a library reads from must be a Buffer, where there is one: of that it reads text twice as fast. */
const kept = asBuffer(memory, 0, KEPT_BYTES)
/** Whether a decoder is at work on it; one inside it, which a type's `rebuild` starts, gets memory of its own. */
let isTaken = false

/** What is done with a copy. `source` is for the library, and begins as `bytes`, but may go on behind them. */
type Work = (bytes: Uint8Array, source: Uint8Array) => unknown

/** Works on a copy of the metadata, of which nothing may be left in the result. */
export function withCopy(meta: Uint8Array, work: Work): unknown {
  const { length } = meta
  if (isTaken || length > KEPT_BYTES) {
    const bytes = new Uint8Array(meta)
    return work(bytes, asBuffer(bytes.buffer, 0, bytes.length))
  }
  isTaken = true
  try {
    kept.set(meta)
    return work(new Uint8Array(memory, 0, length), kept)
  } finally {
    isTaken = false
  }
}
