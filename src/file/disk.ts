/**
 * Calls of the system until all is done: it may read and write less than it was asked for, and a full disk is at first
 * a short write without an error.
 */
import { failure } from '../errors.js'

/** Chunks of one vectored write: IOV_MAX of Linux. */
const MOST_CHUNKS = 1024
/** Bytes of one chunk: Node 20 takes its length modulo 2**32. */
const MOST_BYTES = 2 ** 30
/** Bytes of one read, so that no checksum keeps the thread for long. */
export const PIECE = 2 ** 20

/** What is read from: a FileHandle. */
export interface Readable {
  read(target: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>
}

/** What is written to: a FileHandle. */
export interface Writable {
  writev(chunks: readonly Uint8Array[], position: number): Promise<{ bytesWritten: number }>
}

/**
 * Writes all chunks (borrow, until it settles), none of them empty, from `position` on.
 * @throws DETACHED when one loses its memory meanwhile; Node's own errors
 */
export async function writeAll(
  file: Writable,
  chunks: readonly Uint8Array[],
  position: number,
): Promise<void> {
  const lengths = chunks.map(chunk => chunk.length)
  /** The chunk that comes next, and how much of it is written. */
  let i = 0
  let done = 0
  for (let at = position; i < chunks.length; ) {
    const run = runOf(chunks, lengths, i, done)
    const { bytesWritten } = await file.writev(run, at)
    if (bytesWritten === 0) {
      const rest = run.reduce((sum, chunk) => sum + chunk.length, 0)
      throw failure('file', 'TORN', 'nothing is written', { offset: at, requested: rest, available: 0 })
    }
    at += bytesWritten
    done += bytesWritten
    while (i < chunks.length && done >= lengths[i]) done -= lengths[i++]
  }
}

/** Chunks for one call, from byte `done` of chunk `first` on. */
function runOf(
  chunks: readonly Uint8Array[],
  lengths: readonly number[],
  first: number,
  done: number,
): Uint8Array[] {
  const run: Uint8Array[] = []
  let start = done
  for (let i = first; i < chunks.length && run.length < MOST_CHUNKS; i++) {
    const chunk = chunks[i]
    if (chunk.byteLength === 0 || chunk.byteLength !== lengths[i])
      throw failure('file', 'DETACHED', 'memory was lost while it was written', {})
    const isLong = lengths[i] - start > MOST_BYTES
    if (start > 0 || isLong) run.push(chunk.subarray(start, start + MOST_BYTES))
    else run.push(chunk)
    if (isLong) break
    start = 0
  }
  return run
}

/** Fills the target from `position` on; returns how many bytes there are, fewer only where the file ends. */
export async function readInto(file: Readable, target: Uint8Array, position: number): Promise<number> {
  let done = 0
  while (done < target.length) {
    const length = Math.min(target.length - done, PIECE)
    const { bytesRead } = await file.read(target, done, length, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done
}
