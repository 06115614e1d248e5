// The other side of the demo: makes the value, and sends what it made back.

import { parentPort } from 'node:worker_threads'
import { decode, encode, type Packet } from '../index.js'
import { parcel } from './parcel.js'

parentPort?.on('message', (packet: Packet) => {
  const { message, transfer } = parcel(encode(decode(packet)))
  parentPort?.postMessage(message, transfer)
})
