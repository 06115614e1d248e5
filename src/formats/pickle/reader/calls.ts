/**
 * Names and calls: what the caller's own list makes of them, then custom types, whose tag is the name, then the built-in
 * list. The caller's code runs guarded: what it throws is REBUILD.
 */
import type { CustomType } from '../../../registry.js'
import { expectVerified, guarded } from '../../../value/guard.js'
import { defineField, setField } from '../../../value/properties.js'
import { PythonName, PythonObject, placeOf } from '../objects.js'
import type { PythonClass } from '../settings.js'
import { entriesOf, isDict, pairsFrom, setEntries } from './dicts.js'
import { FIELD, type Machine, PAIR, Pending } from './machine.js'
import { canonical } from './moved.js'
import { KNOWN } from './names.js'
import { PendingArray, PendingSubarray } from './numpy.js'

/** Module of custom types whose tag names none. */
const OWN_MODULE = 'outband.'

/** A name, if it is on a list. One that was read before is found again: it takes 2 µs, and two bytes each. @throws UNKNOWN_TYPE */
export function named(machine: Machine, module: unknown, name: unknown): PythonName {
  if (typeof module !== 'string' || typeof name !== 'string')
    throw machine.malformed('a name that is no text')
  const given = `${module}.${name}`
  // The same text may be another module and another name.
  const key = `${module.length} ${given}`
  let known = machine.names.get(key)
  if (known === undefined) {
    known = listed(machine, module, name, given)
    machine.names.set(key, known)
  }
  return known
}

function listed(machine: Machine, module: string, name: string, given: string): PythonName {
  const { globals } = machine.options
  const place = { name: given, module }
  if (globals.get(given) === true) machine.keep()
  if (globals.has(given) || typeOf(machine, place) !== undefined) return new PythonName(placeOf(place))
  const known = canonical(module, name)
  if (!globals.has(known) && !KNOWN.has(known) && !INTERNAL.has(known)) throw unknown(machine, given)
  if ((globals.get(known) ?? KNOWN.get(known)) === (globals.has(known) ? true : 'kept')) machine.keep()
  // What is inside of a class stays there, wherever the class is.
  return new PythonName(placeOf({ name: known, module: withoutLast(known, name.split('.').length) }))
}

function withoutLast(name: string, parts: number): string {
  return name.split('.').slice(0, -parts).join('.')
}

function unknown(machine: Machine, tag: string) {
  return machine.failed('UNKNOWN_TYPE', `${JSON.stringify(tag)} is on no list; wanted among globals`, { tag })
}

function typeOf(machine: Machine, place: Pick<PythonName, 'name' | 'module'>): CustomType | undefined {
  const { types } = machine.settings
  if (types === undefined) return undefined
  const { name, module } = place
  return (
    types.tagged(name) ??
    types.tagged(`${module}:${name.slice(module.length + 1)}`) ??
    (name.startsWith(OWN_MODULE) ? types.tagged(name.slice(OWN_MODULE.length)) : undefined)
  )
}

/** How a class was asked for an object. */
export interface Call {
  readonly isNew: boolean
  readonly kwargs?: Record<string, unknown> | undefined
  /** Of which class the `__new__` was. */
  readonly base?: string
}

const REDUCED: Call = { isNew: false }
const NEW: Call = { isNew: true }

/** Of the function that makes a class's objects. */
const NEW_NAME = '__new__'

type Internal = (machine: Machine, args: readonly unknown[]) => unknown

/** What Python's own machinery calls, with a class among the arguments. */
const INTERNAL: ReadonlyMap<string, Internal> = new Map<string, Internal>([
  ['copyreg._reconstructor', reconstructed],
  ['numpy.core.multiarray._reconstruct', subarray],
  ['copyreg.__newobj__', (machine, args) => call(machine, args[0], machine.copyOf(args, 1), NEW)],
  [
    'copyreg.__newobj_ex__',
    (machine, [target, args, kwargs]) => call(machine, target, args, newWith(machine, kwargs)),
  ],
  ['functools.partial', partial],
  // Of a class alone: its name with one more part, which must be on a list as well.
  ['builtins.getattr', (machine, [target, name]) => inside(machine, nameOf(machine, target), name)],
])

/**
 * `copyreg._reconstructor(class, base, value)`, by which protocols 0 and 1 make objects: the value is what the class has of its
 * base, an `int` or a tuple say. Later ones make the object of it, but give items to a list or dict that is there.
 */
