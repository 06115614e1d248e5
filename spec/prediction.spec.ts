/** Objects at a place where others were before: generated functions recognise those, and must not take another kind for them. */
import { spawnSync } from 'node:child_process'
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Codec, defineType, inspect, type Packet, registry } from '../src/index.js'
import { Patience } from '../src/wire/shapes.js'
import { keptBytes } from './collect.js'
import { difference } from './same.js'
import { refused } from './thrown.js'

/** More than it takes until functions are generated. */
const BEFORE = 40

class Pair {
  a = 1
  b = 2
}

/** An instance whose class shows its method, and Object as its constructor, as classes of old do. */
function Legacy(this: Record<string, unknown>): void {
  this.a = 1
}
Legacy.prototype = { b: 2 }

const hidden = (object: object, key: string, value: unknown): object =>
  Object.defineProperty(object, key, { value, configurable: true })

const types = registry(
  defineType({ class: Pair, tag: 'pair', reduce: ({ a, b }) => [a, b], rebuild: () => new Pair() }),
)

interface Row {
  readonly name: string
  readonly make: () => object
  /** What arrives, if it is not the same. */
  readonly arrives?: object
  readonly codec?: Codec
}

const rows: Row[] = [
  { name: 'one like those before', make: () => ({ a: 3, b: 4 }) },
  { name: 'a frozen one', make: () => Object.freeze({ a: 3, b: 4 }) },
  { name: 'keys in another order', make: () => ({ b: 3, a: 4 }) },
  { name: 'a key less', make: () => ({ a: 3 }) },
  { name: 'a key more', make: () => ({ a: 3, b: 4, c: 5 }) },
  { name: 'no keys', make: () => ({}) },
  { name: 'a key that does not show', make: () => hidden({ a: 3 }, 'b', 4), arrives: { a: 3 } },
  { name: 'an instance', make: () => new Pair(), arrives: { a: 1, b: 2 } },
  {
    name: 'an instance whose class shows its keys',
    make: () => Reflect.construct(Legacy, []) as object,
    arrives: { a: 1 },
  },
  {
    name: 'an instance that hides its class',
    make: () => hidden(new Pair(), 'constructor', Object),
    arrives: { a: 1, b: 2 },
  },
  { name: 'an instance with a type of its own', make: () => new Pair(), codec: new Codec({ types }) },
  { name: 'no prototype', make: () => Object.assign(Object.create(null) as object, { a: 3, b: 4 }) },
  { name: 'a prototype that is plain', make: () => Object.create({ a: 3, b: 4 }) as object, arrives: {} },
  {
    name: 'an object of another realm',
    make: () => runInNewContext('({ a: 3, b: 4 })') as object,
    arrives: { a: 3, b: 4 },
  },
  { name: 'a key __proto__', make: () => JSON.parse('{"a":3,"__proto__":4}') as object },
  { name: 'a Proxy', make: () => new Proxy({ a: 3, b: 4 }, {}), arrives: { a: 3, b: 4 } },
  { name: 'a Map', make: () => new Map([['a', 3]]) },
  { name: 'an array with those keys', make: () => Object.assign([1], { a: 3, b: 4 }) },
  { name: 'an error with those keys', make: () => Object.assign(new Error('no'), { a: 3, b: 4 }) },
]

const odd = suite('prediction: the odd one')

for (const { name, make, arrives, codec = new Codec() } of rows) {
  odd(name, () => {
    const one = make()
    const before = Array.from({ length: BEFORE }, (_, a) => ({ a, b: 2 }))
    const sent = [...before, one, { a: 5, b: 6 }, one]
    const wanted = [...before, arrives ?? one, { a: 5, b: 6 }, arrives ?? one]
    for (let round = 0; round < 3; round++) {
      assert.is(difference(wanted, codec.decode(codec.encode(sent))), undefined)
    }
  })
}

