/** One value as the whole of a file. */
import { type EncodeOptions, encode } from '../codec.js'
import { expectArgument, expectOptions } from '../errors.js'
import { writeAll } from './disk.js'
import { Draft } from './draft.js'
import { type FilePath, pathOf } from './path.js'
import { replaceFile } from './replacement.js'

/** Options of `dump`: those of `encode`, except that shared memory is always copied. */
export interface DumpOptions extends Omit<EncodeOptions, 'checksum' | 'shared'> {
  /** Whether the frame has checksums. Default true. */
  checksum?: boolean | undefined
  /** Whether the file survives a power cut once the promise resolves. Default true; false is faster. */
  sync?: boolean | undefined
}

/**
 * Writes the value as one frame. The file is replaced as a whole: at every moment, and after any error, it is the old
 * one or the new one; permissions stay. Nothing is left beside it unless the process is killed (`.outband-*.tmp`), and that
 * goes when another process first dumps to the folder.
 *
 * Memory: the value is encoded when this is called; its buffers are borrowed until the promise settles when they have
 * more than 128 KiB together, else copied at once. One that changes meanwhile is CHECKSUM, and the old file stays
 * (without checksums, nobody can tell). Shared memory is copied first.
 *
 * @throws what `encode` does (also LIMIT); CHECKSUM, DETACHED for memory that changed or was lost meanwhile.
 * @throws TypeError when an option, or what the path names, is not what it must be; Node's own errors, unchanged.
 * Only an error of the folder's `fsync` comes after the new file is in its place.
 */
export async function dump(path: FilePath, value: unknown, options: DumpOptions = {}): Promise<void> {
  expectOptions(options)
  const { checksum = true, sync = true, ...rest } = options
  expectArgument(typeof checksum === 'boolean', 'checksum', 'a boolean')
  expectArgument(typeof sync === 'boolean', 'sync', 'a boolean')
  const target = pathOf(path)
  const packet = encode(value, { ...rest, shared: 'copy' })
  const draft = new Draft(packet, { checksum, limits: rest.limits })
  await replaceFile(target, sync, async file => {
    await writeAll(file, draft.chunks, 0)
    // The disk takes longer than a look at the memory.
    const check = async (): Promise<void> => draft.expectUnchanged()
    await Promise.all([sync ? file.sync() : undefined, check()])
  })
}
