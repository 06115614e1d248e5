/**
 * Lines of a listing: an offset, an indent, a text. What a hostile packet can choose is made short and harmless
 * here: so many lines, so wide, and no character that a terminal would obey.
 */
import { isOutbandError } from '../errors.js'

/** Lines of one part, characters of a line, of a string; keys of a shape. */
const MOST_LINES = 10_000
const WIDEST = 200
const LONGEST = 60
const MOST_KEYS = 24
const DEEPEST_INDENT = 24

/** Control and direction characters that JSON leaves as they are. */
const UNSAFE = /[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]/g

/** A string in quotes. `units` is its length when `text` is only its start. */
export function quoted(text: string, units = text.length): string {
  const start = text.slice(0, LONGEST)
  const safe = JSON.stringify(start).replace(
    UNSAFE,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return units > start.length ? `${safe}… (${units} units)` : safe
}

/** Units of a string that are shown. */
export const SHOWN = LONGEST

export function keyName(key: string): string {
  return /^[A-Za-z_$][\w$]{0,59}$/.test(key) ? key : quoted(key)
}

export function keyList(keys: readonly string[]): string {
  const names = keys.slice(0, MOST_KEYS).map(keyName)
  if (keys.length > MOST_KEYS) names.push(`… ${keys.length - MOST_KEYS} more`)
  return `{${names.join(', ')}}`
}

/** `1 byte`, `2 bytes`. */
export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${n} ${n === 1 ? noun : plural}`
}

export class Lines {
  readonly #lines: string[] = []
  /** Lines that still fit into the part. */
  #room = MOST_LINES
  #isBroken = false

  /** Whether something could not be read, or is not what it was. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** A line without an offset. */
  title(text: string): void {
    this.#lines.push(clip(text))
  }

  /** A line without an offset, of what is wrong. */
  problem(text: string): void {
    this.#isBroken = true
    this.title(`! ${text}`)
  }

  /** The first line of a part, which has room of its own. */
  part(offset: number, text: string): void {
    this.#room = MOST_LINES
    this.add(offset, 0, text)
  }

  add(offset: number, depth: number, text: string): void {
    this.#room--
    const indent = '  '.repeat(Math.min(depth, DEEPEST_INDENT))
    const level = depth > DEEPEST_INDENT ? `(${depth}) ` : ''
    this.#lines.push(clip(`${String(offset).padStart(8)}  ${indent}${level}${text}`))
  }

  /** Where reading stopped, and why. */
  stop(offset: number, depth: number, error: unknown): void {
    this.#isBroken = true
    this.add(offset, depth, `! stopped: ${reasonOf(error)}`)
  }

  /** Whether the part is full; if so, says what is left out. */
  isFull(offset: number, leftOut: string): boolean {
    if (this.#room > 0) return false
    this.add(offset, 1, `… ${leftOut} not listed`)
    return true
  }

  append(lines: Lines): void {
    for (const line of lines.#lines) this.#lines.push(line)
    this.#isBroken ||= lines.#isBroken
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`
  }
}

/** What an error says, without the stage. */
export function reasonOf(error: unknown): string {
  if (isOutbandError(error)) return error.message.replace(/^(?:decode|unpack): /, '')
  return error instanceof Error ? `${error.name}: ${error.message}` : String(typeof error)
}

function clip(line: string): string {
  return line.length > WIDEST ? `${line.slice(0, WIDEST)}…` : line
}
