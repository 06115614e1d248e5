/** What a scan finds in MessagePack: exts, made bins. */
import { Found, type Mark } from './found.js'
import type { Lifted } from './lifted.js'
import { OURS, readExt, TYPED, VIEW } from './msgpack-ext.js'
import type { Finder } from './msgpack-scan.js'
import { Places } from './places.js'

export class FoundExts extends Found implements Finder {
  /** The data's first byte, if it is written over · u8 type · u2 one byte more than the data begin behind those of the bin. */
  #exts: Places | undefined

  ext(type: number, start: number, end: number, binStart: number): void {
    this.isPlain = false
    if (type === OURS && this.bytes[start] === VIEW && start < end) {
      this.view(start + 1, end, binStart)
      return
    }
    if (type === TYPED) this.memory.count(Math.max(0, end - start - 1), start)
    const lost = start < binStart ? this.bytes[start] : 0
    this.#exts ??= new Places()
    this.#exts.add(binStart, (lost << 10) | (type << 2) | (start - binStart + 1))
  }

  protected override partAt(binStart: number, end: number): Lifted | Mark | undefined {
    const ext = this.#exts?.find(binStart)
    if (ext === undefined) return undefined
    const start = binStart + (ext & 3) - 1
    // What lies there now is the end of a head that has been read.
    if (start < binStart) this.bytes[start] = ext >> 10
    return readExt((ext >> 2) & 255, this.bytes.subarray(start, end), this.limits, start)
  }
}
