/**
 * What two processes tell each other about shared memory: notes of the kind `memory`, whose count is a word of 53 bits. Who
 * knows nothing of it passes over them. `spec/FORMAT.md`, "Shared memory between processes".
 *
 *      52    48                                       0
 *      +------+---------------------------------------+
 *      | verb | argument                              |
 *      +------+---------------------------------------+
 *
 *      process 417 · own 21 · own 22 · key … · key … · key … ── arena ──→      "such a segment is there"
 *                                                    ←── taken arena ──        "I have it open": or refused
 */
import { OutbandError } from '../../errors.js'

/** Verbs by number; 0 is none. Who reads passes over what it does not know. */
const VERBS = [
  '',
  // What comes before a segment is named: its process, its descriptors there, its key in three parts.
  'process',
  'own',
  'key',
  // A segment is there: of pipes, or of an arena.
  'pipes',
  'arena',
  // The answers, with the number of the verb that they answer.
  'taken',
  'refused',
  // The last word on the socket: what follows comes by the pipe, and bytes on the socket only wake.
  'over',
] as const

export type Verb = Exclude<(typeof VERBS)[number], ''>
/** A word; its verb is `undefined` when it is not known here. */
export interface Word {
  readonly verb: Verb | undefined
  readonly argument: number
}

const ARGUMENT = 2 ** 48

export function wordOf(verb: Verb, argument = 0): number {
  return VERBS.indexOf(verb) * ARGUMENT + argument
}

export function readWord(count: number): Word {
  return { verb: VERBS[Math.floor(count / ARGUMENT)] || undefined, argument: count % ARGUMENT }
}

/** What both sorts of segment are found by: a process, descriptors there, and 32 hexadecimal digits. */
export interface Place {
  readonly pid: number
  readonly fds: readonly number[]
  readonly key: string
}

/** The words for a segment. */
export function wordsFor(verb: 'pipes' | 'arena', { pid, fds, key }: Place): number[] {
  const part = (from: number, to: number) => wordOf('key', Number.parseInt(key.slice(from, to), 16))
  const owns = fds.map(fd => wordOf('own', fd))
  return [wordOf('process', pid), ...owns, part(0, 12), part(12, 24), part(24, 32), wordOf(verb)]
}

/** Collects the words before a segment is named. */
export class PlaceReader {
  #pid = 0
  #fds: number[] = []
  #parts: number[] = []

  /** @throws MALFORMED when there are more than a place has */
  take({ verb, argument }: Word): void {
    if (verb === 'process') {
      this.#pid = argument
      this.#fds = []
      this.#parts = []
    } else if (verb === 'own') this.#fds.push(argument)
    else if (verb === 'key') this.#parts.push(argument)
    if (this.#fds.length + this.#parts.length > 5) throw malformed()
  }

  /** @throws MALFORMED unless it is complete */
  place(fds: number): Place {
    const key = this.#parts.map((part, at) => part.toString(16).padStart(at < 2 ? 12 : 8, '0')).join('')
    if (this.#fds.length !== fds || this.#parts.length !== 3 || key.length !== 32) throw malformed()
    return { pid: this.#pid, fds: this.#fds, key }
  }
}

function malformed(): OutbandError {
  return new OutbandError('MALFORMED', 'shm: words about memory that make no sense')
}
