/** What a value may ask for while it is lifted: as much as its receiver, under the same limits, takes. */
import { unsignedLength } from '../bytes/bigint.js'
import { checkLimit, overLimit } from '../limits.js'
import { SentKeys } from '../value/keys.js'
import { IDLE } from './format.js'
import { Lifted } from './lifted.js'

const utf8 = new TextEncoder()
const LEAST_INT = -(2n ** 63n)
const MOST_INT = 2n ** 64n - 1n

export class Budget {
  settings = IDLE
  readonly keys = new SentKeys()
  #depth = 0
  #items = 0

  begin(): void {
    this.#depth = 0
    this.#items = 0
    this.keys.begin(this.settings.limits)
  }

  /** Goes one container down, one of so many elements. */
  enter(items: number): void {
    this.descend()
    this.count(items)
  }

  /** Goes one container down, whose elements are counted later. */
  descend(): void {
    const { limits } = this.settings
    if (++this.#depth > limits.depth) throw overLimit('depth', limits.depth, this.#depth)
  }

  leave(): void {
    this.#depth--
  }

  count(items: number): void {
    const { limits } = this.settings
    this.#items += items
    if (this.#items > limits.items) throw overLimit('items', limits.items, this.#items)
  }

  bigint(n: bigint): unknown {
    if (n >= LEAST_INT && n <= MOST_INT) return n
    checkLimit('bigintBytes', this.settings.limits.bigintBytes, unsignedLength(n < 0n ? -n : n))
    return new Lifted('bigint', n)
  }

  checkText(text: string): void {
    checkLimit('stringBytes', this.settings.limits.stringBytes, utf8.encode(text).length)
  }
}
