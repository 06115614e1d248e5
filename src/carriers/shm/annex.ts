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
import { isFileHandle, readFileHandle } from '../../memory/file-handle.js'
import { isOfFile, openFilePlace } from '../../memory/mapped-file.js'
import type { Packet } from '../../packet.js'
import type { Annex, Stowed } from '../stream/annex.js'
import { FileLender } from './files.js'
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
  readonly #files: FileLender
  /** The peer's process, which names its files by its own descriptors. */
  #peer = -1
  #settle!: (isJoined: boolean) => void
  #say: (word: number) => void = () => {}
  #step: 'begun' | 'offered' | 'diverted' | 'joined' | 'apart' = 'begun'
  #conduit: Conduit | undefined
  /** What this side lends, once the peer has it open, and what the peer does. Another arena, made since, is none of theirs. */
  #arena: SharedArena | undefined
  #lender: ArenaLender | undefined
  #isLending = false
  /** Whether the peer has said if it has that open, or there is nothing to be opened. */
  #isAnswered = false
  #reader: ArenaReader | undefined

  constructor(link: SharedLink, part: Part, sharing: Sharing) {
    this.#link = link
    this.#part = part
    this.#sharing = sharing
    this.#files = new FileLender(sharing.threshold)
    this.joined = new Promise(resolve => {
      this.#settle = resolve
    })
  }

  /** What this side lends from, made now if it is not there. @throws SHM_NOSPACE, UNSUPPORTED */
  get arena(): SharedArena {
    return this.#arena ?? arenaOf(this.#sharing)
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
    return this.#isLending && (this.#arena!.owns(memory) || isOfFile(memory))
  }

  /**
   * Leaves in files what is there, and puts as much of the rest as there is room for where the peer sees it.
   * @throws SHM_STALE for what was released, or lies in a file that was cut
   */
  stow(packet: Packet): Stowed | undefined {
    if (!this.#isLending || packet.buffers.length === 0) return undefined
    const files = this.#files.handlesOf(packet.buffers)
    const own: number[] = []
    const others: number[] = []
    for (const [at, { buffer, byteLength }] of packet.buffers.entries()) {
      if (files.has(at)) continue
      if (this.#arena!.owns(buffer)) own.push(at)
      else if (byteLength >= this.#sharing.threshold) others.push(at)
    }
    return (
      this.#lend(packet, files, own, others) ??
      this.#lend(packet, files, own, []) ??
      this.#lend(packet, files, [], [])
    )
  }

  /** Lends these buffers, by handles or from the arena or copied there; nothing where that is not possible now. */
  #lend(
    packet: Packet,
    files: ReadonlyMap<number, Uint8Array>,
    own: readonly number[],
    others: readonly number[],
  ): Stowed | undefined {
    const handles = new Map(files)
    const chosen = [...own, ...others]
    const sum = (indices: Iterable<number>) => {
      let bytes = 0
      for (const at of indices) bytes += packet.buffers[at]!.byteLength
      return bytes
    }
    try {
      if (chosen.length > 0) {
        const lent = this.#lender!.lend({ meta: packet.meta, buffers: chosen.map(at => packet.buffers[at]!) })
        for (const [i, at] of chosen.entries()) handles.set(at, lent.buffers[i]!)
      }
    } catch (error) {
      if (isOutbandError(error, ...NO_WAY)) return undefined
      throw error
    }
    if (handles.size === 0) return undefined
    return { packet: tableOf(packet, handles), shared: sum(files.keys()) + sum(own), copied: sum(others) }
  }

  recall({ packet }: Stowed): void {
    const handles = splitTable(packet).handles.filter(handle => !isFileHandle(handle))
    this.#lender!.recall({ meta: packet.meta, buffers: handles })
  }

  unstow(packet: Packet): Packet {
    const { chosen, handles, buffers } = splitTable(packet)
    const lent = handles.filter(handle => !isFileHandle(handle))
    if (lent.length > 0 && this.#reader === undefined) {
      throw new OutbandError('MALFORMED', 'shm: a handle, and no arena was offered')
    }
    const opened = lent.length > 0 ? this.#reader!.open({ meta: packet.meta, buffers: lent }).buffers : []
    let next = 0
    for (const [i, at] of chosen.entries()) {
      buffers[at] = isFileHandle(handles[i]!) ? this.#openFile(handles[i]!) : opened[next++]!
    }
    return { meta: packet.meta, buffers }
  }

  #openFile(handle: Uint8Array): Uint8Array {
    const place = readFileHandle(handle)
    if (place.pid !== this.#peer) throw new OutbandError('MALFORMED', 'shm: a handle to the file of another')
    return openFilePlace(place)
  }

  /** What was lent is the peer's as long as it lives and uses it, and what this side was lent is its own. */
  ended(): void {
    this.#settle(false)
    // Nothing can have been lent to a peer that never said it has the arena open, and no sweep would find that it has gone.
    if (!this.#isLending) this.#lender?.end()
    this.#isLending = false
    this.#files.end()
    this.#reader?.retire()
    if (this.#lender !== undefined) setTimeout(() => this.#arena!.sweep(), SWEEP_MS).unref()
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
    this.#peer = pid
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
    const lender = this.#attempt(() => {
      this.#arena = this.arena
      return this.#arena.lender()
    })
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
