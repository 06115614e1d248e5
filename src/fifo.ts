/** First in, first out. What was taken is not held, and taking costs the same however many wait. */

export class Fifo<Item> {
  /** Those to be taken next, the first of them last: `Array.prototype.shift` moves all that is left of more than some 50 000. */
  #front: Item[] = []
  #back: Item[] = []

  get length(): number {
    return this.#front.length + this.#back.length
  }

  /** The first one, or the one so many behind it. */
  peek(offset = 0): Item | undefined {
    const behind = offset - this.#front.length
    return behind < 0 ? this.#front[-1 - behind] : this.#back[behind]
  }

  push(item: Item): void {
    this.#back.push(item)
  }

  /** Takes the first one, if there is any. */
  shift(): Item | undefined {
    if (this.#front.length === 0) {
      const front = this.#back.reverse()
      this.#back = this.#front
      this.#front = front
    }
    return this.#front.pop()
  }

  clear(): void {
    this.#front = []
    this.#back = []
  }
}
