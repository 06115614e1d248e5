/** What is done to peers: a row of a table. */
import type { Channel } from '../../src/channel.js'
import type { Sockets, Transport } from './transports.js'
import { pause, type Trial } from './trial.js'

export interface Scenario {
  readonly name: string
  /** Whether it makes sense there; by default everywhere. */
  readonly isFor?: (transport: Transport) => boolean
  run(trial: Trial): Promise<unknown>
}

/** For transports of sockets, which may be had without a channel. */
export const isRaw = ({ isRaw }: Transport): boolean => isRaw
export const isTcp = ({ name }: Transport): boolean => name === 'tcp'
export const socketsOf = ({ transport }: Trial): Sockets => transport as Sockets

/** A moment: in so many milliseconds, or when so many bytes have come, be it in the middle of a message. */
export async function moment({ dice }: Trial, channel: Channel): Promise<void> {
  if (dice.below(2) === 0) return pause(dice.below(150))
  const bytes = dice.below(dice.pick([2 ** 16, 2 ** 20, 2 ** 24]))
  await new Promise<void>(resolve => {
    const look = (underWay = 0) => {
      const { inBand, outOfBand } = channel.stats.received
      if (inBand + outOfBand + underWay >= bytes) resolve()
    }
    channel.on('progress', ({ received }) => look(received))
    const timer = setInterval(look, 1)
    const last = setTimeout(resolve, 1000)
    void channel.closed.catch(() => {}).then(resolve)
    look()
    // Nobody waits for these longer than for the moment.
    timer.unref()
    last.unref()
  })
}
