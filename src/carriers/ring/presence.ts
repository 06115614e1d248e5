/**
 * Whether the peer is still there, where no event tells that a port has lost its other end (browsers: Chromium 150 does
 * not say it of a worker that is terminated). Each side holds a lock of the platform, which goes with its thread; the other asks for it, and gets it
 * when nobody holds it any more.
 */

interface LockInfo {
  readonly name?: string
}
interface Locks {
  request(name: string, options: { signal: AbortSignal }, held: () => Promise<void>): Promise<unknown>
  query(): Promise<{ readonly held?: readonly LockInfo[] }>
}

/** Messages of a thread that has died may still be on their way. */
const STRAGGLERS_MS = 20

export class Presence {
  readonly #locks: Locks
  readonly #own: string
  readonly #peer: string
  readonly #onGone: () => void
  readonly #stopped = new AbortController()
  #isWatching = false

  /** Of one side, of the two that have this name. */
  constructor(locks: Locks, name: string, side: 0 | 1, onGone: () => void) {
    this.#locks = locks
    this.#own = `${name} ${side}`
    this.#peer = `${name} ${1 - side}`
    this.#onGone = onGone
  }

  /** Holds the lock of this side until `stop`. */
  hold(): void {
    const { signal } = this.#stopped
    const held = () => new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
    this.#locks.request(this.#own, { signal }, held).catch(() => {})
  }

  /** The peer was heard from: it has asked for its lock, and holds it soon. */
  look(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    this.#watch().catch(() => {})
  }

  stop(): void {
    this.#stopped.abort()
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopped
    // Asked for before its owner has it, it would be ours.
    for (let ms = 10; !(await this.#isHeld()); ms = Math.min(1000, 2 * ms)) {
      await new Promise(resolve => setTimeout(resolve, ms))
      if (signal.aborted) return
    }
    const tell = () => {
      if (!signal.aborted) this.#onGone()
    }
    await this.#locks.request(this.#peer, { signal }, async () => void setTimeout(tell, STRAGGLERS_MS))
  }

  async #isHeld(): Promise<boolean> {
    const { held = [] } = await this.#locks.query()
    return held.some(({ name }) => name === this.#peer)
  }
}

/** The locks of a platform whose ports do not tell; Node's do. */
export function locksBeside(port: object): Locks | undefined {
  if ('ref' in port) return undefined
  return (globalThis as { navigator?: { locks?: Locks } }).navigator?.locks
}
