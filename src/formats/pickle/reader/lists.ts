/**
 * Lists. Python makes one empty and appends to it, mostly at once: then the values of the stack become the array, which
 * is exactly as large as it must be (an empty one that is pushed to has room for seventeen).
 */
import { type Machine, Pending } from './machine.js'

export class PendingList extends Pending {
  #made: unknown[] | undefined

  override resolve(): unknown[] {
    this.#made ??= []
    return this.#made
  }

  /** Takes the items as they are, while nobody has hold of the list; so an array must be the list's own. */
  override extend(_machine: Machine, items: unknown[]): void {
    if (this.#made === undefined) this.#made = items
    else for (const item of items) this.#made.push(item)
  }
}
