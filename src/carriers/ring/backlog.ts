/**
 * Entries for which a ring has no room yet: in rings of one's own, as many as it takes. So they cost what they are
 * long, and no object each.
 */
import { RingReader, RingWriter, ringBytes } from '../../memory/ring.js'

/** A ring that is written to its end and read from its beginning. */
interface Page {
  readonly writer: RingWriter
  readonly reader: RingReader
}

export class Backlog {
  readonly #capacity: number
  #pages: Page[] = []
  /** Kept for the next time. */
  #spare: Page | undefined
  /** Bytes of entries. */
  byteLength = 0

  /** For entries of which two would fit into so many bytes. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get isEmpty(): boolean {
    return this.#pages.length === 0
  }

  /** A ring with room for the next entry, of so many bytes, to be claimed there and committed. */
  roomFor(length: number): RingWriter {
    this.byteLength += length
    const last = this.#pages.at(-1)
    if (last !== undefined && last.writer.claim(length) >= 0) return last.writer
    const page = this.#spare ?? this.#page()
    this.#spare = undefined
    this.#pages.push(page)
    return page.writer
  }

  /** Moves entries to the ring while it has room. @throws RING_CORRUPT */
  moveTo(ring: RingWriter): void {
    for (let page = this.#pages[0]; page !== undefined; page = this.#pages[0]) {
      if (!this.#move(page.reader, ring)) return
      this.#pages.shift()
      this.#spare ??= page
    }
  }

  /** Whether all of a page was moved. */
  #move(reader: RingReader, ring: RingWriter): boolean {
    for (let { mark } = reader; mark !== undefined; { mark } = reader) {
      const start = reader.begin()
      const at = ring.claim(reader.length)
      if (at < 0) return false
      ring.bytes.set(reader.bytes.subarray(start, start + reader.length), at)
      ring.commit(mark)
      this.byteLength -= reader.length
      reader.pass()
    }
    return true
  }

  #page(): Page {
    const memory = new ArrayBuffer(ringBytes(this.#capacity))
    return { writer: new RingWriter(memory), reader: new RingReader(memory) }
  }
}
