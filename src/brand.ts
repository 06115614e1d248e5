/**
 * How one copy of the package knows the objects of another: two versions in one tree, a bundle beside an external copy, a test
 * that loads modules anew. A symbol that all of them share is on the prototype, so that it costs nothing per object and is not shown.
 */

/** Brands a class, and returns what tells its objects, of whatever copy. */
export function branded<T extends object>(
  Class: abstract new (...args: never[]) => T,
  name: string,
): (value: unknown) => value is T {
  const brand = Symbol.for(`outband.${name}`)
  Object.defineProperty(Class.prototype, brand, { value: true })
  return (value): value is T =>
    typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true
}
