/** For keys that a prototype knows (`__proto__`): plain assignment would run a setter. */
export function define(object: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable, configurable: true })
}
