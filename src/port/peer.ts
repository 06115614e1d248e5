/**
 * Who is at the other end: unknown at first, then known to be wrapped, or not to be. Opens the lanes and hears on
 * them; what is posted, and in which form, is the wrapper's.
 */
import type { Introduction, Sender } from '../carriers/port/link.js'
import { isBranded } from '../carriers/port/posts.js'
import {
  canIntroduce,
  hello,
  helloOf,
  idlePorts,
  introducedBy,
  isForeign,
  isUnintroducible,
  type Lane,
  laneOf,
  lanePorts,
  newBrand,
  type Port,
  withoutIntroduction,
} from './introduction.js'

/** What a wrapped port knows of its peer. */
type PeerKind = 'unknown' | 'wrapped' | 'plain'

/** What a message of the port turned out to be. */
interface Heard {
  /** The brand of a post that is a packet or a note; undefined for a plain message. */
  readonly brand: string | undefined
  readonly message: unknown
  /** The ports that came for the user. */
  readonly ports: readonly object[]
  /** A packet for whoever had the port before. */
  readonly isForeign?: boolean
}

/** Whom a peer tells of what it learns. */
export interface PeerListener {
  /** The peer has taken in so much of what was posted. */
  taken(count: number): void
  /** The peer offers a ring for small packets, or takes it back. */
  ringOffered(memory: SharedArrayBuffer | undefined): void
  /** The peer offers to keep a tally. */
  tallyOffered(memory: SharedArrayBuffer): void
  /** The peer is not wrapped, or somebody else is there now: what was posted will not be acknowledged. */
  forgotten(): void
}

/** Hellos that are said before one is answered; then the peer is taken to have heard one. */
const MOST_HELLOS = 64

export class Peer implements Sender {
  kind: PeerKind
  /** The brand of what is posted: ours, unless the peer's was learned first. Either is known to both. */
  brand = newBrand()
  /** Whether the user said what the peer is. */
  readonly #isTold: boolean
  readonly #isBroadcast: boolean
  readonly #listener: PeerListener
  #own = this.brand
  #brands = [this.brand]
  /** Those of a peer that has gone: what it posted before may still come. */
  #formerBrands: readonly string[] = []
  #lanes: Lane[] = []
  #idle: Port[] = []
  /** Whether this side introduced itself by a plain message; how many hellos it said; whether the other side did either. */
  #isPresented = false
  #hellos = 0
  #isIntroduced = false
  /** Whether the peer has answered: it knows the brand. */
  #isKnown = false

  constructor(kind: PeerKind, isBroadcast: boolean, listener: PeerListener) {
    this.kind = kind
    this.#isTold = kind !== 'unknown'
    this.#isBroadcast = isBroadcast
    this.#listener = listener
  }

  get isMet(): boolean {
    return this.kind === 'wrapped' && !this.#isBroadcast
  }

  /** Whether the peer may not know the brand. It does when it has answered: what came before it listened may be lost. */
  get isUnknown(): boolean {
    return this.#isBroadcast || !(this.#isKnown || this.#hellos >= MOST_HELLOS)
  }

