/** Objects that are marked. Most processes mark none, and to ask a WeakSet costs as much as a small string: nobody looks before there is one. */
export class Marks {
  readonly #marked = new WeakSet<object>()
  /** Whether any object ever was. */
  isUsed = false

  add(object: object): void {
    this.isUsed = true
    this.#marked.add(object)
  }

  has(object: object): boolean {
    return this.isUsed && this.#marked.has(object)
  }

  /** Whether it was marked. */
  delete(object: object): boolean {
    return this.isUsed && this.#marked.delete(object)
  }
}
