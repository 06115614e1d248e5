/**
 * What plain data (text, numbers, arrays, objects) cannot say, standing where it stood in the value. On the way out the
 * library that writes the metadata meets one of these and asks the format for bytes; on the way in the format puts
 * them where it found those bytes. User data can never be one: it is a class of ours, and nobody else makes any.
 */
import type { SentView, ViewRecord } from './view-record.js'

/** What stands for each kind of part; arrays and objects among it hold values. */
export interface Parts {
  /** A view, or an ArrayBuffer: what is known of it here, or what was read of it there. */
  view: SentView | ViewRecord
  /** A view on in-band memory of its own: its kind, and the bytes (borrow). On the way in only. */
  bytes: readonly [kind: number, bytes: Uint8Array]
  /** An object that is met again, under a number of its own, and where it is. */
  shared: readonly [number: number, value: unknown]
  ref: number
  custom: readonly [tag: string, parts: unknown]
  /** Keys and values in turn. */
  map: readonly unknown[]
  set: readonly unknown[]
  /** Own properties, absent where the error has none: class, name, message, stack, cause, errors, and fields, the enumerable ones. */
  error: unknown
  regexp: readonly [source: string, flags: string]
  /** Milliseconds since 1970, or NaN. */
  date: number
  /** One that the format has no integer for. */
  bigint: bigint
  /** −0, which libraries take for an integer. */
  zero: undefined
  undefined: undefined
}

export type PartKind = keyof Parts

/** A part of either direction. */
export class Lifted<Kind extends PartKind = PartKind> {
  readonly kind: Kind
  readonly content: Parts[Kind]

  constructor(kind: Kind, content: Parts[Kind]) {
    this.kind = kind
    this.content = content
  }

  /** Whether this is a part of that kind, for the compiler too. */
  is<Wanted extends PartKind>(kind: Wanted): this is Lifted<Wanted> {
    return (this.kind as PartKind) === kind
  }
}
// An instance of nothing else, so that a class that others registered with a library cannot claim it.
Object.setPrototypeOf(Lifted.prototype, null)
