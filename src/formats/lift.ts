/**
 * Out of a value goes what a metadata library cannot say, in come parts (`lifted.ts`); the rest is handed to the library
 * as it is. A container is copied only when something under it was lifted, so plain data costs one reading.
 *
 * What is returned holds text, numbers, booleans, null, undefined, BigInts, arrays, objects that are written by their own
 * enumerable keys, and parts, nothing else, and no object twice. An object that is met twice is known only when it is met
 * again; then the value is read once more, with numbers for those objects (`reduce` is not called again, getters are).
 */
import { isOutOfBand, isReadonly } from '../out-of-band.js'
import type { CustomType } from '../registry.js'
import { builtinOf, expectNothingBeside, fieldsOf, isBare } from '../value/builtins.js'
import { expectSendable } from '../value/guard.js'
import { placed } from '../value/place.js'
import { define, lengthOf } from '../value/properties.js'
import { chosenRuns } from '../value/runs.js'
import { explained, type Step, stopped, traced } from '../value/trace.js'
import { type Run, Views } from '../value/views.js'
import { type FormatEncodeSettings, IDLE } from './format.js'
import { LIFTS } from './lift-builtins.js'
import { Lifted } from './lifted.js'
import { copyOf, expectDense } from './plain-array.js'
import { Repeats } from './repeats.js'
import { makeRecords, type SentView, sentView } from './view-record.js'

type Fields = Record<string, unknown>

/** A value made ready for a library, and the runs that go out of band: on the caller's memory (borrow). */
export interface LiftedValue {
  readonly tree: unknown
  readonly runs: readonly Run[]
}

const NO_RUNS: readonly Run[] = []
const { getPrototypeOf } = Object

export class Lift extends Repeats {
  isBusy = false
  readonly views = new Views()
  #sent: SentView[] = []
  /** What `reduce` gave, by value. */
  readonly #reduced = new Map<unknown, unknown>()
  #safeUnits = 0
  #isPolluted = false

