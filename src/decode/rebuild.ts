/** Custom types, on their way in: the tag, then the parts that `rebuild` or `fill` takes. */
import type { CustomType } from '../registry.js'
import type { Walk } from './walk.js'

/** Stands in the memo for a value whose parts are still being read. */
export const UNBUILT = Symbol('unbuilt')

export function decodeCustom(walk: Walk): unknown {
  const offset = walk.pos
  const tag = walk.string('a type tag')
  const type = walk.settings.types?.tagged(tag)
  if (type === undefined) {
    throw walk.failed('UNKNOWN_TYPE', `unknown type ${JSON.stringify(tag)}`, { offset, tag })
  }
  walk.enter(1)
  const value =
    type.rebuild === undefined ? twoSteps(walk, type, offset) : oneStep(walk, type, type.rebuild, offset)
  walk.depth--
  return value
}

function oneStep(walk: Walk, type: CustomType, rebuild: (parts: never) => unknown, offset: number): unknown {
  const number = walk.memo.length
  walk.note(UNBUILT)
  const parts = walk.value()
  const value = guarded(walk, type, offset, () => rebuild(parts as never))
  if (walk.hasRefs) walk.memo[number] = value
  return value
}

function twoSteps(walk: Walk, type: CustomType, offset: number): unknown {
  const value = guarded(walk, type, offset, () => type.create?.())
  walk.note(value)
  const parts = walk.value()
  guarded(walk, type, offset, () => type.fill?.(value as never, parts as never))
  return value
}

/** Runs the type's own code; what it throws, or a promise or proxy in place of a value, is REBUILD. */
function guarded(walk: Walk, { tag }: CustomType, offset: number, run: () => unknown): unknown {
  const failed = (what: string, fields?: { cause: unknown }) =>
    walk.failed('REBUILD', `type ${JSON.stringify(tag)} ${what}`, { offset, tag, ...fields })
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
