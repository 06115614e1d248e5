/** How long a peer is waited for: as long as it gives signs of life, and some time beyond the last. */
import { timerMs } from '../errors.js'

/** Looks in that time: a thread that was busy has looked once, however long that took, and reads before it looks again. */
const LOOKS = 4

/**
 * Calls `late`, once, when `signs` has been the same for `ms`, unless the function that it returns is called before. 0: never.
 * `signs`: any number that changes with what the peer takes in or says; undefined while this side would not hear it.
 */
export function whenSilent(ms: number, signs: () => number | undefined, late: () => void): () => void {
  if (ms === 0) return () => {}
  let last = signs()
  let silent = 0
  const look = (): void => {
    const now = signs()
    silent = now !== undefined && now === last ? silent + 1 : 0
    last = now
    if (silent < LOOKS) return
    clearInterval(timer)
    late()
  }
  const timer = setInterval(look, timerMs(ms / LOOKS))
  return () => clearInterval(timer)
}
