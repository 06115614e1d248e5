/** `numpy.dtype` as its pickles put it together: a kind and size, then byte order, fields, and units as its state. */
import { type DType, type DTypeField, type Layout, layoutOf, NATIVE, parseDtype, sizeOf } from '../dtype.js'
import { Dtype, PythonName } from '../objects.js'
import type { Machine } from './machine.js'

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

/** `{'names': …, 'formats': …, 'offsets': …, 'itemsize': …}` */
function structure(machine: Machine, given: object): DType {
  const { names, formats, offsets, itemsize } = given as Record<string, unknown>
  const areLists = Array.isArray(names) && Array.isArray(formats) && Array.isArray(offsets)
  if (!areLists || formats.length !== names.length || offsets.length !== names.length) throw unknown(machine)
  machine.copy(names.length)
  const fields = names.map((name, i) => field(machine, name, formats[i], offsets[i], itemsize))
  return { itemsize: itemsize as number, fields }
}

function field(
  machine: Machine,
  name: unknown,
  format: unknown,
  offset: unknown,
  itemsize: unknown,
): DTypeField {
  const dtype = toDType(machine, format)
  const end = (layoutOf(dtype)?.itemsize ?? Number.NaN) + (offset as number)
  const isInside = Number.isSafeInteger(itemsize) && end <= (itemsize as number) && (offset as number) >= 0
  if (typeof name !== 'string' || !Number.isSafeInteger(offset) || !isInside) throw unknown(machine)
  return { name, dtype, offset: offset as number }
}

function subarray(machine: Machine, base: unknown, shape: unknown): DType {
  const lengths = Number.isInteger(shape) ? [shape] : shape
  if (sizeOf(lengths) === undefined) throw unknown(machine)
  return { base: toDType(machine, base), shape: lengths as number[] }
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
  machine.copy(names.length)
  const known = fields instanceof Map ? fields : new Map(Object.entries((fields ?? {}) as object))
  const list = names.map(name => {
    const place: unknown = known.get(name)
    if (!Array.isArray(place)) throw machine.malformed('a dtype without one of its fields')
    return field(machine, name, place[0], place[1], itemsize)
  })
  return { itemsize: itemsize as number, fields: list }
}

/** A dtype of one kind with its byte order, and with its unit: `(metadata, (name, number, …))`. */
function ordered(machine: Machine, dtype: string, order: unknown, metadata: unknown): string {
  const code = dtype.slice(1).replace(/\[.*/, '')
  const sign = order === '<' || order === '>' || order === '|' || order === '=' ? order : ''
  const unit: unknown = Array.isArray(metadata) ? metadata[1] : undefined
  let suffix = ''
  if (Array.isArray(unit)) {
    const [name, number] = unit as unknown[]
    const letters = name instanceof Uint8Array ? String.fromCharCode(...name.subarray(0, 16)) : String(name)
    if (letters !== 'generic') suffix = `[${number === 1 ? '' : Number(number)}${letters}]`
  }
  const text = `${sign}${code}${suffix}`
  if (parseDtype(text) === undefined) throw unknown(machine)
  return text
}
