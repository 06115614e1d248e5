/** Shared memory that another thread changes while it is read. */
import { Worker } from 'node:worker_threads'

/** How long the other thread is waited for, which may have no core of its own. */
const PATIENCE_MS = 60_000
const ROUNDS = 2000

/**
 * Reads the same bytes in shared memory again and again, which a thread changes meanwhile from byte `from` on: some
 * thousand times, and until all has been seen that is to be seen.
 */
export async function whileFlipped(
  bytes: Uint8Array,
  read: (shared: Uint8Array<SharedArrayBuffer>) => unknown,
  isSeen: () => boolean,
  from = 0,
): Promise<void> {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const workerData = { shared: shared.subarray(from), stop }
  const worker = new Worker(new URL('flipper.js', import.meta.url), { workerData })
  const exited = new Promise(resolve => worker.once('exit', resolve))
  try {
    await new Promise<void>((resolve, reject) =>
      worker.once('message', () => resolve()).once('error', reject),
    )
    const end = performance.now() + PATIENCE_MS
    for (let i = 0; (i < ROUNDS || !isSeen()) && performance.now() < end; i++) await read(shared)
  } finally {
    Atomics.store(stop, 0, 1)
    await exited
  }
}
