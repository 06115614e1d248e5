// What both entries of `far.ts` do: have a carrier, do what they are told, and hand on what arrives.

import type { Carrier } from '../../src/carriers/carrier.js'
import { isOutbandError } from '../../src/errors.js'
import type { Order, Plain, Told, Word } from './far.js'

/** Takes what is told to the carrier, and has everything said. */
export function obeying(carrier: Carrier, say: (word: Word) => void): (told: Told) => Promise<void> {
  const obey = (order: Order): unknown => {
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
  return async ({ number, order }) => {
    try {
      await obey(order)
      say({ kind: 'done', number, error: undefined })
    } catch (error) {
      say({ kind: 'done', number, error: plain(error) })
    }
  }
}

function plain(error: unknown): Plain | undefined {
  if (error === undefined) return undefined
  if (!isOutbandError(error)) throw error
  return { code: error.code, message: error.message }
}
