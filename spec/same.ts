/**
 * Graph equality: is `copy` what `original` was, as far as `decode(encode(original))` promises?
 *
 *     identity    a bijection between the objects of both graphs: what was shared is shared, what was distinct is distinct
 *     memory      bytes that two views had in common stay in common; where a window lies in its ArrayBuffer is free
 *     own fields  enumerable string keys in order; a getter counts as the value it returns; symbol keys are ignored
 *
 * Breadth first, without recursion: any depth, and the difference nearest to the root is the one reported.
 */

import {
  brandOf,
  byteLengthOf,
  bytesOf,
  isCovering,
  isInBounds,
  isResizable,
  type Memory,
  room,
  slotOf,
  tracksLength,
} from './slots.js'

/** Whether `copy` is equal to `original`; see `difference` for where it is not. */
export function same(original: unknown, copy: unknown): boolean {
  return difference(original, copy) === undefined
}

/**
 * The path and the reason of the first difference, `undefined` when there is none: `$.rows[3].x: wanted -0, got 0`.
 *
 * Symmetric but for one rule. Views that touch in `original` must lie on one ArrayBuffer in `copy`, because they travel
 * as one buffer; views that merely touch in `copy` may be neighbours in a received frame.
 *
 * Whether a view tracks its buffer's length is found by resizing the buffer and resizing it back. A growable
 * SharedArrayBuffer cannot shrink again, so there tracking is not compared. Fields that only a class's own code can
 * reach (`#private`) are not compared either.
 */
export function difference(original: unknown, copy: unknown): string | undefined {
  return new Comparison().run(original, copy)
}

/** One step of a path; paths are linked so that a deep graph does not pay for its strings. */
interface Step {
  readonly name: string
  readonly parent: Step | undefined
}

interface Pair<T extends object = object> {
  readonly a: T
  readonly b: T
  readonly at: Step
}

type Fields = Record<string, unknown>

/** Thrown inside `Comparison` only: the first difference ends the walk. */
class Difference extends Error {}

class Comparison {
  readonly #copies = new Map<object, object>()
  readonly #originals = new Map<object, object>()
  readonly #queue: Pair[] = []
  readonly #views: Pair<ArrayBufferView>[] = []

  run(original: unknown, copy: unknown): string | undefined {
    try {
      this.#meet(original, copy, undefined, '$')
      // The queue grows while it is walked.
      for (const pair of this.#queue) this.#compare(pair)
      this.#compareMemory()
    } catch (error) {
      if (error instanceof Difference) return error.message
      throw error
    }
    return undefined
  }

  #meet(a: unknown, b: unknown, parent: Step | undefined, name: string): void {
    if (!isObject(a) || !isObject(b)) {
      if (!Object.is(a, b)) differ({ name, parent }, `wanted ${show(a)}, got ${show(b)}`)
      return
    }
    const copy = this.#copies.get(a)
    const original = this.#originals.get(b)
    if (copy === b && original === a) return
    const at = { name, parent }
    if (copy !== undefined) differ(at, 'one object became two')
    if (original !== undefined) differ(at, 'two objects became one')
    this.#copies.set(a, b)
    this.#originals.set(b, a)
    this.#queue.push({ a, b, at })
  }

