/**
 * Memory that moved in from another thread, as V8 sees it. When 32 MiB of young ArrayBuffers lie in a heap, a scavenge of
 * a tenth of a millisecond frees the dead ones; but V8 looks only when it allocates one itself. A thread that is only
 * sent memory never does: the dead pile up until, every 64 MiB, the whole heap is marked, which costs milliseconds, and
 * whoever makes the next message finds no warm memory to make it of.
 */
import { allocate } from '../../bytes/window.js'

/** So many bytes, and V8 is made to look. */
const LOOK_BYTES = 2 ** 22
let unseenBytes = 0

/** Notes that so many bytes of memory have moved in. */
export function noteArrival(byteLength: number): void {
  unseenBytes += byteLength
  if (unseenBytes < LOOK_BYTES) return
  unseenBytes = 0
  allocate(1, -1)
}

/** Notes that so many have moved away: what only passes through a thread leaves nothing dead there. */
export function noteDeparture(byteLength: number): void {
  unseenBytes = Math.max(0, unseenBytes - byteLength)
}
