// Who takes part. A contestant opens a session on one value; a session offers named operations, each timed on
// its own. Codecs offer encode, decode and both; whatever moves packets can offer operations of its own,
// synchronous or not, and is sampled, compared and reported in the same way.

import type { WorkloadKind } from '../fixtures/workloads.js'
import type { Sides } from './cpu.js'

/**
 * Does an operation `times` times, or promises to. Whoever has a clock of its own answers with a number: the
 * nanoseconds that it took.
 */
export type Run = (times: number) => unknown

export interface Session extends Sides {
  readonly ops: Readonly<Record<string, Run>>
  /** Times the value is carried by one operation; 1 if not said. */
  readonly per?: number
  /** Bytes of the encoded value: metadata and buffers; undefined where nothing is encoded. */
  readonly bytes?: number
  /** Sends the value once more, after the clock, and hands over what came back; a promise of it where that takes a while. */
  result(): unknown
  /** Bytes of typed arrays that were copied on the way out and back, counted by looking at the memory. */
  copied?(): number
  close?(): void | Promise<void>
}

/** What carries packets, or writes them: a case of its own for each. */
export type Carried =
  | 'port'
  | 'ring'
  | 'socket'
  | 'process'
  | 'memory'
  | 'msgpack'
  | 'cbor'
  | 'flexbuffers'
  | 'pickle'
  | 'field'

export interface Traits {
  readonly ours?: boolean
  /** The receiver needs state that travels outside the message. */
  readonly stateful?: boolean
  /** No rival: does a part of the work, and shows what the rest can cost at least. */
  readonly limit?: true
  /** Typed-array bytes beyond which it is not asked: it would only measure how slow, or run out of memory. */
  readonly maxBytes?: number
  /** Takes part in growth curves, beside us. */
  readonly growth?: boolean
  /** One of its family that a quick run can do without. */
  readonly variant?: boolean
  /** Of ours: the only families that it meets. */
  readonly against?: readonly string[]
  /** Takes part in the cases of a carrier or a format, and in no others. */
  readonly on?: Carried
  /** Works in another language, on a value that was made there: shown, and no rival that bars mean. */
  readonly foreign?: 'Python'
  /** The only kinds of workload it takes. */
  readonly kinds?: readonly WorkloadKind[]
}

export interface Contestant extends Traits {
  readonly name: string
  /** Contestants of a family meet us together, in a process of their own. */
  readonly family: string
  /** The configuration, in words a user could type. */
  readonly about: string
  /** Why it cannot take this value, when that is known before trying. */
  refuses?(value: unknown): string | undefined
  open(value: unknown): Session | Promise<Session>
}

export interface Codec<Wire> {
  encode(value: unknown): Wire
  decode(wire: Wire): unknown
  byteLength(wire: Wire): number
  copied?(value: unknown, wire: Wire): number
}

/** A codec as a contestant; `make` gets the value, so that what a user would prepare by hand is not timed. */
export function codec<Wire>(
  name: string,
  about: string,
  make: (value: unknown) => Codec<Wire> | Promise<Codec<Wire>>,
  traits: Traits & Partial<Pick<Contestant, 'family' | 'refuses'>> = {},
): Contestant {
  const open = async (value: unknown): Promise<Session> => {
    const { encode, decode, byteLength, copied } = await make(value)
    const wire = encode(value)
    // Some fail on the way back, or on the second way: better before the clock than under it.
    decode(wire)
    decode(encode(value))
    return {
      ops: {
        both: loop(() => decode(encode(value))),
        encode: loop(() => encode(value)),
        decode: loop(() => decode(wire)),
      },
      bytes: byteLength(wire),
      result: () => decode(encode(value)),
      ...(copied && { copied: () => copied(value, wire) }),
    }
  }
  return { name, about, family: name, ...traits, open }
}

let last: unknown

/** Repeats a function and keeps what it returns reachable, so that no result is dead code. */
export function loop(work: () => unknown): Run {
  return times => {
    for (let i = 0; i < times; i++) last = work()
  }
}

/** Forgets the last result, so that it is not alive while others are timed. */
export function drop(): unknown {
  const kept = last
  last = undefined
  return kept
}
