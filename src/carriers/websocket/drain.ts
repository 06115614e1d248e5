/**
 * When what was sent is out, of a WebSocket that only tells how much is not (`bufferedAmount`, in bytes): it is asked
 * whenever something happens, and, while nothing does, by the clock.
 */
import { Fifo } from '../../fifo.js'
import { keepAlive } from '../keep-alive.js'
import type { WebSocketLike } from './shape.js'

const FIRST_MS = 1
const LAST_MS = 64

type Done = (isOut: boolean) => void

export class Drain {
  readonly #socket: WebSocketLike
  /** Who waits, in order, and how much had been sent by then. */
  readonly #waiting = new Fifo<{ readonly end: number; readonly done: Done }>()
  #sent = 0
  #delayMs = FIRST_MS
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(socket: WebSocketLike) {
    this.#socket = socket
  }

  /** So many bytes were sent; `done` is called later. */
  add(byteLength: number, done: Done | undefined): void {
    this.#sent += byteLength
    if (done === undefined) return
    this.#waiting.push({ end: this.#sent, done })
    this.#delayMs = FIRST_MS
    this.#arm()
  }

  /** Tells those of whom all is out. */
  look(): void {
    const out = this.#sent - this.#socket.bufferedAmount
    while (this.#waiting.length > 0 && this.#waiting.peek()!.end <= out) this.#waiting.shift()!.done(true)
  }

  /** What is not out is lost. */
  stop(): void {
    clearTimeout(this.#timer)
    for (let lost = this.#waiting.shift(); lost !== undefined; lost = this.#waiting.shift()) lost.done(false)
  }

  #arm(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.look()
      if (this.#waiting.length === 0) return
      this.#delayMs = Math.min(this.#delayMs * 2, LAST_MS)
      this.#arm()
    }, this.#delayMs)
    // It is the socket that a process lives for.
    keepAlive(this.#timer, false)
  }
}
