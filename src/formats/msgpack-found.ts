/** What a scan finds in MessagePack: exts, made bins. */
import { Found, type Mark } from './found.js'
import type { Lifted } from './lifted.js'
import { OURS, readExt, TYPED, VIEW } from './msgpack-ext.js'
import type { Finder } from './msgpack-scan.js'

export class FoundExts extends Found implements Finder {
  ext(type: number, start: number, end: number, binStart: number): void {
    this.isPlain = false
    if (type === OURS && this.bytes[start] === VIEW && start < end) {
      this.view(start + 1, end, binStart)
      return
    }
    if (type === TYPED) this.memory.count(Math.max(0, end - start - 1), start)
    this.content(type, start, binStart)
  }

  protected override toPart(type: number, content: Uint8Array, at: number): Lifted | Mark {
    return readExt(type, content, this.limits, at)
  }
}
