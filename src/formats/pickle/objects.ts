/** What Python has and JavaScript has not, as it lies in a pickle: it can be looked at, and sent back. */
import type { DType } from './dtype.js'

/** A class or function of Python by its name; as a value, or what a `PythonObject` is of. */
export class PythonName {
  /** Module and name: `collections.OrderedDict`. */
  readonly name: string

  constructor(name: string) {
    this.name = name
    Object.freeze(this)
  }
}

/** What a `PythonObject` has beside its class and arguments. */
export interface PythonObjectParts {
  /** Keyword arguments. */
  readonly kwargs?: Record<string, unknown> | undefined
  /** Whether the class's `__new__` gets the arguments, not the class itself. */
  readonly isNew?: boolean | undefined
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
  readonly args: readonly unknown[]
  readonly kwargs: Record<string, unknown> | undefined
  readonly isNew: boolean
  state: unknown
  /** What is appended to it, for a subclass of list. */
  items: unknown[] | undefined = undefined
  /** What is set in it by keys, for a subclass of dict. */
  entries: [key: unknown, value: unknown][] | undefined = undefined

  constructor(name: string, args: readonly unknown[] = [], parts: PythonObjectParts = {}) {
    this.name = name
    this.args = args
    this.kwargs = parts.kwargs
    this.isNew = parts.isNew ?? false
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