  /** @throws UNSUPPORTED, DETACHED, LIMIT, each with its path */
  run(value: unknown, settings: FormatEncodeSettings, ownKinds: ReadonlySet<number>): LiftedValue {
    this.isBusy = true
    try {
      let tree = this.first(value, settings)
      if (this.hasRepeats) {
        this.views.clear()
        this.#sent = []
        this.isSecond = true
        tree = this.#read(value)
      }
      if (this.#sent.length === 0) return { tree, runs: NO_RUNS }
      const runs = chosenRuns(this.views, settings)
      makeRecords(this.#sent, settings.copyShared, ownKinds)
      return { tree, runs: runs.filter(({ isOutOfBand }) => isOutOfBand) }
    } catch (error) {
      throw located(error, value, settings)
    } finally {
      // First: when the caller's own stack is about to overflow, the next line may throw.
      this.isBusy = false
      this.#end()
    }
  }

  /** Reads the value once. */
  first(value: unknown, settings: FormatEncodeSettings): unknown {
    this.settings = settings
    this.#safeUnits = Math.floor(settings.limits.stringBytes / 3)
    this.#isPolluted = false
    for (const _ in {}) this.#isPolluted = true
    return this.#read(value)
  }

  #read(value: unknown): unknown {
    this.begin()
    return this.value(value)
  }

  #end(): void {
    this.views.clear()
    this.#sent = []
    this.forget()
    this.settings = IDLE
    if (this.#reduced.size > 0) this.#reduced.clear()
  }

  /** The value as the library may have it: itself, a copy with parts in it, or a part. */
  value(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        if (value.length > this.#safeUnits) this.checkText(value)
        return value
      case 'number':
        return value === 0 && 1 / value < 0 ? new Lifted('zero', undefined) : value
      case 'boolean':
      case 'undefined':
        return value
      case 'bigint':
        return this.bigint(value)
      case 'object':
        return value === null ? null : this.#object(value)
    }
    const type = this.settings.types?.typeOf(value as object | symbol)
    if (type === undefined) throw stopped('UNSUPPORTED', `a ${typeof value} cannot travel`)
    return this.identified(value as object, () => this.#custom(value, type))
  }

  #object(object: object): unknown {
    const type = this.settings.types?.typeOf(object)
    if (type !== undefined) return this.identified(object, () => this.#custom(object, type))
    if (Array.isArray(object)) return this.#array(object)
    if (ArrayBuffer.isView(object)) return this.#view(object, false, isReadonly(object))
    if (getPrototypeOf(object) === Object.prototype) return this.#plain(object as Fields)
    if (isOutOfBand(object)) return this.#view(object.view, true, object.readonly)
    // No frame more than it takes: the stack ends before the limit of 1000 where each level has eight.
    if (this.settings.references) {
      if (this.isSecond) return this.numbered(object, () => this.#special(object))
      if (this.isRepeated(object)) return object
    }
    return this.#special(object)
  }

  #special(object: object): unknown {
    const { host, strict } = this.settings
    if (host?.is?.(object)) return this.#custom(object, host)
    if (isBare(object)) {
      if (strict) throw stopped('UNSUPPORTED', 'in strict mode a null prototype cannot travel in this format')
      return this.record(object, Object.keys(object))
    }
    const builtin = builtinOf(object)
    const { name, kind } = builtin
    if (kind !== undefined) {
      if (strict) expectNothingBeside(object, builtin)
      return LIFTS[kind](this, object as never)
    }
    return this.record(object, fieldsOf(object, name, strict))
  }

  #array(array: readonly unknown[]): unknown {
    if (!this.settings.references) return this.#elements(array)
    if (this.isSecond) return this.numbered(array, () => this.#elements(array))
    return this.isRepeatedArray(array) ? array : this.#elements(array)
  }

  #elements(array: readonly unknown[]): unknown {
    const length = lengthOf(array)
    this.enter(length)
    if (this.settings.strict) expectDense(array)
    // A library may ask for the class, or for methods that a subclass changes.
    let copy = array.constructor === Array ? undefined : copyOf(array, length)
    const safeUnits = this.#safeUnits
    let i = 0
    try {
      for (; i < length; i++) {
        const element = array[i]
        if (typeof element === 'number' ? element !== 0 : typeof element === 'boolean') continue
        if (typeof element === 'string' && element.length <= safeUnits) continue
        const lifted = this.value(element)
        if (lifted === element) continue
        copy ??= copyOf(array, length)
        copy[i] = lifted
      }
    } catch (error) {
      throw traced(error, i)
    }
    this.leave()
    if (copy !== undefined) return copy
    // The library goes by the length that it reads itself: a Proxy's could be 2**32 by then.
    const now = lengthOf(array)
    if (now !== length) throw stopped('UNSUPPORTED', `an array of ${length} elements that now has ${now}`)
    return array
  }

  #plain(object: Fields): unknown {
    if (!this.settings.references) return this.#fields(object)
    if (this.isSecond) return this.numbered(object, () => this.#fields(object))
    return this.isRepeated(object) ? object : this.#fields(object)
  }

  #fields(object: Fields): unknown {
    // Libraries take an object for what its `constructor` says, and a field of that name is one: a copy has no other.
    if (this.#isPolluted || object.constructor !== Object) return this.record(object, Object.keys(object))
    this.descend()
    let copy: Fields | undefined
    let count = 0
    const safeUnits = this.#safeUnits
    let key = ''
    try {
      for (key in object) {
        count++
        if (key.length > safeUnits) this.checkText(key)
        const field = object[key]
        if (typeof field === 'number' ? field !== 0 : typeof field === 'boolean') continue
        if (typeof field === 'string' && field.length <= safeUnits) continue
        const lifted = this.value(field)
        if (lifted === field) continue
        // Its getters are called again; what they gave this time is put over what they give then.
        copy ??= { ...object }
        copy[key] = lifted
      }
    } catch (error) {
      throw traced(error, key)
    }
    this.count(count)
    this.leave()
    return copy ?? object
  }

  /** A plain object of these own properties. */
  record(object: object, keys: readonly string[]): Fields {
    this.enter(keys.length)
    const copy: Fields = {}
    let key = ''
    try {
      for (key of keys) {
        if (key.length > this.#safeUnits) this.checkText(key)
        const lifted = this.value((object as Fields)[key])
        if (key === '__proto__') define(copy, key, lifted, true)
        else copy[key] = lifted
      }
    } catch (error) {
      throw traced(error, key)
    }
    this.leave()
    return copy
  }

  /** A value at a place that is no property. */
  at(step: Step, value: unknown): unknown {
    try {
      return this.value(value)
    } catch (error) {
      throw traced(error, step)
    }
  }

  #custom(value: unknown, type: CustomType): Lifted {
    expectSendable(type, this.settings.limits)
    const isWhole = type.rebuild !== undefined
    if (isWhole) this.unbuilt.push(value)
    const isKnown = this.#reduced.has(value)
    const parts = isKnown ? this.#reduced.get(value) : type.reduce(value)
    if (!isKnown && this.settings.references) this.#reduced.set(value, parts)
    this.enter(3)
    const lifted = this.at({ within: type.tag }, parts)
    this.leave()
    if (isWhole) this.unbuilt.pop()
    return new Lifted('custom', [type.tag, lifted])
  }

  #view(view: ArrayBufferView, isForced: boolean, readonly: boolean): unknown {
    const part = this.identified(view, () => this.#entry(view, isForced, readonly))
    // The wish of a wrapper belongs to the view wherever it stands.
    if (isForced || readonly) this.views.wish(view, isForced, readonly)
    return part
  }

  #entry(view: ArrayBufferView, isForced: boolean, readonly: boolean): Lifted {
    this.views.addView(view, isForced, readonly)
    return this.#lastEntry()
  }

  buffer(buffer: ArrayBufferLike): Lifted {
    this.views.addBuffer(buffer)
    return this.#lastEntry()
  }

  #lastEntry(): Lifted {
    const { entries } = this.views
    const sent = sentView(entries[entries.length - 1])
    this.#sent.push(sent)
    return new Lifted('view', sent)
  }
}

/**
 * The error with its place in the value. Apart: what a closure captures costs the function around it memory at each call, even where
 * it is not made.
 */
export function located(error: unknown, value: unknown, settings: FormatEncodeSettings): unknown {
  return explained(placed(error, settings.types, types => new Lift().first(value, { ...settings, types })))
}

let kept: Lift | undefined

/**
 * Lifts a value; one that a getter or `reduce` lifts meanwhile gets a lift of its own. `ownKinds`: kinds of views that the
 * format has a way of its own for, in band.
 */
export function lift(
  value: unknown,
  settings: FormatEncodeSettings,
  ownKinds: ReadonlySet<number>,
): LiftedValue {
  kept ??= new Lift()
  return (kept.isBusy ? new Lift() : kept).run(value, settings, ownKinds)
}
