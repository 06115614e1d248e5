/** The clocks of a stream: how long a frame may take, how long the peer may be silent, and this side as well. */
import { expectTime, timerMs } from '../../errors.js'
import { keepAlive } from '../keep-alive.js'

/** Nobody is told that this side is there more often: else a hello of one millisecond would keep us busy. */
const OFTEN_MS = 25
/** A timer that rings so late rings in a thread that was busy, or stopped, and has not heard what came meanwhile. */
const LATE_MS = 20

/** Times in milliseconds; 0: no limit. */
export interface WatchOptions {
  /**
   * A frame that has begun must be complete within this time, and keep the pace of one that will be while others wait for
   * room (`maxBytes` of a server). Default 60 000, for a trusted peer 0.
   */
  readonly frameTimeoutMs?: number | undefined
  /** Something must come within this time. Default 30 000, for a trusted peer 0. Idle channels send keep-alives. */
  readonly idleTimeoutMs?: number | undefined
}

/** What the clocks tell. */
export interface Alarms {
  /** The peer is late. */
  late(what: string, ms: number): void
  /** This side has been silent for long. */
  speak(): void
  /** Whether a word of the peer is due: one that has said all may be silent. */
  isOwed(): boolean
}

export class Watch {
  readonly idleTimeoutMs: number
  readonly #frameTimeoutMs: number
  readonly #alarms: Alarms
  #aliveMs = 0
  #heardAt = performance.now()
  #saidAt = this.#heardAt
  /** When the frame that is under way began; −1 between frames. */
  #frameAt = -1
  #isHeld = false
  /** Whether its clock began anew because the timer was late: once for a silence, which anything heard ends, and a frame. */
  #isSilenceRenewed = false
  #isFrameRenewed = false
  /** How long the peer may be silent once this side has closed, and when it has. */
  #closeMs = 0
  #closedAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #dueAt = Number.POSITIVE_INFINITY

  /** `isBlind`: what is on its way is not heard. @throws TypeError for an option of the wrong type */
  constructor({ frameTimeoutMs = 0, idleTimeoutMs = 0 }: WatchOptions, alarms: Alarms, isBlind = false) {
    expectTime(frameTimeoutMs, 'frameTimeoutMs')
    expectTime(idleTimeoutMs, 'idleTimeoutMs')
    this.#frameTimeoutMs = frameTimeoutMs
    // Who says nothing may be sending a frame, for which there is time.
    this.idleTimeoutMs = isBlind && idleTimeoutMs > 0 ? idleTimeoutMs + frameTimeoutMs : idleTimeoutMs
    this.#alarms = alarms
  }

  /** Something came; whether it ends inside a frame, and whether it ended one. */
  heard(isInFrame: boolean, isAnotherFrame: boolean): void {
    this.#heardAt = performance.now()
    this.#isSilenceRenewed = false
    if (!isInFrame || isAnotherFrame) this.#isFrameRenewed = false
    if (!isInFrame) this.#frameAt = -1
    else if (this.#frameAt < 0 || isAnotherFrame) this.#frameAt = this.#heardAt
    this.#arm()
  }

  /** The peer took in something, or has something to take in: of one that has nothing to say it is as good as a word. */
  took(): void {
    this.#heardAt = performance.now()
    this.#isSilenceRenewed = false
    this.#arm()
  }

  said(): void {
    this.#saidAt = performance.now()
  }

  /** The peer wants to hear from this side, at least so often. */
  keepAlive(ms: number): void {
    this.#aliveMs = ms === 0 ? 0 : Math.max(ms, OFTEN_MS)
    this.#arm()
  }

  /** The peer says nothing more: whether it is still there is told by what is written to it alone. */
  probe(): void {
    if (this.#aliveMs === 0) this.keepAlive(this.idleTimeoutMs)
  }

  /** This side has closed: an answer must come, or anything. */
  closing(ms: number): void {
    this.#closeMs = ms
    this.#closedAt = performance.now()
    this.#arm()
  }

  /** The peer cannot be heard, since this side does not read. */
  hold(): void {
    this.#isHeld = true
  }

  /** This side reads again; the clocks begin anew. */
  release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#heardAt = performance.now()
    if (this.#frameAt >= 0) this.#frameAt = this.#heardAt
    this.#arm()
  }

  start(): void {
    this.#heardAt = this.#saidAt = performance.now()
    this.#arm()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#dueAt = 0
  }

  #idleAt(): number {
    return due(this.#heardAt, this.#isHeld || !this.#alarms.isOwed() ? 0 : this.idleTimeoutMs)
  }

  #completeAt(): number {
    return this.#frameAt < 0
      ? Number.POSITIVE_INFINITY
      : due(this.#frameAt, this.#isHeld ? 0 : this.#frameTimeoutMs)
  }

  #closeAt(): number {
    return due(Math.max(this.#closedAt, this.#heardAt), this.#isHeld ? 0 : this.#closeMs)
  }

  #arm(): void {
    const dueAt = Math.min(
      this.#idleAt(),
      this.#completeAt(),
      this.#closeAt(),
      due(this.#saidAt, this.#aliveMs),
    )
    // A timer that comes too early finds that out by itself: cheaper than a new one for every chunk.
    if (dueAt >= this.#dueAt) return
    clearTimeout(this.#timer)
    this.#dueAt = dueAt
    this.#timer = setTimeout(() => this.#ring(), timerMs(Math.max(dueAt - performance.now(), 0) + 1))
    // A clock is no reason for a process to live.
    keepAlive(this.#timer, false)
  }

  #ring(): void {
    if (this.#dueAt === 0) return
    const now = performance.now()
    const isBelated = now - this.#dueAt > LATE_MS
    this.#dueAt = Number.POSITIVE_INFINITY
    const late = this.#lateAt(now)
    if (late !== undefined) {
      const isFrame = now >= this.#completeAt()
      if (!isBelated || (isFrame ? this.#isFrameRenewed : this.#isSilenceRenewed))
        return this.#alarms.late(...late)
      this.#heardAt = now
      this.#isSilenceRenewed = true
      if (isFrame) {
        this.#frameAt = now
        this.#isFrameRenewed = true
      }
    }
    if (now >= due(this.#saidAt, this.#aliveMs)) {
      this.#saidAt = now
      this.#alarms.speak()
    }
    this.#arm()
  }

  /** With what the peer is late, and for how long. */
  #lateAt(now: number): [what: string, ms: number] | undefined {
    if (now >= this.#completeAt()) return ['the frame was not complete', this.#frameTimeoutMs]
    if (now >= this.#idleAt()) return ['the peer was silent', this.idleTimeoutMs]
    if (now >= this.#closeAt()) return ['close: the peer has not answered', this.#closeMs]
    return undefined
  }
}

function due(since: number, ms: number): number {
  return ms === 0 ? Number.POSITIVE_INFINITY : since + ms
}
