/**
 * The end of a log, where frames are written. What waits together is written together:
 *
 *      append append append → [ writev, fsync ] → resolved
 *            append append append …           → [ writev, fsync ] → …
 *
 * After a failure the file is cut back to where it was good, so that the next frame stands where this one was to.
 */
import type { FileHandle } from 'node:fs/promises'
import { failure } from '../errors.js'
import { writeAll } from './disk.js'
import type { Draft } from './draft.js'

/** A frame that waits, and who waits for it. */
interface Entry {
  readonly draft: Draft
  resolve(): void
  reject(error: unknown): void
}

/** What is called of a FileHandle. */
export type LogFile = Pick<FileHandle, 'writev' | 'stat' | 'truncate' | 'datasync'>

export class Appender {
  /** Frames written. */
  frames = 0
  /** Where the next one begins. */
  end: number
  readonly #path: string
  readonly #file: LogFile
  readonly #isSynced: boolean
  #waiting: Entry[] = []
  #writing: Promise<void> | undefined
  /** Whether there may be bytes behind the end. */
  #isDirty = false
  /** Why nothing can be appended any more. */
  #failure: unknown

  constructor(path: string, file: LogFile, end: number, isSynced: boolean) {
    this.#path = path
    this.#file = file
    this.end = end
    this.#isSynced = isSynced
  }

  /** Resolves when the frame is in the file. */
  append(draft: Draft): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ draft, resolve, reject })
      this.#writing ??= this.#run()
    })
  }

  /** Resolves when nothing waits any more; never rejects. */
  async written(): Promise<void> {
    await this.#writing
  }

  async #run(): Promise<void> {
    // All that is appended in this tick.
    await undefined
    while (this.#waiting.length > 0) await this.#settle(this.#waiting.splice(0))
    this.#writing = undefined
  }

  async #settle(group: readonly Entry[]): Promise<void> {
    try {
      await this.#write(group.map(({ draft }) => draft))
      for (const { resolve } of group) resolve()
    } catch (error) {
      // One by one, so that none fails for another's sake: a large one that does not fit, or that was changed.
      if (group.length > 1 && this.#failure === undefined)
        for (const entry of group) await this.#settle([entry])
      else for (const { reject } of group) reject(error)
    }
  }

  async #write(drafts: readonly Draft[]): Promise<void> {
    await this.#expectEnd()
    let byteLength = 0
    for (const draft of drafts) byteLength += draft.byteLength
    try {
      this.#isDirty = true
      const chunks = drafts.flatMap(draft => draft.chunks)
      await writeAll(this.#file, chunks, this.end)
      for (const draft of drafts) draft.expectUnchanged()
      if (this.#isSynced) await this.#sync()
      this.#isDirty = false
    } catch (error) {
      // When this fails too, the next append begins with it.
      await this.#cut().catch(() => {})
      throw error
    }
    this.end += byteLength
    this.frames += drafts.length
  }

  /** Sees to it that the file ends where this log does: elsewhere a frame would harm those of others. @throws TORN, CLOSED */
  async #expectEnd(): Promise<void> {
    if (this.#failure !== undefined) {
      throw failure('file', 'CLOSED', `an fsync of ${this.#path} failed`, { cause: this.#failure })
    }
    if (this.#isDirty) await this.#cut()
    const { size } = await this.#file.stat()
    if (size === this.end) return
    const sizes = { offset: this.end, requested: this.end, available: size }
    throw failure('file', 'TORN', `somebody else wrote to ${this.#path}`, sizes)
  }

  async #cut(): Promise<void> {
    await this.#file.truncate(this.end)
    this.#isDirty = false
  }

  /** After a failure it is unknown what the disk has, and to ask again would say nothing: no frame can be vouched for. */
  async #sync(): Promise<void> {
    try {
      await this.#file.datasync()
    } catch (error) {
      this.#failure = error
      throw error
    }
  }
}
