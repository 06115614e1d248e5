// The other side of the demo: sends back what came, as its own to give away.

import { parentPort } from 'node:worker_threads'
import { wrapPort } from '../port/index.js'

if (parentPort !== null) {
  const port = wrapPort(parentPort)
  port.on('message', value => port.postMessage(value, { transfer: true }))
}
