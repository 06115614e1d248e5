/** What a scan finds in CBOR: tags, made bytes or marks. */
import type { Item } from './cbor-item.js'
import type { Finder } from './cbor-scan.js'
import { isTyped, readContent, SHARED, TagMark, VIEW } from './cbor-tags.js'
import { Found, type Mark } from './found.js'
import type { Lifted } from './lifted.js'

interface Content {
  readonly tag: number
  readonly start: number
  readonly bytes: Uint8Array
}

export class FoundTags extends Found implements Finder {
  readonly #contents = new Map<number, Content>()
  readonly #marks = new Map<number, Mark>()
  #shared = 0

  content(tag: number, { major, start, end }: Item, headAt: number, at: number): void {
    this.isPlain = false
    if (tag === VIEW) return this.view(start, end, at)
    if (isTyped(tag)) this.memory.count(end - start, at)
    // A number's head is itself, and is written over, as the first byte of a content may be.
    const isNumber = major < 2 || major === 7
    const bytes = isNumber ? this.bytes.slice(headAt, end) : this.bytes.subarray(start, end)
    this.#contents.set(at, { tag, start, bytes: start < at ? bytes.slice() : bytes })
  }

  mark(tag: number, at: number): void {
    this.isPlain = false
    this.#marks.set(at, new TagMark(tag, tag === SHARED ? this.#shared++ : 0))
  }

  protected override partAt({ byteOffset }: Uint8Array): Lifted | Mark | undefined {
    const content = this.#contents.get(byteOffset)
    if (content === undefined) return this.#marks.get(byteOffset)
    return readContent(content.tag, content.bytes, this.limits, content.start)
  }
}
