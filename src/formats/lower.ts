/**
 * The mirror of `lift.ts`: what a library read is walked once more, in place, and every part becomes what it stands for.
 * The format recognises its parts; nothing else is looked at twice. Messages without parts are not walked at all.
 */
import { decodeFailure } from '../errors.js'
import { checkLimit, forbidden, type Limits } from '../limits.js'
import type { Registry } from '../registry.js'
import { expectVerified, guarded } from '../value/guard.js'
import { checkKey, countEntries, type KeyBudget } from '../value/keys.js'
import { define, setField } from '../value/properties.js'
import { ViewKind } from '../wire/flags.js'
import { KINDS, viewOn } from '../wire/views.js'
import type { FormatDecodeSettings } from './format.js'
import type { Lifted } from './lifted.js'
import { lowerError } from './lower-error.js'
import { malformed } from './malformed.js'
import type { ViewRecord } from './view-record.js'

type Fields = Record<string, unknown>

/** Stands among the objects met for a value whose parts are still being read. */
const UNBUILT = Symbol('unbuilt')

/** The depth of a decoder at work. */
export interface Nested {
  depth: number
}

/** What the format found in its bytes, for whoever walks what the library made of them. */
export interface Source {
  /** The part that an object stands for, undefined when it is what it is. @throws MALFORMED */
  recognize(object: object): Lifted | undefined
  readonly memory: { view(record: ViewRecord): unknown }
  /** A key that stands for `__proto__`, which libraries rename; undefined when there is none. */
  readonly protoKey: string | undefined
}

export class Lower implements KeyBudget {
  readonly limits: Readonly<Limits>
  readonly pos = 0
  readonly #types: Registry | undefined
  readonly #source: Source
  /** Objects by their number; a gap is one that has not come. */
  readonly #met: unknown[] = []
  entries = 0
  numberKeys = 0
  bigintKeys = 0
  #noBytes: ArrayBuffer | undefined
  /** Where we are, for decoders that a type's `rebuild` starts. */
  readonly #nested: Nested

  constructor(source: Source, { types, limits }: FormatDecodeSettings, nested: Nested) {
    this.#source = source
    this.#types = types
    this.limits = limits
    this.#nested = nested
  }

  /** The value that this stands for: itself, filled in place, or what takes its place. */
  value(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    const part = this.#source.recognize(value)
    return part === undefined ? this.container(value) : this.#part(part, -1)
  }

  container(object: object): object {
    return Array.isArray(object) ? this.elements(object) : this.#fields(this.#renamed(object as Fields))
  }

  elements(array: unknown[]): unknown[] {
    this.#enter()
    for (let i = 0; i < array.length; i++) {
      const element = array[i]
      if (typeof element === 'object' && element !== null) array[i] = this.value(element)
    }
    this.#nested.depth--
    return array
  }

