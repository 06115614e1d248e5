/**
 * The body of a packet as lines, one per op, in the spirit of `pickletools.dis`. Lenient where decode is strict:
 * a ref or a view that does not exist is listed as it stands, and reading goes on while the next op can be found.
 * Nesting is a list of frames, not recursion: deep input cannot overflow the stack.
 */
import type { Reader } from '../bytes/reader.js'
import { readText } from '../bytes/text.js'
import { ERROR_CLASSES, ERROR_FIELDS, ERROR_KEYS } from './errors.js'
import { count, keyList, keyName, type Lines, quoted, SHOWN } from './lines.js'
import { OP_NAMES } from './names.js'
import { numberBytes, Op } from './ops.js'

const MOST_NUMBERS = 16
/** Bytes of a BigInt that is shown in full. */
const LONGEST_BIGINT = 32

/** One segment of the text part. */
export interface Segment {
  /** Byte where its text starts. */
  readonly start: number
  readonly units: number
  readonly wide: boolean
}

/** What the parts behind the body told. */
export interface Parts {
  hasRefs: boolean
  readonly shapes: (readonly string[])[]
  /** What each view is, in words. */
  readonly views: string[]
  readonly segments: Segment[]
}

/** A container whose children are being listed. */
interface Frame {
  left: number
  /** What the children are called, over and over if they are more; none: they have no names. */
  readonly names: readonly string[]
  at: number
  /** Which child is a record, an object without a number; −1 for none. */
  readonly record: number
}

const UNNAMED: readonly string[] = []

export class Body {
  readonly #reader: Reader
  readonly #parts: Parts
  readonly #frames: Frame[] = []
  readonly #defined: string[] = []
  #objects = 0
  #numberArrays = 0
  #views = 0
  /** Segment of the next string, and units of it that were used. */
  #segment = 0
  #cut = 0
  #isTextMissing = false

  constructor(reader: Reader, parts: Parts) {
    this.#reader = reader
    this.#parts = parts
  }

  /** Lists from the reader's place to its end, or to where reading must stop. */
  list(lines: Lines): void {
    const reader = this.#reader
    const frames = this.#frames
    this.#nest(1)
    try {
      while (frames.length > 0) {
        const frame = frames[frames.length - 1]
        const { pos } = reader
        if (frame.left === 0) frames.pop()
        else if (lines.isFull(pos, `${count(reader.end - pos, 'more byte')} of the body`)) break
        else this.#child(frame, lines)
      }
      if (frames.length === 0 && reader.pos < reader.end) throw reader.malformed('a second value')
    } catch (error) {
      lines.stop(reader.pos, Math.max(1, frames.length), error)
    }
    if (this.#isTextMissing) lines.problem('there is less text than the body has')
  }

  #child(frame: Frame, lines: Lines): void {
    const { at, names, record } = frame
    const { pos } = this.#reader
    const depth = this.#frames.length
    frame.left--
    frame.at++
    const text = this.#op(at === record)
    lines.add(pos, depth, names.length === 0 ? text : `${keyName(names[at % names.length])}: ${text}`)
  }

