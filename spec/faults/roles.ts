/** What peers do. */
import type { Socket } from 'node:net'
import type { Channel } from '../../src/channel.js'
import { isOutbandError } from '../../src/errors.js'
import { Deframer, packBytes } from '../../src/frame/index.js'
import { packNote } from '../../src/frame/note.js'
import { decode, encode } from '../../src/index.js'
import { connect, serve } from '../../src/socket/index.js'
import { framesOf, type Message, messageOf, Tally } from './messages.js'
import { type Order, say } from './order.js'
import { options, rawTo, transports } from './transports.js'

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** How a channel ended. */
const endOf = (channel: Channel): Promise<string> =>
  channel.closed.then(
    () => 'closed',
    error => (isOutbandError(error) ? error.code : String(error)),
  )

async function join({ transport, address, patienceMs = 20_000 }: Order): Promise<Channel> {
  const times = { idleTimeoutMs: patienceMs, frameTimeoutMs: patienceMs }
  const { join } = transports.find(({ name }) => name === transport)!
  const channel = await join(address, { ...options, ...times })
  say({ isThere: true })
  return channel
}

/** Reads until the end, whatever that is. */
async function readAll(channel: Channel, take: (value: unknown) => unknown): Promise<void> {
  try {
    for await (const value of channel) await take(value)
  } catch (error) {
    if (!isOutbandError(error)) throw error
  }
}

async function floodTo(channel: Channel, { seed, count = Number.POSITIVE_INFINITY, most }: Order) {
  let sent = 0
  try {
    for (; sent < count; sent++) await channel.send(messageOf(seed, sent, most))
    await channel.close()
  } catch (error) {
    if (!isOutbandError(error)) throw error
  }
  say({ sent, end: await endOf(channel) })
}

const bytesOf = ({ seed, count = 0, most }: Order): Buffer => Buffer.concat(framesOf(seed, count, most))

/**
 * Takes in, and says each number at once: before the channel can answer that it has taken it. After `at` messages it
 * reads no more for `ms`.
 */
async function tell(channel: Channel, { seed, most, at, ms = 0 }: Order): Promise<void> {
  const tally = new Tally(seed, most)
  const take = (value: unknown) => {
    tally.take(value)
    say({ n: (value as Message).n })
  }
  if (at === undefined) channel.on('message', take)
  else {
    await readAll(channel, async value => {
      take(value)
      if (tally.counts.delivered === at) await pause(ms)
    })
  }
  const end = await endOf(channel)
  say({ tally: tally.counts, end })
}

/** Resolves when the other side has ended the connection, in whatever way. */
const gone = (socket: Socket): Promise<unknown> => {
  socket.resume().once('end', () => socket.destroy())
  return new Promise(resolve => socket.once('close', resolve))
}