  #fields(object: Fields): Fields {
    this.#enter()
    for (const key of Object.keys(object)) {
      const field = object[key]
      if (typeof field !== 'object' || field === null) continue
      const lowered = this.value(field)
      if (lowered === field) continue
      if (key === '__proto__') define(object, key, lowered, true)
      else object[key] = lowered
    }
    this.#nested.depth--
    return object
  }

  /** An object whose `__proto__` had another name on its way through the library, in the same order. */
  #renamed(object: Fields): Fields {
    const { protoKey } = this.#source
    if (protoKey === undefined || !Object.hasOwn(object, protoKey)) return object
    const renamed: Fields = {}
    for (const [key, field] of Object.entries(object))
      setField(renamed, key === protoKey ? '__proto__' : key, field)
    return renamed
  }

  /** `number` is that of a shared object, which is noted before its parts are read where it can be; else −1. */
  #part(part: Lifted, number: number): unknown {
    if (part.is('shared')) return this.#shared(part.content)
    if (part.is('ref')) return this.#known(part.content)
    if (part.is('custom')) return this.#custom(part.content, number)
    if (part.is('map')) return this.#map(part.content, number)
    if (part.is('set')) return this.#set(part.content, number)
    if (part.is('error')) return lowerError(this, part.content, error => this.#note(number, error))
    return this.#note(number, this.#scalar(part))
  }

  #scalar(part: Lifted): unknown {
    if (part.is('view')) return this.#source.memory.view(part.content as ViewRecord)
    if (part.is('bytes')) return this.#own(part.content)
    if (part.is('date')) return new Date(part.content)
    if (part.is('regexp')) return this.#regexp(part.content)
    return part.content
  }

  #note(number: number, value: unknown): unknown {
    if (number >= 0) this.#met[number] = value
    return value
  }

  #shared([number, inner]: readonly [number: number, value: unknown]): unknown {
    if (this.#met[number] !== undefined) throw malformed(`two objects under number ${number}`)
    this.#met[number] = UNBUILT
    if (typeof inner !== 'object' || inner === null) throw malformed('a number for what is not an object')
    const part = this.#source.recognize(inner)
    if (part?.is('shared') || part?.is('ref')) throw malformed('two numbers for one object')
    if (part !== undefined) return this.#part(part, number)
    const object = Array.isArray(inner) ? inner : this.#renamed(inner as Fields)
    this.#met[number] = object
    return Array.isArray(object) ? this.elements(object) : this.#fields(object)
  }

  #known(number: number): unknown {
    const known = this.#met[number]
    if (known === undefined) throw malformed(`unknown ref ${number}`)
    if (known === UNBUILT) throw malformed('a cycle through a one-step type')
    return known
  }

  #custom([tag, parts]: readonly [tag: string, parts: unknown], number: number): unknown {
    const type = this.#types?.tagged(tag)
    if (type === undefined)
      throw decodeFailure('UNKNOWN_TYPE', `unknown type ${JSON.stringify(tag)}`, { tag })
    expectVerified(type, this.limits)
    this.#enter()
    const { rebuild } = type
    let value: unknown
    if (rebuild === undefined) {
      value = guarded(type, undefined, () => type.create?.())
      this.#note(number, value)
      const lowered = this.value(parts)
      guarded(type, undefined, () => type.fill?.(value as never, lowered as never))
    } else {
      const lowered = this.value(parts)
      value = guarded(type, undefined, () => rebuild(lowered as never))
      this.#note(number, value)
    }
    this.#nested.depth--
    return value
  }

  #map(entries: readonly unknown[], number: number): Map<unknown, unknown> {
    if (entries.length % 2 === 1) throw malformed('a key without a value')
    this.#enter()
    countEntries(this, entries.length / 2)
    const map = new Map<unknown, unknown>()
    this.#note(number, map)
    for (let i = 0; i < entries.length; i += 2) {
      const key = this.value(entries[i])
      checkKey(this, key)
      map.set(key, this.value(entries[i + 1]))
    }
    this.#nested.depth--
    return map
  }

  #set(members: readonly unknown[], number: number): Set<unknown> {
    this.#enter()
    countEntries(this, members.length)
    const set = new Set<unknown>()
    this.#note(number, set)
    for (const member of members) {
      const lowered = this.value(member)
      checkKey(this, lowered)
      set.add(lowered)
    }
    this.#nested.depth--
    return set
  }

  /** A view on a copy of these bytes. */
  #own([kind, bytes]: readonly [kind: number, bytes: Uint8Array]): ArrayBufferView | ArrayBuffer {
    const { length } = bytes
    if (kind === ViewKind.ARRAY_BUFFER) return new Uint8Array(bytes).buffer
    if (length === 0) {
      // One buffer for all: of its own, each would take 190 bytes of ours for one of theirs.
      this.#noBytes ??= new ArrayBuffer(0)
      return viewOn(kind, this.#noBytes, 0, 0)
    }
    const copy = new Uint8Array(length)
    copy.set(bytes)
    return kind === ViewKind.UINT8 ? copy : viewOn(kind, copy.buffer, 0, length / KINDS[kind].size)
  }

  #regexp([source, flags]: readonly [source: string, flags: string]): RegExp {
    if (!this.limits.regexps) throw forbidden('decode', 'regexps')
    try {
      return new RegExp(source, flags)
    } catch (cause) {
      throw malformed('a wrong RegExp', { cause })
    }
  }

  /** Bytes were checked for depth; what counts here is what decoders inside each other add up to. */
  #enter(): void {
    checkLimit('depth', this.limits.depth, ++this.#nested.depth, 0)
  }
}
