/**
 * The body of a packet as text, one line per op, in the spirit of `pickletools.dis`. Lenient where decode is
 * strict: a ref or a view that does not exist is listed as it stands, and reading goes on while the next op can
 * be found. Nesting is a list of frames, not recursion: deep input cannot overflow the stack.
 */
import type { Reader } from '../bytes/reader.js'
import { readText } from '../bytes/text.js'
import {
  ARRAY,
  ARRAY_LONG,
  ARRAY_PROPS,
  BIGINT,
  BOXED,
  CUSTOM,
  DATE,
  ERROR,
  ERROR_CAUSE,
  ERROR_CLASSES,
  ERROR_ERRORS,
  ERROR_FIELDS,
  ERROR_MESSAGE,
  ERROR_NAME,
  ERROR_STACK,
  F64,
  I8,
  I16,
  I32,
  MAP,
  NUMBERS_F64,
  NUMBERS_I8,
  NUMBERS_I16,
  NUMBERS_I32,
  OBJECT,
  OBJECT_LONG,
  OBJECT_NULL,
  OP_NAMES,
  REF,
  REF_NUMBERS,
  REGEXP,
  SET,
  TEXT,
  TEXT_DEFINE,
  TEXT_LONG,
  TEXT_REF,
  UNDEFINED,
  VIEW,
} from './ops.js'

/** Lines of one part, characters of a line, of a string, numbers of an array, keys of a shape. */
const MOST_LINES = 10_000
const WIDTH = 200
const LONGEST = 60
const MOST_NUMBERS = 16
const MOST_KEYS = 24
const DEEPEST_INDENT = 24
const LONGEST_BIGINT = 32

/** Control and direction characters that JSON leaves alone and a terminal would obey. */
const UNSAFE = /[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]/g

