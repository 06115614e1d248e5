/** The carriers that run the contract, each as a pair. */
import { loopback } from '../../src/carriers/loopback.js'
import { PortCarrier } from '../../src/carriers/port/port.js'
import type { Make } from '../contract.js'
import { farWorker } from './far.js'

export const loopbackPair: Make = options => {
  const [left, right] = loopback(options)
  return {
    left,
    right,
    kill: () => right.abort(),
    dispose: () => {
      left.abort()
      right.abort()
    },
  }
}

/** Both ports in one thread. */
export const portPair: Make = options => {
  const { port1, port2 } = new MessageChannel()
  const [left, right] = [new PortCarrier(port1, options), new PortCarrier(port2, options)]
  return {
    left,
    right,
    kill: () => port2.close(),
    dispose: () => {
      port1.close()
      port2.close()
    },
  }
}

/** A Worker here, and there its parentPort. */
export const workerPair: Make = options => {
  const { worker, far, dispose } = farWorker(options)
  const left = new PortCarrier(worker, options)
  const kill = async () => {
    await worker.terminate()
  }
  return { left, right: far, kill, dispose }
}

/** By the names that `unattended.ts` is started with. */
export const pairs: Readonly<Record<string, Make>> = {
  loopback: loopbackPair,
  port: portPair,
  worker: workerPair,
}
