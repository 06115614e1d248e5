/** The built-in classes: how an object of each is told, and how it is written. */
import { hasSlot, slotOf } from '../bytes/window.js'
import { VIEW } from '../wire/ops.js'
import { encodeMap, encodeSet } from './containers.js'
import { encodeError } from './errors.js'
import { encodeBoxed, encodeDate, encodeRegExp } from './scalars.js'
import type { ShapeNode } from './shapes.js'
import type { Walk } from './walk.js'

type Class = (abstract new (...args: never[]) => object) & { readonly prototype: object }
type Encode = (walk: Walk, object: never, slot: ShapeNode) => void

interface Builtin {
  readonly name: string
  /** Absent for what is no built-in class of ours. */
  readonly encode?: Encode
}

/** A class with a member of it that throws for an object that only looks the part. */
function builtin(encode: Encode, member: string, known: Class) {
  return { name: known.name, encode, known, slot: slotOf(known.prototype, member) }
}

const BUILTINS = [
  builtin(encodeMap, 'size', Map),
  builtin(encodeSet, 'size', Set),
  builtin(encodeDate, 'valueOf', Date),
  builtin(encodeRegExp, 'source', RegExp),
  { name: 'Error', encode: encodeError, known: Error, slot: expectError },
  builtin(encodeBoxed, 'valueOf', Number),
  builtin(encodeBoxed, 'valueOf', String),
  builtin(encodeBoxed, 'valueOf', Boolean),
  builtin(encodeBoxed, 'valueOf', BigInt as unknown as Class),
  builtin(encodeBuffer, 'byteLength', ArrayBuffer),
  ...(typeof SharedArrayBuffer === 'function'
    ? [builtin(encodeBuffer, 'byteLength', SharedArrayBuffer)]
    : []),
]

/** Errors have no member that tells: one of another realm is known by its tag, unless that is a property. */
function expectError(this: unknown): void {
  if (!(this instanceof Error) && Symbol.toStringTag in (this as object)) throw this
}

function encodeBuffer(walk: Walk, buffer: ArrayBufferLike): void {
  walk.u8(VIEW)
  walk.views.addBuffer(buffer)
}

/**
 * The built-in class that an object really is of: brands are asked, since prototypes can be borrowed
 * (`Object.create(Map.prototype)`, a Proxy) and differ between realms. Other objects: what they call themselves.
 */
export function builtinOf(object: object): Builtin {
  let name = Object.prototype.toString.call(object).slice(8, -1)
  for (const known of BUILTINS) {
    if (name !== known.name && !(object instanceof known.known)) continue
    if (hasSlot(object, known.slot)) return known
    // A Proxy of a Map is an instance of Map that keeps its entries to itself.
    name = `would-be ${known.name}`
  }
  return { name }
}
