/** How often a child that reads nothing looks whether its parent is still there. */
const LOOK_MS = 500

/**
 * Keeps a child alive while it holds back: a pipe that is not read is no reason for the event loop to go on, and does not tell
 * of the parent's end either, so that is looked for.
 */
export class Stay {
  readonly #parent = process.ppid
  readonly #orphaned: () => void
  #timer: NodeJS.Timeout | undefined

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
  }

  end(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
