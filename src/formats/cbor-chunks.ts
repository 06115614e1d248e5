/**
 * Text and bytes in chunks (RFC 8949, 3.2.3), as Jackson writes long text. No window can lie on them, so that they are put
 * together before anything else is read. What they are in does not matter: items follow each other, heads of containers too.
 */
import { putCount } from './cbor-cover.js'
import { BREAK, type Item, isChunked, itemAt, wrong } from './cbor-item.js'

/** The same message without chunks (own), which is no longer than it was. @throws TRUNCATED, MALFORMED */
export function joined(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(bytes.length)
  let length = 0
  const copy = (start: number, end: number): void => {
    whole.set(bytes.subarray(start, end), length)
    length += end - start
  }
  let copied = 0
  for (let pos = 0; pos < bytes.length; ) {
    const item = bytes[pos] === BREAK ? undefined : itemAt(bytes, pos)
    if (item === undefined || !isChunked(item)) {
      pos = item?.end ?? pos + 1
      continue
    }
    copy(copied, pos)
    let total = 0
    copied = eachChunk(bytes, item, ({ count }) => {
      total += count
    })
    length = putHead(whole, length, item.major, total)
    pos = eachChunk(bytes, item, ({ start, end }) => copy(start, end))
  }
  copy(copied, bytes.length)
  return whole.subarray(0, length)
}

/** Goes through the chunks of an item, and returns the position behind them. */
function eachChunk(bytes: Uint8Array, { major, start }: Item, take: (chunk: Item) => void): number {
  let pos = start
  while (bytes[pos] !== BREAK) {
    const chunk = itemAt(bytes, pos)
    if (chunk.major !== major || isChunked(chunk)) throw wrong('a chunk of another kind', pos)
    take(chunk)
    pos = chunk.end
  }
  return pos + 1
}

/** Returns the position behind the head. */
function putHead(bytes: Uint8Array, pos: number, major: number, count: number): number {
  const size = count < 24 ? 0 : count < 2 ** 8 ? 1 : count < 2 ** 16 ? 2 : count < 2 ** 32 ? 4 : 8
  bytes[pos] = (major << 5) | (size === 0 ? count : 24 + Math.log2(size))
  putCount(bytes, pos + 1, size, count)
  return pos + 1 + size
}
