// How far a run is, and how long it will take: for people one line that replaces itself, for a log a line per case.

import { duration } from '../src/cli/table.js'

interface Screen {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export class Progress {
  readonly #screen: Screen
  readonly #total: number
  readonly #now: () => number
  readonly #start: number
  #done = 0

  /** `now`: a clock in milliseconds. */
  constructor(screen: Screen, total: number, now: () => number = () => performance.now()) {
    this.#screen = screen
    this.#total = total
    this.#now = now
    this.#start = now()
  }

  /** A case is begun. */
  begin(name: string): void {
    if (!this.#screen.isTTY) this.#screen.write(`${this.#line(name)}\n`)
  }

  /** Something of it is. */
  step(name: string, what: string): void {
    if (this.#screen.isTTY) this.#screen.write(`\r\u001b[K${this.#line(`${name}, ${what}`)}`)
  }

  /** It is over; what is printed next begins on a clean line. */
  end(): void {
    this.#done++
    if (this.#screen.isTTY) this.#screen.write('\r\u001b[K')
  }

  #line(what: string): string {
    const spentMs = this.#now() - this.#start
    // Cases differ, but there are many of them.
    const leftMs = (spentMs / this.#done) * (this.#total - this.#done)
    const rest = this.#done === 0 ? '' : `, about ${duration(leftMs * 1e6)} left`
    return `${this.#done + 1}/${this.#total} ${what}${rest}`
  }
}
