/**
 * How the two sides wake each other. Who sleeps in its event loop is sent a bell by the port, who blocks is notified;
 * each says which of the two when it goes to sleep. Two words of each ring are theirs: what its writer has become, and
 * how much of what was posted its reader has taken.
 */
import { ASLEEP, OWN } from '../../memory/ring.js'

/** Sleeps in its event loop. */
export const BELL = 1
/** Blocks the thread. */
export const BLOCKED = 2

/** Word of a ring: ABORTED when its writer has. */
export const STATE = OWN
export const ABORTED = 1
/** Word of a ring: what its reader has taken of what came by the port, in units, modulo 2**32. */
export const TAKEN = OWN + 1

/** Bytes of a unit. */
export const UNIT = 64

/** Blocks until it is woken, or so long; the peer may have woken it already. @throws TypeError where a thread may not block */
export function block(control: Int32Array, ms: number): 'ok' | 'not-equal' | 'timed-out' {
  return Atomics.wait(control, ASLEEP, BLOCKED, ms)
}

/** Wakes whoever reads the ring, if it still blocks: one that has gone to sleep otherwise waits for its bell. */
export function unblock(control: Int32Array): void {
  Atomics.compareExchange(control, ASLEEP, BLOCKED, 0)
  Atomics.notify(control, ASLEEP)
}

/** Takes it upon this side to send a bell to whoever reads the ring, if it sleeps in its event loop. */
export function takeBell(control: Int32Array): boolean {
  return Atomics.compareExchange(control, ASLEEP, BELL, 0) === BELL
}

/** Whether whoever reads the ring blocks, and hears nothing of what is posted. */
export function isBlocking(control: Int32Array): boolean {
  return Atomics.load(control, ASLEEP) === BLOCKED
}
