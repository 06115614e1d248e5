/** The built-in classes, on their way to a library that knows none of them. */
import { forbidden } from '../limits.js'
import { type BuiltinKind, partsOfRegExp, primitiveOf } from '../value/builtins.js'
import { errorClassOf, partsOfError } from '../value/errors.js'
import { checkKey, entriesOf, membersOf } from '../value/keys.js'
import { stopped, traced } from '../value/trace.js'
import { ERROR_CLASSES } from '../wire/errors.js'
import type { Lift } from './lift.js'
import { Lifted } from './lifted.js'

type LiftOne = (lift: Lift, object: never) => unknown

/** How an object of each kind is lifted. */
export const LIFTS: Readonly<Record<BuiltinKind, LiftOne>> = {
  Map: liftMap,
  Set: liftSet,
  Date: (_, date: Date) => new Lifted('date', Date.prototype.getTime.call(date)),
  RegExp: (lift, regexp: RegExp) => {
    if (!lift.settings.limits.regexps) throw forbidden('encode', 'regexps')
    lift.enter(3)
    lift.leave()
    const { source, flags } = partsOfRegExp(regexp)
    return new Lifted('regexp', [lift.value(source) as string, flags])
  },
  Error: liftError,
  boxed: liftBoxed,
  buffer: (lift, buffer: ArrayBufferLike) => lift.buffer(buffer),
}

function liftMap(lift: Lift, map: ReadonlyMap<unknown, unknown>): Lifted {
  const [keys, values] = entriesOf(lift.keys, map)
  const entries: unknown[] = []
  lift.enter(1 + keys.length * 2)
  try {
    for (let i = 0; i < keys.length; i++) {
      entries.push(liftKey(lift, keys[i]))
      entries.push(lift.value(values[i]))
    }
  } catch (error) {
    throw traced(error, { within: `entry ${entries.length >> 1}` })
  }
  lift.leave()
  return new Lifted('map', entries)
}

function liftSet(lift: Lift, set: ReadonlySet<unknown>): Lifted {
  const sent = membersOf(lift.keys, set)
  const members: unknown[] = []
  lift.enter(1 + sent.length)
  try {
    for (const member of sent) {
      members.push(liftKey(lift, member))
    }
  } catch (error) {
    throw traced(error, { within: `member ${members.length}` })
  }
  lift.leave()
  return new Lifted('set', members)
}

/** A key of a Map or member of a Set; of a box the primitive in it arrives, and counts. */
function liftKey(lift: Lift, key: unknown): unknown {
  const lifted = lift.value(key)
  let arrives = typeof key === 'object' ? lifted : key
  if (arrives instanceof Lifted && (arrives.is('bigint') || arrives.is('zero')))
    arrives = arrives.content ?? 0
  checkKey(lift.keys, arrives)
  return lifted
}

function liftError(lift: Lift, error: Error): Lifted {
  if (!lift.settings.limits.errors) throw forbidden('encode', 'errors')
  const number = errorClassOf(error)
  const { fields, parts } = partsOfError(error, number)
  const sent: Record<string, unknown> = { class: ERROR_CLASSES[number].name }
  lift.enter(2)
  lift.enter(parts.length + 2)
  for (const [key, part] of parts) sent[key] = lift.at(key, part)
  if (fields.length > 0) sent.fields = lift.record(error, fields)
  lift.leave()
  lift.leave()
  return new Lifted('error', sent)
}

/** The primitive: what is in the box arrives, the box is lost. */
function liftBoxed(lift: Lift, boxed: object): unknown {
  if (lift.settings.strict)
    throw stopped('UNSUPPORTED', 'in strict mode a boxed primitive cannot travel in this format')
  return lift.value(primitiveOf(boxed))
}
