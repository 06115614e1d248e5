/** One fault: a peer that is started, what is done to it, and what must hold afterwards. What does not hold is a find. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Channel } from '../../src/channel.js'
import { isOutbandError } from '../../src/errors.js'
import type { SocketOptions } from '../../src/socket/index.js'
import { within } from '../carriers/inbox.js'
import { collect } from '../collect.js'
import type { Dice } from '../mutate.js'
import type { Find, Kind } from './kinds.js'
import { LONGEST, type Message, messageOf, Tally } from './messages.js'
import type { Order, Word } from './order.js'
import type { Plant } from './plants.js'
import {
  type Address,
  MARK,
  type Meeting,
  options,
  type Start,
  spawnPeer,
  type Transport,
} from './transports.js'

/** Longer than anything here takes on a machine that is busy. */
const PATIENCE_MS = 60_000
const PEER = fileURLToPath(new URL('peer.js', import.meta.url))

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** A peer's process, and what it said. */
export interface Peer {
  readonly child: ChildProcess
  readonly words: Word[]
  /** Resolves when it has ended, and all that it said is there. */
  readonly exited: Promise<unknown>
  isOver(): boolean
}

export class Trial {
  readonly dice: Dice
  readonly transport: Transport
  /** Of the messages; a peer's are one more. */
  readonly seed: number
  readonly finds: Find[] = []
  tried = 0
  delivered = 0
  rejected = 0
  readonly #plant: Plant
  readonly #peers: Peer[] = []
  readonly #ends: (() => void)[] = []

  /** `isShort`: whatever takes long takes a part of that. */
  constructor(
    dice: Dice,
    transport: Transport,
    plant: Plant,
    readonly isShort: boolean,
  ) {
    this.dice = dice
    this.transport = transport
    this.seed = dice.below(1000)
    this.#plant = plant
  }

  find(kind: Kind, what: string): void {
    this.finds.push({ kind, what })
  }

  /** Does something at the end, however that comes. */
  leave(end: () => void): void {
    this.#ends.push(end)
  }

  /** Starts a peer that makes its own way; `shell`: what is said to a shell before. */
  start(order: Partial<Order> & Pick<Order, 'role'>, shell?: string, make = spawnPeer): Peer {
    const whole: Order = { transport: this.transport.name, seed: this.seed, ...order }
    const command = [process.execPath, PEER, JSON.stringify(whole)]
    const [program, ...args] =
      shell === undefined ? command : ['sh', '-c', `${shell}; exec "$@"`, 'sh', ...command]
    return this.#watch(make(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] }))
  }