function reconstructed(machine: Machine, [target, base, value]: readonly unknown[]): unknown {
  const { name } = nameOf(machine, base)
  switch (name) {
    case 'builtins.object':
      return call(machine, target, [], NEW)
    case 'numpy.ndarray':
      return subarray(machine, [target, value])
    case 'builtins.tuple':
      // The fields of a named tuple. Nothing says here that it is one, but few other classes are made of tuples.
      if (!Array.isArray(value)) throw machine.malformed('a value that is no tuple')
      return call(machine, target, machine.copyOf(value), { isNew: true, base: name })
    case 'builtins.list':
      return withItems(machine, call(machine, target, [], NEW), value)
    case 'builtins.dict':
      return withEntries(machine, call(machine, target, [], NEW), value)
    default:
      return call(machine, target, [value], { isNew: true, base: name })
  }
}

/**
 * `numpy.core.multiarray._reconstruct(class, shape, dtype)`: what is in the array comes as its state. A subclass that is on a list is
 * made of the array; one that is kept has the state as it is, which may be any.
 */
function subarray(machine: Machine, [target, shape]: readonly unknown[]): unknown {
  const place = nameOf(machine, target)
  const stand = machine.options.globals.get(place.name)
  if (stand === true) return kept(place, [shape], { isNew: true, base: 'numpy.ndarray' })
  if (stand === undefined && typeOf(machine, place) === undefined) return new PendingArray()
  return new PendingSubarray(array => call(machine, place, [array], NEW) as Pending)
}

function withItems(machine: Machine, made: unknown, list: unknown): unknown {
  if (!Array.isArray(list)) throw machine.malformed('items that are no list')
  const items = machine.copyOf(list)
  machine.count(items.length)
  if (made instanceof Pending) made.extend(machine, items)
  else if (made instanceof PythonObject) made.items = items
  else throw machine.malformed('items for what has none')
  return made
}

function withEntries(machine: Machine, made: unknown, dict: unknown): unknown {
  if (!isDict(dict)) throw machine.malformed('entries that are no dict')
  const entries = entriesOf(machine, dict, PAIR)
  if (made instanceof PythonObject) made.entries = entries
  else if (made instanceof Pending) {
    const start = machine.size
    for (const [key, item] of entries) {
      machine.push(key, 0)
      machine.push(item, 0)
    }
    made.update(machine, start)
    machine.dropFrom(start)
  } else throw machine.malformed('keys for what has none')
  return made
}

/** `functools.partial(class.__new__)`, by which protocols 2 and 3 give keyword arguments; of nothing else. */
function partial(machine: Machine, args: readonly unknown[]): PythonObject {
  if (isNewOf(args[0])) return new PythonObject('functools.partial', args)
  throw unknown(machine, 'functools.partial')
}

function isNewOf(value: unknown): boolean {
  return value instanceof PythonName && value.name.endsWith(`.${NEW_NAME}`)
}

/** What such a one makes: its state is `(function, (class, *arguments), keyword arguments, fields)`. */
function madeByPartial(machine: Machine, { state }: PythonObject, more: readonly unknown[]): unknown {
  const [, args, kwargs] = state as unknown[]
  if (!Array.isArray(args) || args.length === 0) throw machine.malformed('a call without a class')
  return call(machine, nameOf(machine, args[0]), machine.copyOf(args, 1, more), newWith(machine, kwargs))
}

function isPartialNew(target: unknown): target is PythonObject {
  const isPartial = target instanceof PythonObject && target.name === 'functools.partial'
  return isPartial && Array.isArray(target.state) && isNewOf(target.state[0])
}

/** A call of `__new__` with keyword arguments. */
export function newWith(machine: Machine, kwargs: unknown): Call {
  if (!isDict(kwargs)) throw machine.malformed('keyword arguments that are no dict')
  const entries = entriesOf(machine, kwargs, FIELD)
  const fields: Record<string, unknown> = {}
  for (const [key, value] of entries) {
    if (typeof key !== 'string') throw machine.malformed('a keyword argument whose name is no text')
    setField(fields, key, value)
  }
  return { isNew: true, kwargs: entries.length === 0 ? undefined : fields }
}

function inside(machine: Machine, outer: PythonName, name: unknown): PythonName {
  if (typeof name !== 'string') throw machine.malformed('a name that is no text')
  const { module } = outer
  const within = outer.name.slice(module.length + 1)
  // Of a class that is on a list; it makes its objects and nothing else, and has none itself.
  if (name === NEW_NAME && !isNewOf(outer)) return new PythonName(`${module}:${within}.${name}`)
  return named(machine, module, `${within}.${name}`)
}

function nameOf(machine: Machine, target: unknown): PythonName {
  if (target instanceof PythonName) return target
  throw machine.malformed('a call of what is no name')
}

