/**
 * A writable and a readable end with a stage between them:
 *
 *      write ─put→ stage ─take→ read
 *
 * What a TransformStream is, but for two things. An item is made when a reader asks for it, so that none waits in the
 * readable end: an error there throws away what waits, and here what was whole before the error arrives before it, which
 * comes when the reader asks for more. And `write` resolves when the stage says that it has room, which can be later than
 * when the last item was taken.
 */
import { OutbandError } from '../errors.js'

/** Makes items for the reader of what was written. */
export interface Stage<In, Out> {
  /** Whether there is nothing to take. */
  readonly isEmpty: boolean
  /** Whether the writer may go on. */
  readonly hasRoom: boolean
  /** Takes in what was written. What it throws ends the passage, behind the items that there are. */
  put(value: In): void
  /** The next item. What it throws ends the passage. */
  take(): Out
  /** Nothing more comes. What it throws ends the passage, as in `put`. */
  end(): void
  /** Lets everything go; no call follows. */
  clear(): void
}

/** As the standard has it; Node's types lack the signal. */
interface WritableController {
  readonly signal: AbortSignal
  error(reason: unknown): void
}

interface Waiter {
  resolve(): void
  reject(reason: unknown): void
}

interface Failure {
  readonly error: unknown
}

export class Passage<In, Out> {
  readonly readable: ReadableStream<Out>
  readonly writable: WritableStream<In>
  readonly #stage: Stage<In, Out>
  #reader!: ReadableStreamDefaultController<Out>
  #writer!: WritableController
  /** Whether a reader waits for an item. */
  #isAsked = false
  /** Whether a reader has got an item and asked for none since: a pipe passes it on a moment later, unless there is an error by then. */
  #isPassingOn = false
  /** The write that waits for room; there is one at most. */
  #waiter: Waiter | undefined
  /** What follows on the last item: the end, or an error. */
  #ending: Failure | 'end' | undefined
  #failure: Failure | undefined
  #isOver = false

  constructor(stage: Stage<In, Out>) {
    this.#stage = stage
    this.readable = new ReadableStream<Out>(
      {
        start: controller => {
          this.#reader = controller
        },
        pull: () => {
          this.#isAsked = true
          this.#isPassingOn = false
          this.#move()
        },
        cancel: reason => {
          const error = reason ?? new OutbandError('PEER_GONE', 'stream: its reader cancelled it')
          this.#writer.error(error)
          this.#letGo(error)
        },
      },
      { highWaterMark: 0 },
    )
    this.writable = new WritableStream<In>({
      start: controller => {
        this.#writer = controller as unknown as WritableController
        const { signal } = this.#writer
        // Not the sink's `abort`, which comes after a write that may wait for a reader for ever.
        signal.addEventListener('abort', () => this.#break(signal.reason))
      },
      write: value => this.#write(value),
      close: () => this.#close(),
    })
  }

  #write(value: In): Promise<void> | undefined {
    this.#feed(() => this.#stage.put(value))
    if (this.#stage.hasRoom) return undefined
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
    })
  }

  #close(): void {
    this.#feed(() => {
      this.#stage.end()
      this.#ending = 'end'
    })
  }

  #feed(feed: () => void): void {
    try {
      feed()
    } catch (error) {
      this.#ending = { error }
      this.#move()
      throw error
    }
    this.#move()
    if (this.#failure === undefined) return
    // The caller's code in `put` can have ended it, which then went on.
    this.#stage.clear()
    throw this.#failure.error
  }

  /** Gives the reader what it waits for, and the writer its room. */
  #move(): void {
    if (this.#isAsked && !this.#isOver && !this.#stage.isEmpty) this.#hand()
    if (this.#isOver) return
    if (this.#ending !== undefined && this.#stage.isEmpty) this.#finish(this.#ending)
    else if (this.#waiter !== undefined && this.#stage.hasRoom) {
      const { resolve } = this.#waiter
      this.#waiter = undefined
      resolve()
    }
  }

  #hand(): void {
    let item: Out
    try {
      item = this.#stage.take()
    } catch (error) {
      this.#writer.error(error)
      this.#break(error)
      return
    }
    // The caller's code in `take` can have ended it.
    if (this.#isOver) return
    this.#isAsked = false
    this.#isPassingOn = true
    // May ask for the next one at once, and so come back here.
    this.#reader.enqueue(item)
  }

  #finish(ending: Failure | 'end'): void {
    if (ending !== 'end') {
      if (!this.#isPassingOn) this.#break(ending.error)
      return
    }
    this.#isOver = true
    this.#stage.clear()
    this.#reader.close()
  }

  #break(error: unknown): void {
    if (this.#isOver) return
    this.#letGo(error)
    this.#reader.error(error)
  }

  #letGo(error: unknown): void {
    this.#isOver = true
    this.#failure = { error }
    this.#stage.clear()
    this.#waiter?.reject(error)
    this.#waiter = undefined
  }
}
