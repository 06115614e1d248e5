/** Blobs, and vectors that begin with one: what stands for what FlexBuffers cannot say. The page is `spec/FORMATS.md`. */
import { readU32 } from '../bytes/words.js'
import { checkLimit } from '../limits.js'
import { ViewKind } from '../wire/flags.js'
import { bigintOfComplement, complementLength } from './bigint.js'
import { dateMs } from './dates.js'
import { BLOB, type FlexBytes, type FlexValue } from './flex-read.js'
import * as letters from './flex-write.js'
import { expectCounted } from './found.js'
import { Lifted } from './lifted.js'
import { malformed } from './malformed.js'
import { Memory } from './memory.js'
import { readRecord, type ViewRecord } from './view-record.js'

const MARKS: ReadonlySet<number> = new Set([
  letters.ARRAY,
  letters.MAP,
  letters.SET,
  letters.CUSTOM,
  letters.ERROR,
  letters.REGEXP,
])

/** Reads values with parts in them, and notes what it met. */
export class FlexParts {
  readonly records: ViewRecord[] = []
  /** Has counted the bytes that need no record. */
  readonly memory: Memory
  /** Whether there was nothing but plain data. */
  isPlain = true
  readonly #doc: FlexBytes
  readonly #shared = new Set<number>()

  constructor(doc: FlexBytes) {
    this.#doc = doc
    this.memory = new Memory(doc.limits)
  }

  /** Plain data, with `Lifted` for its parts. `depth`: of what is around it. @throws MALFORMED, LIMIT */
  read(value: FlexValue, depth: number): unknown {
    return value.read(this.#part, depth)
  }

  readonly #part = (value: FlexValue, depth: number): unknown => {
    this.isPlain = false
    if (value.type === BLOB) return this.#blob(value.blob())
    const { length } = value
    const mark = value.at(0, length).blob()
    if (mark[0] === letters.SHARED) {
      const number = readU32(mark, 1)
      if (this.#shared.has(number)) return new Lifted('ref', number)
      expectCounted(number, mark.byteOffset)
      this.#shared.add(number)
      if (length !== 2) throw malformed('a number for what is not one object')
      return new Lifted('shared', [number, value.at(1, length).read(this.#part, depth + 1)])
    }
    const isMarked = MARKS.has(mark[0])
    const rest: unknown[] = []
    for (let i = isMarked ? 1 : 0; i < length; i++) rest.push(value.at(i, length).read(this.#part, depth + 1))
    if (mark[0] === letters.ARRAY) return rest
    return isMarked ? marked(mark[0], rest) : rest
  }

  #blob(blob: Uint8Array): Lifted {
    const [letter] = blob
    const content = blob.subarray(1)
    const { byteOffset } = blob
    this.#doc.spend(blob.length, byteOffset)
    if (letter === letters.BYTES) {
      // Each is copied, and many may be in one place.
      this.memory.count(content.length, byteOffset)
      return new Lifted('bytes', [ViewKind.UINT8, content])
    }
    if (letter === letters.UNDEFINED) return new Lifted('undefined', undefined)
    if (letter === letters.BIGINT) {
      checkLimit('bigintBytes', this.#doc.limits.bigintBytes, complementLength(content), byteOffset)
      return new Lifted('bigint', bigintOfComplement(content))
    }
    if (letter === letters.DATE && content.length === 8) {
      const ms = new DataView(blob.buffer, byteOffset + 1, 8).getFloat64(0, true)
      return new Lifted('date', dateMs(ms, byteOffset))
    }
    if (letter !== letters.VIEW) throw malformed('a blob of unknown meaning', { offset: byteOffset })
    const record = readRecord(content, byteOffset)
    this.records.push(record)
    return new Lifted('view', record)
  }
}

function marked(letter: number, rest: readonly unknown[]): Lifted {
  const [first, second] = rest
  if (letter === letters.MAP) return new Lifted('map', rest)
  if (letter === letters.SET) return new Lifted('set', rest)
  if (letter === letters.ERROR && rest.length === 1) return new Lifted('error', first)
  if (rest.length === 2 && typeof first === 'string') {
    if (letter === letters.CUSTOM) return new Lifted('custom', [first, second])
    if (typeof second === 'string') return new Lifted('regexp', [first, second])
  }
  throw malformed('a marked vector of another length')
}
