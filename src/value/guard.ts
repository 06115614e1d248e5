/** The code of a custom type, run so that nothing of it leaves decode but REBUILD. */
import { decodeFailure } from '../errors.js'
import { forbidden, type Limits } from '../limits.js'
import type { CustomType } from '../registry.js'

/** @throws UNSUPPORTED for a type that reads what nobody has checked, where the limits do not allow it. */
export function expectVerified({ tag, unverified }: CustomType, limits: Readonly<Limits>): void {
  if (unverified && !limits.unverified) throw forbidden('decode', 'unverified', { tag })
}

/** The same on the way out, where the receiver has these limits as well. */
export function expectSendable({ tag, unverified }: CustomType, limits: Readonly<Limits>): void {
  if (unverified && !limits.unverified) throw forbidden('encode', 'unverified', { tag })
}

/** Runs the type's own code; what it throws, or a promise or proxy in place of a value, is REBUILD. */
export function guarded(
  { tag }: Pick<CustomType, 'tag'>,
  offset: number | undefined,
  run: () => unknown,
): unknown {
  const failed = (what: string, fields?: { cause: unknown }) =>
    decodeFailure('REBUILD', `type ${JSON.stringify(tag)} ${what}`, {
      ...(offset === undefined ? {} : { offset }),
      tag,
      ...fields,
    })
  let value: unknown
  try {
    value = run()
  } catch (cause) {
    throw failed('threw', { cause })
  }
  // Proxies first: `instanceof` asks a proxy, and a revoked one throws.
  if (isProxy(value)) throw failed('returned a proxy')
  if (isPromise(value)) throw failed('returned a promise')
  return value
}

function isPromise(value: unknown): boolean {
  try {
    return value instanceof Promise
  } catch {
    // A revoked proxy, where proxies cannot be told.
    return true
  }
}

interface Builtins {
  getBuiltinModule?(name: 'util'): { types: { isProxy(value: unknown): boolean } }
}

/** Only Node can tell; elsewhere a proxy passes. */
function isProxy(value: unknown): boolean {
  const node = (globalThis as { process?: Builtins }).process
  return typeof value === 'object' && node?.getBuiltinModule?.('util').types.isProxy(value) === true
}
