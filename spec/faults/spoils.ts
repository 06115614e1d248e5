/** Peers that write what they like to the memory that both see: an error of ours is all that may come of it. */
import { CODES } from '../../src/errors.js'
import { isOutbandError } from '../../src/index.js'
import type { Scenario } from './scenario.js'

/** Takes in whatever comes: of what was spoilt nobody can say what it should be. */
async function takeAll(messages: AsyncIterable<unknown>): Promise<number> {
  let count = 0
  try {
    for await (const _ of messages) count++
  } catch (error) {
    if (!isOutbandError(error)) throw error
  }
  return count
}

export const spoils: readonly Scenario[] = [
  {
    name: 'a peer spoils the memory',
    isFor: ({ isShared }) => isShared === true,
    run: async trial => {
      const { dice, isShort } = trial
      const ms = (isShort ? 50 : 200) + dice.below(isShort ? 100 : 800)
      const { channel, peer } = await trial.meet({ role: 'spoil', ms, at: dice.below(3) })
      const read = takeAll(channel)
      const flood = trial.flood(channel)
      await trial.end(channel, ...CODES)
      channel.abort()
      trial.delivered += await trial.settled(read, 'the reader')
      await trial.settled(flood, 'the sender')
      await peer.exited
      if (!(peer.words.at(-1)!.flips! > 0)) trial.find('wrongEnd', 'nothing was spoilt')
    },
  },
]
