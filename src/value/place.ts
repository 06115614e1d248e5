/**
 * The place of an error about memory that was met before: nobody remembers paths, so the value is walked once more, up to
 * there, and the same error thrown where the memory is. Getters and `reduce` up to there run again; what they throw is not told.
 */
import { windowBytes } from '../bytes/window.js'
import type { OutbandError } from '../errors.js'
import { isOutOfBand } from '../out-of-band.js'
import { type CustomType, Registry } from '../registry.js'
import type { Source } from './views.js'

/** What errors are about. */
const sources = new WeakMap<object, Source>()

/** The error, which is about this memory. */
export function about(source: Source, error: OutbandError): OutbandError {
  sources.set(error, source)
  return error
}

/**
 * The error with its path, if it is about memory that `walk` finds: it walks the value with these types, by code that
 * is not at work. `isOn`: whether an object that is no view is written as one on that memory.
 */
export function placed(
  error: unknown,
  types: Registry | undefined,
  walk: (types: Registry) => void,
  isOn?: (object: unknown, source: Source) => boolean,
): unknown {
  const source = sources.get(error as object)
  // Who writes what was lifted may be in the middle of it, and knows the place.
  if (source === undefined || (error as OutbandError).path !== undefined) return error
  // Once: from inside a getter or `reduce` it goes on through the encode around it.
  sources.delete(error as object)
  const isMeant = (object: unknown) =>
    isSame(isOutOfBand(object) ? object.view : object, source) || isOn?.(object, source) === true
  try {
    walk(new Sought(types, isMeant, error))
  } catch {
    // Ours has its path by now; any other comes from code of the caller's that was not to run again.
  }
  return error
}

/** Types as they are asked for every object before it is looked at. */
class Sought extends Registry {
  readonly #types: Registry | undefined
  readonly #isMeant: (object: unknown) => boolean
  readonly #error: unknown

  constructor(types: Registry | undefined, isMeant: (object: unknown) => boolean, error: unknown) {
    super([])
    this.#types = types
    this.#isMeant = isMeant
    this.#error = error
  }

  override typeOf(value: object | symbol): CustomType | undefined {
    if (this.#isMeant(value)) throw this.#error
    return this.#types?.typeOf(value)
  }
}

/** Whether it is that very memory, or a view made anew of it, as getters and `reduce` do. */
function isSame(object: unknown, source: Source): boolean {
  if (object === source) return true
  if (!ArrayBuffer.isView(object) || !ArrayBuffer.isView(source) || object.buffer !== source.buffer)
    return false
  const byteLength = windowBytes(object)
  // Views that lost their memory are all alike.
  return byteLength === windowBytes(source) && (byteLength < 0 || object.byteOffset === source.byteOffset)
}
