/**
 * What arrives from a `Link`, put in order again: posts come through the port, small packets also through a ring in
 * shared memory, where they cost neither a post nor a wake-up. The mark of each ring entry says how many posts were
 * made before it: an entry is delivered when so many have come, and a post after the entries before it.
 *
 * As with the messages of a port, what a listener of one left for later (`await`, `nextTick`) runs before the next.
 * The ring is the receiver's to offer, when enough small posts have come to pay for it.
 */
import { isTextCheap } from '../../bytes/text.js'
import { Fifo } from '../../fifo.js'
import { RingReader, ringMemory } from '../../memory/ring.js'
import { later, soon } from '../turns.js'
import { isBell, isSmall, noteOf, type Reading, RING, readPost, TAKEN, TALLY } from './posts.js'
import { Tally, tallyMemory } from './tally.js'

/** Small posts after which a ring is offered. */
const BUSY = 32
const RING_BYTES = 2 ** 18
/** Deliveries in one go; then the thread's other work has its turn. */
const AT_ONCE = 1000

/** Who slept longer before a message is not quick to get another. */
const DENSE_MS = 1

/** Whoever takes in what arrives. */
export interface Outlet extends Reading {
  /** The event that brought the post that is read now; undefined when it has been, and for what comes by the ring. */
  begin(event: MessageEvent | undefined): void
  /** Offers a ring to the peer; nothing: it is not read any more. */
  offer(memory: SharedArrayBuffer | undefined): void
  /** Offers the peer to keep a tally. */
  offerTally(memory: SharedArrayBuffer): void
  /** A post that is none, or a ring that holds what cannot be. */
  broken(error: unknown): void
}

interface Post {
  readonly message: unknown
  readonly brand: string
  readonly event: MessageEvent | undefined
}

export class Inlet {
  readonly #outlet: Outlet
  readonly #canShare: boolean
  #tally: Tally | undefined
  /** Posts that came and wait for the entries before them. */
  readonly #waiting = new Fifo<Post>()
  #ring: RingReader | undefined
  /** Whether the peer uses it: before that is said, posts are not counted as it counts them. */
  #isTaken = false
  /** Posts delivered since then, modulo 2**32; and small ones. */
  #posts = 0
  #small = 0
  #isPaused = false
  /** Whether nothing at all is delivered. */
  #isHeld = false
  /** Whether deliveries go on in this turn, or in a later one. */
  #isGoing = false
  #isDue = false
  /** Whether something was delivered since the last look that found nothing. */
  #isLingering = false
  /** Since when the ring's reader sleeps, −1 when it does not; and whether it slept but shortly the last time. */
  #asleepSince = -1
  #isDense = false

  constructor(outlet: Outlet, canShare: boolean) {
    this.#outlet = outlet
    this.#canShare = canShare
  }

  /** Takes in a post of the peer's. */
  hear(message: unknown, brand: string, event?: MessageEvent): void {
    if (!isBell(message, brand)) this.#waiting.push({ message, brand, event })
    this.#start()
  }

  /** A post came that could not be rebuilt; what comes after it was counted with it. */
  lost(): void {
    this.#posts = (this.#posts + 1) | 0
    this.#start()
  }