  #compare({ a, b, at }: Pair): void {
    const brand = brandOf(a)
    expect(at, 'kind', brand, brandOf(b))
    if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) {
      differ(at, `prototype: wanted ${className(a)}, got ${className(b)}`)
    }
    if (ArrayBuffer.isView(a)) {
      this.#compareViews(a, b as ArrayBufferView, at)
      return
    }
    this.#compareSlots(brand, a, b, at)
    // In Firefox and Safari a stack that somebody sets is enumerable from then on; it has been compared.
    const isField = (key: string) => brand !== 'Error' || key !== 'stack'
    const keys = Object.keys(a).filter(isField)
    compareKeys(keys, Object.keys(b).filter(isField), at)
    const isArray = brand === 'Array'
    for (const key of keys) {
      this.#meet((a as Fields)[key], (b as Fields)[key], at, isArray ? `[${key}]` : `.${key}`)
    }
  }

  /** What keys do not show: entries, times, bytes. */
  #compareSlots(brand: string, a: object, b: object, at: Step): void {
    switch (brand) {
      case 'Array':
        expect(at, 'length', (a as unknown[]).length, (b as unknown[]).length)
        break
      case 'Map':
        this.#meetAll((a as Map<unknown, unknown>).keys(), (b as Map<unknown, unknown>).keys(), at, 'key')
        this.#meetAll(
          (a as Map<unknown, unknown>).values(),
          (b as Map<unknown, unknown>).values(),
          at,
          'value',
        )
        break
      case 'Set':
        this.#meetAll(a as Set<unknown>, b as Set<unknown>, at, 'entry')
        break
      case 'Date':
        expect(at, 'time', slotOf(brand, a), slotOf(brand, b))
        break
      case 'RegExp':
        for (const field of ['source', 'flags', 'lastIndex'] as const) {
          expect(at, field, (a as RegExp)[field], (b as RegExp)[field])
        }
        break
      case 'Error':
        this.#compareErrors(a as Error, b as Error, at)
        break
      case 'ArrayBuffer':
      case 'SharedArrayBuffer':
        compareBuffers(a as Memory, b as Memory, at)
        break
      case 'Object':
        compareOpaque(a, b, at)
        break
      default:
        expect(at, 'boxed value', slotOf(brand, a), slotOf(brand, b))
    }
  }

  #meetAll(a: Iterable<unknown>, b: Iterable<unknown>, at: Step, what: string): void {
    const wanted = [...a]
    const got = [...b]
    expect(at, 'size', wanted.length, got.length)
    for (let i = 0; i < wanted.length; i++) this.#meet(wanted[i], got[i], at, `<${what} ${i}>`)
  }

  #compareErrors(a: Error, b: Error, at: Step): void {
    expect(at, 'name', a.name, b.name)
    expect(at, 'stack', a.stack, b.stack)
    // Absent and `undefined` differ: `new Error('', { cause: undefined })` has a cause.
    for (const field of ['message', 'cause', 'errors']) {
      expect(at, `has ${field}`, Object.hasOwn(a, field), Object.hasOwn(b, field))
      this.#meet((a as unknown as Fields)[field], (b as unknown as Fields)[field], at, `.${field}`)
    }
  }

  #compareViews(a: ArrayBufferView, b: ArrayBufferView, at: Step): void {
    expect(at, 'byteLength', byteLengthOf(a), byteLengthOf(b))
    expect(at, 'memory', brandOf(a.buffer), brandOf(b.buffer))
    const tracks = tracksLength(a)
    expect(at, 'tracks the length of its buffer', tracks, tracksLength(b))
    if (tracks) expect(at, 'room to grow in bytes', room(a), room(b))
    this.#views.push({ a, b, at })
    if (isCovering(a)) compareBytes(bytesOf(a), bytesOf(b), at)
  }

  #compareMemory(): void {
    for (const { a, b, at } of this.#views) {
      const copy = this.#copies.get(a.buffer)
      if (copy === undefined && !this.#originals.has(b.buffer)) continue
      // The ArrayBuffer itself is in the graph, so its views stay where they were.
      if (copy !== b.buffer) differ(at, 'no longer lies on the same ArrayBuffer')
      if (isInBounds(a)) expect(at, 'byteOffset', a.byteOffset, b.byteOffset)
    }
    const covering = this.#views.filter(({ a }) => isCovering(a))
    compareRuns(covering, 'a', true, 'no longer shares memory with')
    compareRuns(covering, 'b', false, 'came to share memory with')
  }
}

