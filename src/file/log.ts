/**
 * Values appended to a file, frame after frame, each with checksums. `spec/FORMAT.md`, "Logs".
 *
 *      [ frame ][ frame ] … [ frame ]               found when it was opened: `recovery.ts`
 *                                    [ frame ] …    appended since: `appender.ts`
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Codec, type CodecOptions } from '../codec.js'
import { asyncDispose } from '../dispose.js'
import { expectArgument, expectOptions, failure } from '../errors.js'
import { type Limits, resolveLimits } from '../limits.js'
import type { Sendable } from '../out-of-band.js'
import type { Packet } from '../packet.js'
import { Appender } from './appender.js'
import { Draft } from './draft.js'
import { openToRead } from './frame-file.js'
import { lockFile } from './lock.js'
import { packetsIn } from './packets.js'
import { type FilePath, fileError, pathOf } from './path.js'
import { type Recovery, type Run, type Survey, survey } from './recovery.js'
import { openFolder, syncFolder } from './replacement.js'

/** Options of `openLog`; the codec's among them, except that shared memory is always copied. */
export interface LogOptions extends Omit<CodecOptions, 'checksum' | 'shared'> {
  /** Checked on append and on read: `'untrusted'` (default), `'trusted'`, or single limits over `untrusted`. */
  limits?: CodecOptions['limits']
  /**
   * Whether an append resolves when it survives a power cut. Default true. false: when the system has it, which
   * survives the end of the process.
   */
  sync?: boolean | undefined
  /**
   * What is done about damage. `true` (default): a torn tail is cut off; good frames behind damage are an error. `'skip'`:
   * they are read all the same, and the damage stays where it is, in up to 1000 places and one more for each 64 KiB of the file.
   * `false`: any damage is an error.
   */
  repair?: boolean | 'skip' | undefined
  /** Nothing is written, cut or locked; another log may be appending. */
  readOnly?: boolean | undefined
}

/** A log of values of type `T`, open. */
export class Log<T = unknown> implements AsyncIterable<T> {
  /** What was found when the log was opened. */
  readonly recovered: Recovery
  readonly #path: string
  readonly #file: FileHandle
  readonly #codec: Codec
  readonly #limits: Readonly<Limits>
  /** The good frames that were found. */
  readonly #runs: readonly Run[]
  readonly #appender: Appender | undefined
  readonly #unlock: (() => Promise<void>) | undefined
  /** Bytes of the frames that were found, and of damage between them. */
  readonly #found: number
  #closing: Promise<void> | undefined

  /** @internal Made by `openLog`. */
  constructor(
    path: string,
    file: FileHandle,
    { recovery, runs, end }: Survey,
    codec: Codec,
    limits: Readonly<Limits>,
    writing: { readonly isSynced: boolean; readonly unlock: () => Promise<void> } | undefined,
  ) {
    this.recovered = recovery
    this.#path = path
    this.#file = file
    this.#codec = codec
    this.#limits = limits
    this.#runs = runs
    this.#found = end
    this.#appender = writing && new Appender(path, file, end, writing.isSynced)
    this.#unlock = writing?.unlock
  }