  /** The peer asks how much has been taken in: from now on it can see that, where memory can be shared. */
  keepTally(): void {
    if (this.#tally !== undefined || !this.#canShare) return
    const memory = tallyMemory()
    this.#tally = new Tally(memory)
    this.#outlet.offerTally(memory)
  }

  /** What was sent up to this count has been taken in. */
  took(count: number): void {
    if (this.#tally !== undefined) this.#tally.count = count
  }

  /** Delivers all that there is; for the end, when no post will come any more. What is held still waits for `resume`. */
  finish(): void {
    this.#isPaused = false
    while (this.#deliver());
  }

  /** While paused, nothing is taken out of the ring but what a post pushes. */
  pause(): void {
    this.#isPaused = true
  }

  /** Nobody listens: what came is kept, posts as well, until `resume`. */
  hold(): void {
    this.#isHeld = true
  }

  resume(): void {
    this.#isPaused = false
    this.#isHeld = false
    if ((this.#ring !== undefined || this.#waiting.length > 0) && !this.#isGoing) this.#goLater()
  }

  #start(): void {
    if (this.#isGoing) return
    this.#isDue = false
    this.#isGoing = true
    if (this.#asleepSince >= 0) {
      this.#isDense = performance.now() - this.#asleepSince < DENSE_MS
      this.#asleepSince = -1
    }
    this.#go()
  }

  #goLater(): void {
    this.#isGoing = false
    this.#isDue = true
    later(() => {
      if (this.#isDue) this.#start()
    })
  }

  #go(count = 0): void {
    if (!this.#deliver()) return this.#rest()
    this.#isLingering = true
    if (!this.#hasMore()) return this.#rest()
    if (count >= AT_ONCE || tick === undefined) this.#goLater()
    else tick(() => this.#go(count + 1))
  }

  /**
   * Nothing is there. Where something came, and soon, more may come: a turn later costs less than a bell for every message, and is
   * in vain where messages are far between.
   */
  #rest(): void {
    const ring = this.#ring
    if (ring === undefined || this.#isBlocked()) this.#isGoing = false
    else if (this.#isLingering && this.#isDense) {
      this.#isLingering = false
      this.#goLater()
    } else if (ring.sleep()) {
      this.#isGoing = false
      this.#asleepSince = performance.now()
    } else this.#goLater()
  }

  /** Whether the ring may not be read now: it will be after the next post, or `resume`. */
  #isBlocked(): boolean {
    const mark = this.#mark()
    return this.#isPaused || this.#isHeld || (mark !== undefined && mark !== this.#posts)
  }

  #hasMore(): boolean {
    if (this.#isHeld) return false
    return this.#waiting.length > 0 || (!this.#isPaused && this.#mark() === this.#posts)
  }

  /** Delivers one entry or post; false when there is none to deliver. */
  #deliver(): boolean {
    if (this.#isHeld) return false
    const isPushed = this.#waiting.length > 0
    if ((isPushed || !this.#isPaused) && this.#mark() === this.#posts) {
      this.#fromRing()
      return true
    }
    const post = this.#waiting.shift()
    if (post === undefined) return false
    const { message, brand, event } = post
    const kind = noteOf(message, brand)
    if (kind === TAKEN) {
      this.#posts = 0
      this.#isTaken = true
      return true
    }
    if (kind !== RING && kind !== TALLY) {
      this.#posts = (this.#posts + 1) | 0
      if (isSmall(message)) this.#countSmall()
    }
    this.#outlet.begin(event)
    try {
      readPost(message, brand, this.#outlet)
    } catch (error) {
      this.#outlet.broken(error)
    } finally {
      // Not kept until the next comes: it holds all of the message.
      this.#outlet.begin(undefined)
    }
    return true
  }

  #fromRing(): void {
    const ring = this.#ring as RingReader
    try {
      const meta = isTextCheap ? ring.text() : ring.run()
      this.#outlet.parcel({ meta, buffers: [] })
    } catch (error) {
      this.#drop(error)
    }
  }

  #mark(): number | undefined {
    try {
      return this.#isTaken ? this.#ring?.mark : undefined
    } catch (error) {
      this.#drop(error)
      return undefined
    }
  }

  #drop(error: unknown): void {
    this.#ring = undefined
    this.#isTaken = false
    this.#outlet.offer(undefined)
    this.#outlet.broken(error)
  }

  #countSmall(): void {
    if (++this.#small !== BUSY || !this.#canShare || tick === undefined) return
    const memory = ringMemory(RING_BYTES)
    this.#ring = new RingReader(memory)
    this.#ring.sleep()
    this.#outlet.offer(memory)
  }
}

interface Node {
  readonly process?: { nextTick?(run: () => void): void }
}
const nextTick = (globalThis as Node).process?.nextTick

/**
 * Runs when all promises are settled that can be: ticks in a row run before them, a tick that one of them asks for runs
 * after all. A browser has no such moment, and so no ring.
 */
const tick: ((run: () => void) => void) | undefined = nextTick && (run => soon(() => nextTick(run)))
