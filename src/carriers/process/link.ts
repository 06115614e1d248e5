/**
 * The way to a child process, or to the parent: one socket that goes both ways, or two that go one way each, as standard
 * input and output do.
 */
import { OutbandError } from '../../errors.js'
import type { SocketLink } from '../socket/link.js'
import type { Inlet, Link } from '../stream/link.js'
import { Stay } from './stay.js'

export class ProcessLink implements Link {
  readonly name = 'process'
  readonly canPause = true
  /** A program may take long to load. */
  readonly patienceMs = 30_000
  readonly #reader: SocketLink
  readonly #writer: SocketLink
  readonly #last: () => void
  /** Of a child. */
  #stay: Stay | undefined
  #error: OutbandError | undefined
  /** Whether the other process has ended, and how many of the two sockets have not. */
  #isPeerDead = false
  #isReaderGone = false
  #isReset = false
  #open: number

  /** `last` runs when nothing is open any more. */
  constructor(reader: SocketLink, writer = reader, last = () => {}) {
    this.#reader = reader
    this.#writer = writer
    this.#last = last
    this.#open = reader === writer ? 1 : 2
  }

  /** This is the child's end: while nothing is read, it keeps the process alive until the parent is gone. */
  asChild(): this {
    this.#stay = new Stay(() => this.rest())
    return this
  }

  open(inlet: Inlet): void {
    let isEnded = false
    this.#reader.open({
      target: () => inlet.target(),
      filled: byteLength => inlet.filled(byteLength),
      push: chunk => inlet.push(chunk),
      boundary: () => inlet.boundary(),
      underway: byteLength => inlet.underway(byteLength),
      ended: () => {
        isEnded = true
        inlet.ended()
        // Of two it has no other direction to wait for.
        if (this.#writer !== this.#reader) this.#reader.finish()
      },
      gone: error => {
        this.#isReaderGone = true
        this.#stay?.end()
        // All that came was read; what is reset is what went.
        this.#isReset = !isEnded && codeOf(error) === 'ECONNRESET'
        if (this.#isReset) inlet.ended()
        this.#close(inlet, this.#isReset ? undefined : error)
        // One that has said all may still be listening.
        if (!isEnded || this.#isPeerDead) this.#writer.destroy()
      },
    })
    if (this.#writer === this.#reader) return
    const nothing = new Uint8Array(1)
    this.#writer.open({
      target: () => nothing,
      filled: () => {},
      push: () => {},
      boundary: () => {},
      underway: () => {},
      ended: () => {},
      gone: error => {
        // One that listens no more may have said much before.
        if (error !== undefined) this.#reader.rest()
        this.#close(inlet, error)
      },
    })
  }

  #close(inlet: Inlet, error: OutbandError | undefined): void {
    this.#error ??= error
    if (--this.#open > 0) return
    this.#last()
    const cause = this.#error?.cause as Error | undefined
    inlet.gone(
      cause && new OutbandError('PEER_GONE', `process: the peer is gone: ${cause.message}`, { cause }),
    )
  }

  /** The other process has ended: what it wrote is read, whatever `pause` says; its own children are not waited for. */
  rest(): void {
    this.#isPeerDead = true
    if (this.#isReaderGone) this.#writer.destroy()
    else this.#reader.rest()
  }

  /** Whether anything has come from the other process. */
  get hasHeard(): boolean {
    return (this.#reader.socket as { bytesRead?: number }).bytesRead !== 0
  }

  /** A number that changes with all that the other process says or takes. */
  get signs(): number {
    const { bytesRead = 0 } = this.#reader.socket as { bytesRead?: number }
    return bytesRead - this.#writer.unwritten
  }

  /** Whether the other process ended before it read everything. */
  get isReset(): boolean {
    return this.#isReset
  }

  write(chunks: readonly Uint8Array[], done?: (isOut: boolean) => void): void {
    this.#writer.write(chunks, done)
  }

  pause(): void {
    this.#reader.pause()
    if (!this.#isReaderGone) this.#stay?.begin()
  }

  resume(): void {
    this.#stay?.end()
    this.#reader.resume()
  }

  keepAlive(isKept: boolean): void {
    this.#reader.keepAlive(isKept)
    if (this.#writer !== this.#reader) this.#writer.keepAlive(isKept)
    this.#stay?.keepAlive(isKept)
  }

  finish(): void {
    this.#writer.finish()
  }

  destroy(): void {
    this.#stay?.end()
    this.#reader.destroy()
    this.#writer.destroy()
  }
}

const codeOf = (error: OutbandError | undefined): unknown =>
  (error?.cause as NodeJS.ErrnoException | undefined)?.code
