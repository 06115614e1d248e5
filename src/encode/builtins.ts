/** The built-in classes: how an object of each is written. */
import type { BuiltinKind } from '../value/builtins.js'
import { Op } from '../wire/ops.js'
import { encodeMap, encodeSet } from './containers.js'
import { encodeError } from './errors.js'
import { encodeBoxed, encodeDate, encodeRegExp } from './scalars.js'
import type { ShapeNode } from './shapes.js'
import type { Walk } from './walk.js'

type Encode = (walk: Walk, object: never, slot: ShapeNode) => void

const ENCODERS: Readonly<Record<BuiltinKind, Encode>> = {
  Map: encodeMap,
  Set: encodeSet,
  Date: encodeDate,
  RegExp: encodeRegExp,
  Error: encodeError,
  boxed: encodeBoxed,
  buffer: encodeBuffer,
}

export function encodeBuiltin(walk: Walk, kind: BuiltinKind, object: object, slot: ShapeNode): void {
  ENCODERS[kind](walk, object as never, slot)
}

function encodeBuffer(walk: Walk, buffer: ArrayBufferLike): void {
  walk.u8(Op.VIEW)
  walk.views.addBuffer(buffer)
}