  #watch(child: ChildProcess): Peer {
    const words: Word[] = []
    let [out, errors] = ['', '']
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (out + text).split('\n')
      out = lines.pop()!
      for (const line of lines) words.push(JSON.parse(line) as Word)
    })
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      errors += text
    })
    const exited = once(child, 'close').then(([code, signal]) => {
      // A peer is killed, or ends by itself and in order.
      if (errors !== '' || (code !== 0 && signal !== 'SIGKILL'))
        this.find('wrongEnd', `a peer ended with ${code ?? signal}: ${errors.slice(0, 500)}`)
    })
    const isOver = () => child.exitCode !== null || child.signalCode !== null
    const peer = { child, words, exited, isOver }
    this.#peers.push(peer)
    return peer
  }

  /** Starts a peer that comes as a channel of this trial's transport. */
  async meet(
    order: Partial<Order> & Pick<Order, 'role'>,
    more: SocketOptions = {},
    via: (address: Address) => Promise<Address> = async address => address,
  ): Promise<Meeting & { readonly peer: Peer }> {
    let peer: Peer | undefined
    const start: Start = async (address, make) => {
      peer = this.start({ ...order, address: address && (await via(address)) }, undefined, make)
      return peer.child
    }
    const meeting = await this.transport.meet(start, { ...options, ...more }, end => this.leave(end))
    // Where the channel is there before its peer: one that has come, mostly.
    const isComing = () => peer!.words.length === 0 && !peer!.isOver()
    if (!this.transport.isRaw && this.dice.below(8) > 0) while (isComing()) await pause(2)
    return { ...meeting, peer: peer! }
  }

  /** Reads until the end, and counts; with the bugs that are planted. `take` may be slow. */
  async read(channel: Channel, seed = this.seed, most?: number, take: (n: number) => unknown = () => {}) {
    const tally = new Tally(seed, most)
    try {
      for await (const value of channel) {
        for (const planted of this.#plant.read?.(value as Message) ?? [value]) tally.take(planted)
        await take((value as Message).n)
      }
    } catch (error) {
      if (!isOutbandError(error)) throw error
    }
    return this.count(tally.counts)
  }

  /** Takes counts into the ledger: those of this process, or what a peer told. */
  count(counts: Tally['counts'] | undefined): number {
    if (counts === undefined) {
      this.find('wrongEnd', 'a peer did not tell what it read')
      return 0
    }
    this.delivered += counts.delivered
    for (const kind of ['lost', 'duplicated', 'partial'] as const) {
      if (counts[kind] > 0) this.find(kind, `${counts[kind]} of ${counts.delivered}`)
    }
    return counts.delivered
  }

  /** Sends until the channel ends, or so many; returns how many were taken. Nothing is awaited longer than the trial. */
  async flood(
    channel: Channel,
    count = Number.POSITIVE_INFINITY,
    most?: number,
    seed = this.seed,
  ): Promise<number> {
    let sent = 0
    for (; sent < count; sent++) {
      this.tried++
      const message = messageOf(seed, sent, most)
      const isOver = await Promise.race([...(this.#plant.rooms ?? []), isRefused(channel.send(message))])
      const { queuedBytes } = channel.stats
      // One that waits, and one that came in between.
      if (queuedBytes > MARK + 2 * LONGEST) this.find('unbounded', `${queuedBytes} bytes are under way`)
      if (!isOver) continue
      this.rejected++
      break
    }
    return sent
  }

  /** How the channel ended, which must be one of these ways. */
  async end(channel: Channel, ...ways: string[]): Promise<string> {
    const outcome = (this.#plant.closed ?? channel.closed).then(
      () => 'closed',
      error => (isOutbandError(error) ? error.code : String(error)),
    )
    const end = await this.settled(outcome, 'closed').catch(() => 'never')
    if (end !== 'never' && !ways.includes(end)) this.find('wrongEnd', `${end}, not ${ways.join(' or ')}`)
    return end
  }

  /** Waits, and finds what does not come. */
  async settled<T>(promise: Promise<T>, what: string): Promise<T> {
    try {
      return await within(promise, what, this.#plant.patienceMs ?? PATIENCE_MS)
    } catch (error) {
      if (!isOutbandError(error)) this.find('unsettled', String(error))
      throw error
    }
  }

  /** Ends whatever is left, and looks at what is left then. `descriptors`: how many there were. */
  async over(descriptors: number): Promise<void> {
    for (const end of this.#ends) end()
    const isFound = this.finds.length > 0
    const timer = setTimeout(
      () => {
        if (!isFound) this.find('leaked', 'a peer that does not end')
        for (const { child } of this.#peers) child.kill('SIGKILL')
      },
      isFound ? 0 : PATIENCE_MS,
    )
    this.#plant.over?.()
    await Promise.all(this.#peers.map(({ exited }) => exited))
    clearTimeout(timer)
    let left = 0
    for (let i = 0; i < 1000; i++) {
      left = openDescriptors() - descriptors
      if (left <= 0) return
      await pause(10)
      // Memory of a peer that arrived is held until nobody looks at it any more.
      collect()
    }
    this.find('leaked', `${left} descriptors`)
  }
}

/** Whether a send was refused, by an error of ours. */
const isRefused = (sent: Promise<void>): Promise<boolean> =>
  sent.then(
    () => false,
    error => {
      if (!isOutbandError(error)) throw error
      return true
    },
  )

export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}
