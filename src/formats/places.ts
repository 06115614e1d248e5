/**
 * What is known of places in the metadata, in their order: eight bytes for each. A Map takes up to seven times that, which
 * is as much again as the smallest parts.
 */

const FIRST_ROOM = 16

export class Places {
  #places = new Uint32Array(FIRST_ROOM)
  #notes = new Int32Array(FIRST_ROOM)
  #count = 0

  /** Notes a number of 32 bits at a place behind all the others. */
  add(at: number, note: number): void {
    if (this.#count === this.#places.length) this.#grow()
    this.#places[this.#count] = at
    this.#notes[this.#count++] = note
  }

  /** What was noted of exactly this place. */
  find(at: number): number | undefined {
    const places = this.#places
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (places[middle] < at) low = middle + 1
      else high = middle
    }
    return low < this.#count && places[low] === at ? this.#notes[low] : undefined
  }

  #grow(): void {
    const places = new Uint32Array(this.#count * 2)
    const notes = new Int32Array(this.#count * 2)
    places.set(this.#places)
    notes.set(this.#notes)
    this.#places = places
    this.#notes = notes
  }
}