export const roles = {
  /** Sends numbered messages, and closes when there are enough. */
  flood: async (order: Order) => floodTo(await join(order), order),

  /** The same, with a seed of its own, and says what it reads. */
  both: async (order: Order) => {
    const channel = await join(order)
    await Promise.all([floodTo(channel, { ...order, seed: order.seed + 1 }), tell(channel, order)])
  },

  /** The same, without end, while it writes anything to the memory that both see; after `ms` it is gone. */
  spoil: async (order: Order) => {
    const { spoilFor, watchMappings } = await import('./spoiler.js')
    const { memoryOf } = await import('../../src/shm/index.js')
    const seen = watchMappings()
    // Whose child spoils a channel ends it.
    process.on('SIGTERM', () => {})
    const channel = await join(order)
    await Promise.race([memoryOf(channel)?.joined, pause(5000)])
    channel.on('message', () => {})
    void floodTo(channel, order).catch(() => {})
    await pause(20)
    say({ flips: await spoilFor(order.ms!, seen, order.seed, order.at!) })
    process.kill(process.pid, 'SIGKILL')
  },

  /** Sends back what comes, before it reads the next. */
  echo: async (order: Order) => {
    const channel = await join(order)
    await readAll(channel, value => channel.send(value))
    say({ end: await endOf(channel) })
  },

  /** Says what it reads; after `at` messages it reads none for `ms`. */
  read: async (order: Order) => tell(await join(order), order),

  /** Sends until its socket is reset, after `ms`. */
  reset: async (order: Order) => {
    const socket = await rawTo(order.address!)
    setTimeout(() => socket.resetAndDestroy(), order.ms)
    await floodTo(await connect(socket), order)
  },

  /** Writes `at` bytes of frames as a channel, and ends its direction. */
  cut: async (order: Order) => {
    const socket = await rawTo(order.address!)
    socket.write(packNote('hello', 0))
    socket.end(bytesOf(order).subarray(0, order.at))
    await gone(socket)
  },

  /** The same for a program that is no channel. */
  plainCut: async (order: Order) => {
    const socket = await rawTo(order.address!)
    socket.end(bytesOf(order).subarray(0, order.at))
    await gone(socket)
  },

  /** Ends its direction after some frames, and reads what comes, for as long as that takes. */
  half: async (order: Order) => {
    const socket = await rawTo(order.address!)
    socket.end(bytesOf(order))
    const tally = new Tally(order.seed + 1, order.most)
    const deframer = new Deframer()
    for await (const chunk of socket) for (const packet of deframer.push(chunk)) tally.take(decode(packet))
    deframer.end()
    say({ tally: tally.counts })
    socket.destroy()
  },

  /** So many sockets that say nothing. */
  silent: async ({ address, count = 1 }: Order) => {
    const sockets = await Promise.all(Array.from({ length: count }, () => rawTo(address!)))
    await Promise.all(sockets.map(gone))
    say({ gone: count })
  },

  /** So many sockets that write a byte every `ms` of a message that is never whole. */
  drip: async ({ address, count = 1, ms = 1000 }: Order) => {
    const frame = packBytes(encode(new Uint8Array(2 ** 20)))
    const sockets = await Promise.all(Array.from({ length: count }, () => rawTo(address!)))
    let at = 0
    const timer = setInterval(() => {
      const byte = frame.subarray(at, ++at)
      for (const socket of sockets) if (socket.writable) socket.write(byte)
    }, ms)
    await Promise.all(sockets.map(gone))
    clearInterval(timer)
    say({ gone: count })
  },

  /** So many channels that ask and wait for the answer, for `ms`; says how many answers, and the longest wait. */
  chat: async (order: Order) => {
    let [answers, worstMs] = [0, 0]
    const until = performance.now() + order.ms!
    const talk = async () => {
      const channel = await join(order)
      const read = channel[Symbol.asyncIterator]()
      while (performance.now() < until) {
        const start = performance.now()
        await channel.send(start)
        if ((await read.next()).value !== start) throw new Error('another answer')
        worstMs = Math.max(worstMs, performance.now() - start)
        answers++
        // What matters is how long an answer takes, and not how many there are.
        await pause(10)
      }
      await channel.close()
    }
    await Promise.all(Array.from({ length: order.count! }, talk))
    say({ answers, worstMs })
  },

  /** Makes channels until it may make no more, all of which must answer, and one more when they are gone. */
  starve: async (order: Order) => {
    const made = await Promise.allSettled(Array.from({ length: order.count! }, () => join(order)))
    const channels = made.flatMap(one => (one.status === 'fulfilled' ? one.value : []))
    for (const one of made) {
      if (one.status === 'rejected' && !isOutbandError(one.reason, 'PEER_GONE')) throw one.reason
    }
    const ask = async (channel: Channel) => {
      await channel.send('?')
      const { value } = await channel[Symbol.asyncIterator]().next()
      if (value !== '?') throw new Error(`${value}`)
      await channel.close()
      return await endOf(channel)
    }
    const ends = await Promise.all(channels.map(ask))
    const end = ends.find(end => end !== 'closed') ?? (await ask(await join(order)))
    say({ answers: channels.length + 1, refused: made.length - channels.length, end })
  },

  /** Serves an echo, until it is killed. */
  serve: async ({ address }: Order) => {
    await serve(address as string, async channel => {
      for await (const value of channel) await channel.send(value)
    })
    say({ serving: true })
  },
} as const
