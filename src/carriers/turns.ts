/** Moments of the event loop, also in an AudioWorklet, which has promises and nothing else of them. */

interface Loop {
  setImmediate?(run: () => void): void
}
const { setImmediate: immediate } = globalThis as Loop

/** Whether a turn of the event loop is soon over; a timer of a browser waits. */
export const hasQuickTurns = immediate !== undefined

/** Runs when the code that is running has ended. */
export const soon: (run: () => void) => void =
  typeof queueMicrotask === 'function' ? queueMicrotask : run => void Promise.resolve().then(run)

/** Runs in a later turn of the event loop, where there are any. */
export const later: (run: () => void) => void =
  immediate ?? (typeof setTimeout === 'function' ? run => setTimeout(run, 0) : soon)

/**
 * Turns of the event loop for who awaits each `send` and never has to wait: it would leave the loop without one for as long as
 * it goes on. Where a turn is not quick none is given.
 */
export class Turns {
  readonly #every: number
  #at = 0
  #turn: Promise<void> | undefined

  /** One after so much of whatever is counted. */
  constructor(every: number) {
    this.#every = every
  }

  /** Resolves in another turn, where one is due; `count`: how much was sent since the beginning, modulo 2**32. */
  due(count: number): Promise<void> | undefined {
    if (this.#turn === undefined && hasQuickTurns && ((count - this.#at) | 0) >= this.#every) {
      this.#at = count
      this.#turn = new Promise(resolve => {
        later(() => {
          this.#turn = undefined
          resolve()
        })
      })
    }
    return this.#turn
  }
}