  /** Values in the log. */
  get length(): number {
    return this.recovered.frames + (this.#appender?.frames ?? 0)
  }

  /** Bytes of the file that are the log's. */
  get byteLength(): number {
    return this.#appender?.end ?? this.#found
  }

  /**
   * Appends a value. Values stand in the order of the calls; those that are waiting together are written together, with
   * one `fsync`. Resolves when it is in the file (see `sync`). When it rejects, the value is not in the file, those before
   * it are, and the next append is a new try; only a failed `fsync` ends all appending (CLOSED).
   *
   * Memory: the value is encoded when this is called; its buffers are borrowed until the promise settles when they have
   * more than 128 KiB together, else copied at once. One that changes meanwhile is CHECKSUM.
   *
   * Rejects with what `encode` throws, LIMIT for what this log would refuse to read, CHECKSUM, DETACHED, CLOSED, TORN when
   * somebody else wrote to the file; TypeError when the log is read only; Node's own errors, such as ENOSPC.
   */
  async append(value: Sendable<T>): Promise<void> {
    this.#expectOpen()
    const appender = this.#appender
    expectArgument(appender !== undefined, 'append', 'a log that is not read only')
    const packet = this.#codec.encode(value)
    await appender.append(new Draft(packet, { checksum: true, limits: this.#limits }))
  }

  /**
   * The values from the first on, up to the last that is in the log when this is called, each the reader's own.
   * @throws TORN for damage since the log was opened; what `decode` does; CLOSED; Node's own errors
   */
  replay(): AsyncGenerator<T, void, undefined> {
    return this.#values([...this.#runs, { start: this.#found, end: this.byteLength }])
  }

  /** As `replay`. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return this.replay()
  }

  /** Closes the log, after pending appends. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await this.#appender?.written()
    try {
      await this.#file.close()
    } finally {
      await this.#unlock?.()
    }
  }

  #expectOpen(): void {
    if (this.#closing !== undefined) throw failure('file', 'CLOSED', `${this.#path} was closed`, {})
  }

  async *#values(runs: readonly Run[]): AsyncGenerator<T, void, undefined> {
    for (const { start, end } of runs) {
      for await (const packet of this.#packets(start, end)) yield this.#codec.decode<T>(packet)
    }
  }

  async *#packets(start: number, end: number): AsyncGenerator<Packet, void, undefined> {
    let at = start
    try {
      this.#expectOpen()
      for await (const arrival of packetsIn(this.#file, start, end, { limits: this.#limits })) {
        this.#expectOpen()
        at = arrival.end
        yield arrival.packet
      }
    } catch (error) {
      this.#expectOpen()
      throw fileError(this.#path, error, at)
    }
  }
}

/**
 * Opens a log, or makes an empty one, and looks at all of it: frames are checked, a torn tail (an append that a crash
 * cut short) is cut off, and `recovered` tells. One log at a time may write to a file.
 *
 * @throws TORN for damage that is no torn tail, `offset` is where it begins; MALFORMED for a file that was never a log;
 * LIMIT, VERSION for frames that this reader refuses: of all these nothing is cut off. LOCKED while another log writes.
 * @throws TypeError for an option of the wrong type, or a device, a pipe or, to read only, a folder; Node's own errors,
 * unchanged, among them EISDIR for a folder.
 */
export async function openLog<T = unknown>(path: FilePath, options: LogOptions = {}): Promise<Log<T>> {
  expectOptions(options)
  const { sync = true, repair = true, readOnly = false, ...rest } = options
  expectArgument(typeof sync === 'boolean', 'sync', 'a boolean')
  expectArgument(typeof readOnly === 'boolean', 'readOnly', 'a boolean')
  expectArgument(typeof repair === 'boolean' || repair === 'skip', 'repair', "a boolean or 'skip'")
  const limits = resolveLimits(rest.limits, 'untrusted')
  const codec = new Codec({ ...rest, limits, shared: 'copy' })
  const absolute = pathOf(path)
  const file = readOnly
    ? await openToRead(absolute)
    : await open(absolute, constants.O_RDWR | constants.O_CREAT)
  let unlock: (() => Promise<void>) | undefined
  try {
    const stats = await file.stat()
    expectArgument(stats.isFile(), 'path', 'a file')
    if (!readOnly) unlock = await lockFile(absolute, file)
    // Only now is it known that nobody writes.
    const { size } = await file.stat()
    const found = await survey(file, size, { path: absolute, limits, repair })
    const writing = unlock && { isSynced: sync, unlock }
    if (writing !== undefined) await begin(absolute, file, size, found.end, sync)
    return new Log<T>(absolute, file, found, codec, limits, writing)
  } catch (error) {
    await file.close().catch(() => {})
    await unlock?.()
    throw error
  }
}

/** Makes the file ready for appends. */
async function begin(
  path: string,
  file: FileHandle,
  size: number,
  end: number,
  isSynced: boolean,
): Promise<void> {
  if (size > end) await file.truncate(end)
  // Its name may be new.
  if (!isSynced || size > 0) return
  const folder = await openFolder(dirname(path))
  try {
    await syncFolder(folder)
  } finally {
    await folder?.close()
  }
}
