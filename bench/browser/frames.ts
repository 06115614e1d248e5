/** Frames of the page, as `requestAnimationFrame` gets them: a gap of two intervals is a frame that was dropped. */

/** What was seen. Times in milliseconds. */
export interface Frames {
  readonly shown: number
  readonly dropped: number
  readonly longestMs: number
  /** Between one frame and the next, in order. */
  readonly gaps: readonly number[]
}

type Callback = (time: number) => void
const { requestAnimationFrame } = globalThis as unknown as {
  requestAnimationFrame(callback: Callback): number
}

/** Of a display that nobody asked. */
const USUAL_MS = 1000 / 60

export class FrameWatch {
  /** What is usual here; measured once by `settle`. */
  static intervalMs = USUAL_MS
  readonly #gaps: number[] = []
  #last = performance.now()
  #ended: ((frames: Frames) => void) | undefined

  constructor() {
    FrameWatch.next(this.#tick)
  }

  static next(callback: Callback): void {
    requestAnimationFrame(callback)
  }

  /** Takes the interval of this display from a page at rest. */
  static async settle(): Promise<void> {
    const watch = new FrameWatch()
    await new Promise(resolve => setTimeout(resolve, 500))
    const gaps = (await watch.end()).gaps.toSorted((a, b) => a - b)
    const median = gaps[gaps.length >> 1]
    if (median !== undefined && median > 3) FrameWatch.intervalMs = median
  }

  /** What was seen up to the next frame. */
  end(): Promise<Frames> {
    return new Promise(resolve => {
      this.#ended = resolve
    })
  }

  readonly #tick = (): void => {
    const now = performance.now()
    this.#gaps.push(now - this.#last)
    this.#last = now
    if (this.#ended === undefined) return FrameWatch.next(this.#tick)
    // The first began amid a frame.
    const gaps = this.#gaps.slice(1)
    const dropped = gaps.reduce(
      (sum, gap) => sum + Math.max(0, Math.round(gap / FrameWatch.intervalMs) - 1),
      0,
    )
    this.#ended({ shown: gaps.length, dropped, longestMs: Math.max(0, ...gaps), gaps })
  }
}
