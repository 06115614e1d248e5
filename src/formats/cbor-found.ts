/** What a scan finds in CBOR: tags, made bytes or marks. */
import { type Item, isNumber } from './cbor-item.js'
import type { Finder } from './cbor-scan.js'
import { isTyped, markOf, readContent, SHARED, VIEW } from './cbor-tags.js'
import { Found, type Mark } from './found.js'
import type { Lifted } from './lifted.js'
import { Places } from './places.js'

export class FoundTags extends Found implements Finder {
  /** Tag · u5 one byte more than the content lies behind the place · u8 the content's first byte, if it was written over. */
  #contents: Places | undefined
  /** Tags, and −1 and less for the numbers of shared objects. */
  #marks: Places | undefined
  #shared = 0

  content(tag: number, item: Item, headAt: number, at: number): void {
    const { start, end } = item
    this.isPlain = false
    if (tag === VIEW) return this.view(start, end, at)
    if (isTyped(tag)) this.memory.count(end - start, at)
    // A number's head is itself.
    const from = isNumber(item) ? headAt : start
    const lost = from < at ? this.bytes[from] : 0
    this.#contents ??= new Places()
    this.#contents.add(at, (tag << 13) | ((from - at + 1) << 8) | lost)
  }

  mark(tag: number, at: number): void {
    this.isPlain = false
    this.#marks ??= new Places()
    this.#marks.add(at, tag === SHARED ? --this.#shared : tag)
  }

  protected override partAt(at: number, end: number): Lifted | Mark | undefined {
    const content = this.#contents?.find(at)
    if (content !== undefined) return this.#content(content, at, end)
    const mark = this.#marks?.find(at)
    return mark === undefined ? undefined : markOf(mark)
  }

  #content(note: number, at: number, end: number): Lifted {
    const from = at + ((note >> 8) & 31) - 1
    // What lies there now is the end of a head that has been read.
    if (from < at) this.bytes[from] = note & 255
    return readContent(note >> 13, this.bytes.subarray(from, end), this.limits, from)
  }
}
