/**
 * Dicts. Python makes one empty and fills it, so that it may be part of itself; here it is an object or a Map as its keys
 * have it, which shows when they come. Until something else takes hold of it an object can still become a Map.
 */
import { checkKey, countEntries } from '../../../value/keys.js'
import { define } from '../../../value/properties.js'
import { isIndex } from '../../../wire/shapes.js'
import { type Machine, Pending } from './machine.js'

/** Indices up to here are stored as in an array, and V8 makes room for all below one. */
const DENSE = 16
const ObjectPrototype = Object.prototype

/** Something has hold of it: it stays an object if it is one. */
const TAKEN = 1
/** It has elements in a dictionary. */
const SPARSE = 2

type Made = Map<unknown, unknown> | Record<string, unknown>

export class PendingDict extends Pending {
  #made: Made | undefined
  /** Bits in one number: a pickle may be a million of these, and every field of them eight bytes. */
  #flags = 0

  /** Where all are Maps each is counted here, by its own byte, not when many of them are made at once. */
  constructor(machine: Machine) {
    super()
    if (machine.options.isMapAlways) machine.newSet()
  }

  override resolve(machine: Machine): Made {
    this.#flags |= TAKEN
    this.#made ??= machine.options.isMapAlways ? new Map() : {}
    return this.#made
  }

  override update(machine: Machine, start: number): void {
    const { size } = machine
    if ((size - start) % 2 !== 0) throw machine.malformed('a key without a value')
    const isMap = machine.options.isMapAlways || !areStrings(machine.stack, start, size)
    if (this.#made === undefined) this.#made = isMap ? this.#newMap(machine) : {}
    else if (isMap && !(this.#made instanceof Map)) this.#made = this.#turned(machine)
    if (this.#made instanceof Map) return setEntries(machine, this.#made, start)
    machine.count(size - start)
    for (let i = start; i < size; i += 2) this.#set(machine.stack[i] as string, machine.valueAt(i + 1))
  }

  /** A Map that was not counted when the dict began. */
  #newMap(machine: Machine): Map<unknown, unknown> {
    if (!machine.options.isMapAlways) machine.newSet()
    return new Map()
  }

  #turned(machine: Machine): Map<unknown, unknown> {
    if (this.#flags & TAKEN) {
      throw machine.failed(
        'UNSUPPORTED',
        "a dict in itself with a key that is no string; wanted dicts: 'map'",
      )
    }
    const map = this.#newMap(machine)
    for (const [key, value] of Object.entries(this.#made as object)) {
      checkKey(machine, key)
      map.set(key, value)
    }
    return map
  }

  /** Sets an own property, whatever its name: `__proto__` is a key like any other. */
  #set(key: string, value: unknown): void {
    const object = this.#made as Record<string, unknown>
    if (key in ObjectPrototype) return define(object, key, value, true)
    if (!(this.#flags & SPARSE) && isIndex(key) && Number(key) > DENSE) {
      this.#flags |= SPARSE
      // A read-only element makes V8 keep the elements in a dictionary instead of up to 12 KiB of empty slots.
      Object.defineProperty(object, key, { configurable: true, enumerable: true })
      return define(object, key, value, true)
    }
    object[key] = value
  }
}

/** Whether it is what a dict has become. */
export function isDict(value: unknown): value is Made {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof Map || Object.getPrototypeOf(value) === Object.prototype
}

/** What is in a dict, copied; each entry counts for so many values. */
export function entriesOf(machine: Machine, dict: Made, units: number): [key: unknown, value: unknown][] {
  const entries = dict instanceof Map ? [...dict] : Object.entries(dict)
  machine.copy(entries.length * units)
  return entries
}

function areStrings(stack: readonly unknown[], start: number, end: number): boolean {
  for (let i = start; i < end; i += 2) if (typeof stack[i] !== 'string') return false
  return true
}

/** Sets the pairs of the stack from a place on. */
export function setEntries(machine: Machine, map: Map<unknown, unknown>, start: number): void {
  const { size } = machine
  machine.count(size - start)
  countEntries(machine, (size - start) / 2)
  for (let i = start; i < size; i += 2) {
    const key = machine.valueAt(i)
    checkKey(machine, key)
    map.set(key, machine.valueAt(i + 1))
  }
}

/** The pairs of the stack from a place on, for who keeps them, or makes a table of them: keys count as those of a Map. */
export function pairsFrom(machine: Machine, start: number): [key: unknown, value: unknown][] {
  const { size } = machine
  machine.count(size - start)
  const pairs: [unknown, unknown][] = []
  for (let i = start; i < size; i += 2) {
    const key = machine.valueAt(i)
    checkKey(machine, key)
    pairs.push([key, machine.valueAt(i + 1)])
  }
  return pairs
}

/** Adds members to a set. */
export function addMembers(machine: Machine, set: Set<unknown>, members: readonly unknown[]): void {
  machine.count(members.length)
  countEntries(machine, members.length)
  for (const member of members) {
    checkKey(machine, member)
    set.add(member)
  }
}

export function newSet(machine: Machine): Set<unknown> {
  machine.newSet()
  return new Set()
}
