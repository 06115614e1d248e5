/** A worker of specs of hostile memory: changes shared bytes, and back, as fast as it can until it is told to stop. */
import { parentPort, workerData } from 'node:worker_threads'
import type { SharedMemoryHandle } from '../src/shm/index.js'

const { stop, ...given } = workerData as {
  shared?: Uint8Array
  /** Of a segment of shared memory. */
  handle?: SharedMemoryHandle
  stop: Int32Array
}
const shared = given.shared ?? (await attached(given.handle!))
parentPort!.postMessage('ready')
let state = 1
while (Atomics.load(stop, 0) === 0) {
  for (let i = 0; i < 1000; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    const at = (state >>> 8) % shared.length
    const bit = 1 << (state & 7)
    shared[at] = shared[at]! ^ bit
    shared[at] = shared[at]! ^ bit
  }
}

async function attached(handle: SharedMemoryHandle): Promise<Uint8Array> {
  const { SharedMemory } = await import('../src/shm/index.js')
  return new Uint8Array(SharedMemory.attach(handle).buffer)
}
