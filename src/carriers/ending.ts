/** How a carrier ends: once, told to whoever waits for `closed`, to whoever sends and to whoever receives. */
import { OutbandError } from '../errors.js'
import { endSink, type Sink } from './carrier.js'
import { Deferred } from './deferred.js'
import { soon } from './turns.js'

export class Ending {
  /** Whether this side has said that it will send nothing more. */
  isClosing = false
  readonly #closed = new Deferred()
  #end: { readonly error: OutbandError | undefined } | undefined
  #sink: Sink | undefined

  /** Resolves at an end without an error, else rejects with it; never unhandled. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  get isOver(): boolean {
    return this.#end !== undefined
  }

  /** The sink that is to be told, at once where the end has come before it. */
  tell(sink: Sink): void {
    this.#sink = sink
    if (this.#end === undefined) return
    const { error } = this.#end
    soon(() => endSink(sink, error))
  }

  /** @throws what ended the carrier, with the stack of this call; CLOSED when this side has closed it */
  expectOpen(): void {
    const error = this.#end?.error
    if (error !== undefined) {
      const { code, message, cause } = error
      throw new OutbandError(code, message, { ...error, ...(cause === undefined ? {} : { cause }) })
    }
    if (this.isOver || this.isClosing) throw new OutbandError('CLOSED', 'send: the carrier is closed')
  }

  /** Ends, unless it has; `last` runs before anybody is told. */
  come(error: OutbandError | undefined, last: () => void): void {
    if (this.#end !== undefined) return
    this.#end = { error }
    last()
    if (error === undefined) this.#closed.resolve()
    else this.#closed.reject(error)
    if (this.#sink !== undefined) endSink(this.#sink, error)
  }
}
