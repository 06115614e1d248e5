/**
 * What a sender knows of how far its peer has come. It asks now and then, and the answer comes when everything before
 * the question has been taken in; who sends more than the high-water mark beyond that waits.
 */
import { expectBytes } from '../errors.js'
import { Deferred } from './deferred.js'

/** Who looks but twice in a row, between two messages, does not wait: to ask each time would cost as much as they do. */
const AWAITED_MS = 10

export class Credits {
  readonly #highWaterMark: number
  /** Bytes sent, sent when last asked, and when last asked or marked, and taken in by the peer; all since the beginning. */
  #sent = 0
  #asked = 0
  #marked = 0
  #taken = 0
  /** Bytes that nobody waits for, taken in or not. */
  #passed = 0
  /** Bytes sent when somebody looked, and when that was for the first time since they were. */
  #looked = 0
  #lookedAt = 0
  #room: Deferred | undefined

  /** @throws TypeError for what is no mark */
  constructor(highWaterMark = 2 ** 24) {
    expectBytes(highWaterMark, 'highWaterMark')
    this.#highWaterMark = highWaterMark
  }

  /** Bytes sent that the peer has not taken in, as far as is known. */
  get queuedBytes(): number {
    return this.#sent - this.#taken
  }

  get isFull(): boolean {
    return this.#sent - Math.max(this.#taken, this.#passed) > this.#highWaterMark
  }

  /** Whether enough was sent since the last question for another. */
  get isDue(): boolean {
    return this.#sent - this.#marked > this.#highWaterMark / 2 || (this.isFull && this.#asked < this.#sent)
  }

  /** What the count will be with so many bytes more, when it is time for a mark there; it is none until `markAt`. */
  nextMark(byteLength: number): number | undefined {
    const count = this.#sent + byteLength
    return count - this.#marked > this.#highWaterMark / 2 ? count : undefined
  }

  /** The peer will be seen to have come to this count. */
  markAt(count: number): void {
    this.#marked = count
  }

  add(byteLength: number): void {
    this.#sent += byteLength
  }

  /** The count to ask about; nothing when it was asked already. */
  ask(): number | undefined {
    if (this.#asked === this.#sent) return undefined
    this.#asked = this.#marked = this.#sent
    return this.#sent
  }

  /** Notes that somebody looks; whether he has before, and sent nothing since: then he waits for the last of it. */
  isAwaited(): boolean {
    const now = Date.now()
    if (this.#looked !== this.#sent) {
      this.#looked = this.#sent
      this.#lookedAt = now
    }
    return this.queuedBytes > 0 && now - this.#lookedAt >= AWAITED_MS
  }

  /** The peer has taken in what was sent up to this count. */
  taken(count: number): void {
    // A count from nowhere must not open the gate for good.
    if (count > this.#taken && count <= this.#sent) this.#taken = count
    if (!this.isFull) this.open()
  }

  /** Lets go on whoever waits for these, though nobody has said that they are taken in. */
  pass(count: number): void {
    this.#passed = count
    if (!this.isFull) this.open()
  }

  /** Everything sent so far counts as taken in. */
  forgive(): void {
    this.#taken = this.#asked = this.#marked = this.#sent
    this.open()
  }

  /** Resolves when there is room, or `open` is called; nothing, when there is. */
  room(): Promise<void> | undefined {
    if (!this.isFull) return undefined
    this.#room ??= new Deferred()
    return this.#room.promise
  }

  /** Lets go on whoever waits. */
  open(): void {
    this.#room?.resolve()
    this.#room = undefined
  }

  /** At the end: all was taken in, but after an error nobody knows what. */
  end(error: unknown): void {
    if (error === undefined) return this.forgive()
    this.#room?.reject(error)
    this.#room = undefined
  }
}
