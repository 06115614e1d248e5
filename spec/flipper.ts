/** A worker of `hostile.spec.ts`: changes shared bytes, and back, as fast as it can until it is told to stop. */
import { parentPort, workerData } from 'node:worker_threads'

const { shared, stop } = workerData as { shared: Uint8Array; stop: Int32Array }
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
