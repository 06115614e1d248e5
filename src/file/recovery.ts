/**
 * What a log finds in its file when it is opened: frames up to where one is damaged.
 *
 *      good | good | good | torn……            a crash amid an append: cut off
 *      good | good | bad… | good | good       no crash looks like this: TORN, or passed over when asked
 *
 * The head of a damaged frame, where it is whole, says where the next one would begin; else the rest of the file is
 * searched for another head. What could be a frame is never cut off.
 */
import { isOutbandError, type OutbandError } from '../errors.js'
import type { Layout } from '../frame/header.js'
import type { Limits } from '../limits.js'
import { type Readable, readInto } from './disk.js'
import { announcedLayout, isSpoilt } from './head.js'
import { goodRun } from './packets.js'
import { isDamage, named, torn } from './path.js'

/** What a log found in its file. */
export interface Recovery {
  /** Good frames. */
  readonly frames: number
  /** Their size in bytes. */
  readonly bytes: number
  /** Bytes after the last good frame: cut off, unless the log is read-only. */
  readonly cut: number
  /** Bytes of damage between good frames, which are passed over (only with `repair: 'skip'`). */
  readonly skipped: number
}

/** Frames one after the other. */
export interface Run {
  readonly start: number
  readonly end: number
}

/** A file as it was found. */
export interface Survey {
  readonly recovery: Recovery
  readonly runs: readonly Run[]
  /** Where the last good frame ends. */
  readonly end: number
}

/** How a damaged file is dealt with. */
export interface SurveySettings {
  readonly path: string
  readonly limits: Readonly<Limits>
  /** What is done about damage; see `LogOptions`. */
  readonly repair: boolean | 'skip'
}

/** The bytes of every frame with checksums, which cross no multiple of 8. */
const START = Buffer.from([0x4f, 0x55, 0x54, 0x42, 1, 1, 0, 0])
/** All frames begin at multiples of it. */
const STEP = 8
/** Bytes that are searched at once: a multiple of 8 too. */
const BLOCK = 65_536
/**
 * What looks like a head and is none, and places of damage with good frames behind, until a file is taken for one that was made to
 * keep us busy: each is some reads. A large file may have one more in every block.
 */
const MOST_TRIES = 1000

/** Looks at all of the file, in bounded memory. @throws TORN, MALFORMED, VERSION, LIMIT; Node's own errors */
export function survey(file: Readable, size: number, settings: SurveySettings): Promise<Survey> {
  return new Search(file, size, settings).run()
}

class Search {
  readonly #file: Readable
  readonly #size: number
  readonly #settings: SurveySettings
  readonly #mostTries: number
  #tries = 0

  constructor(file: Readable, size: number, settings: SurveySettings) {
    this.#file = file
    this.#size = size
    this.#settings = settings
    this.#mostTries = MOST_TRIES + size / BLOCK
  }

  async run(): Promise<Survey> {
    const runs: Run[] = []
    let frames = 0
    for (let start: number | undefined = 0; start !== undefined; ) {
      const good = await goodRun(this.#file, start, this.#size, this.#settings.limits)
      frames += good.frames
      if (good.frames > 0) runs.push({ start, end: good.end })
      this.#tries++
      // A head that was searched for, of which no frame came, may be one in the bytes of another: its word is nothing.
      const isNext: boolean = good.frames > 0 || start === 0
      start = good.error && (await this.#behind(good.end, good.error, isNext))
    }
    const end = runs.at(-1)?.end ?? 0
    const bytes = runs.reduce((sum, run) => sum + run.end - run.start, 0)
    return { recovery: { frames, bytes, cut: this.#size - end, skipped: end - bytes }, runs, end }
  }

  /**
   * Where to go on behind damage at `at`; nowhere when only a torn tail follows.
   * @throws the error when this is no damage, or not ours to repair
   */
  async #behind(at: number, error: OutbandError, isNext: boolean): Promise<number | undefined> {
    const { path, repair } = this.#settings
    const isCertain = isDamage(error) || (error.code === 'MALFORMED' && at > 0)
    // Else it may be good: a file that is no log, a frame of a later version, or one that other limits allow.
    if (!isCertain && (repair !== 'skip' || error.code === 'LIMIT')) throw await this.#refused(at, error)
    if (repair === false) throw torn(path, error, at)
    const layout = isNext ? await this.#layoutAt(at) : undefined
    const next = await this.#nextHead(at + (layout?.frameBytes ?? STEP))
    if (next === undefined && !isCertain) throw await this.#refused(at, error)
    if (next !== undefined && (repair !== 'skip' || this.#tries > this.#mostTries))
      throw torn(path, error, at)
    return next
  }

  /** What may be good is not ours to judge; but what only lacks the first bytes of a frame was one, and is damaged. */
  async #refused(at: number, error: OutbandError): Promise<OutbandError> {
    const { path, limits } = this.#settings
    const isFrame = error.code !== 'LIMIT' && (await isSpoilt(this.#file, at, this.#size, limits))
    return isFrame ? torn(path, error, at) : named(path, error, at)
  }

  /** What the head at this place says, when it is the one that was written. @throws LIMIT for a table that is too long */
  async #layoutAt(at: number): Promise<Layout | undefined> {
    const { path, limits } = this.#settings
    try {
      const layout = await announcedLayout(this.#file, at, this.#size, { limits, isChecked: true })
      return layout.hasChecksums ? layout : undefined
    } catch (error) {
      if (!isOutbandError(error)) throw error
      if (error.code === 'LIMIT') throw named(path, error, at)
      return undefined
    }
  }

  /** The first place from `from` on where a frame with checksums may begin, and end in the file. */
  async #nextHead(from: number): Promise<number | undefined> {
    const block = Buffer.alloc(BLOCK)
    for (let at = from; at < this.#size; at += BLOCK) {
      const bytes = block.subarray(0, await readInto(this.#file, block, at))
      for (let i = bytes.indexOf(START); i >= 0; i = bytes.indexOf(START, i + 1)) {
        if (i % STEP === 0 && (await this.#isHead(at + i))) return at + i
      }
    }
    return undefined
  }

  async #isHead(at: number): Promise<boolean> {
    if (this.#tries > this.#mostTries) return true
    try {
      const layout = await this.#layoutAt(at)
      if (layout !== undefined && at + layout.frameBytes <= this.#size) return true
    } catch (error) {
      if (isOutbandError(error, 'LIMIT')) return true
      throw error
    }
    this.#tries++
    return false
  }
}
