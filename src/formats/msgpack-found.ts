/** What a scan finds in MessagePack: exts, made bins. */
import { Found, type Mark } from './found.js'
import type { Lifted } from './lifted.js'
import { OURS, readExt, TYPED, VIEW } from './msgpack-ext.js'
import type { Finder } from './msgpack-scan.js'
import { Places } from './places.js'

export class FoundExts extends Found implements Finder {
  /** Type of an ext, and by how many bytes its data begin behind those of the bin it was made. */
  #exts: Places | undefined

  ext(type: number, start: number, end: number, binStart: number): void {
    this.isPlain = false
    if (type === OURS && this.bytes[start] === VIEW && start < end) {
      this.view(start + 1, end, binStart)
      return
    }
    if (type === TYPED) this.memory.count(Math.max(0, end - start - 1), start)
    this.#exts ??= new Places()
    this.#exts.add(binStart, type * 4 + start - binStart + 1)
  }

  protected override partAt(binStart: number, end: number): Lifted | Mark | undefined {
    const ext = this.#exts?.find(binStart)
    if (ext === undefined) return undefined
    const start = binStart + (ext & 3) - 1
    return readExt(ext >> 2, this.bytes.subarray(start, end), this.limits, start)
  }
}
