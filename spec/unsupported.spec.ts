import { MessageChannel } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Codec, decode, encode } from '../src/index.js'
import { difference, same } from './same.js'
import { refused } from './thrown.js'

class Point {
  x = 1
}
class Empty {}
class Registers extends Map<unknown, unknown> {
  bits = 8
}
class Rows extends Array<unknown> {}

function* steps(): Generator {
  yield 1
}
async function* asyncSteps(): AsyncGenerator {
  yield 1
}

/** What has no meaning away from where it was made. Silence would lose it; structured clone throws too. */
const kinds: [name: string, value: unknown][] = [
  ['a function', () => 1],
  ['an async function', async () => 1],
  ['a class', Point],
  ['a Proxy around a function', new Proxy(() => 1, {})],
  ['a symbol', Symbol('a')],
  ['a registered symbol', Symbol.for('a')],
  ['a well-known symbol', Symbol.iterator],
  ['a boxed symbol', Object(Symbol('a'))],
  ['a promise', Promise.resolve(1)],
  ['a WeakMap', new WeakMap()],
  ['a WeakSet', new WeakSet()],
  ['a WeakRef', new WeakRef({})],
  ['a FinalizationRegistry', new FinalizationRegistry(() => {})],
  ['a generator', steps()],
  ['an async generator', asyncSteps()],
  ['an iterator of an array', [1].values()],
  ['an iterator of a Map', new Map().entries()],
  ['a URL without a custom type', new URL('a:b')],
  ['URLSearchParams without a custom type', new URLSearchParams('a=1')],
  ['a Blob', new Blob(['a'])],
  ['an Intl.NumberFormat', new Intl.NumberFormat()],
  ['an AbortSignal', AbortSignal.abort()],
  ['a Proxy around a Map', new Proxy(new Map([[1, 2]]), {})],
  ['a Proxy around a Set', new Proxy(new Set([1]), {})],
  ['a Proxy around a date', new Proxy(new Date(), {})],
  ['a Proxy around an ArrayBuffer', new Proxy(new ArrayBuffer(1), {})],
  ['an object that claims to be a Map', Object.create(Map.prototype)],
]

const inside = <T extends object>(target: T, fields: object): T => Object.assign(target, fields)

/** Where it may hide, and how the error says so. */
const places: [name: string, wrap: (value: unknown) => unknown, path: string][] = [
  ['at the root', value => value, 'value'],
  ['under a key', value => ({ a: value }), 'value.a'],
  ['under the last of many keys', value => ({ a: 1, b: {}, c: [], d: value }), 'value.d'],
  ['under a key that is no name', value => ({ 'a b': value }), 'value["a b"]'],
  ['under an integer-like key', value => ({ 7: value }), 'value["7"]'],
  ['in an array', value => [1, , value], 'value[2]'],
  ['in an array in objects', value => ({ rows: [{}, { cells: [0, value] }] }), 'value.rows[1].cells[1]'],
  ['in a property of an array', value => inside([1], { extra: value }), 'value.extra'],
  ['in a null-prototype object', value => inside(Object.create(null), { a: value }), 'value.a'],
  ['in an instance', value => inside(new Point(), { y: value }), 'value.y'],
  [
    'as a key of a Map',
    value =>
      new Map([
        [1, 1],
        [value, 1],
      ] as [unknown, unknown][]),
    'value<entry 1>',
  ],
  ['as a value of a Map', value => new Map([['a', value]]), 'value<entry 0>'],
  ['in a Set', value => new Set([1, { a: value }]), 'value<member 1>.a'],
  ['as a cause', value => new Error('a', { cause: { a: value } }), 'value.cause.a'],
  ['among the errors of an error', value => new AggregateError([1, value]), 'value.errors[1]'],
  ['in a field of an error', value => inside(new Error('a'), { field: value }), 'value.field'],
  [
    'behind a getter',
    value => Object.defineProperty({}, 'a', { get: () => value, enumerable: true }),
    'value.a',
  ],
  ['after 40 objects like its own', value => [...records(40), { id: 1, fn: value }], 'value[40].fn'],
]

function records(count: number): unknown[] {
  return Array.from({ length: count }, (_, id) => ({ id, fn: null }))
}

const codec = new Codec()

const what = suite('unsupported: kinds')

for (const [name, value] of kinds) {
  what(name, () => {
    for (const threshold of [0, Number.POSITIVE_INFINITY]) {
      refused(() => codec.encode(value, { threshold }), 'UNSUPPORTED', { path: 'value' })
      refused(() => codec.encode([{ a: value }], { references: false }), 'UNSUPPORTED', {
        path: 'value[0].a',
      })
    }
  })
}

class HTMLThing {
  get [Symbol.toStringTag](): string {
    return 'HTMLThing'
  }
}

const named: [value: object, start: string][] = [
  [new WeakMap(), 'a WeakMap cannot'],
  [new URL('a:b'), 'a URL cannot'],
  [AbortSignal.abort(), 'an AbortSignal cannot'],
  [new Event('a'), 'an Event cannot'],
  [new Intl.NumberFormat(), 'an Intl.NumberFormat cannot'],
  [new HTMLThing(), 'an HTMLThing cannot'],
]
for (const [value, start] of named) {
  what(`the message calls it as it is spoken: ${start.replace(' cannot', '')}`, () => {
    for (const strict of [false, true]) {
      const { message } = refused(() => codec.encode(value, { strict }), 'UNSUPPORTED', { path: 'value' })
      assert.match(message, `encode: ${start} travel without a custom type at value`)
    }
  })
}

