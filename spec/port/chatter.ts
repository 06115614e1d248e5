// The far side of terminator.ts: talks without end until it is ended.
import { parentPort, workerData } from 'node:worker_threads'
import { connectPort, wrapPort } from '../../src/port/index.js'

const parent = parentPort as NonNullable<typeof parentPort>
const message = (n: number): unknown => ({ n, bytes: new Uint8Array(n % 3 === 0 ? 5000 : 10) })

if (workerData === 'wrapped') {
  const port = wrapPort(parent)
  port.on('message', () => {})
  for (let n = 0; ; n++) {
    port.postMessage(message(n))
    if (n % 20 === 0) await port.drained()
    if (n % 50 === 0) await new Promise(resolve => setTimeout(resolve, 0))
  }
}
const channel = connectPort(parent)
void (async () => {
  for await (const _ of channel);
})()
for (let n = 0; ; n++) {
  await channel.send(message(n))
  if (n % 50 === 0) await new Promise(resolve => setTimeout(resolve, 0))
}
