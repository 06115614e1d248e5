/** The built-in classes: which one an object really is of. */
import { hasSlot, slotOf } from '../bytes/window.js'
import { named, type OutbandError } from '../errors.js'
import { stopped } from './trace.js'

type Class = (abstract new (...args: never[]) => object) & { readonly prototype: object }

/** A built-in class that travels as itself. */
export type BuiltinKind = 'Map' | 'Set' | 'Date' | 'RegExp' | 'Error' | 'boxed' | 'buffer'

interface Builtin {
  readonly name: string
  /** Absent for what is no built-in class of ours. */
  readonly kind?: BuiltinKind
}

/** A class with a member of it that throws for an object that only looks the part. */
function builtin(kind: BuiltinKind, member: string, known: Class) {
  return { name: known.name, kind, known, slot: slotOf(known.prototype, member) }
}

const BUILTINS = [
  builtin('Map', 'size', Map),
  builtin('Set', 'size', Set),
  builtin('Date', 'valueOf', Date),
  builtin('RegExp', 'source', RegExp),
  { name: 'Error', kind: 'Error' as const, known: Error, slot: expectError },
  builtin('boxed', 'valueOf', Number),
  builtin('boxed', 'valueOf', String),
  builtin('boxed', 'valueOf', Boolean),
  builtin('boxed', 'valueOf', BigInt as unknown as Class),
  builtin('buffer', 'byteLength', ArrayBuffer),
  ...(typeof SharedArrayBuffer === 'function' ? [builtin('buffer', 'byteLength', SharedArrayBuffer)] : []),
]

/** Errors have no member that tells: one of another realm is known by its tag, unless that is a property. */
function expectError(this: unknown): void {
  if (!(this instanceof Error) && Symbol.toStringTag in (this as object)) throw this
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

/**
 * Whether an object has no prototype, and is nothing else for all that: a Date, an error, a RegExp or a box the engine still
 * calls so. A Map, Set or buffer it does not, and to ask for their slots takes microseconds each.
 */
export function isBare(object: object): boolean {
  if (Object.getPrototypeOf(object) !== null) return false
  return Object.prototype.toString.call(object) === '[object Object]' || builtinOf(object).kind === undefined
}

/** The primitive in a box, whatever its class makes of `valueOf`. */
export function primitiveOf(boxed: object): unknown {
  const box = BUILTINS.find(({ kind, slot }) => kind === 'boxed' && hasSlot(boxed, slot))
  return box?.slot.call(boxed)
}

const FLAGS = [
  ['hasIndices', 'd'],
  ['global', 'g'],
  ['ignoreCase', 'i'],
  ['multiline', 'm'],
  ['dotAll', 's'],
  ['unicode', 'u'],
  ['unicodeSets', 'v'],
  ['sticky', 'y'],
] as const
const sourceOf = slotOf(RegExp.prototype, 'source')
const flagSlots = FLAGS.filter(([name]) => name in RegExp.prototype).map(
  ([name, flag]) => [slotOf(RegExp.prototype, name), flag] as const,
)

/** What a RegExp was made of, whatever its class makes of it. */
export function partsOfRegExp(regexp: RegExp): { source: string; flags: string } {
  const flags = flagSlots.map(([slot, flag]) => (slot.call(regexp) === true ? flag : ''))
  return { source: sourceOf.call(regexp) as string, flags: flags.join('') }
}

const TypedArray = Object.getPrototypeOf(Uint8Array) as abstract new () => object

/**
 * The names of the fields by which an object of no built-in class travels, as its name is known from `builtinOf`.
 * @throws UNSUPPORTED for one of which nothing would arrive, or too little
 */
export function fieldsOf(object: object, name: string, isStrict: boolean): string[] {
  // A Proxy of one, of which only the elements would arrive.
  if (object instanceof TypedArray)
    throw stopped('UNSUPPORTED', 'what only looks like a typed array cannot travel')
  const keys = Object.keys(object)
  // An object of a host class shows nothing of itself: as `{}`, or as what somebody has put on it, it would be lost without a word.
  const isPlainName = name === 'Object' || name === 'Arguments'
  if (!isPlainName && (keys.length === 0 || isOfEngine(object, name)))
    throw stopped('UNSUPPORTED', `${named(classOf(object, name))} cannot travel without a custom type`)
  if (isStrict && !(name === 'Object' && isPlain(object))) throw unknown(object, name)
  return keys
}

function unknown(object: object, name: string): OutbandError {
  const className = object.constructor?.name || name
  return stopped('UNSUPPORTED', `in strict mode ${named(className)} cannot travel without a custom type`)
}

/**
 * For strict mode: what a built-in has of its own and by its class is more than what travels. Errors have fields that do.
 * @throws UNSUPPORTED for an instance of a subclass, or one with properties of its own
 */
export function expectNothingBeside(object: object, { name, kind }: Builtin): void {
  if (kind === 'Error') return
  expectOwnClass(object, name)
  const units = name === 'String' ? (primitiveOf(object) as string).length : 0
  if (Object.keys(object).length > units)
    throw stopped('UNSUPPORTED', `in strict mode ${named(name)} with properties cannot travel`)
}

/** For strict mode. @throws UNSUPPORTED for an object of a subclass of a built-in, of whatever realm */
export function expectOwnClass(object: object, name: string): void {
  const prototype = Object.getPrototypeOf(object) as object | null
  const base: unknown = prototype && Object.getPrototypeOf(prototype)
  if (!base || Object.getPrototypeOf(base) !== null) throw unknown(object, name)
}

const { propertyIsEnumerable: isEnumerable } = Object.prototype
const { toString: sourceOfFunction } = Function.prototype
const OPAQUE = [
  'Promise',
  'WeakMap',
  'WeakSet',
  'WeakRef',
  'FinalizationRegistry',
  'Generator',
  'AsyncGenerator',
  'Symbol',
]

/** Whether an object that calls itself so is the engine's or the host's, not of a class of the user's: `Intl.NumberFormat`, say. */
function isOfEngine(object: object, name: string): boolean {
  if (OPAQUE.includes(name)) return true
  const known: unknown = object.constructor
  if (typeof known !== 'function') return false
  const space = Object(name.includes('.') ? Reflect.get(globalThis, name.split('.')[0]) : globalThis)
  if (space[known.name] !== known) return false
  // What a program makes global shows. Bun's own classes show as well, but are no JavaScript.
  return (
    !isEnumerable.call(space, known.name) || /\{\s*\[native code\]\s*\}$/.test(sourceOfFunction.call(known))
  )
}

/** What to call it: its nearest class that has a name, where its tag is that of a class above. Node's ports have EventTarget's. */
function classOf(object: object, name: string): string {
  let nearest = ''
  for (let base = object; base !== null; base = Object.getPrototypeOf(base) as object) {
    const own: unknown = base.constructor?.name
    if (own === name) return nearest || name
    if (typeof own === 'string') nearest ||= own
  }
  return name
}

/** Whether an object is plain in the realm that it comes from. */
function isPlain(object: object): boolean {
  const prototype = Object.getPrototypeOf(object) as object
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}
