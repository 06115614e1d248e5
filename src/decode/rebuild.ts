/** Custom types, on their way in: the tag, then the parts that `rebuild` or `fill` takes. */
import type { CustomType } from '../registry.js'
import { expectVerified, guarded } from '../value/guard.js'
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
  expectVerified(type, walk.limits)
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
