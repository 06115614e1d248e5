/**
 * How long to go on looking before going to sleep: to be woken costs 10 to 20 µs, and whoever sent something often
 * sends more. It grows while looking pays and shrinks while it does not; where messages are far between it never does.
 */

/** Who slept longer before something was there does not look on for more. */
const DENSE_MS = 1

export class Spin {
  readonly #mostMs: number
  #spanMs: number
  #since = -1
  #asleepSince = -1
  #isWarm = false

  /** Looks on for up to `mostMs`; 0: never. */
  constructor(mostMs: number) {
    this.#mostMs = mostMs
    this.#spanMs = mostMs / 4
  }

  /** Something was there. */
  found(): void {
    if (this.#since >= 0) this.#spanMs = Math.min(this.#mostMs, this.#spanMs * 2)
    this.#since = -1
    if (this.#asleepSince < 0) return
    this.#isWarm = performance.now() - this.#asleepSince < DENSE_MS
    this.#asleepSince = -1
  }

  /** Nothing was there: whether to look again. Once it says no it does until something is found. */
  goesOn(): boolean {
    if (this.#mostMs === 0) return false
    const now = performance.now()
    if (this.#isWarm) {
      if (this.#since < 0) this.#since = now
      if (now - this.#since < this.#spanMs) return true
      this.#spanMs = Math.max(this.#mostMs / 16, this.#spanMs / 2)
      this.#since = -1
      this.#isWarm = false
    }
    this.#asleepSince = now
    return false
  }
}
