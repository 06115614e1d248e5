// The worker of `far.ts`: has a carrier, does what it is told, and hands on what arrives.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { PortCarrier, type PortOptions } from '../../src/carriers/port/port.js'
import { isOutbandError } from '../../src/errors.js'
import type { Order, Plain, Told, Word } from './far.js'

const { control, options } = workerData as { control: MessagePort; options: PortOptions }
const carrier = new PortCarrier(parentPort!, options)

const say = (word: Word): void => control.postMessage(word, [])
const plain = (error: unknown): Plain | undefined => {
  if (error === undefined) return undefined
  if (!isOutbandError(error)) throw error
  return { code: error.code, message: error.message }
}

function obey(order: Order): unknown {
  switch (order.kind) {
    case 'receive':
      return carrier.receive({
        parcel: parcel => say({ kind: 'parcel', parcel }),
        end: error => say({ kind: 'end', error: plain(error) }),
      })
    case 'send':
      return carrier.send(order.parcel, order.transfer)
    case 'closed':
      return carrier.closed
    default:
      return carrier[order.kind]()
  }
}

control.on('message', async ({ number, order }: Told) => {
  try {
    await obey(order)
    say({ kind: 'done', number, error: undefined })
  } catch (error) {
    say({ kind: 'done', number, error: plain(error) })
  }
})
