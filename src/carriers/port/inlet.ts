/**
 * What arrives from a `Link`, put in order again: posts come through the port, small packets also through a ring in
 * shared memory, where they cost neither a post nor a wake-up. The mark of each ring entry says how many posts were
 * made before it: an entry is delivered when so many have come, and a post after the entries before it.
 *
 * The ring is the receiver's to offer, when enough small posts have come to pay for it.
 */
import { isTextCheap } from '../../bytes/text.js'
import { RingReader, ringMemory } from '../../memory/ring.js'
import { isBell, isOffer, isSmall, type Reading, readPost } from './posts.js'

/** Small posts after which a ring is offered. */
const BUSY = 32
const RING_BYTES = 2 ** 18
/** Entries delivered in one go; then the thread's other work has its turn. */
const AT_ONCE = 1000

/** Whoever takes in what arrives. */
export interface Outlet extends Reading {
  /** Offers a ring to the peer. */
  offer(memory: SharedArrayBuffer): void
  /** The ring holds what cannot be, and is not read any more. */
  broken(error: unknown): void
}

export class Inlet {
  readonly #outlet: Outlet
  readonly #canShare: boolean
  #ring: RingReader | undefined
  /** Posts that came, modulo 2**32, and small ones among them. */
  #posts = 0
  #small = 0
  #isPaused = false
  #isDraining = false
  #isDue = false

  constructor(outlet: Outlet, canShare: boolean) {
    this.#outlet = outlet
    this.#canShare = canShare
  }

  /** Takes in a post of the peer's. @throws MALFORMED */
  hear(message: unknown, brand: string): void {
    if (isBell(message, brand)) return this.drain()
    if (!isOffer(message)) {
      this.#drain(Number.POSITIVE_INFINITY)
      this.#posts = (this.#posts + 1) | 0
      if (isSmall(message)) this.#countSmall()
    }
    readPost(message, brand, this.#outlet)
    this.drain()
  }

  /** Delivers what is in the ring, and sleeps when it is empty. */
  drain(): void {
    if (!this.#isPaused) this.#drain(AT_ONCE)
  }

  /** Delivers all that is in the ring; for the end, when no post will come any more. */
  finish(): void {
    this.#drain(Number.POSITIVE_INFINITY)
  }

  /** While paused, nothing is taken out of the ring but what a post pushes. */
  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    if (this.#ring !== undefined) this.#schedule()
  }

  #drain(most: number): void {
    const ring = this.#ring
    // A listener of what is being delivered may end up here again: the loop below goes on when it returns.
    if (ring === undefined || this.#isDraining) return
    this.#isDraining = true
    try {
      for (let count = 0; ; count++) {
        const { mark } = ring
        if (mark === undefined) {
          // Where something came more may come: a turn later costs less than a bell for every message.
          if (count > 0) return this.#schedule()
          if (ring.sleep()) return
        } else if (mark !== this.#posts) return
        else if (count >= most) return this.#schedule()
        else this.#outlet.parcel({ meta: isTextCheap ? ring.text() : ring.run(), buffers: [] })
        if (this.#isPaused && most === AT_ONCE) return
      }
    } catch (error) {
      this.#ring = undefined
      this.#outlet.broken(error)
    } finally {
      this.#isDraining = false
    }
  }

  #schedule(): void {
    if (this.#isDue) return
    this.#isDue = true
    later(() => {
      this.#isDue = false
      this.drain()
    })
  }

  #countSmall(): void {
    if (++this.#small !== BUSY || !this.#canShare) return
    const memory = ringMemory(RING_BYTES)
    this.#ring = new RingReader(memory)
    this.#ring.sleep()
    this.#outlet.offer(memory)
  }
}

/** Runs in a later turn of the event loop; a timer would be late. */
const later: (run: () => void) => void =
  (globalThis as { setImmediate?(run: () => void): void }).setImmediate ?? turnByPort()

/** A browser's turn: a message to oneself. */
function turnByPort(): (run: () => void) => void {
  const waiting: (() => void)[] = []
  let port: { postMessage(message: unknown): void } | undefined
  return run => {
    if (port === undefined) {
      const { port1, port2 } = new MessageChannel()
      ;(port1 as { onmessage?: unknown }).onmessage = () => waiting.shift()?.()
      port = port2
    }
    waiting.push(run)
    port.postMessage(0)
  }
}
