// The far side of wrap.spec.ts: sends back what comes, and does what it is told.
import { parentPort, workerData } from 'node:worker_threads'
import { box, point } from '../../fixtures/classes.js'
import { registry } from '../../src/index.js'
import { wrapPort } from '../../src/port/index.js'

const parent = parentPort as NonNullable<typeof parentPort>
const port = workerData === 'raw' ? parent : wrapPort(parent, { types: registry(point, box) })

interface Order {
  /** Posts so many numbers, and exits at once. */
  readonly burst?: number
  /** Posts so many numbers, then blocks until the gate opens. */
  readonly posts?: number
  readonly gate?: Int32Array
}

if (workerData !== 'silent') {
  port.on('message', (message: unknown) => {
    if (message === 'exit') return port.close()
    const { burst, posts, gate } = (typeof message === 'object' ? message : {}) as Order
    for (let i = 0; i < (burst ?? posts ?? 0); i++) port.postMessage(i)
    if (burst !== undefined) return process.exit()
    if (gate !== undefined) {
      Atomics.wait(gate, 0, 0)
      return port.postMessage('went on')
    }
    port.postMessage(message)
  })
}
