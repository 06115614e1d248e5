/**
 * The way between two processes of one host: a socket or pipe, until both have the same memory open, and from then on a pipe
 * of bytes in it, for each direction by itself. The socket stays: a byte on it wakes whoever has said that it sleeps or waits
 * for room, and its end tells of the peer's.
 *
 *      divert()  what is written from now on goes by the memory    the other side must have it open
 *      listen()  what comes on the socket from now on only wakes   the other side has diverted
 *
 * A byte is sent only to who asked for it, and who does not listen yet does not ask: it looks again after a while. So does who
 * still has something to say to a side that has said all.
 */
import { isOutbandError, type OutbandError } from '../../errors.js'
import { Fifo } from '../../fifo.js'
import type { Conduit } from '../../memory/conduit.js'
import type { Inlet, Link } from '../stream/link.js'

const BELL = new Uint8Array(1)
/** Where bytes are read to that say nothing more than that they are there. */
const BELLS = new Uint8Array(256)
/** So much is read before others have their turn. */
const TURN_BYTES = 2 ** 20
/** How often a writer that cannot be woken yet looks for room. */
const LOOK_MS = 5

interface Writing {
  readonly chunks: readonly Uint8Array[]
  readonly done: ((isOut: boolean) => void) | undefined
  /** The chunk that is next, and what of it is out. */
  at: number
  out: number
}

export class SharedLink implements Link {
  readonly name: string
  readonly canPause = true
  readonly #socket: Link
  #inlet: Inlet | undefined
  #conduit: Conduit | undefined
  #isDiverted = false
  #isListening = false
  readonly #queue = new Fifo<Writing>()
  /** Who is to be told that all of it is out. */
  #told: ((isOut: boolean) => void)[] = []
  #looking: NodeJS.Timeout | undefined
  #isPaused = false
  /** Whether bytes are handed on at the moment, and whether that will be. */
  #isReading = false
  #isDue = false
  #hasEnded = false
  #hasToldEnd = false
  #isFinishing = false
  #hasFinished = false
  #isOver = false
  #error: OutbandError | undefined

  constructor(socket: Link) {
    this.name = socket.name
    this.#socket = socket
  }

  get patienceMs(): number | undefined {
    return this.#socket.patienceMs
  }

  /** The memory that `divert` and `listen` are about; it is the link's to close from now on. */
  use(conduit: Conduit): void {
    this.#conduit = conduit
  }

  /** Takes back `use`: the other side cannot open it. */
  forgo(): void {
    this.#conduit?.close()
    this.#conduit = undefined
  }

  /** What is written from now on goes by the memory. */
  divert(): void {
    this.#isDiverted = true
  }

