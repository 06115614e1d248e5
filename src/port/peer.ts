/**
 * Who is at the other end: unknown at first, then known to be wrapped, or not to be. Opens the lanes and hears on
 * them; what is posted, and in which form, is the wrapper's.
 */
import type { Sender } from '../carriers/port/link.js'
import { isBranded } from '../carriers/port/posts.js'
import {
  hello,
  helloOf,
  idlePorts,
  introducedBy,
  type Lane,
  type LaneNote,
  laneOf,
  newBrand,
  openLane,
  type Port,
  withoutIntroduction,
} from './introduction.js'

/** What a wrapped port knows of its peer. */
export type PeerKind = 'unknown' | 'wrapped' | 'plain'

/** What a message of the port turned out to be. */
export interface Heard {
  /** The brand of a post that is a packet or a note; undefined for a plain message. */
  readonly brand: string | undefined
  readonly message: unknown
  /** The ports that came for the user. */
  readonly ports: readonly object[]
}

export class Peer implements Sender {
  kind: PeerKind
  /** The brand of what is posted: ours, unless the peer's was learned first. Either is known to both. */
  brand = newBrand()
  /** How much of what was posted the peer says it has taken in. */
  onTaken: (count: number) => void = () => {}
  /** The peer offers a ring for small packets. */
  onRing: (memory: SharedArrayBuffer) => void = () => {}
  /** The peer turns out to be wrapped. */
  onMet: () => void = () => {}
  /** Whether the user said what the peer is. */
  readonly #isTold: boolean
  readonly #isBroadcast: boolean
  readonly #brands = [this.brand]
  readonly #lanes: Lane[] = []
  #idle: Port[] = []
  /** Whether this side introduced itself by a plain message, and by a hello; whether the other side did. */
  #isPresented = false
  #hasSaidHello = false
  #isIntroduced = false

  constructor(kind: PeerKind, isBroadcast: boolean) {
    this.kind = kind
    this.#isTold = kind !== 'unknown'
    this.#isBroadcast = isBroadcast
  }

  /** Ports that go with a plain message to introduce this side; once. */
  present(): Port[] {
    if (this.#isPresented || this.#isTold || this.#isBroadcast) return []
    this.#isPresented = true
    const { near, far } = idlePorts()
    this.#idle = near
    return [...far, this.#open()]
  }

  /** Whether the peer may not know the brand. After a hello it does: messages arrive in order. */
  get isUnknown(): boolean {
    return this.#isBroadcast || !(this.#hasSaidHello || (this.kind === 'wrapped' && !this.#isTold))
  }

  /** A post in a hello, and what must move with that. */
  introduce(post: unknown): { message: unknown; along: Port[] } {
    if (this.#isBroadcast) return { message: hello(undefined, this.brand, post), along: [] }
    this.#hasSaidHello = true
    const far = this.#open()
    return { message: hello(far, this.brand, post), along: [far] }
  }

  /** The brand of a post of the peer's; undefined for any other message. */
  brandOf(message: unknown): string | undefined {
    for (const brand of this.#brands) {
      if (!isBranded(message, brand)) continue
      if (this.kind !== 'wrapped') this.#meet(brand)
      return brand
    }
    return undefined
  }

  /** Takes in a message without a brand: a hello with a post in it, or a plain one, with the user's ports. */
  hear(message: unknown, ports: readonly object[]): Heard {
    const greeting = helloOf(message)
    if (greeting !== undefined) {
      if (greeting.lane !== undefined) this.#adopt(greeting.lane, greeting.brand)
      return { brand: greeting.brand, message: greeting.post, ports: [] }
    }
    const introduced = this.#isBroadcast ? undefined : introducedBy(message, ports)
    if (introduced !== undefined) {
      this.#adopt(introduced)
      return { brand: undefined, message, ports: withoutIntroduction(ports) }
    }
    // A wrapped peer introduces itself with the first thing it says.
    if (this.kind === 'unknown' && !this.#isIntroduced && !this.#isBroadcast) this.#become('plain')
    return { brand: undefined, message, ports }
  }

  /** Tells the peer how much of its posts has been taken in; a second lane to it says nothing new. */
  acknowledge(count: number): void {
    for (const lane of this.#lanes) lane.send(count)
  }

  /** Offers the peer a ring; it takes the first that comes. */
  offer(memory: SharedArrayBuffer): void {
    for (const lane of this.#lanes) lane.send(memory)
  }

  close(): void {
    for (const lane of this.#lanes) lane.close()
    this.#dropIdle()
  }

  #open(): Port {
    const { lane, far } = openLane(note => this.#hearLane(note))
    lane.send(this.#brands[0])
    this.#lanes.push(lane)
    return far
  }

  #adopt(port: Port, brand?: string): void {
    this.#isIntroduced = true
    const lane = laneOf(port, note => {
      this.#hearLane(note)
      // Not before: what the peer posts under its brand could overtake the brand, which comes another way.
      if (typeof note === 'string') lane.send(true)
    })
    this.#lanes.push(lane)
    if (brand !== undefined) this.#meet(brand)
  }

  #hearLane(note: LaneNote): void {
    if (typeof note === 'number') this.onTaken(note)
    else if (note === true) this.#meet(this.#brands[0])
    else if (typeof note === 'string') this.#meet(note)
    else this.onRing(note)
  }

  /** The peer is wrapped, and knows this brand. */
  #meet(brand: string): void {
    if (!this.#brands.includes(brand)) this.#brands.push(brand)
    if (this.kind === 'wrapped' || this.#isTold) return
    this.brand = brand
    this.#become('wrapped')
    this.onMet()
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
