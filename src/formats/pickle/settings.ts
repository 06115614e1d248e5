/** What the pickle format can be asked for beside the options of `encode` and `decode`, checked once. */
import { expectArgument, expectOptions } from '../../errors.js'

/** Stands for a class or function of Python: called with its arguments, keyword arguments last as an object. */
export type PythonFunction = (...args: never[]) => unknown

/** Stands for a class of Python whose objects get more than arguments. What these throw is `REBUILD`. */
export interface PythonClass {
  /** Makes an object of the arguments of its class, or of its `__new__`; one of a subclass of `int` or `numpy.ndarray` of its value. */
  readonly create: PythonFunction
  /**
   * Gives it its state (`__setstate__`, or what goes to `__dict__`); what it returns takes the object's place. Without it a
   * state of fields becomes own properties.
   */
  readonly setState?: ((object: never, state: never) => unknown) | undefined
  /** Appends items, for a subclass of list. */
  readonly extend?: ((object: never, items: readonly unknown[]) => void) | undefined
  /** Sets entries, for a subclass of dict. */
  readonly update?:
    | ((object: never, entries: readonly (readonly [key: unknown, value: unknown])[]) => void)
    | undefined
}

/** By name, module first (`mymodule.Point`, `mymodule.Path.Segment`): what stands for it, or `true`, to keep it as a `PythonObject`. */
export type PythonGlobals = Readonly<Record<string, true | PythonFunction | PythonClass>>

/** Options of `pickleFormat`. */
export interface PickleOptions {
  /** Names that a pickle may call besides the built-in ones, which they override. */
  readonly globals?: PythonGlobals | undefined
  /** What 64-bit integers of numpy become: `BigInt64Array`, or `Float64Array`, where one past 2**53 is refused. */
  readonly int64?: 'bigint' | 'number' | undefined
  /** What a dict becomes: an object where all keys are strings, else a Map; or always a Map. */
  readonly dicts?: 'object' | 'map' | undefined
  /** What an array of numbers of one dimension becomes: a typed array, or an `NDArray` like the others. */
  readonly vectors?: 'typed' | 'ndarray' | undefined
  /** What a Uint8Array becomes in Python: an array of numpy, or bytes, as a Buffer does. */
  readonly uint8?: 'numpy' | 'bytes' | undefined
}

/** Sets and Maps that a pickle may have before they count as entries themselves; with fewer, what is in them alone does. */
export const FREE_SETS = 2048

export type PythonGlobal = true | PythonClass

/** The options, checked; beside the settings of a call. */
export interface PickleSettings {
  readonly globals: ReadonlyMap<string, PythonGlobal>
  readonly isInt64Number: boolean
  readonly isMapAlways: boolean
  readonly isVectorPlain: boolean
  readonly isUint8Bytes: boolean
}

/** @throws TypeError for an option of the wrong type */
export function pickleSettings(options: PickleOptions = {}): PickleSettings {
  expectOptions(options)
  const { globals = {}, int64 = 'bigint', dicts = 'object', vectors = 'typed', uint8 = 'numpy' } = options
  expectArgument(typeof globals === 'object' && globals !== null, 'globals', 'an object')
  expectArgument(int64 === 'bigint' || int64 === 'number', 'int64', "'bigint' or 'number'")
  expectArgument(dicts === 'object' || dicts === 'map', 'dicts', "'object' or 'map'")
  expectArgument(vectors === 'typed' || vectors === 'ndarray', 'vectors', "'typed' or 'ndarray'")
  expectArgument(uint8 === 'numpy' || uint8 === 'bytes', 'uint8', "'numpy' or 'bytes'")
  return {
    // A Map: nothing of Object.prototype is a name, and later changes of the caller's object change nothing.
    globals: new Map(
      Object.entries(globals).map(([name, stand]) => [name.replace(':', '.'), checkedGlobal(name, stand)]),
    ),
    isInt64Number: int64 === 'number',
    isMapAlways: dicts === 'map',
    isVectorPlain: vectors === 'typed',
    isUint8Bytes: uint8 === 'bytes',
  }
}

function checkedGlobal(name: string, stand: unknown): PythonGlobal {
  if (stand === true) return true
  if (typeof stand === 'function') return { create: stand as PythonFunction }
  const { create, setState, extend, update } = (stand ?? {}) as PythonClass
  const isClass =
    typeof create === 'function' &&
    [setState, extend, update].every(part => part === undefined || typeof part === 'function')
  expectArgument(isClass, `globals ${name}`, 'true, a function, or an object with create')
  return { create, setState, extend, update }
}
