/**
 * Memory that two processes share, as the annex of the stream between them: who has it offers it, who can opens it and says
 * so, and nothing changes until then. A peer that cannot (no koffi, another host, user or container), or that has never
 * heard of it, costs nothing but the words: all goes by the socket.
 *
 *      asks                                            waits
 *      ── pipes ─────────────────────────────────────→ opens them
 *      ←──────────────────────────── taken, or refused
 *      ── over ── bytes by the pipe, arena … ────────→ listens
 *      ←──────── over ── bytes by the pipe, arena … ──
 */
import { isOutbandError, OutbandError } from '../../errors.js'
import type { SharedArena } from '../../memory/arena/arena.js'
import type { ArenaLender } from '../../memory/arena/lender.js'
import { ArenaReader } from '../../memory/arena/reader.js'
import { Conduit } from '../../memory/conduit.js'
import type { Packet } from '../../packet.js'
import type { Annex, Stowed } from '../stream/annex.js'
import type { SharedLink } from './link.js'
import { arenaOf, type Sharing } from './sharing.js'
import { splitTable, tableOf } from './table.js'
import { type Place, PlaceReader, readWord, type Verb, type Word, wordOf, wordsFor } from './words.js'

/** Which of the two offers the pipes. */
export type Part = 'asks' | 'waits'

/** What is no fault of a message: there is no room for it, or nobody to see it. */
const NO_WAY = ['SHM_NOSPACE', 'LIMIT', 'PEER_GONE', 'CLOSED', 'UNSUPPORTED'] as const
/** A peer that was killed lets go of its locks a moment after its sockets. */
const SWEEP_MS = 100

export class SharedAnnex implements Annex {
  /** Resolves when all goes by memory, or it is known that it will not. Never rejects. */
  readonly joined: Promise<boolean>
  readonly #link: SharedLink
  readonly #part: Part
  readonly #sharing: Sharing
  readonly #places = new PlaceReader()
  #settle!: (isJoined: boolean) => void
  #say: (word: number) => void = () => {}
  #step: 'begun' | 'offered' | 'diverted' | 'joined' | 'apart' = 'begun'
  #conduit: Conduit | undefined
  /** What this side lends, once the peer has it open, and what the peer does. */
  #lender: ArenaLender | undefined
  #isLending = false
  /** Whether the peer has said if it has that open, or there is nothing to be opened. */
  #isAnswered = false
  #reader: ArenaReader | undefined

  constructor(link: SharedLink, part: Part, sharing: Sharing) {
    this.#link = link
    this.#part = part
    this.#sharing = sharing
    this.joined = new Promise(resolve => {
      this.#settle = resolve
    })
  }

