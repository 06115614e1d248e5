/** A bug for each detector: one that is not found by its detector means that the detector is broken. */
import { openSync } from 'node:fs'
import type { Kind } from './kinds.js'
import type { Message } from './messages.js'

export interface Plant {
  /** Trials that must show it. */
  readonly shown: { readonly filter: string; readonly trials: number }
  /** What a reader is given in the place of a message. */
  readonly read?: (message: Message) => readonly unknown[]
  /** Promises that a sender takes for room. */
  readonly rooms?: readonly Promise<boolean>[]
  /** In the place of a channel's own. */
  readonly closed?: Promise<void>
  /** How long is waited for what never comes. */
  readonly patienceMs?: number
  /** What happens when a trial is over. */
  readonly over?: () => void
}

/** Each message in its place, but for the fifth. */
const fifth = (planted: (message: Message) => readonly unknown[]): Plant => ({
  shown: { filter: '^unix: a sender is stopped', trials: 1 },
  read: message => (message.n === 4 ? planted(message) : [message]),
})
const killed = (trials: number) => ({ filter: '^unix: a sender is killed$', trials })
const kept: Uint8Array[] = []

export const plants = {
  nothing: { shown: { filter: '^unix: a sender is', trials: 3 } },
  lost: fifth(() => []),
  duplicated: fifth(message => [message, message]),
  partial: fifth(({ n, sum, bytes }) => [{ n, sum, bytes: bytes.subarray(0, -1) }]),
  wrongEnd: { shown: killed(1), closed: Promise.resolve() },
  unsettled: { shown: killed(1), closed: new Promise(() => {}), patienceMs: 300 },
  unbounded: {
    shown: { filter: '^unix: a receiver is stopped for a while', trials: 1 },
    rooms: [Promise.resolve(false)],
  },
  leaked: { shown: killed(2), over: () => void openSync('/dev/null', 'r') },
  kept: { shown: killed(3), over: () => void kept.push(new Uint8Array(2 ** 24)) },
  crashes: { shown: killed(1), over: () => void Promise.reject(new Error('planted')) },
} satisfies Record<Kind | 'crashes' | 'nothing', Plant>

export type Planted = keyof typeof plants
