/**
 * What keeps a child alive while it holds back: a pipe that is not read is no reason for the event loop to go on, and does not
 * tell of the parent's end either, so that is looked for.
 */
import { keepAlive } from '../keep-alive.js'

/** How often. */
const LOOK_MS = 500

export class Stay {
  readonly #parent = process.ppid
  readonly #orphaned: () => void
  #timer: NodeJS.Timeout | undefined
  #isKept = true

  constructor(orphaned: () => void) {
    this.#orphaned = orphaned
  }

  begin(): void {
    // 0: the parent is where this process cannot see it, nor that it ends.
    if (this.#parent === 0) return
    this.#timer ??= setInterval(() => {
      if (process.ppid === this.#parent) return
      this.end()
      this.#orphaned()
    }, LOOK_MS)
    keepAlive(this.#timer, this.#isKept)
  }

  /** Whether it keeps the child alive. */
  keepAlive(isKept: boolean): void {
    this.#isKept = isKept
    if (this.#timer !== undefined) keepAlive(this.#timer, isKept)
  }

  end(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
