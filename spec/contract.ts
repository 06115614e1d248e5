/**
 * `src/carriers/carrier.ts` as a suite: every carrier runs it. The left side is a carrier in this thread; the right
 * side may be anywhere and is then led from here. What a carrier cannot do is said, not left out.
 */
import type { Carrier, Sink, Transfer } from '../src/carriers/carrier.js'
import type { Parcel } from '../src/packet.js'
import { closing } from './carriers/contract/closing.js'
import { failing, throwing, unattended } from './carriers/contract/failing.js'
import { memory } from './carriers/contract/memory.js'
import { packets } from './carriers/contract/packets.js'
import { pressure } from './carriers/contract/pressure.js'
import { channels } from './carriers/contract/values.js'
import { Inbox } from './carriers/inbox.js'

/** The other side: a carrier, or one in another thread or process, to which every call takes its time. */
export interface Far {
  readonly closed: Promise<void>
  receive(sink: Sink): Promise<void> | void
  send(parcel: Parcel, transfer?: Transfer): Promise<void> | undefined
  pause(): Promise<void> | void
  resume(): Promise<void> | void
  close(): Promise<void>
  abort(): Promise<void> | void
}

export interface Pair {
  readonly left: Carrier
  readonly right: Far
  /** Resolves when both receive and have found the quickest way there is. */
  settled?(): Promise<unknown>
  /** The right side is gone without a goodbye. */
  kill?(): Promise<void> | void
  /** Ends whatever is left of both. */
  dispose(): Promise<void> | void
}

export interface PairOptions {
  readonly highWaterMark?: number
  readonly strict?: boolean
}

export type Make = (options: PairOptions) => Promise<Pair> | Pair

/** What a carrier can do beyond moving bytes. */
export interface Abilities {
  /** The sender's memory can move to the peer. */
  readonly transfers: boolean
  /** Shared memory stays shared. */
  readonly shares: boolean
  /** The right side can be killed. */
  readonly kills: boolean
  /** Its name in `carriers/pairs.ts`, to be run unattended in a process of its own. */
  readonly unattended?: string
}

export interface Test extends Pair {
  /** What arrived on each side. */
  readonly atLeft: Inbox
  readonly atRight: Inbox
}

/** Makes a test of what is to be done with a pair of its own. */
export type WithPair = (run: (test: Test) => Promise<void>, options?: PairOptions) => () => Promise<void>

export function contract(name: string, make: Make, abilities: Abilities): void {
  /** A test with a pair of its own. */
  const withPair =
    (run: (test: Test) => Promise<void>, options: PairOptions = {}) =>
    async (): Promise<void> => {
      const pair = await make(options)
      const [atLeft, atRight] = [new Inbox(), new Inbox()]
      try {
        await pair.right.receive(atRight)
        pair.left.receive(atLeft)
        await pair.settled?.()
        await run({ ...pair, atLeft, atRight })
      } finally {
        await pair.dispose()
      }
    }

  packets(name, withPair)
  memory(name, withPair, abilities)
  pressure(name, withPair, abilities)
  closing(name, withPair, make)
  failing(name, withPair, abilities)
  throwing(name, make)
  channels(name, make, abilities)
  if (abilities.unattended !== undefined) unattended(name, abilities.unattended)
}
