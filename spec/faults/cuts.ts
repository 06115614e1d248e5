/** Streams that end in the middle, and streams that are spoilt on their way. */
import { CODES } from '../../src/errors.js'
import { framesOf } from './messages.js'
import { spoils, spoilt } from './proxy.js'
import { isRaw, type Scenario } from './scenario.js'
import { pause, type Trial } from './trial.js'

/** Messages that arrive whole when so many bytes of their frames do; a byte before or behind an end as often as any. */
function cutOf({ dice, seed }: Trial, most: number) {
  const lengths = framesOf(seed, 20, most).map(({ length }) => length)
  const whole = dice.below(lengths.length)
  const end = lengths.slice(0, whole).reduce((sum, length) => sum + length, 0)
  const at = end + (dice.below(2) === 0 ? dice.below(3) : dice.below(lengths[whole]!))
  return { at, whole, isAtEnd: at === end }
}

/** `isChannel`: says hello, and no goodbye. */
const cut = (name: string, role: 'cut' | 'plainCut', isChannel: boolean): Scenario => ({
  name,
  isFor: isRaw,
  run: async trial => {
    const most = 100_000
    const { at, whole, isAtEnd } = cutOf(trial, most)
    const { channel } = await trial.meet({ role, at, count: 20, most })
    const delivered = await trial.settled(trial.read(channel, trial.seed, most), 'the reader')
    await trial.end(channel, isAtEnd && !isChannel ? 'closed' : 'PEER_GONE')
    if (delivered !== whole) trial.find(delivered < whole ? 'lost' : 'partial', `${delivered} of ${whole}`)
  },
})

/** What may become of a channel whose bytes are not those that were sent: any error of ours, and no other. */
const ENDS = ['closed', ...CODES.filter(code => code !== 'CLOSED')]

export const cuts: readonly Scenario[] = [
  cut('a channel ends its direction in mid-frame', 'cut', true),
  cut('a program ends its direction in mid-frame', 'plainCut', false),
  {
    name: 'a program ends its direction, and reads what takes longer than it may be silent',
    isFor: isRaw,
    run: async trial => {
      const [count, most] = [5, 100_000]
      const more = { allowHalfOpen: true, idleTimeoutMs: 1500, closeTimeoutMs: 60_000 }
      const { channel, peer } = await trial.meet({ role: 'half', count, most }, more)
      await trial.settled(trial.read(channel, trial.seed, most), 'the reader')
      await pause(2000)
      const answers = 200
      const sent = trial.flood(channel, answers, most, trial.seed + 1)
      await trial.settled(sent, 'the sender')
      void channel.close()
      await trial.end(channel, 'closed')
      await peer.exited
      const told = trial.count(peer.words.at(-1)?.tally)
      if (told < answers) trial.find('lost', `${told} of ${answers}`)
    },
  },
  ...Object.keys(spoils).map(
    (kind): Scenario => ({
      name: `a proxy spoils the bytes: ${kind}`,
      isFor: isRaw,
      run: async trial => {
        const [count, most] = [60, 50_000]
        const patience = { idleTimeoutMs: 2000, frameTimeoutMs: 2000, closeTimeoutMs: 2000 }
        const order = { role: 'both', count, most, patienceMs: 2000 } as const
        const { channel, peer } = await trial.meet(order, patience, address =>
          spoilt(trial, address, kind as keyof typeof spoils),
        )
        const read = trial.read(channel, trial.seed + 1, most)
        const sent = await trial.settled(trial.flood(channel, count, most), 'the sender')
        void channel.close()
        const end = await trial.end(channel, ...ENDS)
        const delivered = await trial.settled(read, 'the reader')
        await trial.settled(peer.exited, 'the peer')
        const ends = peer.words.flatMap(({ end }) => end ?? [])
        for (const code of ends) if (!ENDS.includes(code)) trial.find('wrongEnd', `${code} of the peer`)
        const told = trial.count(peer.words.find(({ tally }) => tally !== undefined)?.tally)
        const said = peer.words.find(word => word.sent !== undefined)?.sent ?? 0
        if (end === 'closed' && told < sent) trial.find('lost', `${told} of ${sent}, and closed`)
        if (ends[0] === 'closed' && delivered < said)
          trial.find('lost', `${delivered} of ${said}, and closed`)
      },
    }),
  ),
]
