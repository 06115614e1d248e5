/** Registries: passed as an option, immutable, and strict about what they are made of. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Box, box, Point, point } from '../fixtures/classes.js'
import { Codec, type CustomType, decode, defineType, encode, registry } from '../src/index.js'
import { refused, thrown } from './thrown.js'

const one = { class: Box, tag: 'box', reduce: () => 0 }
/** A type that only says its name and that it took the value. */
const taking = (tag: string): CustomType =>
  defineType<unknown, unknown>({ class: Point, tag, reduce: () => 0, rebuild: () => tag })
const asking = (tag: string): CustomType =>
  defineType<unknown, unknown>({
    is: value => value instanceof Point,
    tag,
    reduce: () => 0,
    rebuild: () => tag,
  })

const registries = suite('types: registries')

registries('types are those of the call, else of the codec, and of no other', () => {
  const value = new Point(1, 2)
  const typed = new Codec({ types: registry(point) })
  const plain = new Codec()
  assert.instance(typed.decode(typed.encode(value)), Point)
  assert.not.instance(plain.decode(plain.encode(value)), Point)
  refused(() => plain.decode(typed.encode(value)), 'UNKNOWN_TYPE', { tag: 'point' })
  const other = registry(taking('other'))
  assert.is(typed.decode(typed.encode(value, { types: other }), { types: other }), 'other')
  assert.instance(typed.decode(typed.encode(value)), Point)
  assert.not.instance(decode(encode(value)), Point)
})

registries('one tag may mean different things to two codecs', () => {
  const a = new Codec({ types: registry(taking('same')) })
  const b = new Codec({ types: registry(defineType({ ...one, tag: 'same', rebuild: () => new Box() })) })
  assert.instance(b.decode(a.encode(new Point(1, 2))), Box)
  assert.is(a.decode(b.encode(new Box())), 'same')
})

registries('a registry and a type do not change', () => {
  const list: CustomType[] = [point]
  const types = registry(...list)
  list.push(box)
  assert.not.instance(decode(encode(new Box(1), { types }), { types }), Box)
  for (const frozen of [types, types.types, point]) {
    assert.ok(Object.isFrozen(frozen))
    assert.instance(
      thrown(() => Object.assign(frozen, { tag: 'changed', length: 0 })),
      TypeError,
    )
  }
})

registries('a predicate is asked of arrays wherever they are, of arrays of numbers too', () => {
  const pair = defineType({
    is: value => Array.isArray(value) && value.length === 2,
    tag: 'pair',
    reduce: ([a, b]: [unknown, unknown]) => ({ a, b }),
    rebuild: ({ a, b }) => ({ b, a }) as never,
  })
  const types = registry(pair)
  for (const [a, b] of [
    [1, 2],
    ['a', ['b', 'c', 'd']],
  ]) {
    const rebuilt = { b, a }
    assert.equal(decode(encode([a, b], { types }), { types }), rebuilt)
    assert.equal(decode(encode([[a, b]], { types }), { types }), [rebuilt])
    assert.equal(decode(encode([[1], [a, b], [[a, b]]], { types }), { types }), [[1], rebuilt, [rebuilt]])
    assert.equal(decode(encode({ at: [a, b] }, { types }), { types }), { at: rebuilt })
  }
})

registries('a tag or a class twice is a TypeError', () => {
  assert.instance(
    thrown(() => registry(point, point)),
    TypeError,
  )
  assert.instance(
    thrown(() => registry(taking('a'), asking('a'))),
    TypeError,
  )
  assert.instance(
    thrown(() => registry(taking('a'), taking('b'))),
    TypeError,
  )
  assert.not.throws(() => registry(asking('a'), asking('b')))
})

const wrong: [name: string, definition: object][] = [
  ['no tag', { class: Box, reduce: () => 0, rebuild: () => 0 }],
  ['an empty tag', { ...one, tag: '', rebuild: () => 0 }],
  ['a tag that is no string', { ...one, tag: Symbol('a'), rebuild: () => 0 }],
  ['neither class nor predicate', { tag: 'a', reduce: () => 0, rebuild: () => 0 }],
  ['class and predicate', { ...one, is: () => true, rebuild: () => 0 }],
  ['a class that is none', { ...one, class: {}, rebuild: () => 0 }],
  ['a function that makes no instances for a class', { ...one, class: () => 1, rebuild: () => 0 }],
  ['no reduce', { class: Box, tag: 'a', rebuild: () => 0 }],
  ['no rebuild', one],
  ['create without fill', { ...one, create: () => 0 }],
  ['fill without create', { ...one, fill: () => 0 }],
  ['rebuild and create', { ...one, rebuild: () => 0, create: () => 0 }],
  ['rebuild and fill', { ...one, rebuild: () => 0, fill: () => 0 }],
  ['rebuild and create and fill', { ...one, rebuild: () => 0, create: () => 0, fill: () => 0 }],
]
for (const [name, definition] of wrong) {
  registries(`a definition with ${name} is a TypeError`, () => {
    assert.instance(
      thrown(() => defineType(definition as never)),
      TypeError,
    )
  })
}

registries.run()