  /** Reads one op with its operands and says what it is. Its children become a frame. */
  #op(isRecord: boolean): string {
    const reader = this.#reader
    const op = reader.u8()
    if (op < Op.TEXT) return `INT ${op}`
    if (op < Op.ARRAY) return `TEXT ${this.#text(op - Op.TEXT)}`
    if (op < Op.OBJECT) return `ARRAY ${this.#array(op - Op.ARRAY)}`
    if (op < Op.UNDEFINED) return `OBJECT ${this.#object(op - Op.OBJECT, isRecord)}`
    const name = OP_NAMES.get(op)
    if (name === undefined) {
      reader.pos--
      throw reader.malformed(`unknown op 0x${op.toString(16)}`)
    }
    return `${name} ${this.#operands(op, isRecord)}`.trimEnd()
  }

  #operands(op: number, isRecord: boolean): string {
    const reader = this.#reader
    switch (op) {
      case Op.I8:
        return String((reader.u8() << 24) >> 24)
      case Op.I16:
        return String(reader.view.getInt16(reader.take(2), true))
      case Op.I32:
        return String(reader.view.getInt32(reader.take(4), true))
      case Op.F64:
        return float(reader.f64())
      case Op.BIGINT:
        return this.#bigint()
      case Op.TEXT_LONG:
        return this.#text(reader.varint())
      case Op.TEXT_DEFINE: {
        const text = this.#text(reader.varint())
        return `${text} = text #${this.#defined.push(text) - 1}`
      }
      case Op.TEXT_REF: {
        const number = reader.varint()
        return `#${number} ${this.#defined[number] ?? '(none such so far)'}`
      }
      case Op.ARRAY_LONG:
        return this.#array(reader.varint())
      case Op.NUMBERS_I8:
      case Op.NUMBERS_I16:
      case Op.NUMBERS_I32:
      case Op.NUMBERS_F64:
        return this.#numbers(op)
      case Op.OBJECT_LONG:
      case Op.OBJECT_NULL:
        return this.#object(reader.u8() | (reader.u8() << 8) | (reader.u8() << 16), isRecord)
      case Op.ARRAY_PROPS:
        return this.#nest(2, ['array', 'properties'], 1)
      case Op.MAP: {
        const entries = reader.u32()
        const children = this.#nest(entries * 2, ['key', 'value'])
        return `${count(entries, 'entry', 'entries')}${this.#number()}${children}`
      }
      case Op.SET: {
        const members = reader.u32()
        return `${count(members, 'member')}${this.#number()}${this.#nest(members)}`
      }
      case Op.DATE:
        return `${time(reader.f64())}${this.#number()}`
      case Op.REGEXP:
        return `${this.#number().trimStart()}${this.#nest(2, ['source', 'flags'])}`
      case Op.BOXED:
        return `${this.#number().trimStart()}${this.#nest(1)}`
      case Op.ERROR:
        return this.#error()
      case Op.CUSTOM:
        return `${this.#number().trimStart()}${this.#nest(2, ['tag', 'parts'])}`
      case Op.VIEW: {
        const index = this.#views++
        return `${index} ${this.#parts.views[index] ?? '(none such)'}${this.#number()}`
      }
      case Op.REF:
        return `#${known(reader.varint(), this.#objects)}`
      case Op.REF_NUMBERS:
        return `numbers #${known(reader.varint(), this.#numberArrays)}`
      default:
        return ''
    }
  }

  #nest(left: number, names: readonly string[] = UNNAMED, record = -1): string {
    this.#frames.push({ left, names, at: 0, record })
    return ''
  }

  /** The number that refs know an object by. */
  #number(): string {
    return this.#parts.hasRefs ? ` = #${this.#objects++}` : ''
  }

  #array(length: number): string {
    return `${length}${this.#number()}${this.#nest(length)}`
  }

  #object(id: number, isRecord: boolean): string {
    const { shapes } = this.#parts
    const keys = shapes[id]
    if (keys === undefined) throw this.#reader.malformed(`shape ${id} of ${shapes.length}`)
    return `${id} ${keyList(keys)}${isRecord ? '' : this.#number()}${this.#nest(keys.length, keys)}`
  }

  #numbers(op: number): string {
    const reader = this.#reader
    const length = reader.varint()
    const size = numberBytes(op)
    const start = reader.take(length * size)
    const { view } = reader
    const shown = Array.from({ length: Math.min(length, MOST_NUMBERS) }, (_, i) => {
      const at = start + i * size
      if (op === Op.NUMBERS_I8) return view.getInt8(at)
      if (op === Op.NUMBERS_I16) return view.getInt16(at, true)
      if (op === Op.NUMBERS_I32) return view.getInt32(at, true)
      return float(view.getFloat64(at, true))
    })
    if (length > MOST_NUMBERS) shown.push('…')
    const number = this.#parts.hasRefs ? ` = numbers #${this.#numberArrays++}` : ''
    return `${length} [${shown.join(', ')}]${number}`
  }

  #bigint(): string {
    const reader = this.#reader
    const header = reader.varint()
    const sign = header % 2 === 1 ? '-' : ''
    const byteLength = Math.floor(header / 2)
    const start = reader.take(byteLength)
    const shown = Math.min(byteLength, LONGEST_BIGINT)
    let hex = ''
    for (let i = start + byteLength - shown; i < start + byteLength; i++)
      hex = reader.bytes[i].toString(16).padStart(2, '0') + hex
    return shown < byteLength ? `${sign}0x${hex}… (${byteLength} bytes)` : `${sign}${BigInt(`0x0${hex}`)}n`
  }

  #error(): string {
    const reader = this.#reader
    const number = reader.u8()
    const flags = reader.u8()
    const names = [...ERROR_KEYS, 'fields'].filter((_, i) => flags & (1 << i))
    const record = flags & ERROR_FIELDS ? names.length - 1 : -1
    const name = ERROR_CLASSES[number]?.name ?? `of unknown class ${number}`
    return `${name}${this.#number()}${this.#nest(names.length, names, record)}`
  }

  /** The next `units` units of the text part. */
  #text(units: number): string {
    const { segments } = this.#parts
    if (units === 0) return '""'
    while (this.#segment < segments.length && this.#cut === segments[this.#segment].units) {
      this.#segment++
      this.#cut = 0
    }
    const segment = segments[this.#segment]
    const start = this.#cut
    const isThere = segment !== undefined && units <= segment.units - start
    if (!isThere) this.#isTextMissing = true
    if (segment === undefined) return `${count(units, 'unit')} (no text left)`
    if (!isThere) return `${count(units, 'unit')} (more than is left in the segment)`
    this.#cut += units
    const width = segment.wide ? 2 : 1
    const shown = Math.min(units, SHOWN)
    const text = readText(this.#reader.bytes, segment.start + start * width, shown * width, segment.wide)
    return quoted(text, units)
  }
}

function known(number: number, soFar: number): string {
  return number < soFar ? String(number) : `${number} (none such so far)`
}

function float(n: number): string {
  return Object.is(n, -0) ? '-0' : String(n)
}

function time(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `invalid (${float(ms)})` : date.toISOString()
}
