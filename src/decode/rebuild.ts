/** Custom types, on their way in: the tag, then the parts that `rebuild` or `fill` takes. */
import { OutbandError } from '../errors.js'
import type { CustomType } from '../registry.js'
import type { Walk } from './walk.js'

/** Stands in the memo for a value whose parts are still being read. */
export const UNBUILT = Symbol('unbuilt')

export function decodeCustom(walk: Walk): unknown {
  const offset = walk.pos
  const tag = walk.string('a type tag')
  const type = walk.settings.types?.tagged(tag)
  if (type === undefined) {
    throw new OutbandError(
      'UNKNOWN_TYPE',
      `decode: unknown type at byte ${offset}; wanted a registered tag, got ${JSON.stringify(tag)}`,
      {
        offset,
        tag,
      },
    )
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
  const value = guarded(type, offset, () => rebuild(parts as never))
  if (walk.hasRefs) walk.memo[number] = value
  return value
}

function twoSteps(walk: Walk, type: CustomType, offset: number): unknown {
  const value = guarded(type, offset, () => type.create?.())
  walk.note(value)
  const parts = walk.value()
  guarded(type, offset, () => type.fill?.(value as never, parts as never))
  return value
}

/** Runs the type's own code; what it throws, or a promise or proxy in place of a value, is REBUILD. */
function guarded(type: CustomType, offset: number, run: () => unknown): unknown {
  let value: unknown
  try {
    value = run()
  } catch (cause) {
    throw failed(type, offset, 'threw', { cause })
  }
  // Proxies first: `instanceof` asks a proxy, and a revoked one throws.
  if (isProxy(value)) throw failed(type, offset, 'returned a proxy')
  if (value instanceof Promise) throw failed(type, offset, 'returned a promise')
  return value
}

function failed(
  type: CustomType,
  offset: number,
  what: string,
  fields: { cause?: unknown } = {},
): OutbandError {
  return new OutbandError('REBUILD', `decode: type ${JSON.stringify(type.tag)} ${what} at byte ${offset}`, {
    offset,
    tag: type.tag,
    ...fields,
  })
}

interface Builtins {
  getBuiltinModule?(name: 'util'): { types: { isProxy(value: unknown): boolean } }
}

/** Only Node can tell; elsewhere a proxy passes. */
function isProxy(value: unknown): boolean {
  const node = (globalThis as { process?: Builtins }).process
  return typeof value === 'object' && node?.getBuiltinModule?.('util').types.isProxy(value) === true
}
