// The threads of `hostile.ts`: one keeps to the rules and floods a ring, the other spoils the memory meanwhile.

import { parentPort, workerData } from 'node:worker_threads'
import { Random } from '../../fixtures/random.js'
import { connectRing, type RingEnd } from '../../src/ring/index.js'
import { CONTROL_BYTES, type Spoiling, STOP } from './hostile.js'

if (workerData.role === 'flood') {
  parentPort!.on('message', async (end: RingEnd) => {
    const channel = connectRing<unknown>(end)
    channel.closed.catch(() => {})
    channel.on('message', () => {})
    try {
      for (let i = 0; ; i++) {
        await channel.send({ i, text: 'x'.repeat(i % 70), array: new Float32Array(i % 5 === 0 ? 1500 : 3) })
        if (i % 50 === 49) await new Promise(resolve => setImmediate(resolve))
      }
    } catch {
      // It is told of the end as its peer is.
    }
  })
} else {
  parentPort!.on('message', ({ memory, control, seed }: Spoiling) => {
    const random = new Random(seed)
    const bytes = new Uint8Array(memory)
    const words = new Int32Array(memory)
    const half = memory.byteLength / 2
    // Some spoil one kind of thing alone: else the first length that makes no sense hides all the rest.
    const kind = Math.floor(random.next() * 4)
    let writes = 0
    while (Atomics.load(control, STOP) === 0) {
      const ring = random.next() < 0.5 ? 0 : half
      if (kind === 0 || (kind === 3 && writes % 3 === 0)) {
        const word = (ring >> 2) + [0, 16, 32, 33, 34, 35][Math.floor(random.next() * 6)]!
        Atomics.store(
          words,
          word,
          Math.floor((random.next() - 0.5) * 2 ** (1 + Math.floor(random.next() * 32))),
        )
      } else {
        const at = ring + CONTROL_BYTES + Math.floor(random.next() * (half - CONTROL_BYTES))
        if (kind === 1) words[(at >> 3) << 1] = Math.floor((random.next() - 0.5) * 4096)
        else bytes[at] = bytes[at]! ^ (1 << Math.floor(random.next() * 8))
      }
      writes++
      // What is spoilt once and stays so is found at once: a flood must get on in between.
      if (writes % 64 === 0) Atomics.wait(control, STOP, 0, random.next())
    }
    Atomics.add(control, STOP + 1, writes)
    Atomics.store(control, STOP, 2)
    Atomics.notify(control, STOP)
  })
}
parentPort!.postMessage('ready')
