/** Peers that are stopped and go on, and readers that take their time: nothing is lost, and nothing grows without bound. */

import { LONGEST } from './messages.js'
import type { Scenario } from './scenario.js'
import { moment } from './scenario.js'
import { MARK } from './transports.js'
import { pause, type Trial } from './trial.js'

const MiB = 2 ** 20

/** Looks now and then how far the memory of this process rises, which may be so much. */
function watchMemory(trial: Trial, most: number): () => void {
  const before = process.memoryUsage().rss
  let peak = 0
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss - before)
  }, 20)
  return () => {
    clearInterval(timer)
    if (peak > most) trial.find('unbounded', `${Math.round(peak / MiB)} MiB more`)
  }
}

/** Stops a peer for a while, somewhere in a conversation. */
async function stopAWhile(
  { dice }: Trial,
  child: { kill(signal: 'SIGSTOP' | 'SIGCONT'): boolean },
  ms = 600,
) {
  await pause(dice.below(150))
  child.kill('SIGSTOP')
  await pause(dice.below(ms))
  child.kill('SIGCONT')
}

/** All of so many messages must have arrived on a side. */
function expectAll(trial: Trial, delivered: number, count: number): void {
  if (delivered < count) trial.find('lost', `${delivered} of ${count}, and closed`)
}

export const stops: readonly Scenario[] = [
  {
    name: 'a sender is stopped for a while',
    run: async trial => {
      const count = 100 + trial.dice.below(300)
      const { channel, child } = await trial.meet({ role: 'flood', count })
      const read = trial.read(channel)
      await stopAWhile(trial, child)
      expectAll(trial, await trial.settled(read, 'the reader'), count)
      await trial.end(channel, 'closed')
    },
  },
  {
    name: 'a receiver is stopped for a while',
    run: async trial => {
      const count = 100 + trial.dice.below(300)
      const { channel, child, peer } = await trial.meet({ role: 'read' })
      const isBounded = watchMemory(trial, 160 * MiB)
      const flood = trial.flood(channel, count)
      await stopAWhile(trial, child)
      await trial.settled(flood, 'the sender')
      void channel.close()
      await trial.end(channel, 'closed')
      isBounded()
      await peer.exited
      expectAll(trial, trial.count(peer.words.at(-1)?.tally), count)
    },
  },
  {
    name: 'an echo is stopped for a while',
    run: async trial => {
      // Of short ones so many are under way that its queue is full while it waits for room.
      const [count, most] = trial.dice.pick([
        [200, 2 ** 20],
        [15_000, 300],
      ])
      const { channel, child } = await trial.meet({ role: 'echo' }, { allowHalfOpen: true })
      const flood = trial.flood(channel, count, most)
      const read = trial.read(channel, trial.seed, most, n => n === count - 1 && channel.close())
      await stopAWhile(trial, child)
      await trial.settled(flood, 'the sender')
      expectAll(trial, await trial.settled(read, 'the reader'), count)
      await trial.end(channel, 'closed')
    },
  },
  {
    name: 'a receiver is stopped for longer than it waits for a word',
    run: async trial => {
      const { channel, child, peer } = await trial.meet({ role: 'read', patienceMs: 1500 })
      const flood = trial.flood(channel, 400)
      await pause(trial.dice.below(150))
      child.kill('SIGSTOP')
      await pause(2500)
      child.kill('SIGCONT')
      await trial.settled(flood, 'the sender')
      void channel.close()
      await trial.end(channel, 'closed')
      await peer.exited
      expectAll(trial, trial.count(peer.words.at(-1)?.tally), 400)
    },
  },
  {
    name: 'a peer is stopped, and then killed',
    run: async trial => {
      const { channel, child } = await trial.meet({ role: 'echo' })
      const flood = trial.flood(channel)
      const read = trial.read(channel)
      await moment(trial, channel)
      child.kill('SIGSTOP')
      await pause(trial.dice.below(300))
      child.kill('SIGKILL')
      await trial.end(channel, 'PEER_GONE')
      await trial.settled(Promise.all([flood, read]), 'both')
    },
  },
  {
    name: 'a peer that reads stops reading',
    run: async trial => {
      const ms = trial.isShort ? 2000 : 10_000
      const count = trial.isShort ? 600 : 3000
      const { channel, peer } = await trial.meet({ role: 'read', at: 1 + trial.dice.below(50), ms })
      const isBounded = watchMemory(trial, 160 * MiB)
      const start = performance.now()
      await trial.settled(trial.flood(channel, count), 'the sender')
      if (performance.now() - start < ms / 2) trial.find('unbounded', 'a sender that did not wait')
      void channel.close()
      await trial.end(channel, 'closed')
      isBounded()
      await peer.exited
      expectAll(trial, trial.count(peer.words.at(-1)?.tally), count)
    },
  },
  {
    name: 'this side stops reading',
    run: async trial => {
      const ms = trial.isShort ? 2000 : 10_000
      const [at, count] = [trial.dice.below(50), trial.isShort ? 600 : 3000]
      const { channel } = await trial.meet({ role: 'flood', count }, { maxWaitingBytes: MARK })
      const isBounded = watchMemory(trial, 160 * MiB)
      let most = 0
      const read = trial.read(channel, trial.seed, undefined, async n => {
        if (n !== at) return
        const before = channel.stats.received
        await pause(ms)
        const after = channel.stats.received
        most = after.inBand + after.outOfBand - before.inBand - before.outOfBand
      })
      expectAll(trial, await trial.settled(read, 'the reader'), count)
      if (most > MARK + LONGEST) trial.find('unbounded', `${most} bytes were taken in meanwhile`)
      isBounded()
      await trial.end(channel, 'closed')
    },
  },
]