  /** A post in a hello. */
  introduce(post: unknown): Introduction {
    if (this.#isBroadcast) return { message: hello(undefined, this.brand, post), along: [], done: () => {} }
    const { lane, far } = this.#open()
    const done = (isPosted: boolean): void => {
      if (!isPosted) return lane.close()
      this.#hellos++
      this.#lanes.push(lane)
    }
    return { message: hello(far, this.#own, post), along: [far], done }
  }

  /** A plain message that introduces this side, once; not beside ports that nobody sees. */
  present(message: unknown, isAlone: boolean): Introduction {
    if (!isAlone || this.#isPresented || this.#isTold || this.#isBroadcast || !canIntroduce()) {
      return { message, along: [], done: () => {} }
    }
    const { near, far } = idlePorts()
    const { lane, far: end } = this.#open()
    const done = (isPosted: boolean): void => {
      if (isPosted) {
        this.#isPresented = true
        this.#idle = near
        this.#lanes.push(lane)
      } else for (const port of [...near, lane]) port.close()
    }
    return { message, along: [...far, end], done }
  }

  /** The brand of a post of the peer's; undefined for any other message. */
  brandOf(message: unknown): string | undefined {
    for (const brand of this.#brands) if (isBranded(message, brand)) return brand
    for (const brand of this.#formerBrands) if (isBranded(message, brand)) return brand
    return undefined
  }

  /** Whether it is a brand of the peer that was there before. */
  isFormer(brand: string): boolean {
    return this.#formerBrands.includes(brand)
  }

  /** Takes in a message without a brand: a hello with a post in it, or a plain one, with the user's ports. */
  hear(message: unknown, ports: readonly object[]): Heard {
    // A list that holds itself can come out of bytes: on a broadcast channel one must have been told of the others.
    const mayGreet = !this.#isBroadcast || this.kind === 'wrapped'
    const greeting = mayGreet ? helloOf(message, this.#isBroadcast) : undefined
    if (greeting !== undefined) {
      const { lane, brand, post } = greeting
      if (lane !== undefined) this.#adopt(lane, brand)
      return { brand, message: post, ports: [] }
    }
    const introduced = this.#isBroadcast ? undefined : introducedBy(message, ports)
    if (introduced !== undefined) {
      this.#adopt(introduced)
      return { brand: undefined, message, ports: withoutIntroduction(ports) }
    }
    if (!this.#isBroadcast && isForeign(message)) return { brand: undefined, message, ports, isForeign: true }
    // A wrapped peer introduces itself with the first thing it says, if it can.
    if (this.kind === 'unknown' && !this.#isIntroduced && !this.#isBroadcast && !isUnintroducible(message)) {
      this.#become('plain')
      this.#listener.forgotten()
    }
    return { brand: undefined, message, ports }
  }

  /** Tells the peer how much of its posts has been taken in; a second lane to it says nothing new. */
  acknowledge(count: number): void {
    for (const lane of this.#lanes) lane.send('taken', count)
  }

  /** Offers the peer a ring, of which it takes the first that comes; nothing: takes it back. */
  offer(memory: SharedArrayBuffer | undefined): void {
    for (const lane of this.#lanes) lane.send('ring', memory)
  }

  /** Offers the peer a tally to look at. */
  offerTally(memory: SharedArrayBuffer): void {
    for (const lane of this.#lanes) lane.send('tally', memory)
  }

  hold(isHeld: boolean): void {
    for (const lane of this.#lanes) lane.hold(isHeld)
  }

  close(): void {
    for (const lane of this.#lanes.splice(0)) lane.close()
    this.#dropIdle()
  }

  #open(): { lane: Lane; far: Port } {
    const { port1, port2 } = lanePorts()
    return { lane: this.#hearLane(port1), far: port2 }
  }

  #adopt(port: Port, brand?: string): void {
    this.#isIntroduced = true
    const lane = this.#hearLane(port)
    this.#lanes.push(lane)
    lane.send(brand === undefined ? 'knock' : 'met')
    if (brand !== undefined) this.#meet(brand)
  }

  #hearLane(port: Port): Lane {
    const lane = laneOf(port, {
      knock: () => lane.send('brand', this.#own),
      brand: brand => {
        // Our own lane: a peer that is not wrapped sent back the ports it got.
        if (brand === this.#own) return this.#meetSelf(lane)
        this.#meet(brand)
        // Not before: what the peer posts under its brand could overtake the brand, which comes another way.
        lane.send('met')
      },
      met: () => this.#meet(this.#own),
      taken: count => this.#listener.taken(count),
      ring: memory => this.#listener.ringOffered(memory),
      tally: memory => this.#listener.tallyOffered(memory),
      close: () => this.#lose(lane),
    })
    return lane
  }

  #meetSelf(lane: Lane): void {
    for (const end of [...this.#lanes, lane]) end.close()
    this.#lanes = []
    this.#become('plain')
    this.#listener.forgotten()
  }

  /** The peer is wrapped, and knows this brand; of a peer that was told of, only ours is used. */
  #meet(brand: string): void {
    if (!this.#brands.includes(brand)) this.#brands.push(brand)
    if (this.#isKnown) return
    if (!this.#isTold) {
      this.brand = brand
      this.#become('wrapped')
    }
    this.#isKnown = this.brand === brand
  }

  /** The other end of a lane has gone, and with the last of them the peer: its port may be somebody else's by now. */
  #lose(lane: Lane): void {
    this.#lanes = this.#lanes.filter(other => other !== lane)
    if (this.#lanes.length > 0 || this.#isTold || this.kind !== 'wrapped') return
    this.kind = 'unknown'
    this.#formerBrands = this.#brands
    this.brand = this.#own = newBrand()
    this.#brands = [this.brand]
    this.#hellos = 0
    this.#isPresented = this.#isIntroduced = this.#isKnown = false
    this.#listener.forgotten()
  }

  #become(kind: PeerKind): void {
    if (this.#isTold) return
    this.kind = kind
    this.#dropIdle()
  }

  #dropIdle(): void {
    for (const port of this.#idle) port.close()
    this.#idle = []
  }
}