for (const length of [-1, -64, 1.5, 2 ** 32, Number.NaN, 3n, 'a', undefined]) {
  what(`a Proxy of an array that says its length is ${String(length)}`, () => {
    const get = (target: object, key: string | symbol) =>
      key === 'length' ? length : (Reflect.get(target, key) as unknown)
    for (const elements of [
      ['a', 'b'],
      [1, 2],
    ])
      refused(() => codec.encode([new Proxy(elements, { get })]), 'UNSUPPORTED', { path: 'value[0]' })
  })
}

for (const [name, later] of [
  ['a BigInt', 1n],
  ['a symbol', Symbol('a')],
  ['an object', { valueOf: () => 1 }],
] as const) {
  what(`an element that was a number and is ${name} when it is written`, () => {
    for (const number of [1, 300, 70_000, 0.5]) {
      let reads = 0
      const array = Object.defineProperty([number, number], 1, {
        get: () => (reads++ === 0 ? number : later),
        enumerable: true,
      })
      refused(() => codec.encode({ a: array }), 'UNSUPPORTED', { path: 'value.a[1]' })
      assert.is(difference({ a: 1 }, codec.decode(codec.encode({ a: 1 }))), undefined)
    }
  })
}

what('what structured clone takes of these is nothing', () => {
  for (const [name, value] of kinds.filter(([name]) => !/claims|Blob/.test(name))) {
    let isTaken = true
    try {
      structuredClone(value)
    } catch {
      isTaken = false
    }
    // URLs and their like become `{}` there, without a word.
    assert.ok(!isTaken || same({}, structuredClone(value)), name)
  }
})

what('a MessagePort', () => {
  const { port1, port2 } = new MessageChannel()
  port2.close()
  refused(() => encode({ port: port1 }), 'UNSUPPORTED', { path: 'value.port' })
  port1.close()
})

what.run()

const where = suite('unsupported: paths')

for (const [name, wrap, path] of places) {
  where(name, () => {
    const warm = new Codec()
    for (let round = 0; round < 40; round++) warm.encode(wrap(null))
    for (const each of [new Codec(), codec, warm]) {
      for (const value of [() => 1, Symbol('a'), new WeakMap()]) {
        const error = refused(() => each.encode(wrap(value)), 'UNSUPPORTED', { path })
        assert.ok(error.message.endsWith(` at ${path}`), error.message)
        assert.ok(error.stack?.includes(error.message), error.stack)
      }
      const good = wrap(1)
      assert.is(difference(decode(encode(good)), each.decode(each.encode(good))), undefined)
    }
  })
}

where('a path of a thousand steps is cut in the middle', () => {
  let value: unknown = () => 1
  for (let i = 0; i < 500; i++) value = [{ value }]
  const { path } = refused(() => encode(value), 'UNSUPPORTED')
  assert.match(path ?? '', /^value\[0\]\.value\[0\].{1,300}…/)
  assert.ok(path!.length <= 201)
})

where.run()

const strict = suite('unsupported: strict')

const lossy: [name: string, value: unknown, path: string][] = [
  ['an instance', new Point(), 'value'],
  ['an instance without fields', new Empty(), 'value'],
  ['an instance inside', { list: [new Point()] }, 'value.list[0]'],
  ['an instance of a subclass of Map', new Registers([[1, 2]]), 'value'],
  ['an instance of a subclass of Array', { a: new Rows(1, 'a') }, 'value.a'],
  ['an instance of a subclass of Array, of numbers', [new Rows(1, 2)], 'value[0]'],
  ['an instance of a subclass of Date', [new (class Day extends Date {})()], 'value[0]'],
  ['a date without its prototype', Object.setPrototypeOf(new Date(), null), 'value'],
  ['a Map with a property', inside(new Map(), { a: 1 }), 'value'],
  ['a Set with a property', [inside(new Set(), { a: 1 })], 'value[0]'],
  ['a date with a property', { a: inside(new Date(), { a: 1 }) }, 'value.a'],
  ['a RegExp with a property', inside(/a/, { a: 1 }), 'value'],
  ['a boxed string with a property', inside(Object('ab'), { a: 1 }), 'value'],
  ['an ArrayBuffer with a property', inside(new ArrayBuffer(2), { a: 1 }), 'value'],
  ['an object that inherits nothing, and not from null', Object.create(Object.create(null)), 'value'],
  ['an object that inherits', Object.create({ a: 1 }, { b: { value: 1, enumerable: true } }), 'value'],
]
for (const [name, value, path] of lossy) {
  strict(name, () => {
    refused(() => encode(value, { strict: true }), 'UNSUPPORTED', { path })
    assert.not.throws(() => encode(value))
  })
}

strict('plain objects and built-ins of any realm, and null-prototype objects pass', async () => {
  const { runInNewContext, runInThisContext } = await import('node:vm')
  const builtins = `[{ a: [{}] }, [1], new Map([[1, 2]]), new Set([1]), new Date(0), /a/, Object('ab'), Object(1),
    new ArrayBuffer(1), new SharedArrayBuffer(1), new Uint8Array(1), new RangeError('a'), /a/.exec('a')]`
  for (const value of [
    { a: 1 },
    Object.create(null),
    runInNewContext(builtins),
    runInThisContext(builtins),
  ]) {
    assert.not.throws(() => encode(value, { strict: true }))
  }
})

strict('an error of a subclass passes, and has its fields', () => {
  class Failure extends Error {
    status = 404
  }
  assert.is(decode<Failure>(encode(new Failure('a'), { strict: true })).status, 404)
})

strict.run()
