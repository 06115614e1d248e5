/**
 * Globals that fixtures take for granted and a page may lack. The bundler puts these in their place in what is
 * bundled; outband itself, loaded apart, sees the page as it is.
 */
import { dom } from './dom.js'

/** Of a page that is not isolated the name is hidden; the class is still there, behind WebAssembly's. */
const Shared =
  (globalThis as { SharedArrayBuffer?: SharedArrayBufferConstructor }).SharedArrayBuffer ??
  (new dom.WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer
    .constructor as SharedArrayBufferConstructor)

/** Why a fixture cannot be made here: none of its Buffers. */
export class NoBuffer extends Error {}

let isStandIn = false
const allocate = (byteLength: number): Uint8Array => {
  if (!isStandIn) throw new NoBuffer("there is no Buffer outside Node's")
  return new Uint8Array(byteLength)
}
const StandIn = { alloc: allocate, from: () => allocate(0), prototype: Uint8Array.prototype }

/** Runs with Uint8Arrays in place of Buffers, as which Buffers arrive here. */
export function withoutBuffers<T>(run: () => T): T {
  isStandIn = true
  try {
    return run()
  } finally {
    isStandIn = false
  }
}

export { Shared as SharedArrayBuffer, StandIn as Buffer }