/** A string in quotes, short and harmless to a terminal. */
export function quoted(text: string, isCut = text.length > LONGEST): string {
  const shown = JSON.stringify(text.slice(0, LONGEST))
  const safe = shown.replace(UNSAFE, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return isCut ? `${safe}…` : safe
}

export function keyName(key: string): string {
  return /^[A-Za-z_$][\w$]{0,59}$/.test(key) ? key : quoted(key)
}

export function keyList(keys: readonly string[]): string {
  const more = keys.length > MOST_KEYS ? [`… ${keys.length - MOST_KEYS} more`] : []
  return `{${[...keys.slice(0, MOST_KEYS).map(keyName), ...more].join(', ')}}`
}

export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

/** Lines with an offset in front, so many and no more. */
export class Lines {
  readonly #lines: string[] = []
  /** Room left in the part; 0 ends it. */
  room = MOST_LINES

  head(text: string): void {
    this.#lines.push(clip(text))
  }

  /** Starts a part, which has its own room. */
  part(offset: number, text: string): void {
    this.room = MOST_LINES
    this.add(offset, 0, text)
  }

  add(offset: number, depth: number, text: string): void {
    this.room--
    const indent = '  '.repeat(Math.min(depth, DEEPEST_INDENT))
    const level = depth > DEEPEST_INDENT ? `(${depth}) ` : ''
    this.#lines.push(clip(`${String(offset).padStart(8)}  ${indent}${level}${text}`))
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`
  }
}

function clip(line: string): string {
  return line.length > WIDTH ? `${line.slice(0, WIDTH)}…` : line
}

/** One segment of the text part. */
export interface Segment {
  /** Byte where its text starts. */
  readonly start: number
  readonly units: number
  readonly wide: boolean
}

/** What the parts behind the body told. */
export interface Parts {
  readonly shapes: readonly (readonly string[])[]
  /** What each view is. */
  readonly views: readonly string[]
  readonly segments: readonly Segment[]
  readonly hasRefs: boolean
}

/** A container whose children are being listed. */
interface Frame {
  left: number
  /** In front of the children, over and over when there are more of these. */
  readonly labels: readonly string[]
  at: number
  /** Which child is a record that has no number of its own; −1 for none. */
  readonly record: number
}

const NO_LABELS: readonly string[] = ['']
const SIZES = [1, 2, 4, 8]

export class Body {
  readonly #reader: Reader
  readonly #parts: Parts
  readonly #frames: Frame[] = []
  readonly #defined: string[] = []
  #objects = 0
  #numbers = 0
  #views = 0
  #segment = 0
  #cut = 0
  #isRecord = false

  constructor(reader: Reader, parts: Parts) {
    this.#reader = reader
    this.#parts = parts
  }

  /** Lists from the reader's place to its end. @throws OutbandError where reading must stop */
  list(lines: Lines): void {
    const reader = this.#reader
    const frames = this.#frames
    frames.push({ left: 1, labels: NO_LABELS, at: 0, record: -1 })
    while (frames.length > 0) {
      const frame = frames[frames.length - 1]
      if (frame.left === 0) {
        frames.pop()
        continue
      }
      if (lines.room <= 0) {
        lines.add(reader.pos, 1, `… ${count(reader.end - reader.pos, 'more byte')} not listed`)
        return
      }
      const label = frame.labels[frame.at % frame.labels.length]
      this.#isRecord = frame.at === frame.record
      frame.left--
      frame.at++
      const offset = reader.pos
      const depth = frames.length
      const text = this.#op()
      lines.add(offset, depth, label === '' ? text : `${label}: ${text}`)
    }
    if (reader.pos < reader.end)
      lines.add(reader.pos, 1, `! ${count(reader.end - reader.pos, 'byte')} after the value`)
  }

  /** Reads one op with its operands and says what it is; its children become a frame. */
  #op(): string {
    const reader = this.#reader
    const op = reader.u8()
    if (op < TEXT) return `INT ${op}`
    if (op < ARRAY) return `TEXT ${this.#text(op - TEXT)}`
    if (op < OBJECT) return this.#array('ARRAY', op - ARRAY)
    if (op < UNDEFINED) return this.#object('OBJECT', op - OBJECT)
    const name = OP_NAMES[op - UNDEFINED]
    if (name === undefined) {
      reader.pos--
      throw reader.malformed(`unknown op 0x${op.toString(16)}`)
    }
    const operands = this.#operands(op)
    return operands === '' ? name : `${name} ${operands}`
  }

  #operands(op: number): string {
    const reader = this.#reader
    switch (op) {
      case I8:
        return String((reader.u8() << 24) >> 24)
      case I16:
        return String(reader.view.getInt16(reader.take(2), true))
      case I32:
        return String(reader.view.getInt32(reader.take(4), true))
      case F64:
        return shown(reader.f64())
      case BIGINT:
        return this.#bigint()
      case TEXT_LONG:
        return this.#text(reader.varint())
      case TEXT_DEFINE: {
        const text = this.#text(reader.varint())
        return `${text} = text #${this.#defined.push(text) - 1}`
      }
      case TEXT_REF: {
        const number = reader.varint()
        return `#${number} ${this.#defined[number] ?? '(not defined so far)'}`
      }
      case ARRAY_LONG:
        return this.#array('', reader.varint())
      case ARRAY_PROPS:
        return this.#children(2, ['array', 'properties'], 1)
      case NUMBERS_I8:
      case NUMBERS_I16:
      case NUMBERS_I32:
      case NUMBERS_F64:
        return this.#numberArray(op)
      case OBJECT_LONG:
      case OBJECT_NULL:
        return this.#object('', reader.u8() | (reader.u8() << 8) | (reader.u8() << 16))
      case MAP: {
        const entries = reader.u32()
        return `${entries}${this.#number()}${this.#children(entries * 2, ['key', 'value'])}`
      }
      case SET: {
        const members = reader.u32()
        return `${members}${this.#number()}${this.#children(members)}`
      }
      case DATE:
        return `${time(reader.f64())}${this.#number()}`
      case REGEXP:
        return `${this.#children(2, ['source', 'flags'])}${this.#number()}`.trimStart()
      case BOXED:
        return `${this.#children(1)}${this.#number()}`.trimStart()
      case ERROR:
        return this.#error()
      case VIEW: {
        const index = this.#views++
        const what = this.#parts.views[index] ?? '(not in the table)'
        return `${index} ${what}${this.#number()}`
      }
      case CUSTOM:
        return `${this.#children(2, ['tag', 'parts'])}${this.#number()}`.trimStart()
      case REF: {
        const number = reader.varint()
        return `#${number}${number < this.#objects ? '' : ' (none such so far)'}`
      }
      case REF_NUMBERS: {
        const number = reader.varint()
        return `numbers #${number}${number < this.#numbers ? '' : ' (none such so far)'}`
      }
      default:
        return ''
    }
  }

  #children(left: number, labels: readonly string[] = NO_LABELS, record = -1): string {
    this.#frames.push({ left, labels: labels.length === 0 ? NO_LABELS : labels, at: 0, record })
    return ''
  }

  /** The number that refs know an object by. */
  #number(): string {
    return this.#parts.hasRefs ? ` = #${this.#objects++}` : ''
  }

  #array(name: string, length: number): string {
    this.#children(length)
    return `${name} ${length}${this.#number()}`.trimStart()
  }

  #object(name: string, id: number): string {
    const keys = this.#parts.shapes[id]
    const number = this.#isRecord ? '' : this.#number()
    if (keys === undefined) throw this.#reader.malformed(`shape ${id} of ${this.#parts.shapes.length}`)
    this.#children(keys.length, keys.length > 0 ? new KeyLabels(keys) as unknown as string[] : NO_LABELS)
    return `${name} ${id} ${keyList(keys)}${number}`.trimStart()
  }
}