  /** What this side lends from, made now if it is not there. @throws SHM_NOSPACE, UNSUPPORTED */
  get arena(): SharedArena {
    return arenaOf(this.#sharing)
  }

  open(say: (word: number) => void): void {
    this.#say = say
    if (this.#part === 'waits') return
    const made = this.#attempt(() => Conduit.create(this.#sharing.pipeBytes))
    if (made === undefined) return this.#stayApart()
    this.#use(made.conduit)
    this.#step = 'offered'
    const { pid, fd, key } = made.ticket
    this.#offer('pipes', { pid, fds: [fd], key })
  }

  hear(count: number): void {
    const word = readWord(count)
    switch (word.verb) {
      case 'process':
      case 'own':
      case 'key':
        return this.#places.take(word)
      case 'pipes':
        return this.#takePipes()
      case 'arena':
        return this.#takeArena()
      case 'taken':
      case 'refused':
        return this.#hearAnswer(word)
      case 'over':
        return this.#hearOver()
    }
  }

  owns(memory: ArrayBufferLike): boolean {
    return this.#isLending && arenaOf(this.#sharing).owns(memory as ArrayBuffer)
  }

  /** Puts as much of it as there is room for where the peer sees it; @throws SHM_STALE for what was released */
  stow(packet: Packet): Stowed | undefined {
    if (!this.#isLending || packet.buffers.length === 0) return undefined
    const { threshold } = this.#sharing
    const isOwn = packet.buffers.map(({ buffer }) => this.owns(buffer))
    const large = packet.buffers.flatMap(({ byteLength }, at) =>
      isOwn[at] || byteLength >= threshold ? at : [],
    )
    const own = large.filter(at => isOwn[at])
    return (
      this.#lend(packet, large, own) ?? (own.length < large.length ? this.#lend(packet, own, own) : undefined)
    )
  }

  /** Lends these buffers, of which some lie in the arena already; nothing where that is not possible now. */
  #lend(packet: Packet, chosen: readonly number[], own: readonly number[]): Stowed | undefined {
    if (chosen.length === 0) return undefined
    const sum = (indices: readonly number[]) =>
      indices.reduce((bytes, at) => bytes + packet.buffers[at]!.byteLength, 0)
    try {
      const lent = this.#lender!.lend({ meta: packet.meta, buffers: chosen.map(at => packet.buffers[at]!) })
      const shared = sum(own)
      return { packet: tableOf(packet, chosen, lent.buffers), shared, copied: sum(chosen) - shared }
    } catch (error) {
      if (isOutbandError(error, ...NO_WAY)) return undefined
      throw error
    }
  }

  recall({ packet }: Stowed): void {
    this.#lender!.recall({ meta: packet.meta, buffers: splitTable(packet).handles })
  }

  unstow(packet: Packet): Packet {
    const { chosen, handles, buffers } = splitTable(packet)
    if (this.#reader === undefined) throw new OutbandError('MALFORMED', 'shm: handles of no arena')
    const opened = this.#reader.open({ meta: packet.meta, buffers: handles })
    for (const [i, at] of chosen.entries()) buffers[at] = opened.buffers[i]!
    return { meta: packet.meta, buffers }
  }

  /** What was lent is the peer's as long as it lives and uses it, and what this side was lent is its own. */
  ended(): void {
    this.#settle(false)
    this.#isLending = false
    this.#reader?.retire()
    if (this.#lender === undefined) return
    const arena = arenaOf(this.#sharing)
    setTimeout(() => arena.sweep(), SWEEP_MS).unref()
  }

  #use(conduit: Conduit): void {
    this.#conduit = conduit
    this.#link.use(conduit)
  }

  #offer(verb: 'pipes' | 'arena', place: Place): void {
    for (const word of wordsFor(verb, place)) this.#say(word)
  }

  #answer(verb: Verb, to: 'pipes' | 'arena'): void {
    this.#say(wordOf(verb, to === 'pipes' ? 0 : 1))
  }

  #stayApart(): void {
    this.#step = 'apart'
    this.#settle(false)
  }

  #takePipes(): void {
    const { pid, fds, key } = this.#places.place(1)
    if (this.#part !== 'waits' || this.#step !== 'begun') throw confused('pipes')
    const conduit = this.#attempt(() => Conduit.open({ pid, fd: fds[0]!, key }))
    if (conduit === undefined) this.#stayApart()
    else {
      this.#use(conduit)
      this.#step = 'offered'
    }
    this.#answer(conduit === undefined ? 'refused' : 'taken', 'pipes')
  }

  #takeArena(): void {
    const { pid, fds, key } = this.#places.place(2)
    if (this.#reader !== undefined) throw confused('arena')
    const ticket = { pid, segment: fds[0]!, table: fds[1]!, arena: key }
    this.#reader = this.#attempt(() => ArenaReader.attach(ticket))
    this.#answer(this.#reader === undefined ? 'refused' : 'taken', 'arena')
  }

  #hearAnswer({ verb, argument }: Word): void {
    const isTaken = verb === 'taken'
    if (argument === 1) {
      if (this.#lender === undefined) throw confused('arena')
      this.#isLending = isTaken
      if (!isTaken) this.#lender.end()
      this.#isAnswered = true
      return this.#tellJoined()
    }
    if (this.#part !== 'asks' || this.#step !== 'offered') throw confused('pipes')
    if (isTaken) {
      this.#conduit!.seal()
      this.#divert()
    } else {
      this.#link.forgo()
      this.#stayApart()
    }
  }

  /** The peer's bytes come by its pipe from now on. */
  #hearOver(): void {
    if (this.#step !== (this.#part === 'asks' ? 'diverted' : 'offered')) throw confused('over')
    this.#link.listen()
    if (this.#part === 'waits') this.#divert()
    this.#step = 'joined'
    this.#tellJoined()
  }

  /** Pipes and arenas are agreed on one after the other, in either order. */
  #tellJoined(): void {
    if (this.#step === 'joined' && this.#isAnswered) this.#settle(this.#isLending)
  }

  #divert(): void {
    this.#say(wordOf('over'))
    this.#link.divert()
    this.#step = 'diverted'
    const lender = this.#attempt(() => arenaOf(this.#sharing).lender())
    if (lender === undefined) {
      this.#isAnswered = true
      return
    }
    this.#lender = lender
    const { pid, segment, table, arena } = lender.ticket
    this.#offer('arena', { pid, fds: [segment, table], key: arena })
  }

  /** What memory cannot do the socket can. */
  #attempt<T>(run: () => T): T | undefined {
    try {
      return run()
    } catch (error) {
      if (!isOutbandError(error)) throw error
      return undefined
    }
  }
}

function confused(what: string): OutbandError {
  return new OutbandError('MALFORMED', `shm: ${what}: a word that does not belong here`)
}