odd('keys that somebody put on Object.prototype are nobody’s own, though they make up a shape', () => {
  const codec = new Codec()
  const whole = Array.from({ length: BEFORE }, (_, a) => ({ a, b: 2, c: 3 }))
  const sent = Array.from({ length: BEFORE }, (_, a) => ({ a, b: 2 }))
  codec.encode(whole)
  Object.defineProperty(Object.prototype, 'c', { value: 3, enumerable: true, configurable: true })
  try {
    for (const objects of [sent, whole]) {
      const arrived = codec.decode(codec.encode(objects)) as object[]
      assert.equal(
        arrived.map(object => Object.keys(object)),
        objects.map(object => Object.keys(object)),
      )
    }
  } finally {
    Reflect.deleteProperty(Object.prototype, 'c')
  }
})

for (const flag of ['--disable-proto=delete', '--disable-proto=throw']) {
  odd(`node ${flag}`, () => {
    const index = new URL('../src/index.js', import.meta.url).href
    const script = `
      const { Codec } = await import('${index}')
      const codec = new Codec()
      const sent = Array.from({ length: ${BEFORE} }, (_, id) => ({ id, at: { x: id, y: 1 } }))
      for (let round = 0; round < 3; round++) console.log(JSON.stringify(codec.decode(codec.encode(sent))) === JSON.stringify(sent))`
    const { stdout, stderr } = spawnSync(process.execPath, [flag, '--input-type=module', '-e', script], {
      encoding: 'utf8',
    })
    assert.is(stdout, 'true\ntrue\ntrue\n', stderr)
  })
}

odd.run()

/** Shapes are compared and copied eight bytes at a time: here the second eight of them, or the last, are such a float. */
const floats: [name: string, bytes: string, others: string][] = [
  ['0 and −0', '\0\0\0\0\0\0\0\0', '\0\0\0\0\0\0\0\x80'],
  ['NaNs', '\xff\xff\xff\xff\xff\xff\xff\xff', '\xff\xff\xff\xff\xff\xff\xff\x7f'],
  ['signaling NaNs', '\x01\0\0\0\0\0\xf0\x7f', '\x02\0\0\0\0\0\xf0\x7f'],
  ['the least there is', '\x01\0\0\0\0\0\0\0', '\x01\0\0\0\0\0\0\x80'],
  ['infinities', '\0\0\0\0\0\0\xf0\x7f', '\0\0\0\0\0\0\xf0\xff'],
]

const float = suite('prediction: keys that are odd floats')

for (const [name, bytes, others] of floats) {
  for (const [where, keyOf] of [
    ['within', (eight: string) => `within${eight}and more`],
    ['at the end', (eight: string) => `the end${eight}`],
  ] as const) {
    float(`${name}, ${where}`, () => {
      const codec = new Codec()
      for (const eight of [bytes, others, bytes, bytes, others, others]) {
        const sent = { [keyOf(eight)]: 1 }
        assert.equal(Object.keys(codec.decode<object>(codec.encode(sent))), Object.keys(sent))
      }
    })
  }
}

float.run()

const many = suite('prediction: more shapes than are kept')

const ids = (count: number, prefix: string, value: unknown = 1) =>
  Array.from({ length: count }, (_, i) => ({ [prefix + i]: value }))
const keyed = (count: number, prefix: string) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [prefix + i, i]))
const wide = (keys: number, count: number) => Array.from({ length: count }, () => keyed(keys, 'column'))
const records = Array.from({ length: 500 }, (_, id) => ({ id, name: 'x', at: { x: id, y: 1 }, tags: ['a'] }))

const shapesOf = (packet: Packet): number => Number(/^ +\d+ +(\d+) shapes?$/m.exec(inspect(packet))?.[1])

