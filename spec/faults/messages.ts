/** Messages that can be told from what they should be, and a count of those that arrive. */
import { crc32c } from '../../src/bytes/crc32c.js'
import { packBytes } from '../../src/frame/index.js'
import { encode } from '../../src/index.js'
import { Dice } from '../mutate.js'

export interface Message {
  readonly n: number
  readonly sum: number
  readonly bytes: Uint8Array
}

/** The longest, with what a message takes beside, in bytes. */
export const LONGEST = 2 ** 20 + 4096

/** Short ones mostly, some that are lent, a few that take many reads. `most`: bytes. */
export function sizeOf(seed: number, n: number, most = 2 ** 20): number {
  const dice = new Dice()
  dice.start(seed, n)
  const kind = dice.below(10)
  const size = kind < 6 ? dice.below(2000) : kind < 9 ? 4096 + dice.below(2 ** 16) : dice.below(2 ** 20)
  return Math.min(size, most)
}

/** Message number `n` of a seed, always the same. */
export function messageOf(seed: number, n: number, most?: number): Message {
  const bytes = new Uint8Array(sizeOf(seed, n, most)).fill(seed + n)
  for (let at = n % 4093; at < bytes.length; at += 4093) bytes[at] = at ^ n
  return { n, sum: crc32c(bytes), bytes }
}

/** The frames of the first messages of a seed. */
export function framesOf(seed: number, count: number, most?: number): Uint8Array[] {
  return Array.from({ length: count }, (_, n) => packBytes(encode(messageOf(seed, n, most))))
}

/** What became of the messages of a seed. */
export interface Counts {
  delivered: number
  lost: number
  duplicated: number
  partial: number
}

/** Takes messages in, which should be 0, 1, 2 … as they were made. */
export class Tally {
  readonly counts: Counts = { delivered: 0, lost: 0, duplicated: 0, partial: 0 }
  readonly #seed: number
  readonly #most: number | undefined
  #next = 0

  constructor(seed: number, most?: number) {
    this.#seed = seed
    this.#most = most
  }

  take(value: unknown): void {
    const { counts } = this
    const { n, sum, bytes } = (value ?? {}) as Partial<Message>
    if (typeof n !== 'number' || !(bytes instanceof Uint8Array)) {
      counts.partial++
      return
    }
    if (n < this.#next) {
      counts.duplicated++
      return
    }
    counts.lost += n - this.#next
    this.#next = n + 1
    const isWhole = bytes.length === sizeOf(this.#seed, n, this.#most) && crc32c(bytes) === sum
    if (isWhole && sum === messageOf(this.#seed, n, this.#most).sum) counts.delivered++
    else counts.partial++
  }
}
