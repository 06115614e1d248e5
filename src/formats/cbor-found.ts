/** What a scan finds in CBOR: tags, made bytes or marks. */
import { type Item, isNumber } from './cbor-item.js'
import type { Finder } from './cbor-scan.js'
import { isTyped, markOf, readContent, SHARED, VIEW } from './cbor-tags.js'
import { Found, type Mark } from './found.js'
import type { Lifted } from './lifted.js'
import { Places } from './places.js'

export class FoundTags extends Found implements Finder {
  /** Tags, and −1 and less for the numbers of shared objects. */
  #marks: Places | undefined
  #shared = 0

  tag(tag: number, item: Item, headAt: number, at: number): void {
    const { start, end } = item
    this.isPlain = false
    if (tag === VIEW) return this.view(start, end, at)
    if (isTyped(tag)) this.memory.count(end - start, at)
    // A number's head is itself.
    this.content(tag, isNumber(item) ? headAt : start, at)
  }

  mark(tag: number, at: number): void {
    this.isPlain = false
    this.#marks ??= new Places()
    this.#marks.add(at, tag === SHARED ? --this.#shared : tag)
  }

  protected override toPart(tag: number, content: Uint8Array, at: number): Lifted {
    return readContent(tag, content, this.limits, at)
  }

  protected override markAt(at: number): Mark | undefined {
    const mark = this.#marks?.find(at)
    return mark === undefined ? undefined : markOf(mark)
  }
}