  /** What comes on the socket from now on is bells. */
  listen(): void {
    this.#isListening = true
    // Bells are to be heard; who is to wait is the pipe.
    if (this.#isPaused) this.#socket.resume()
    this.#readSoon()
    this.#pour()
  }

  open(inlet: Inlet): void {
    this.#inlet = inlet
    this.#socket.open({
      target: () => (this.#isListening ? BELLS : inlet.target()),
      filled: byteLength => (this.#isListening ? this.#wake() : inlet.filled(byteLength)),
      push: chunk => (this.#isListening ? this.#wake() : inlet.push(chunk)),
      boundary: () => inlet.boundary(),
      underway: byteLength => inlet.underway(byteLength),
      ended: () => {
        this.#hasEnded = true
        if (this.#isListening) this.#wake()
        else this.#tellEnd()
      },
      gone: error => this.#gone(error),
    })
  }

  write(chunks: readonly Uint8Array[], done?: (isOut: boolean) => void): void {
    if (!this.#isDiverted) return this.#socket.write(chunks, done)
    if (this.#isOver) {
      if (done !== undefined) process.nextTick(done, false)
      return
    }
    this.#queue.push({ chunks, done, at: 0, out: 0 })
    if (this.#queue.length === 1) this.#pour()
  }

  pause(): void {
    this.#isPaused = true
    if (!this.#isListening) this.#socket.pause()
  }

  resume(): void {
    this.#isPaused = false
    if (this.#isListening) this.#readSoon()
    else this.#socket.resume()
  }

  keepAlive(isKept: boolean): void {
    this.#socket.keepAlive?.(isKept)
  }

  finish(): void {
    this.#isFinishing = true
    if (this.#queue.length === 0) this.#finishSocket()
  }

  destroy(): void {
    this.#letGo()
    this.#socket.destroy()
  }

  /** Something has changed on the other side: there is something to read, or room. */
  #wake(): void {
    this.#pour()
    this.#read()
  }

  /** Wakes the other side, which hears of the last byte anyhow. */
  #ring(): void {
    if (!this.#hasFinished) this.#socket.write([BELL])
  }

  #finishSocket(): void {
    if (this.#hasFinished) return
    this.#hasFinished = true
    this.#socket.finish()
  }

  /** Whether the other side can wake this one. */
  #isWoken(): boolean {
    return this.#isListening && !this.#hasEnded
  }

  // What goes out.

  /** Writes as much as there is room for. */
  #pour(): void {
    if (this.#isOver || !this.#isDiverted) return
    const { writer } = this.#conduit!
    try {
      do {
        while (this.#queue.length > 0 && this.#pourFirst()) this.#tellSoon(this.#queue.shift()!.done)
        if (writer.mustWake()) this.#ring()
      } while (this.#queue.length > 0 && this.#isWoken() && !writer.wait())
    } catch (error) {
      return this.#fail(error)
    }
    if (this.#queue.length === 0) {
      if (this.#isFinishing) this.#finishSocket()
    } else if (!this.#isWoken()) this.#lookLater()
  }

  /** Whether all of the first is out. */
  #pourFirst(): boolean {
    const first = this.#queue.peek()!
    const { writer } = this.#conduit!
    for (; first.at < first.chunks.length; first.at++) {
      const chunk = first.chunks[first.at]!
      while (first.out < chunk.length) {
        const length = writer.write(chunk, first.out)
        if (length === 0) return false
        first.out += length
      }
      first.out = 0
    }
    return true
  }

  #lookLater(): void {
    if (this.#looking !== undefined) return
    this.#looking = setTimeout(() => {
      this.#looking = undefined
      this.#pour()
    }, LOOK_MS)
  }

  #tellSoon(done: ((isOut: boolean) => void) | undefined): void {
    if (done === undefined) return
    if (this.#told.push(done) > 1) return
    process.nextTick(() => {
      for (const done of this.#told.splice(0)) done(true)
    })
  }

  // What comes in.

  #readSoon(): void {
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      this.#read()
    })
  }

  /** Hands on what is there, for one turn; then sleeps, or goes on in another. */
  #read(): void {
    if (this.#isOver || this.#isReading || !this.#isListening) return
    const { reader } = this.#conduit!
    try {
      // What a side that has ended wrote is handed on, whatever `pause` says: only behind it stands whether it closed or died.
      const isRest = this.#hand(TURN_BYTES, this.#hasEnded)
      if (this.#isOver || (this.#isPaused && !this.#hasEnded)) return
      if (isRest || !(this.#hasEnded || reader.sleep())) return this.#readSoon()
    } catch (error) {
      return this.#fail(error)
    }
    if (this.#hasEnded) this.#tellEnd()
  }

  /** Hands on so many bytes, about, if they are there and wanted; whether there may be more. @throws RING_CORRUPT */
  #hand(most: number, isLast = false): boolean {
    const inlet = this.#inlet!
    const { reader } = this.#conduit!
    this.#isReading = true
    try {
      for (let left = most; left > 0 && !this.#isOver && (isLast || !this.#isPaused); ) {
        if (reader.available === 0) return false
        const length = reader.read(inlet.target())
        left -= length
        // Before it is taken in, which may take a while.
        if (reader.mustWake()) this.#ring()
        inlet.filled(length)
      }
      return true
    } finally {
      this.#isReading = false
    }
  }

  #tellEnd(): void {
    if (this.#hasToldEnd) return
    this.#hasToldEnd = true
    this.#inlet!.ended()
  }

  // The end.

  /** The memory makes no sense: nothing of it is believed any more. */
  #fail(error: unknown): void {
    if (!isOutbandError(error)) throw error
    this.#error ??= error
    this.destroy()
  }

  /** Nobody writes there any more: what was written before is handed on, whatever `pause` says. */
  #gone(error: OutbandError | undefined): void {
    if (this.#isListening && !this.#isOver && !this.#hasToldEnd) {
      try {
        this.#hand(this.#conduit!.reader.capacity, true)
      } catch (corrupt) {
        this.#error ??= corrupt as OutbandError
      }
      if (this.#hasEnded) this.#tellEnd()
    }
    this.#letGo()
    this.#inlet!.gone(this.#error ?? error)
  }

  #letGo(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#looking)
    for (let lost = this.#queue.shift(); lost !== undefined; lost = this.#queue.shift()) {
      if (lost.done !== undefined) process.nextTick(lost.done, false)
    }
    this.forgo()
  }
}
