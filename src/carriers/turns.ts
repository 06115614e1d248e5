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
