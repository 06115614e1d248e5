/** Peers that are killed, or whose connection is reset: at any byte, on either side, with a goodbye under way or not. */
import { isTcp, moment, type Scenario } from './scenario.js'
import { pause, type Trial } from './trial.js'

/** Whether what a peer said of its reading is 0, 1, 2 …; how many. */
const inOrder = (words: readonly { readonly n?: number }[]): number | undefined => {
  const numbers = words.flatMap(({ n }) => n ?? [])
  return numbers.every((n, i) => n === i) ? numbers.length : undefined
}

/** What `close` has promised when it resolves. */
function closing(role: 'read' | 'both', name: string): Scenario {
  const run = async (trial: Trial) => {
    const [count, most] = [trial.dice.below(100), 20_000]
    const { channel, child, peer } = await trial.meet({ role, count: trial.dice.below(50), most })
    const read = trial.read(channel, trial.seed + 1, most)
    const sent = await trial.flood(channel, count, most)
    void channel.close()
    await pause(trial.dice.below(40))
    child.kill('SIGKILL')
    const end = await trial.end(channel, 'closed', 'PEER_GONE')
    await trial.settled(read, 'the reader')
    await peer.exited
    const told = inOrder(peer.words)
    trial.delivered += told ?? 0
    if (told === undefined || told > sent) trial.find('duplicated', `${told} of ${sent}`)
    else if (end === 'closed' && told < sent) trial.find('lost', `${told} of ${sent}, and closed`)
  }
  return { name, run }
}

export const kills: readonly Scenario[] = [
  {
    name: 'a sender is killed',
    run: async trial => {
      const { channel, child } = await trial.meet({ role: 'flood' })
      const read = trial.read(channel)
      await moment(trial, channel)
      child.kill('SIGKILL')
      await trial.end(channel, 'PEER_GONE')
      await trial.settled(read, 'the reader')
    },
  },
  {
    name: 'a sender is killed while its reader takes its time',
    run: async trial => {
      const { channel, child } = await trial.meet({ role: 'flood' }, { maxWaiting: 4 })
      const read = trial.read(channel, trial.seed, undefined, () => pause(1))
      await moment(trial, channel)
      child.kill('SIGKILL')
      await trial.end(channel, 'PEER_GONE')
      await trial.settled(read, 'the reader')
    },
  },
  {
    name: 'a receiver is killed',
    run: async trial => {
      const { channel, child, peer } = await trial.meet({ role: 'read' })
      const flood = trial.flood(channel)
      await pause(trial.dice.below(200))
      // Beside who waits, some who do not.
      const sent = [1000, 2 ** 18, 1000, 2 ** 18, 1000].map(size => channel.send(new Uint8Array(size)))
      child.kill('SIGKILL')
      await trial.end(channel, 'PEER_GONE')
      await trial.settled(Promise.allSettled(sent), 'those who sent')
      const count = await trial.settled(flood, 'the sender')
      await peer.exited
      const told = inOrder(peer.words)
      if (told === undefined || told > count + sent.length) trial.find('lost', `${told} of ${count}`)
      trial.delivered += told ?? 0
    },
  },
  {
    name: 'an echo is killed',
    run: async trial => {
      const { channel, child } = await trial.meet({ role: 'echo' })
      const flood = trial.flood(channel)
      const read = trial.read(channel)
      await moment(trial, channel)
      child.kill('SIGKILL')
      await trial.end(channel, 'PEER_GONE')
      const back = await trial.settled(read, 'the reader')
      const sent = await trial.settled(flood, 'the sender')
      if (back > sent) trial.find('duplicated', `${back} of ${sent} came back`)
    },
  },
  closing('read', 'a receiver is killed while this side closes'),
  closing('both', 'a peer is killed while both close'),
  {
    name: 'a connection is reset',
    isFor: isTcp,
    run: async trial => {
      const { channel } = await trial.meet({ role: 'reset', ms: trial.dice.below(200) })
      const read = trial.read(channel)
      await trial.end(channel, 'PEER_GONE')
      await trial.settled(read, 'the reader')
    },
  },
]