/** What stands for an object of Python: a value, or what becomes one when more of it is known. */
export function call(machine: Machine, target: unknown, args: unknown, how: Call = REDUCED): unknown {
  if (!Array.isArray(args)) throw machine.malformed('arguments that are no tuple')
  if (isPartialNew(target)) return madeByPartial(machine, target, args)
  const place = nameOf(machine, target)
  const { name } = place
  const stand = machine.options.globals.get(name)
  if (stand === true) return kept(place, args, how)
  if (stand !== undefined) return new PendingObject(machine, name, stand, withKwargs(machine, args, how))
  const type = typeOf(machine, place)
  if (type !== undefined) return custom(machine, type, args)
  const known = KNOWN.get(name) ?? INTERNAL.get(name)
  if (known === undefined || known === 'named') throw unknown(machine, name)
  if (known === 'kept') return kept(place, args, how)
  if (how.kwargs !== undefined) throw machine.malformed('keyword arguments where none are')
  return known(machine, args)
}

function kept(of: PythonName, args: readonly unknown[], how: Call): PythonObject {
  return new PythonObject(of, args, how)
}

/** Arguments of the caller's function, which gets them one by one. */
function withKwargs(machine: Machine, args: readonly unknown[], { kwargs }: Call): readonly unknown[] {
  return machine.copyOf(args, 0, kwargs === undefined ? [] : [kwargs])
}

/** An object that the caller's list makes. It is there at once; its state may put another in its place. */
class PendingObject extends Pending {
  readonly #tag: string
  readonly #stand: PythonClass
  #object: unknown
  #isTaken = false

  constructor(machine: Machine, tag: string, stand: PythonClass, args: readonly unknown[]) {
    super()
    this.#tag = tag
    this.#stand = stand
    this.#object = this.#run(machine, () => stand.create(...(args as never[])))
  }

  #run(machine: Machine, run: () => unknown): unknown {
    return guarded({ tag: this.#tag }, machine.pos, run)
  }

  override resolve(): unknown {
    this.#isTaken = true
    return this.#object
  }

  override build(machine: Machine, state: unknown): void {
    const { setState } = this.#stand
    if (setState === undefined) return setFields(machine, this.#object, state)
    const other = this.#run(machine, () => setState(this.#object as never, state as never))
    if (other === undefined || other === this.#object) return
    if (this.#isTaken)
      throw machine.malformed('another object in the place of one that is part of its own state')
    this.#object = other
  }

  override extend(machine: Machine, items: unknown[]): void {
    const { extend } = this.#stand
    if (extend !== undefined) this.#run(machine, () => extend(this.#object as never, items))
    else if (Array.isArray(this.#object)) for (const item of items) this.#object.push(item)
    else super.extend(machine, items)
  }

  override update(machine: Machine, start: number): void {
    const { update } = this.#stand
    if (update === undefined) {
      if (!(this.#object instanceof Map)) return super.update(machine, start)
      return setEntries(machine, this.#object, start)
    }
    const pairs = pairsFrom(machine, start)
    this.#run(machine, () => update(this.#object as never, pairs))
  }
}

/** The state of a class that says nothing of it: fields, or a pair of fields and slots. They become own properties. */
function setFields(machine: Machine, object: unknown, state: unknown): void {
  if (typeof object !== 'object' || object === null) throw machine.malformed('a state for what has none')
  const parts: unknown[] = Array.isArray(state) && state.length === 2 ? state : [state]
  for (const part of parts) {
    if (part === null) continue
    if (!isDict(part)) throw machine.malformed('a state that is no dict; wanted setState')
    for (const [key, value] of entriesOf(machine, part, FIELD)) {
      if (typeof key !== 'string')
        throw machine.failed('UNSUPPORTED', 'a state with a key that is no text; wanted setState')
      defineField(object, key, value)
    }
  }
}

function custom(machine: Machine, type: CustomType, args: readonly unknown[]): unknown {
  expectVerified(type, machine.limits)
  if (type.rebuild !== undefined) return new PendingWhole(type, args)
  const { create, fill, tag } = type
  const stand: PythonClass = {
    create: () => create?.(),
    setState: (object, parts) => void fill?.(object, parts),
  }
  const pending = new PendingObject(machine, tag, stand, [])
  if (args.length > 0) pending.build(machine, args)
  return pending
}

/** A value of a custom type that is made in one step, of its arguments or of its state, when all of them are there. */
class PendingWhole extends Pending {
  readonly #type: CustomType
  readonly #args: readonly unknown[]
  #made: { readonly value: unknown } | undefined

  constructor(type: CustomType, args: readonly unknown[]) {
    super()
    this.#type = type
    this.#args = args
  }

  override resolve(machine: Machine): unknown {
    this.#made ??= this.#make(machine, this.#args)
    return this.#made.value
  }

  override build(machine: Machine, state: unknown): void {
    if (this.#made !== undefined) throw machine.malformed('a cycle through a one-step type')
    this.#made = this.#make(machine, this.#args.length === 0 ? state : machine.copyOf(this.#args, 0, [state]))
  }

  #make(machine: Machine, parts: unknown): { readonly value: unknown } {
    const { rebuild } = this.#type
    return { value: guarded(this.#type, machine.pos, () => rebuild?.(parts as never)) }
  }
}
