/** Custom types at run time: which one takes a value, what its parts may be, identity, cycles, failures. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Box, box, Point, point } from '../fixtures/classes.js'
import {
  Codec,
  type CustomType,
  decode,
  defineType,
  encode,
  isReadonly,
  outOfBand,
  type Registry,
  registry,
} from '../src/index.js'
import { difference } from './same.js'
import { refused } from './thrown.js'

/** As zod's errors are of their class: by a mark, not by a prototype. */
class Kind {
  kind = 'x'
  static [Symbol.hasInstance](value: unknown): boolean {
    return (value as { kind?: string } | null)?.kind === 'x'
  }
}

class Point3 extends Point {
  constructor(
    x: number,
    y: number,
    readonly z: number,
  ) {
    super(x, y)
  }
}

/** Created, then filled: its content may refer back to it. */
const openBox = defineType({
  class: Box,
  tag: 'box',
  reduce: ({ content }) => ({ content }),
  create: () => new Box(),
  fill: (target, { content }) => {
    target.content = content
  },
})

const roundTrip = <T>(value: T, types: Registry): T => decode<T>(encode(value, { types }), { types })
/** A type that only says its name and that it took the value. */
const taking = (
  tag: string,
  selector: { class: typeof Point } | { is: (value: unknown) => boolean },
): CustomType =>
  defineType<unknown, unknown>({
    ...(selector as { is: () => boolean }),
    tag,
    reduce: () => 0,
    rebuild: () => tag,
  })

const selection = suite('types: which one')

const isPoint = { is: (value: unknown) => value instanceof Point }
const choices: [name: string, value: unknown, types: CustomType[], wanted: string][] = [
  ['a class', new Point(1, 2), [taking('own', { class: Point })], 'own'],
  ['a predicate', new Point(1, 2), [taking('is', isPoint)], 'is'],
  [
    'its own class before a predicate',
    new Point(1, 2),
    [taking('is', isPoint), taking('own', { class: Point })],
    'own',
  ],
  ['the first predicate of several', new Point(1, 2), [taking('a', isPoint), taking('b', isPoint)], 'a'],
  [
    'a predicate before a base class',
    new Point3(1, 2, 3),
    [taking('base', { class: Point }), taking('is', isPoint)],
    'is',
  ],
  ['a base class', new Point3(1, 2, 3), [taking('base', { class: Point })], 'base'],
  [
    'the nearest base class',
    new (class extends Point3 {})(1, 2, 3),
    [taking('far', { class: Point }), taking('near', { class: Point3 as never })],
    'near',
  ],
  [
    'a plain object, by a predicate',
    { kind: 'x' },
    [taking('x', { is: v => (v as { kind?: string }).kind === 'x' })],
    'x',
  ],
  ['an array, by a predicate', [1, 2], [taking('list', { is: Array.isArray })], 'list'],
  [
    'a null-prototype object, by a predicate',
    Object.create(null),
    [taking('any', { is: () => true })],
    'any',
  ],
  ['a function, by a predicate', () => 1, [taking('fn', { is: v => typeof v === 'function' })], 'fn'],
  ['a symbol, by a predicate', Symbol('a'), [taking('symbol', { is: v => typeof v === 'symbol' })], 'symbol'],
  [
    'a class that says itself what its instances are',
    { kind: 'x' },
    [taking('own', { class: Kind as never })],
    'own',
  ],
  ['a built-in class', new URL('a:b'), [taking('url', { class: URL as never })], 'url'],
  ['a class over the built-in way', new Date(0), [taking('date', { class: Date as never })], 'date'],
  ['an error class', new RangeError('a'), [taking('error', { class: RangeError as never })], 'error'],
  ['a view, by class', new Uint8Array(2), [taking('bytes', { class: Uint8Array as never })], 'bytes'],
]
for (const [name, value, list, wanted] of choices) {
  selection(name, () => {
    const types = registry(...list)
    assert.is(decode(encode(value, { types }), { types }), wanted)
    const isTakenToo = list.some(({ is }) => is?.([]) || is?.({}))
    if (isTakenToo) return
    const around = roundTrip<unknown>([value, { a: value }], types)
    assert.is(difference([wanted, { a: wanted }], around), undefined)
  })
}

selection('a predicate is not asked about primitives', () => {
  const asked: unknown[] = []
  const types = registry(taking('any', { is: value => asked.push(value) === 0 }))
  encode(['a', 1, 1n, null, undefined, true, { a: 'b' }], { types })
  assert.ok(asked.every(value => typeof value === 'object' && value !== null))
})

selection('what no type takes travels as ever', () => {
  const types = registry(point, taking('never', { is: () => false }))
  const value = [new Date(0), { a: [1, 'b'] }, new Map([[1, new Set([2])]]), new Uint8Array(5000)]
  assert.is(difference(value, roundTrip(value, types)), undefined)
})

selection.run()

const parts = suite('types: parts')

