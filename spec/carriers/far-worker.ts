// The worker of `far.ts`: a carrier on its `parentPort`, or on an end of a ring, led through a second port.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { PortCarrier } from '../../src/carriers/port/port.js'
import { RingCarrier } from '../../src/carriers/ring/ring.js'
import type { FarData } from './far.js'
import { obeying } from './far-side.js'

const { control, options, end } = workerData as FarData & { control: MessagePort }
const carrier = end === undefined ? new PortCarrier(parentPort!, options) : new RingCarrier(end, options)
control.on(
  'message',
  obeying(carrier, word => control.postMessage(word, [])),
)