/** `shapes`: how many the message lists, which is once each. */
const crowds: [name: string, before: readonly unknown[], sent: unknown, shapes: number][] = [
  ['records after 256 ids', ids(256, 'user'), records, 2],
  [
    'after as many as the trie holds',
    [...wide(128, 1), ...Array.from({ length: 40 }, (_, i) => keyed(128, `k${i}-`))],
    records,
    2,
  ],
  ['records behind 300 ids in one message', [], [...ids(300, 'user'), ...records, ...ids(300, 'user')], 302],
  ['records between ids', [], records.flatMap((record, i) => [record, { [`user${i}`]: record.at }]), 502],
  ['records under ids', [], ids(400, 'user', records), 402],
  ['records of 129 keys', [], wide(129, 300), 1],
  ['records of 1020 keys, and of one more', [], [...wide(1020, 40), ...wide(1021, 40)], 2],
  ['records of 1000 keys between others', [], wide(1000, 4).flatMap((one, i) => [one, records[i]]), 3],
  [
    'keys past the bounds that are alike when they are joined',
    [],
    [...ids(300, 'user'), { 'x\0y': 1 }, { x: 1, y: 2 }, { x: 3, y: 4 }],
    302,
  ],
  [
    'errors of a shape past the bounds',
    ids(300, 'user'),
    ids(300, 'user').map(fields => Object.assign(new Error('no'), fields)),
    300,
  ],
]
for (const [name, before, sent, shapes] of crowds) {
  many(name, () => {
    const codec = new Codec()
    for (const value of before) codec.encode(value)
    for (let round = 0; round < 4; round++) {
      const packet = codec.encode(sent)
      assert.is(difference(sent, codec.decode(packet)), undefined)
      assert.equal(packet.meta, new Codec().encode(sent).meta)
      assert.is(shapesOf(packet), shapes)
      codec.encode(before)
    }
  })
}

many('what cannot travel is found in whichever part of a wide record it is', () => {
  const codec = new Codec()
  for (let i = 0; i < 3; i++) codec.encode(wide(200, 20))
  for (const at of [0, 63, 64, 199]) {
    const sent = [...wide(200, 1), { ...keyed(200, 'column'), [`column${at}`]: () => {} }]
    refused(() => codec.encode(sent), 'UNSUPPORTED', { path: `value[1].column${at}` })
  }
})

many('what is kept begins anew after 1 message without room, then 2, 4 and so on, at most 64', () => {
  const patience = new Patience()
  const waits: number[] = []
  for (let wait = 1; waits.length < 9; wait++) {
    if (!patience.isOver()) continue
    waits.push(wait)
    wait = 0
  }
  assert.equal(waits, [1, 2, 4, 8, 16, 32, 64, 64, 64])
})

many('what is past the bounds is let go of with its message', () => {
  const encodeAll = (codec: Codec) =>
    codec.encode([ids(300, 'user'), wide(200, 3), keyed(200_000, 'id'), [records]])
  encodeAll(new Codec())
  const codec = new Codec()
  const before = keptBytes()
  encodeAll(codec)
  // The trie and the memory that is written to stay; the nodes of 200 000 keys take 37 MB.
  const kept = keptBytes() - before
  assert.ok(kept < 10_000_000, `${kept} bytes`)
  assert.ok(codec)
})

many(
  'keys of any length take no more than the trie may: of a hundred long ones and a thousand after them',
  () => {
    const codec = new Codec()
    const key = (i: number) => 'k'.repeat(20_000) + i
    codec.encode({ [key(0)]: 1 })
    const before = keptBytes()
    for (let i = 0; i < 300; i++) {
      const sent = { [key(i % 100)]: i, [key(1000 + i)]: 2 }
      if (i % 50 === 0) assert.is(difference(sent, codec.decode(codec.encode(sent))), undefined)
      else codec.encode(sent)
    }
    codec.encode(1)
    const kept = keptBytes() - before
    assert.ok(kept < 4_000_000, `${kept} bytes`)
  },
)

many('shapes of a hundred keys each take no more than a few hundred of them', () => {
  const codec = new Codec({ limits: { codegen: false } })
  const record = (i: number) =>
    Object.fromEntries([
      ...Array.from({ length: 100 }, (_, k) => [`field${k}`, k]),
      [`t${i % 200}`, 1],
      [`u${Math.floor(i / 200)}`, 2],
    ])
  codec.encode(record(0))
  const before = keptBytes()
  for (let i = 0; i < 3000; i++) {
    const sent = record(i)
    if (i % 100 === 0) assert.is(difference(sent, codec.decode(codec.encode(sent))), undefined)
    else codec.encode(sent)
  }
  codec.encode(1)
  const kept = keptBytes() - before
  assert.ok(kept < 4_000_000, `${kept} bytes`)
})

many.run()
