/** Many peers at a time: what some of them do is no concern of the others, nor of the server. */
import type { Channel } from '../../src/channel.js'
import { isOutbandError } from '../../src/errors.js'
import { connect, serve } from '../../src/socket/index.js'
import { until } from '../carriers/inbox.js'
import { somePath } from '../carriers/path.js'
import { isRaw, type Scenario, socketsOf } from './scenario.js'
import { addressOf, rawTo } from './transports.js'
import { pause, type Trial } from './trial.js'

const KiB = 1024

/** A server that echoes, and how its channels ended. */
async function echoing(trial: Trial, patienceMs: number) {
  const ends: Record<string, number> = {}
  const server = await serve(
    socketsOf(trial).place(),
    async channel => {
      void channel.closed
        .then(
          () => 'closed',
          error => (isOutbandError(error) ? error.code : String(error)),
        )
        .then(end => {
          ends[end] = (ends[end] ?? 0) + 1
        })
      for await (const value of channel) await channel.send(value)
    },
    { frameTimeoutMs: patienceMs, idleTimeoutMs: patienceMs },
  )
  trial.leave(() => server.abort())
  return { server, ends, address: addressOf(server) }
}

/** Peers that are bad beside 20 that are good, which must not notice. */
const beside = (name: string, role: 'drip' | 'silent', count: number): Scenario => ({
  name,
  isFor: isRaw,
  run: async trial => {
    const patienceMs = 3000
    const { server, ends, address } = await echoing(trial, patienceMs)
    const before = process.memoryUsage().rss
    const bad = trial.start({ role, address, count, ms: trial.isShort ? 100 : 1000 })
    const good = trial.start({ role: 'chat', address, count: 20, ms: 2 * patienceMs })
    let grown = 0
    while (!good.isOver()) {
      await pause(50)
      if (server.channels.size >= count) grown = Math.max(grown, process.memoryUsage().rss - before)
    }
    await trial.settled(Promise.all([bad.exited, good.exited]), 'all of them')
    const { answers = 0, worstMs = Number.POSITIVE_INFINITY } = good.words.at(-1) ?? {}
    trial.tried += answers
    trial.delivered += answers
    // A busy machine may stand still for a moment, and not for as long as a bad peer is waited for.
    if (answers < 200 || worstMs > patienceMs)
      trial.find('unsettled', `${answers} answers, ${worstMs} ms the worst`)
    if (bad.words.at(-1)?.gone !== count) trial.find('unsettled', 'bad peers that are still there')
    if (ends.TIMEOUT !== count || ends.closed !== 20) trial.find('wrongEnd', JSON.stringify(ends))
    // What the good ones make this process take, and what each bad one may.
    if (grown > 64 * KiB * KiB + count * 128 * KiB) trial.find('unbounded', `${grown} bytes`)
  },
})

export const crowds: readonly Scenario[] = [
  beside('200 that drip a byte now and then, beside 20 that talk', 'drip', 200),
  beside('200 that are silent, beside 20 that talk', 'silent', 200),
  {
    name: 'a server without descriptors',
    isFor: ({ name }) => name === 'unix',
    run: async trial => {
      const address = somePath()
      const server = trial.start({ role: 'serve', address }, 'ulimit -n 64')
      while (server.words.length === 0) await pause(10)
      const asks = async (channel: Channel, question: number) => {
        trial.tried++
        await channel.send(question)
        const { value } = await channel[Symbol.asyncIterator]().next()
        if (value === question) trial.delivered++
        else trial.find('lost', `${value} for ${question}`)
      }
      const old = await Promise.all(Array.from({ length: 10 }, () => connect(address)))
      const ask = (from: number) => Promise.all(old.map((channel, i) => asks(channel, from + i)))
      await trial.settled(ask(0), 'answers before')
      const refused = new Set<number>()
      const crowd = await Promise.all(
        Array.from({ length: 200 }, async (_, i) => {
          const socket = await rawTo(address)
          for (const end of ['end', 'close']) socket.resume().once(end, () => refused.add(i))
          return socket
        }),
      )
      await trial.settled(ask(100), 'answers in the crowd')
      await pause(trial.dice.below(200))
      await trial.settled(ask(200), 'answers in the crowd')
      await trial.settled(
        until(() => refused.size >= 100, 'refusals'),
        `${refused.size} of 200 were refused`,
      )
      trial.rejected += refused.size
      for (const socket of crowd) socket.destroy()
      const late = await trial.settled(again(address, 300), 'an answer afterwards')
      if (server.child.exitCode !== null) trial.find('wrongEnd', 'the server is dead')
      await trial.settled(Promise.all([...old, late].map(channel => channel.close())), 'the goodbyes')
      server.child.kill('SIGKILL')
    },
  },
  {
    name: 'a client without descriptors',
    isFor: isRaw,
    run: async trial => {
      const { address, ends } = await echoing(trial, 60_000)
      const client = trial.start({ role: 'starve', address, count: 200 }, 'ulimit -n 64')
      await trial.settled(client.exited, 'the client')
      const { answers = 0, refused = 0, end } = client.words.at(-1) ?? {}
      trial.tried += answers
      trial.delivered += answers
      trial.rejected += refused
      if (end !== 'closed' || refused === 0) trial.find('wrongEnd', JSON.stringify(client.words))
      if (ends.closed !== answers) trial.find('wrongEnd', `${JSON.stringify(ends)} of ${answers}`)
    },
  },
]

/** A channel that answers: a server that was short of everything may first refuse. */
async function again(address: string, question: number): Promise<Channel> {
  for (;;) {
    try {
      const channel = await connect(address)
      await channel.send(question)
      const { value } = await channel[Symbol.asyncIterator]().next()
      if (value === question) return channel
    } catch (error) {
      if (!isOutbandError(error, 'PEER_GONE', 'CLOSED')) throw error
    }
    await pause(10)
  }
}
