/** Custom types, on their way out: the tag, then whatever `reduce` returns. */
import type { CustomType } from '../registry.js'
import { expectSendable } from '../value/guard.js'
import { traced } from '../value/trace.js'
import { Op } from '../wire/ops.js'
import type { ShapeNode } from './shapes.js'
import type { Walk } from './walk.js'

export function encodeCustom(walk: Walk, value: unknown, type: CustomType, slot: ShapeNode): void {
  expectSendable(type, walk.settings.limits)
  if (type !== walk.settings.host) walk.isBeyondClone = true
  walk.enter(1)
  walk.u8(Op.CUSTOM)
  walk.text(type.tag)
  const isWhole = type.rebuild !== undefined
  if (isWhole) walk.unbuilt.push(value)
  const parts = type.reduce(value)
  try {
    walk.value(parts, slot)
  } catch (error) {
    throw traced(error, { within: type.tag })
  }
  if (isWhole) walk.unbuilt.pop()
  walk.depth--
}
