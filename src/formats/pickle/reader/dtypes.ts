/** `numpy.dtype` as its pickles put it together: a kind and size, then byte order, fields, and units as its state. */
import { type DType, type DTypeField, type Layout, layoutOf, NATIVE, parseDtype, sizeOf } from '../dtype.js'
import { Dtype, PythonName } from '../objects.js'
import { FIELD, type Machine } from './machine.js'

/** `numpy.dtype('f8', False, True)`, or of what `frombuffer` takes for one. */
export function dtype(machine: Machine, args: readonly unknown[]): Dtype {
  return new Dtype(toDType(machine, args[0]))
}

/** The layout for an argument that is a dtype in one form or another. */
export function layoutFor(machine: Machine, given: unknown): Layout {
  const layout = layoutOf(toDType(machine, given))
  if (layout === undefined) throw unknown(machine)
  return layout
}

function unknown(machine: Machine) {
  return machine.failed('UNSUPPORTED', 'a dtype of numpy that is not known')
}

/** Classes of numpy that stand for a dtype, by name. Those of C that differ by platform are not among them. */
const SCALARS: ReadonlyMap<string, string> = new Map([
  ['numpy.bool_', '|b1'],
  ['numpy.bool', '|b1'],
  ...['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'].map(numeric),
  ...['float16', 'float32', 'float64', 'complex64', 'complex128'].map(numeric),
  ['numpy.object_', '|O'],
  ['numpy.record', '|V0'],
  ['numpy.void', '|V0'],
  ['numpy.rec.record', '|V0'],
])

function numeric(name: string): [string, string] {
  const bits = Number(/\d+$/.exec(name)?.[0])
  return [`numpy.${name}`, `${bits === 8 ? '|' : NATIVE}${name[0]}${bits / 8}`]
}

export const SCALAR_NAMES = [...SCALARS.keys()]

function toDType(machine: Machine, given: unknown): DType {
  if (given instanceof Dtype) return given.dtype
  if (given instanceof PythonName) given = SCALARS.get(given.name)
  if (typeof given === 'string') {
    const known = parseDtype(given)
    if (known === undefined) throw unknown(machine)
    // The order that was asked for: elements of the other one are still to be turned.
    return known.isSwapped ? `${NATIVE === '<' ? '>' : '<'}${(known.dtype as string).slice(1)}` : known.dtype
  }
  if (typeof given !== 'object' || given === null) throw unknown(machine)
  // The same description may be named in many places, each of which may be in another such.
  const made = machine.dtypes.get(given)
  if (made !== undefined) return made
  const dtype = Array.isArray(given) ? subarray(machine, given[0], given[1]) : structure(machine, given)
  machine.dtypes.set(given, dtype)
  return dtype
}

const STRUCTURE = ['names', 'formats', 'offsets', 'itemsize', 'titles']

/** `{'names': …, 'formats': …, 'offsets': …, 'itemsize': …}`, and `'titles'` where there are any. */
function structure(machine: Machine, given: object): DType {
  const [names, formats, offsets, itemsize, titles] = STRUCTURE.map(key => under(given, key))
  const areLists = Array.isArray(names) && Array.isArray(formats) && Array.isArray(offsets)
  if (!areLists || formats.length !== names.length || offsets.length !== names.length) throw unknown(machine)
  const titleOf = (i: number): unknown => (Array.isArray(titles) ? titles[i] : undefined)
  return structOf(machine, names, i => [formats[i], offsets[i], titleOf(i)], itemsize)
}

/** What a dict has under a key. */
function under(dict: unknown, key: unknown): unknown {
  if (dict instanceof Map) return dict.get(key)
  if (typeof key !== 'string' || typeof dict !== 'object' || dict === null) return undefined
  return Object.hasOwn(dict, key) ? (dict as Record<string, unknown>)[key] : undefined
}

/** Fields of these names; `placeOf` says each one's format and offset. */
function structOf(
  machine: Machine,
  names: readonly unknown[],
  placeOf: (i: number) => readonly unknown[],
  itemsize: unknown,
): DType {
  machine.copy(names.length * FIELD)
  const bytes = machine.integer(itemsize)
  return { itemsize: bytes, fields: names.map((name, i) => field(machine, name, placeOf(i), bytes)) }
}

function field(
  machine: Machine,
  name: unknown,
  [format, place, title]: readonly unknown[],
  itemsize: number,
): DTypeField {
  const dtype = toDType(machine, format)
  const offset = machine.integer(place)
  const end = offset + (layoutOf(dtype)?.itemsize ?? Number.POSITIVE_INFINITY)
  if (typeof name !== 'string' || offset < 0 || end > itemsize) throw unknown(machine)
  return typeof title === 'string' ? { name, dtype, offset, title } : { name, dtype, offset }
}

function subarray(machine: Machine, base: unknown, shape: unknown): DType {
  const lengths = Number.isInteger(shape) ? [shape] : shape
  if (sizeOf(lengths) === undefined) throw unknown(machine)
  const inner = toDType(machine, base)
  if (typeof inner === 'string' || !('base' in inner)) return { base: inner, shape: lengths as number[] }
  // As numpy has it: one in another is of all their axes. So none is deeper than one, whatever a pickle names again and again.
  const all = machine.copyOf(lengths as number[], 0, inner.shape)
  if (sizeOf(all) === undefined) throw unknown(machine)
  return { base: inner.base, shape: all as number[] }
}

/** `(version, byte order, subarray, names, fields, itemsize, alignment, flags, metadata)`, the last from version 4 on. */
export function setDtypeState(machine: Machine, target: Dtype, state: unknown): void {
  if (!Array.isArray(state) || state.length < 8) throw machine.malformed('a state that is none of a dtype')
  const [, order, sub, names, fields, itemsize, , , metadata] = state as unknown[]
  if (Array.isArray(names)) target.dtype = named(machine, names, fields, itemsize)
  else if (Array.isArray(sub)) target.dtype = subarray(machine, sub[0], sub[1])
  else if (typeof target.dtype === 'string') target.dtype = ordered(machine, target.dtype, order, metadata)
}

function named(machine: Machine, names: readonly unknown[], fields: unknown, itemsize: unknown): DType {
  const placeOf = (i: number): readonly unknown[] => {
    const place = under(fields, names[i])
    if (!Array.isArray(place)) throw machine.malformed('a dtype without one of its fields')
    return place
  }
  return structOf(machine, names, placeOf, itemsize)
}

/** A dtype of one kind with its byte order, and with its unit: `(metadata, (name, number, …))`. */
function ordered(machine: Machine, dtype: string, order: unknown, metadata: unknown): string {
  const code = dtype.slice(1).replace(/\[.*/, '')
  const sign = order === '<' || order === '>' || order === '|' || order === '=' ? order : ''
  const unit: unknown = Array.isArray(metadata) ? metadata[1] : undefined
  let suffix = ''
  if (Array.isArray(unit)) {
    const [name, number] = unit as unknown[]
    const letters = name instanceof Uint8Array ? String.fromCharCode(...name.subarray(0, 16)) : name
    if (typeof letters !== 'string') throw unknown(machine)
    if (letters !== 'generic') suffix = `[${number === 1 ? '' : machine.integer(number)}${letters}]`
  }
  const text = `${sign}${code}${suffix}`
  if (parseDtype(text) === undefined) throw unknown(machine)
  return text
}