const contents: [name: string, make: () => unknown][] = [
  ['nothing', () => undefined],
  ['a primitive', () => -0],
  ['an object', () => ({ a: [1, { b: 'c' }] })],
  ['a Map with objects for keys', () => new Map([[{ a: 1 }, new Set([1])]])],
  ['a view', () => Float64Array.from({ length: 1000 }, (_, i) => i)],
  [
    'views on one ArrayBuffer',
    () => {
      const memory = new Uint8Array(5000)
      return [memory.subarray(10, 20), memory.subarray(15, 30), memory]
    },
  ],
  ['another custom value', () => new Point(1, 2)],
  ['custom values in custom values', () => new Box([new Box({ deep: new Box(new Point(1, 2)) })])],
  ['an error', () => Object.assign(new TypeError('a'), { stack: 'at x', code: 1 })],
]
for (const [name, make] of contents) {
  parts(name, () => {
    for (const boxType of [box, openBox]) {
      const types = registry(boxType, point)
      for (const threshold of [0, 4096, Number.POSITIVE_INFINITY]) {
        const codec = new Codec({ types, threshold })
        const value = { list: [new Box(make()), new Box(make())], last: new Box(make()) }
        for (let round = 0; round < 20; round++) {
          assert.is(difference(value, codec.decode(codec.encode(value))), undefined)
        }
      }
    }
  })
}

parts('a wrapped view in parts goes out of band and arrives bare', () => {
  const type = defineType({
    class: Box,
    tag: 'box',
    reduce: ({ content }) => ({ view: outOfBand(content as Uint8Array, { readonly: true }) as unknown }),
    rebuild: ({ view }) => new Box(view),
  })
  const types = registry(type)
  const sent = new Box(Uint8Array.of(1, 2))
  const packet = encode(sent, { types })
  assert.is(packet.buffers.length, 1)
  const copy = decode<Box>(packet, { types })
  assert.is(difference(sent, copy), undefined)
  assert.ok(isReadonly(copy.content as Uint8Array))
})

parts('reduce is called once for a value met many times, with its object and no other argument', () => {
  const calls: unknown[][] = []
  const type = defineType({
    class: Box,
    tag: 'box',
    reduce: (...args: [Box]) => {
      calls.push(args)
      return 0
    },
    rebuild: () => new Box(),
  })
  const value = new Box()
  encode([value, { value }, new Set([value])], { types: registry(type) })
  assert.is(calls.length, 1)
  assert.is(calls[0]!.length, 1)
  assert.is(calls[0]![0], value)
})

parts('a value that travels inside its own kind of wrapper is not reduced again', () => {
  const type = defineType({
    is: value => value instanceof Map,
    tag: 'entries',
    reduce: (map: Map<unknown, unknown>) => [...map],
    rebuild: entries => new Map(entries),
  })
  const value = new Map([[1, new Map([[2, 3]])]])
  assert.is(difference(value, roundTrip(value, registry(type))), undefined)
})

parts.run()

const identity = suite('types: identity and cycles')

for (const [steps, boxType] of [
  ['one step', box],
  ['two steps', openBox],
] as const) {
  const types = registry(boxType, point)

  identity(`${steps}: the same object stays the same`, () => {
    const shared = new Box(new Point(1, 2))
    const value = { first: shared, list: [shared, shared.content], box: new Box(shared) }
    const copy = roundTrip(value, types)
    assert.is(difference(value, copy), undefined)
    assert.is(copy.first, copy.list[0])
    assert.is(copy.first.content, copy.list[1])
  })

  identity(`${steps}: objects around and inside keep theirs`, () => {
    const shared = { a: 1 }
    const view = new Uint8Array(8)
    const value = [shared, new Box([shared, view]), view, new Box(shared), [1, 2], new Box([1, 2])]
    assert.is(difference(value, roundTrip(value, types)), undefined)
  })

  identity(`${steps}: with references off, the same object becomes two`, () => {
    const shared = new Box(1)
    const [first, second] = decode<Box[]>(encode([shared, shared], { types, references: false }), { types })
    assert.is.not(first, second)
  })
}

identity('two steps: a cycle through the value', () => {
  const types = registry(openBox)
  const own = new Box()
  own.content = own
  const far = new Box()
  far.content = { list: [1, new Map([['box', far]])], other: own }
  const pair = [new Box(), new Box()]
  pair[0]!.content = pair[1]
  pair[1]!.content = [pair[0], pair]
  for (const value of [own, [own], far, pair])
    assert.is(difference(value, roundTrip(value, types)), undefined)
})

identity('one step: a cycle through the value is refused with its path', () => {
  const types = registry(box)
  const own = new Box()
  own.content = own
  const far = new Box()
  far.content = { list: [1, far] }
  const names = [own, { a: [far] }].map(value => refused(() => encode(value, { types }), 'UNSUPPORTED').path)
  assert.equal(names, ['value<box>', 'value.a[0]<box>.list[1]'])
})

identity('one step: a cycle that only passes by is kept', () => {
  const types = registry(box)
  const root: Record<string, unknown> = {}
  root.box = new Box({ up: [1] })
  root.self = root
  assert.is(difference(root, roundTrip(root, types)), undefined)
  const outer: Record<string, unknown> = {}
  outer.box = new Box(outer)
  assert.is(difference(outer, roundTrip(outer, types)), undefined)
})

identity('create and fill run in that order, around the parts', () => {
  const order: string[] = []
  const type = defineType({
    class: Box,
    tag: 'box',
    reduce: ({ content }) => content,
    create: () => {
      order.push('create')
      return new Box()
    },
    fill: (target, content) => {
      order.push('fill')
      target.content = content
    },
  })
  roundTrip(new Box(new Box()), registry(type))
  assert.equal(order, ['create', 'create', 'fill', 'fill'])
})

identity.run()
