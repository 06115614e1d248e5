/**
 * What hostile bytes may cost, by the list of threats: 50 ms of the processor up to 64 KiB and 250 ms for each MiB, and
 * 80 times their size of the heap. The machine may be slow, and busy with something else: time is that of the processor
 * where it can be had, and what takes too long is tried again, since what is truly slow is slow every time.
 */

const KiB = 2 ** 10
const MiB = 2 ** 20

/** Whether the time of the processor can be had. */
const isNode = typeof process !== 'undefined'
/**
 * How much slower a machine may be than the one of the list: what is quadratic exceeds this by far. The time of the wall is
 * that of everybody who shares the machine.
 */
const SLACK = isNode ? 10 : 60
const TRIES = 6

/** Milliseconds of the processor that so many bytes may take here. */
export const allowedMs = (size: number): number =>
  SLACK * (size <= 64 * KiB ? 50 : Math.max(1, size / MiB) * 250)

/** Bytes of the heap that so many bytes may take. */
export const allowedHeap = (size: number): number => 80 * size + MiB

/** Milliseconds since some start: of the processor, all threads of this process together; of the wall in a browser. */
export function spentMs(): number {
  if (!isNode) return performance.now()
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Something to measure: how many bytes it is about, and what it does with them. */
export interface Trial<T> {
  readonly size: number
  run(): T
}

/**
 * What a trial comes to that keeps to the budget of its bytes, of at most six; each is made anew, outside of the measure.
 * @throws Error when none does
 */
export async function inBudget<T>(make: () => Trial<T>): Promise<Awaited<T>> {
  let least = Number.POSITIVE_INFINITY
  let allowed = 0
  for (let i = 0; i < TRIES; i++) {
    const { size, run } = make()
    allowed = allowedMs(size)
    const before = spentMs()
    const outcome = await run()
    const ms = spentMs() - before
    if (ms < allowed) return outcome
    least = Math.min(least, ms)
  }
  throw new Error(
    `${least.toFixed(0)} ms at the least of ${TRIES} times; wanted less than ${allowed.toFixed(0)}`,
  )
}
