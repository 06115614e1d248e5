// The worker of `far.ts`: a carrier on its `parentPort`, led through a second port.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { PortCarrier, type PortOptions } from '../../src/carriers/port/port.js'
import { obeying } from './far-side.js'

const { control, options } = workerData as { control: MessagePort; options: PortOptions }
const carrier = new PortCarrier(parentPort!, options)
control.on(
  'message',
  obeying(carrier, word => control.postMessage(word, [])),
)
