/** Own properties of objects that are being made, whatever their names, and how many elements an array has. */
import { isIndex } from '../wire/shapes.js'
import { stopped } from './trace.js'

/** For keys that a prototype knows (`__proto__`): plain assignment would run a setter. */
export function define(object: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable, configurable: true })
}

/** Sets an enumerable property, at a cost that its key's length pays for. */
export function setField(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__' || isIndex(key)) defineField(object, key, value)
  else object[key] = value
}

/** The same on an object of any class: nothing that it inherits is run. */
export function defineField(object: object, key: string, value: unknown): void {
  // A read-only element makes V8 keep the elements in a dictionary: `{"8": 1}` would have 29 slots, `{"4999": 1}` 7500.
  if (isIndex(key)) Object.defineProperty(object, key, { configurable: true, enumerable: true })
  define(object, key, value, true)
}

/** The length of an array. @throws UNSUPPORTED for a Proxy that says anything else */
export function lengthOf(array: readonly unknown[]): number {
  const { length } = array
  if (typeof length !== 'number' || length >>> 0 !== length)
    throw stopped('UNSUPPORTED', 'an array whose length is not a whole number below 2**32')
  return length
}
