/** What Python has and JavaScript has not, as it lies in a pickle: it can be looked at, and sent back. */
import type { DType } from './dtype.js'

/**
 * Module and name of `module.Class`; of what is inside of a class `module:Outer.Inner`, for Python looks modules and their parts up
 * one after the other.
 */
export function partsOf(place: string): { readonly module: string; readonly name: string } {
  const colon = place.indexOf(':')
  const end = colon < 0 ? place.lastIndexOf('.') : colon
  return { module: place.slice(0, Math.max(0, end)), name: place.slice(end + 1) }
}

/** The place that `partsOf` takes apart, of a name that begins with its module. */
export function placeOf({ name, module }: { readonly name: string; readonly module: string }): string {
  const end = module.length
  return end === 0 || end === name.lastIndexOf('.') ? name : `${module}:${name.slice(end + 1)}`
}

/** A class or function of Python by its name; as a value, or what a `PythonObject` is of. */
export class PythonName {
  /** Module and name: `collections.OrderedDict`. */
  readonly name: string
  /** The module alone, with which `name` begins. */
  readonly module: string

  /** A nested name has a colon after its module: `shapes:Path.Segment`. */
  constructor(place: string) {
    this.name = place.replace(':', '.')
    this.module = partsOf(place).module
    Object.freeze(this)
  }
}

/** What a `PythonObject` has beside its class and arguments. */
export interface PythonObjectParts {
  /** Keyword arguments. */
  readonly kwargs?: Record<string, unknown> | undefined
  /** Whether the class's `__new__` gets the arguments, not the class itself. */
  readonly isNew?: boolean | undefined
  /**
   * The class whose `__new__` makes it, not its own, which may take other arguments: `numpy.ndarray` or `builtins.int` of the first
   * one, `builtins.tuple` of all.
   */
  readonly base?: string | undefined
  /** What `__setstate__` or `__dict__` gets. */
  readonly state?: unknown
}

/**
 * An object of Python that JavaScript has no counterpart of: its class, and what it is made of. A `decimal.Decimal` has the
 * arguments `['1.10']`, a `datetime.timedelta` days, seconds and microseconds. Written, it is made anew.
 */
export class PythonObject {
  /** Of its class or function: `decimal.Decimal`. */
  readonly name: string
  /** The module alone, with which `name` begins. */
  readonly module: string
  readonly args: readonly unknown[]
  readonly kwargs: Record<string, unknown> | undefined
  readonly isNew: boolean
  readonly base: string | undefined
  state: unknown
  /** What is appended to it, for a subclass of list. */
  items: unknown[] | undefined = undefined
  /** What is set in it by keys, for a subclass of dict. */
  entries: [key: unknown, value: unknown][] | undefined = undefined

  /** `of`: its class or function, as a `PythonName` takes it. */
  constructor(of: string | PythonName, args: readonly unknown[] = [], parts: PythonObjectParts = {}) {
    const { name, module } = typeof of === 'string' ? new PythonName(of) : of
    this.name = name
    this.module = module
    this.args = args
    this.kwargs = parts.kwargs
    this.isNew = parts.isNew ?? false
    this.base = parts.base
    this.state = parts.state
  }
}

/** `numpy.dtype` as an object: what the arrays of a pickle refer to, and a value of its own when it is sent as one. */
export class Dtype extends PythonObject {
  /** Set anew by the state that numpy gives it: byte order, fields. */
  dtype: DType

  constructor(dtype: DType) {
    super('numpy.dtype')
    this.dtype = dtype
  }
}
