/** First in, first out. What was taken is not held, and taking costs the same however many wait. */

/** Taken slots that are not worth moving the others for. */
const SLACK = 1024

export class Fifo<Item extends object> {
  #items: (Item | undefined)[] = []
  #start = 0

  get isEmpty(): boolean {
    return this.#start === this.#items.length
  }

  /** The first one, or the one so many behind it. */
  peek(offset = 0): Item | undefined {
    return this.#items[this.#start + offset]
  }

  push(item: Item): void {
    this.#items.push(item)
  }

  /** Takes the first one, which there must be. */
  shift(): Item {
    const item = this.#items[this.#start] as Item
    this.#items[this.#start++] = undefined
    // `Array.prototype.shift` moves all that is left of an array of more than some 50 000.
    if (this.isEmpty) this.clear()
    else if (this.#start > SLACK && this.#start * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#start)
      this.#start = 0
    }
    return item
  }

  clear(): void {
    this.#items = []
    this.#start = 0
  }
}
