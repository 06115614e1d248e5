/**
 * How long to go on looking before going to sleep: to be woken costs 10 to 20 µs, and whoever sent something often
 * sends more. It grows while looking pays and shrinks while it does not.
 */
export class Spin {
  readonly #mostMs: number
  #spanMs: number
  #since = -1
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
    this.#isWarm = true
  }

  /** Nothing was there: whether to look again. Once it says no it does until something is found. */
  goesOn(): boolean {
    if (!this.#isWarm || this.#mostMs === 0) return false
    const now = performance.now()
    if (this.#since < 0) this.#since = now
    if (now - this.#since < this.#spanMs) return true
    this.#spanMs = Math.max(this.#mostMs / 16, this.#spanMs / 2)
    this.#since = -1
    this.#isWarm = false
    return false
  }
}
