const WARM_UP_MS = 60
const TURN_MS = 2
const TURNS = 11
/** Two processes compile for some thirty documents: before, a round trip takes half as long again. */
const WARM_UP_TURNS = 30

let last: unknown

/** The median time of one call, in nanoseconds, after a warm-up. */
export function medianNs(work: () => unknown): number {
  let fastestMs = Number.POSITIVE_INFINITY
  const end = performance.now() + WARM_UP_MS
  do fastestMs = Math.min(fastestMs, clockMs(work, 1))
  while (performance.now() < end)
  const batch = Math.ceil(TURN_MS / Math.max(fastestMs, 1e-4))
  const turns = Array.from({ length: TURNS }, () => clockMs(work, batch) / batch).sort((a, b) => a - b)
  last = undefined
  return turns[TURNS >> 1]! * 1e6
}

/** The median time of each call, in nanoseconds; they take turns, so that what slows the machine slows all of them. */
export async function mediansNs(calls: readonly (() => Promise<unknown>)[]): Promise<number[]> {
  const times: number[][] = calls.map(() => [])
  for (let turn = -WARM_UP_TURNS; turn < TURNS; turn++) {
    for (const [at, call] of calls.entries()) {
      const start = performance.now()
      await call()
      if (turn >= 0) times[at]!.push(performance.now() - start)
    }
  }
  return times.map(turns => turns.sort((a, b) => a - b)[TURNS >> 1]! * 1e6)
}

/** Every result is kept for a moment, so that no call is dead code. */
function clockMs(work: () => unknown, times: number): number {
  const start = performance.now()
  for (let i = 0; i < times; i++) last = work()
  return last === clockMs ? 0 : performance.now() - start
}
