/** What opcodes make of the values on the stack: tuples, lists, dicts, sets, objects. The mirror of `writer/containers.ts`. */
import { Dtype, PythonObject } from '../objects.js'
import { INST, NEWOBJ, OBJ, REDUCE } from '../ops.js'
import { type Call, call, named } from './calls.js'
import { addMembers, newSet, PendingDict, pairsFrom } from './dicts.js'
import { setDtypeState } from './dtypes.js'
import { PendingList } from './lists.js'
import { type Machine, Pending } from './machine.js'
import { readLine } from './scalars.js'

/** Raises the height of what values go into to that over them. */
function raise(machine: Machine, at: number, height: number): void {
  const { heights } = machine
  if (heights[at] < 0) heights[at] = Math.min(heights[at], -height)
  else heights[at] = Math.max(heights[at], height)
}

/** Where what the values from a place on go into is: right below them. */
function targetOf(machine: Machine, start: number): number {
  if (start - 1 < machine.floor) throw machine.malformed('items for nothing')
  raise(machine, start - 1, machine.heightOver(start))
  return start - 1
}

/** An object that is kept as it is, and takes what it is given. */
function isKept(target: unknown): target is PythonObject {
  return target instanceof PythonObject && !(target instanceof Dtype)
}

export function append(machine: Machine, start: number): void {
  const target = machine.stack[targetOf(machine, start)]
  machine.count(machine.size - start)
  const items = machine.popFrom(start)
  if (target instanceof Pending) return target.extend(machine, items)
  if (isKept(target)) target.items ??= []
  const list = isKept(target) ? target.items : target
  if (!Array.isArray(list)) throw machine.malformed('items for what has none')
  for (const item of items) list.push(item)
}

export function setItems(machine: Machine, start: number): void {
  const target = machine.stack[targetOf(machine, start)]
  if ((machine.size - start) % 2 !== 0) throw machine.malformed('a key without a value')
  if (target instanceof Pending) target.update(machine, start)
  else if (isKept(target)) {
    target.entries ??= []
    for (const pair of pairsFrom(machine, start)) target.entries.push(pair)
  } else throw machine.malformed('keys for what has none')
  machine.dropFrom(start)
}

export function addItems(machine: Machine, start: number): void {
  const target = machine.stack[targetOf(machine, start)]
  if (!(target instanceof Set)) throw machine.malformed('members for what is no set')
  addMembers(machine, target, machine.popFrom(start))
}

export function tuple(machine: Machine, start: number): void {
  const height = machine.heightOver(start)
  machine.count(machine.size - start)
  const items = machine.popFrom(start)
  // Empty ones are in no memo, where `keep` would find them.
  if (machine.isKeeping || items.length === 0) {
    const next = machine.bytes[machine.pos]
    // Arguments are a tuple anyway.
    if (next !== REDUCE && next !== NEWOBJ) machine.noteTuple(items)
  }
  machine.push(items, height)
}

/** A list with its first items, as the oldest protocol has them. */
export function list(machine: Machine, start: number): void {
  const height = machine.heightOver(start)
  machine.count(machine.size - start)
  const made = new PendingList()
  made.extend(machine, machine.popFrom(start))
  machine.push(made, -height)
}

export function dict(machine: Machine, start: number): void {
  const height = machine.heightOver(start)
  const made = new PendingDict(machine)
  made.update(machine, start)
  machine.dropFrom(start)
  machine.push(made, -height)
}

export function frozenSet(machine: Machine, start: number): void {
  const height = machine.heightOver(start)
  const set = newSet(machine)
  addMembers(machine, set, machine.popFrom(start))
  machine.push(set, height)
}

/** A call of what is below the top, with the arguments that are on it. */
export function makeCall(machine: Machine, how?: Call): void {
  const start = machine.below(2)
  const height = machine.heightOver(start)
  const [target, args] = machine.popFrom(start)
  machine.pushMade(call(machine, target, args, how), height)
}

/** A call as Python 2 had it for its old classes: the arguments one by one. */
export function makeInstance(machine: Machine, op: typeof INST | typeof OBJ): void {
  const name = op === INST ? named(machine, readLine(machine), readLine(machine)) : undefined
  const start = machine.popMark()
  const height = machine.heightOver(start)
  const args = machine.popFrom(start)
  const target = op === OBJ ? args.shift() : name
  machine.pushMade(call(machine, target, args), height)
}

export function build(machine: Machine): void {
  const start = machine.below(1)
  const target = machine.stack[targetOf(machine, start)]
  const [state] = machine.popFrom(start)
  if (target instanceof Pending) target.build(machine, state)
  else if (target instanceof Dtype) setDtypeState(machine, target, state)
  else if (isKept(target)) target.state = state
  else throw machine.malformed('a state for what has none')
}
