/** What of an error travels when the whole of it cannot: Axios, for one, puts functions into the `config` of its errors. */
import { errorClassOf, hide, isError, makeError, partsOfError } from '../value/errors.js'
import { define } from '../value/properties.js'

const NOTHING = Symbol('nothing')

/**
 * The error of the same class without those of its own parts that cannot travel; errors that are its cause, a field or
 * in a list are lightened as well. Whoever asks `canTravel` pays for an encoding of each part.
 */
export function lightened(error: Error, canTravel: (part: unknown) => boolean): Error {
  /** Causes may lead back. */
  const made = new Map<Error, Error>()
  const partOf = (part: unknown): unknown => {
    if (canTravel(part)) return part
    if (isError(part)) return made.get(part) ?? lighten(part)
    return Array.isArray(part) && part.every(isError) ? part.map(partOf) : NOTHING
  }
  const lighten = (heavy: Error): Error => {
    const number = errorClassOf(heavy)
    const light = Object.setPrototypeOf(makeError(number), Object.getPrototypeOf(heavy) as object) as Error
    made.set(heavy, light)
    const { fields, parts } = partsOfError(heavy, number)
    for (const key of fields) {
      const part = partOf((heavy as unknown as Record<string, unknown>)[key])
      if (part !== NOTHING) define(light, key, part, true)
    }
    for (const [key, value] of parts) {
      const part = partOf(value)
      if (part !== NOTHING) hide(light, key, part)
    }
    return light
  }
  return lighten(error)
}

/** An error that tells of another what always travels. */
export function remainsOf(thrown: unknown): unknown {
  if (!isError(thrown)) return undefined
  const { message, name, stack } = thrown
  const { code } = thrown as { code?: unknown }
  const remains = new Error(message)
  Object.defineProperties(remains, {
    name: { value: name, configurable: true, writable: true },
    stack: { value: stack, configurable: true, writable: true },
  })
  return typeof code === 'string' || typeof code === 'number' ? Object.assign(remains, { code }) : remains
}
