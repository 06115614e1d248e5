/**
 * Waiting for room. Readers end leases by writing to memory, which wakes nobody; so while somebody waits, and only then, the
 * arena is looked at now and again, and at once when this process itself gives something back.
 */
import { expectOptions, expectTime, OutbandError, timerMs } from '../../errors.js'

/** How long to wait: until `signal` is aborted, or `timeoutMs` is over; without either, forever. */
export interface WaitOptions {
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
}

const FIRST_MS = 1
const LAST_MS = 16

export class Room {
  /** Ends the leases that are over, and calls `changed` if there were any. */
  readonly #look: () => void
  readonly #waiters = new Set<{ resolve(): void; reject(error: OutbandError): void }>()
  #timer: NodeJS.Timeout | undefined
  #pauseMs = FIRST_MS

  constructor(look: () => void) {
    this.#look = look
  }

  /** Resolves when something was given back since; whoever needs room looks again. @throws TIMEOUT, CLOSED, or the signal's reason */
  async changes({ timeoutMs, signal }: WaitOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    const endings: (() => void)[] = []
    try {
      await new Promise<void>((resolve, reject) => {
        const waiter = { resolve, reject }
        const abort = () => reject(signal?.reason)
        const late = () => reject(new OutbandError('TIMEOUT', 'arena: no room in the time given'))
        const timer = timeoutMs === undefined ? undefined : setTimeout(late, timerMs(timeoutMs))
        signal?.addEventListener('abort', abort)
        this.#waiters.add(waiter)
        endings.push(
          () => clearTimeout(timer),
          () => signal?.removeEventListener('abort', abort),
          () => this.#waiters.delete(waiter),
        )
        this.#pauseMs = FIRST_MS
        this.#lookLater()
      })
    } finally {
      for (const end of endings) end()
      if (this.#waiters.size === 0) this.#rest()
    }
  }

  /** Something was given back. */
  changed(): void {
    this.#rest()
    for (const { resolve } of this.#waiters) resolve()
  }

  /** There will be no room any more. */
  fail(error: OutbandError): void {
    this.#rest()
    for (const { reject } of this.#waiters) reject(error)
  }

  #lookLater(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#pauseMs = Math.min(LAST_MS, this.#pauseMs * 2)
      this.#look()
      if (this.#waiters.size > 0) this.#lookLater()
    }, this.#pauseMs)
  }

  #rest(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

/** The same options with the time that is left of them, for who waits several times. */
export function remainingOf(options: WaitOptions): () => WaitOptions {
  expectOptions(options)
  const { timeoutMs, signal } = options
  if (timeoutMs === undefined) return () => ({ signal })
  expectTime(timeoutMs, 'timeoutMs')
  const deadline = performance.now() + timeoutMs
  return () => ({ timeoutMs: Math.max(0, deadline - performance.now()), signal })
}
