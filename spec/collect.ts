/** The garbage collector, and what is left behind it. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as (options?: { type: 'minor' }) => void

/** Collects all that can be. The memory of ArrayBuffers is given back behind a collection: the next one finds it gone. */
export function collect(): void {
  gc()
  gc()
}

/** Collects what died young: up to 32 MiB of it may be there or not. */
export function collectYoung(): void {
  gc({ type: 'minor' })
}

/** Bytes of the heap and of what hangs on it, garbage included. */
export function heapBytes(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** The same without the garbage. */
export function keptBytes(): number {
  collect()
  return heapBytes()
}
