/** Arrays as other formats have them: elements, and nothing beside them. */
import { expectOwnClass } from '../value/builtins.js'
import { stopped } from '../value/trace.js'
import { isIndex } from '../wire/shapes.js'

/** A hole, what is beside the elements, and a subclass is lost: in strict mode it is refused. */
export function expectDense(array: readonly unknown[]): void {
  expectOwnClass(array, 'Array')
  const keys = Object.keys(array)
  if (keys.length === array.length && (keys.length === 0 || isIndex(keys[keys.length - 1]))) return
  throw stopped(
    'UNSUPPORTED',
    'in strict mode an array with holes or properties cannot travel in this format',
  )
}

/** So many elements alone, in an array of the plain class. */
export function copyOf(array: readonly unknown[], length: number): unknown[] {
  const copy = new Array<unknown>(length)
  for (let i = 0; i < length; i++) if (Object.hasOwn(array, i)) copy[i] = array[i]
  return copy
}