function differ(at: Step, reason: string): never {
  throw new Difference(`${render(at)}: ${reason}`)
}

function expect(at: Step, what: string, wanted: unknown, got: unknown): void {
  if (!Object.is(wanted, got)) differ(at, `${what}: wanted ${show(wanted)}, got ${show(got)}`)
}

function compareKeys(wanted: string[], got: string[], at: Step): void {
  const length = Math.max(wanted.length, got.length)
  for (let i = 0; i < length; i++) {
    if (wanted[i] !== got[i]) expect(at, `key ${i} of ${wanted.length}`, wanted[i], got[i])
  }
}

function compareBuffers(a: Memory, b: Memory, at: Step): void {
  expect(at, 'byteLength', a.byteLength, b.byteLength)
  expect(at, 'resizable', isResizable(a), isResizable(b))
  expect(at, 'maxByteLength', a.maxByteLength, b.maxByteLength)
  compareBytes(new Uint8Array(a), new Uint8Array(b), at)
}

function compareBytes(a: Uint8Array, b: Uint8Array, at: Step): void {
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) expect(at, `byte ${i}`, a[i], b[i])
  }
}

/** Platform objects keep their state where no key shows it. */
function compareOpaque(a: object, b: object, at: Step): void {
  const prototype = Object.getPrototypeOf(a)
  // Not the object's own: symbol keys are ignored.
  const tag: unknown = prototype === null ? undefined : Reflect.get(prototype, Symbol.toStringTag, a)
  if (tag === 'URL') {
    expect(at, 'href', (a as URL).href, (b as URL).href)
  } else if (tag === 'URLSearchParams' || tag === 'Headers') {
    const [wanted, got] = [a, b].map(entries => JSON.stringify([...(entries as Headers)]))
    expect(at, 'entries', wanted, got)
  } else if (tag !== undefined && a !== b && Object.keys(a).length === 0) {
    differ(at, `a ${tag} can only be compared to itself`)
  }
}

/** The views of one run on one side (they overlap, or touch) lie on one ArrayBuffer of the other, shifted alike. */
function compareRuns(views: Pair<ArrayBufferView>[], side: 'a' | 'b', touching: boolean, what: string): void {
  for (const onOneBuffer of groupBy(views, pair => pair[side].buffer)) {
    onOneBuffer.sort((x, y) => x[side].byteOffset - y[side].byteOffset)
    let first = onOneBuffer[0]!
    let end = 0
    for (const pair of onOneBuffer) {
      const { byteOffset, byteLength } = pair[side]
      const joins = touching ? byteOffset <= end : byteOffset < end
      if (pair === first || !joins) first = pair
      else if (!isShiftedAlike(first, pair)) differ(pair.at, `${what} ${render(first.at)}`)
      end = Math.max(end, byteOffset + byteLength)
    }
  }
}

function isShiftedAlike(p: Pair<ArrayBufferView>, q: Pair<ArrayBufferView>): boolean {
  return (
    p.a.buffer === q.a.buffer &&
    p.b.buffer === q.b.buffer &&
    p.b.byteOffset - p.a.byteOffset === q.b.byteOffset - q.a.byteOffset
  )
}

function groupBy<T, K>(items: T[], keyOf: (item: T) => K): Iterable<T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups.values()
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function className(value: object): string {
  const prototype = Object.getPrototypeOf(value)
  return prototype === null ? 'null' : String(prototype.constructor?.name ?? 'an anonymous class')
}

function show(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  }
  if (typeof value === 'bigint') return `${value}n`
  if (Object.is(value, -0)) return '-0'
  return isObject(value) ? brandOf(value) : String(value)
}

function render(at: Step): string {
  const names: string[] = []
  for (let step: Step | undefined = at; step; step = step.parent) names.push(step.name)
  names.reverse()
  if (names.length > 40) names.splice(20, names.length - 40, ` … ${names.length - 40} more … `)
  return names.join('')
}
