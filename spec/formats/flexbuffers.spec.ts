/** FlexBuffers: what arrives, what is read in place, and what is refused. */
import { builder, toReference } from 'flatbuffers/js/flexbuffers.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { record } from '../../fixtures/hostile/formats.js'
import { type ValueRow, values } from '../../fixtures/values.js'
import { flexbuffers as format, open } from '../../src/formats/flexbuffers.js'
import {
  Codec,
  decode,
  defineType,
  encode,
  isOutbandError,
  isReadonly,
  LIMITS,
  outOfBand,
  type PacketLike,
  registry,
} from '../../src/index.js'
import { allowedHeap, inBudget } from '../budget.js'
import { keptBytes } from '../collect.js'
import { Dice } from '../mutate.js'
import { canaries } from '../prototypes.js'
import { difference } from '../same.js'
import { codeOf, quietly, refused } from '../thrown.js'

/** The first byte of the blob that has the lengths of the buffers. */
const HEAD = 'H'.charCodeAt(0)
const SHARED = 0x44
const untouched = canaries()
const utf8 = new TextEncoder()
const byBytes = (a: string, b: string): number => Buffer.compare(utf8.encode(a), utf8.encode(b))

/** Puts the keys of all plain objects in the order of their bytes, which is the only one that FlexBuffers have. */
function inOrder(value: unknown, seen = new Set<unknown>()): unknown {
  if (typeof value !== 'object' || value === null || seen.has(value)) return value
  seen.add(value)
  const inner =
    value instanceof Map
      ? [...Map.prototype.entries.call(value)].flat()
      : value instanceof Set
        ? [...value]
        : []
  for (const part of inner) inOrder(part, seen)
  const prototype = Object.getPrototypeOf(value)
  const isRecord = prototype === Object.prototype || prototype === null || value instanceof Error
  const keys = Array.isArray(value) || isRecord ? Object.keys(value) : []
  const entries = keys.map(key => [key, (value as Record<string, unknown>)[key]] as const)
  for (const [, part] of entries) inOrder(part, seen)
  if (value instanceof Error)
    for (const key of ['cause', 'errors'] as const) inOrder((value as AggregateError)[key], seen)
  const isFixed = keys.some(key => !Object.getOwnPropertyDescriptor(value, key)?.configurable)
  if (!isRecord || isFixed) return value
  for (const key of keys) delete (value as Record<string, unknown>)[key]
  for (const [key, part] of entries.toSorted(([a], [b]) => byBytes(a, b)))
    Object.defineProperty(value, key, { value: part, enumerable: true, writable: true, configurable: true })
  return value
}

const lost =
  /^a boxed |one of each kind, all twice|^equal objects stay two|null-prototype|hole|a length beyond|and a length|only length|behind a Proxy|^own properties|own __proto__ of an array|result of a match|with properties twice|own property|surrogate|\ud800|follows|resizable (?:A|memory)|length-tracking|its constructor is not run/
/** A cycle, or a key with a NUL. */
const refusals =
  /in itself|its own|among its own|^a ring|cycle|parents and children|^keys of any text|its own beginning|graph|frozen/

const test = suite('formats: flexbuffers, values')

for (const row of values) {
  const isLossy = lost.test(row.name)
  test(`${row.name}${isLossy ? ' arrives, not whole' : ''}`, () => {
    for (const threshold of [0, 64, Number.POSITIVE_INFINITY]) {
      if (row.isShared && threshold === Number.POSITIVE_INFINITY) continue
      const sent = inOrder(row.make())
      let arrived: unknown
      try {
        arrived = decode(encode(sent, { format, threshold }), { format })
      } catch (error) {
        if (!isOutbandError(error, 'UNSUPPORTED') || !refusals.test(row.name)) throw error
        continue
      }
      const wanted = inOrder((row as ValueRow).arrives?.(sent as never) ?? sent)
      if (!isLossy) assert.is(difference(wanted, arrived), undefined, `threshold ${threshold}`)
    }
  })
}

test('a cycle is refused, with its path; an object twice is not', () => {
  const loop: Record<string, unknown> = { a: [1] }
  loop.b = { deep: loop }
  refused(() => encode({ loop }, { format }), 'UNSUPPORTED', { path: 'value.loop.b.deep' })
  const shared = { a: new Uint8Array(9) }
  const copy = decode<(typeof shared)[]>(encode([shared, { shared }, shared], { format }), { format })
  assert.is(copy[0], copy[2])
  refused(() => encode({ x: { 'a\0b': 1 } }, { format }), 'UNSUPPORTED', { path: 'value.x' })
})

test('properties of an array are lost, whatever methods they have the names of', () => {
  for (const elements of [[1, 2.5], ['a', 'b'], ['a\0', 'b'], ['\ud800'], [1, 'a', null]]) {
    const plain = decode(encode(elements, { format }), { format })
    for (const name of ['every', 'some', 'includes', 'entries', 'map', 'slice', Symbol.iterator]) {
      const sent = Object.assign([...elements], { [name]: 5 })
      assert.is(difference(plain, decode(encode(sent, { format }), { format })), undefined, String(name))
    }
  }
})

test('a box that is met twice arrives as its primitive, twice', () => {
  for (const primitive of [-0, 1, 'a', 2n ** 70n]) {
    const box = Object(primitive)
    const packet = encode([box, [box]], { format })
    assert.is(difference([primitive, [primitive]], decode(packet, { format })), undefined)
    assert.is(difference([primitive, [primitive]], open(packet).toValue()), undefined)
  }
})

test('what only FlexBuffers refuse has the path that the value has, whatever stands for it', () => {
  class Box {
    constructor(readonly inner: unknown) {}
  }
  const types = registry(
    defineType({
      class: Box,
      tag: 'box',
      reduce: ({ inner }: Box) => inner,
      rebuild: inner => new Box(inner),
    }),
  )
  const odd = { 'a\0b': 1 }
  const twice = { odd }
  const failing = Object.assign(new TypeError('a', { cause: { odd } }), { code: 1 })
  const rows: [value: unknown, path: string][] = [
    [{ e: failing }, 'value.e.cause.odd'],
    [{ e: Object.assign(new Error('a'), { code: [odd], cause: 1 }) }, 'value.e.code[0]'],
    [new AggregateError([1, odd]), 'value.errors[1]'],
    [
      new Map<unknown, unknown>([
        [1, 2],
        ['k', [odd]],
      ]),
      'value<entry 1>[0]',
    ],
    [new Map([[odd, 1]]), 'value<entry 0>'],
    [new Set<unknown>([1, [odd]]), 'value<member 1>[0]'],
    [[new Box({ odd })], 'value[0]<box>.odd'],
    [{ a: twice, b: [twice] }, 'value.a.odd'],
    [{ view: new Uint8Array(5000), odd }, 'value.odd'],
  ]
  for (const [value, path] of rows) refused(() => encode(value, { format, types }), 'UNSUPPORTED', { path })
})

test('memory that is gone at the second call of a getter is DETACHED, with its place', () => {
  for (const threshold of [0, Number.POSITIVE_INFINITY]) {
    for (const twice of [false, true]) {
      const view = new Uint8Array(16)
      let calls = 0
      const taking = {
        get a() {
          if (++calls === (twice ? 3 : 2)) structuredClone(view.buffer, { transfer: [view.buffer] })
          return 1
        },
      }
      const sent = [taking, { view, again: twice ? [view] : 1 }]
      refused(() => encode(sent, { format, threshold }), 'DETACHED', { path: 'value[1].view' })
    }
  }
})

test('an object twice, under keys that the engine has in another order than FlexBuffers', () => {
  const shared = { q: 1 }
  for (const value of [
    { '': [shared], 7: shared },
    { 9: shared, 10: [shared] },
    { a: [shared], 10: shared, 9: shared },
  ]) {
    for (const sent of [value, [value, shared]]) {
      assert.is(difference(sent, decode(encode(sent, { format }), { format })), undefined)
    }
  }
})

for (const beside of [1, 1.5, 2 ** 40, -0, 'a', '\0', 1n]) {
  test(`a hole beside ${JSON.stringify(String(beside))} arrives as undefined`, () => {
    const sent = new Array<unknown>(2)
    sent[1] = beside
    assert.is(difference([undefined, beside], decode(encode(sent, { format }), { format })), undefined)
  })
}

test('custom types, on both readings', () => {
  class Point {
    constructor(
      readonly x: number,
      readonly of: Float32Array,
    ) {}
  }
  const types = registry(
    defineType({
      class: Point,
      tag: 'p',
      reduce: ({ x, of }: Point) => [x, of],
      rebuild: ([x, of]) => new Point(x as number, of as Float32Array),
    }),
  )
  const sent = { points: [new Point(1, new Float32Array(2000)), new Point(2, Float32Array.of(1))] }
  const packet = encode(sent, { format, types })
  assert.is(difference(sent, decode(packet, { format, types })), undefined)
  const point = open(packet, { types }).get('points', 0)!.toValue<Point>()
  assert.is(point.of.buffer, packet.buffers[0]!.buffer)
  refused(() => open(packet).get('points', 0)!.toValue(), 'UNKNOWN_TYPE', { tag: 'p' })
})

test.run()

const reader = suite('formats: flexbuffers, in place')

const rows = Array.from({ length: 500 }, (_, id) => ({
  id,
  name: `row ${id}`,
  price: id / 7,
  big: BigInt(id),
  tags: ['a', 'é'],
  at: new Date(id),
}))
const pixels = new Float32Array(5000).fill(2)
const shared = { who: 'me' }
const memory = new ArrayBuffer(16)
const sent = {
  rows,
  pixels,
  shared: [shared, shared],
  overlap: [new Uint8Array(memory, 0, 8), new Uint16Array(memory, 4, 4)],
  map: new Map([['k', 1]]),
  nothing: null,
  huge: -(2n ** 90n),
  yes: true,
  'é🦊': 'text',
  ['__proto__']: { own: 1 },
  zeros: ['a\0b', 'c'],
}
const packet = encode(sent, { format })
const doc = open(packet)

const paths: [path: (string | number)[], value: unknown, kind: string][] = [
  [['rows', 3, 'name'], 'row 3', 'string'],
  [['rows', 499, 'price'], 499 / 7, 'number'],
  [['rows', 0, 'id'], 0, 'number'],
  [['rows', 7, 'big'], 7n, 'bigint'],
  [['huge'], -(2n ** 90n), 'bigint'],
  [['rows', 1, 'tags', 1], 'é', 'string'],
  [['rows', 1, 'tags'], ['a', 'é'], 'array'],
  [['rows', 9, 'at'], new Date(9), 'part'],
  [['shared', 0, 'who'], 'me', 'string'],
  [['shared', 1, 'who'], 'me', 'string'],
  [['nothing'], null, 'null'],
  [['yes'], true, 'boolean'],
  [['é🦊'], 'text', 'string'],
  [['__proto__', 'own'], 1, 'number'],
  [['map'], new Map([['k', 1]]), 'part'],
  [['zeros'], ['a\0b', 'c'], 'array'],
  [['zeros', 0], 'a\0b', 'string'],
  [['zeros', 1], 'c', 'string'],
]
for (const [path, value, kind] of paths) {
  reader(`${path.join('.')} is ${kind}`, () => {
    const found = doc.get(...path)!
    assert.is(difference(value, found.toValue()), undefined)
    assert.is(found.kind, kind)
    let step: ReturnType<typeof doc.get> = doc
    for (const one of path) step = step?.get(one)
    assert.is(difference(value, step?.toValue()), undefined)
  })
}

reader('a whole number of 8 bytes is what its value is', () => {
  for (const [n, kind] of [
    [2n ** 60n, 'bigint'],
    [-5n, 'number'],
  ] as const) {
    const meta = new Uint8Array(10)
    new DataView(meta.buffer).setBigInt64(0, n, true)
    meta.set([(1 << 2) | 3, 8], 8)
    const found = open({ meta, buffers: [] })
    assert.is(found.kind, kind)
    assert.is(typeof found.toValue(), kind)
  }
})

reader('keys, lengths, and what is not there', () => {
  assert.equal(doc.keys(), Object.keys(sent).toSorted(byBytes))
  assert.equal([doc.kind, doc.length], ['object', Object.keys(sent).length])
  assert.is(doc.get('rows')?.length, 500)
  assert.equal(doc.get('rows', 0)?.keys(), ['at', 'big', 'id', 'name', 'price', 'tags'])
  assert.equal([doc.get('yes')?.length, doc.get('yes')?.keys()], [0, []])
  for (const path of [
    ['no'],
    ['rows', 500],
    ['rows', -1],
    ['rows', 0.5],
    ['rows', 'name'],
    ['rows', 0, 'id\0name'],
    ['yes', 'a'],
    ['no', 'a'],
    [0],
    ['map', 1],
  ])
    assert.is(doc.get(...path), undefined, String(path))
})

reader('views lie on the buffers of the packet, or on a copy when they must', () => {
  assert.is(doc.get('pixels')!.toValue<Float32Array>().buffer, pixels.buffer)
  const moved = packet.buffers.map(buffer => {
    const bytes = new Uint8Array(buffer.length + 1)
    bytes.set(buffer, 1)
    return bytes.subarray(1)
  })
  const copy = open({ meta: packet.meta, buffers: moved }).get('pixels')!.toValue<Float32Array>()
  assert.is.not(copy.buffer, moved[0]!.buffer)
  assert.is(difference(pixels, copy), undefined)
  const [bytes, halves] = doc.get('overlap')!.toValue<[Uint8Array, Uint16Array]>()
  assert.is(bytes.buffer, halves.buffer)
  assert.is(difference(sent.overlap[1], open(packet).get('overlap', 1)!.toValue()), undefined)
})

for (const threshold of [0, Number.POSITIVE_INFINITY]) {
  for (const shift of [0, 1, 4]) {
    reader(
      `views read together share what they have in common, threshold ${threshold}, ${shift} bytes on`,
      () => {
        const of = new ArrayBuffer(40)
        const bytes = new Uint8Array(of, 1, 10)
        for (const value of [
          [bytes, new Float64Array(of, 8, 2), new Uint16Array(of, 22, 4)],
          [bytes, of],
        ]) {
          const { meta, buffers } = encode([value], { format, threshold })
          const moved = buffers.map(buffer => {
            const copy = new Uint8Array(shift + buffer.length)
            copy.set(buffer, shift)
            return copy.subarray(shift)
          })
          const doc = open({ meta, buffers: moved })
          for (let i = 0; i < 2; i++) assert.is(difference(value, doc.get(0)!.toValue()), undefined)
        }
      },
    )
  }
}

reader(
  'views that no memory can align are refused, whoever is asked for them: each would have a copy of its own',
  () => {
    const FLOAT_64 = 12
    for (const threshold of [0, Number.POSITIVE_INFINITY]) {
      for (const isWhole of [false, true]) {
        const of = new ArrayBuffer(24)
        const floats = [new Float32Array(of, 0, 2), new Float32Array(of, 4, 2)]
        const value = isWhole ? [of, ...floats] : floats
        const { meta, buffers } = encode(value, { format, threshold })
        const heads = [...meta.keys()].filter(at => meta[at] === 0x56 && meta[at + 1] === FLOAT_64 - 1)
        assert.is(heads.length, 2)
        for (const at of heads) meta[at + 1] = FLOAT_64
        for (const shift of buffers.length > 0 ? [0, 1, 4, 8] : [0]) {
          const moved = buffers.map(buffer => {
            const copy = new Uint8Array(shift + buffer.length)
            copy.set(buffer, shift)
            return copy.subarray(shift)
          })
          refused(() => decode({ meta, buffers: moved }, { format }), 'MALFORMED')
          const doc = open({ meta, buffers: moved })
          refused(() => doc.toValue(), 'MALFORMED')
          // One by one: the second that was asked for.
          const [first, second] = isWhole ? [1, 2] : [0, 1]
          const apart = open({ meta, buffers: moved })
          assert.instance(apart.get(first)!.toValue(), Float64Array)
          refused(() => apart.get(second)!.toValue(), 'MALFORMED')
        }
      }
    }
  },
)

reader('what is read-only says so, and nothing else does', () => {
  for (const threshold of [0, Number.POSITIVE_INFINITY]) {
    const sent = [outOfBand(Uint8Array.of(1), { readonly: true }), Uint8Array.of(2), Float32Array.of(3)]
    const doc = open(encode(sent, { format, threshold }))
    const read = [0, 1, 2].map(i => isReadonly(doc.get(i)!.toValue<Uint8Array>()))
    assert.equal(read, [true, false, false])
  }
})

reader('shared memory in place is what it is to decode', () => {
  const value = new Float64Array(new SharedArrayBuffer(16))
  const { meta, buffers } = encode(value, { format })
  const within = (memory: Uint8Array[], limits = {}) => [
    () => decode({ meta, buffers: memory }, { format, limits }),
    () => open({ meta, buffers: memory }, { limits }).toValue(),
  ]
  for (const read of within([...buffers])) assert.is((read() as Float64Array).buffer, value.buffer)
  for (const read of within([...buffers], { shared: false }))
    refused(read, 'UNSUPPORTED', { limit: 'shared' })
  for (const read of within([new Uint8Array(16)])) refused(read, 'BUFFERS', { buffer: 0 })
  const odd = new Uint8Array(new SharedArrayBuffer(17), 1)
  for (const read of within([odd])) refused(read, 'MALFORMED')
})

reader('bytes that another view has are found, however much there is besides', () => {
  const overlap = [new Uint8Array(memory, 0, 8), new Uint16Array(memory, 4, 4)]
  const rest = Array.from({ length: 5000 }, (_, i) => [i])
  const large = encode([[overlap, rest], rest], { format, threshold: Number.POSITIVE_INFINITY })
  const [, halves] = open(large).get(0, 0)!.toValue<[Uint8Array, Uint16Array]>()
  assert.is(difference(overlap[1], halves), undefined)
  const all = open(large).get(0)!
  for (let i = 0; i < 2; i++) assert.is(difference([overlap, rest], all.toValue()), undefined)
})

reader('the view that has the bytes may be read after another on them, for its key comes later', () => {
  const overlap = { b: new Uint8Array(memory, 0, 8), a: new Uint16Array(memory, 4, 2) }
  const packet = encode(overlap, { format, threshold: Number.POSITIVE_INFINITY })
  for (const read of [decode<typeof overlap>, () => open(packet).toValue<typeof overlap>()]) {
    const { a, b } = read(packet, { format })
    assert.equal([a, b], [overlap.a, overlap.b])
    assert.is(a.buffer, b.buffer)
  }
})

reader('a value is read as often as one likes', () => {
  const doc = open(encode([1, 'a', 2n ** 70n], { format }))
  for (let i = 0; i < 5000; i++) assert.is(doc.toValue<unknown[]>().length, 3)
})

reader('metadata amid other bytes is read where it lies', () => {
  const frame = new Uint8Array(packet.meta.length + 10)
  frame.set(packet.meta, 3)
  const meta = frame.subarray(3, 3 + packet.meta.length)
  assert.is(open({ meta, buffers: packet.buffers }).get('rows', 3, 'name')!.toValue(), 'row 3')
})

reader('buffers are compared when it is opened', () => {
  const { meta } = packet
  for (const buffers of [[], [...packet.buffers, new Uint8Array(1)], [new Uint8Array(7)]])
    refused(() => open({ meta, buffers }), 'BUFFERS')
  for (const buffers of [[], [...packet.buffers, new Uint8Array(1)], [new Uint8Array(7)]])
    refused(() => decode({ meta, buffers }, { format }), 'BUFFERS')
})

reader('one field of many is read without the others', () => {
  const large = encode(
    { rows: Array.from({ length: 20_000 }, (_, id) => ({ id, name: `row ${id}` })) },
    { format },
  )
  const time = (run: () => unknown): number => {
    const start = performance.now()
    run()
    return performance.now() - start
  }
  const one = () => open(large).get('rows', 15_000, 'name')!.toValue()
  assert.is(one(), 'row 15000')
  const least = Math.min(...Array.from({ length: 20 }, () => time(one)))
  assert.ok(least * 20 < time(() => decode(large, { format })), `${least} ms`)
})

reader('the reader of the package reads what we write', () => {
  const plain = {
    b: [0.5, 0.1, 3],
    a: { name: 'x', price: 0.1, n: -70_000, big: 2 ** 40 + 0.5 },
    list: ['a', 1, 2.5, true],
    t: 'é',
  }
  const { meta } = encode(plain, { format })
  const wanted = {
    a: { big: 2 ** 40 + 0.5, n: -70_000, name: 'x', price: 0.1 },
    b: [0.5, 0.1, 3],
    list: ['a', 1, 2.5, true],
    t: 'é',
  }
  assert.equal(toReference(meta.buffer as ArrayBuffer).toObject(), wanted)
})

reader.run()

const damage = suite('formats: flexbuffers, damage')

damage('untrusted peers are refused, and told why', () => {
  for (const limits of ['untrusted', { unverified: false }] as const) {
    refused(() => encode([1], { format, limits }), 'UNSUPPORTED', { limit: 'unverified' })
    for (const run of [() => decode(packet, { format, limits }), () => open(packet, { limits })]) {
      const error = refused(run, 'UNSUPPORTED', { limit: 'unverified' })
      assert.match(error.message, 'cannot be checked before')
    }
  }
  decode(packet, { format, limits: { ...LIMITS.untrusted, unverified: true, metaBytes: 1e6 } })
})

damage('limits of buffers hold for both ways of reading', () => {
  const two = encode([new Float32Array(8), new Uint8Array(16)], { format, threshold: 0 })
  for (const [limit, max] of [
    ['buffers', 1],
    ['bufferBytes', 31],
    ['totalBytes', 47],
  ] as const) {
    for (const read of [decode, open]) {
      const options = { format, limits: { [limit]: max } }
      refused(() => read(two, options), 'LIMIT', { limit, max })
      read(two, { format, limits: { [limit]: max + 1 } })
    }
  }
})

damage('and of buffers in band', () => {
  for (const make of [
    () => [new Uint8Array(16), new Uint8Array(32)],
    () => [new Float32Array(8), new Uint8Array(16)],
    () => [new Float32Array(8), new Float32Array(4)],
  ]) {
    const two = encode(make(), { format, threshold: Number.POSITIVE_INFINITY })
    for (const [limit, max] of [
      ['buffers', 1],
      ['bufferBytes', 31],
      ['totalBytes', 47],
    ] as const) {
      for (const read of [decode, (...args: Parameters<typeof open>) => open(...args).toValue()]) {
        refused(() => read(two, { format, limits: { [limit]: max } } as object), 'LIMIT', { limit, max })
        read(two, { format, limits: { [limit]: max + 1 } } as object)
      }
    }
  }
})

damage('one run of bytes in many places is as many copies', () => {
  const doc = builder()
  doc.startVector()
  doc.add(Uint8Array.from([0x42, ...new Array(100).fill(1)]))
  const blob = doc.stack.at(-1)!
  for (let i = 1; i < 10; i++) doc.stack.push(blob)
  doc.end()
  const packet = { meta: Uint8Array.from([...doc.finish()]), buffers: [] }
  const limits = (totalBytes: number) => ({ format, limits: { totalBytes } })
  assert.is(decode<Uint8Array[]>(packet, limits(1000)).length, 10)
  refused(() => decode(packet, limits(999)), 'LIMIT', { limit: 'totalBytes', requested: 1000 })
})

damage('the limit of BigInts is on their magnitude, whatever byte is before it for the sign', () => {
  const max = 30
  const limits = { bigintBytes: max }
  for (const n of [2n ** 240n - 1n, 2n ** 239n - 1n, 1n - 2n ** 240n]) {
    for (const sent of [n, -n]) assert.is(decode(encode(sent, { format, limits }), { format, limits }), sent)
  }
  for (const n of [2n ** 246n, -(2n ** 246n), 2n ** 247n, 2n ** 248n - 1n])
    refused(() => decode(encode(n, { format }), { format, limits }), 'LIMIT', { limit: 'bigintBytes', max })
})

damage('a number for an object past its place is MALFORMED', () => {
  for (const [number, isCounted] of [
    [1, true],
    [200, false],
  ] as const) {
    const doc = builder()
    doc.startVector()
    doc.add(Uint8Array.of(SHARED, number, 0, 0, 0))
    doc.startVector()
    doc.end()
    doc.end()
    const packet = { meta: doc.finish(), buffers: [] }
    if (isCounted) assert.equal(decode(packet, { format }), [])
    else refused(() => decode(packet, { format }), 'MALFORMED')
  }
})

damage('a head that is no list of lengths is MALFORMED', () => {
  for (const bytes of [[HEAD], [HEAD, 0, 0, 0], [HEAD, ...new Array(9).fill(0)]]) {
    const doc = builder()
    doc.startVector()
    doc.add(Uint8Array.from(bytes))
    doc.add(1)
    doc.end()
    const meta = doc.finish()
    if (bytes.length === 1) assert.is(decode({ meta, buffers: [] }, { format }), 1)
    else
      for (const read of [decode, open]) refused(() => read({ meta, buffers: [] }, { format }), 'MALFORMED')
  }
})

damage('a head of buffers that no view lies on is MALFORMED', () => {
  const doc = builder()
  vectorOf(Uint8Array.of(HEAD, 3, 0, 0, 0, 0, 0, 0, 0), 1)(doc)
  const packet = { meta: doc.finish(), buffers: [new Uint8Array(3)] }
  refused(() => decode(packet, { format }), 'MALFORMED')
})

const codec = new Codec({ format, limits: { items: 1e5 } })
function readAll(packet: PacketLike): void {
  codec.decode(packet)
}
function readSome(packet: PacketLike): void {
  const doc = open(packet)
  for (const key of doc.keys().slice(0, 20)) doc.get(key)?.toValue()
  doc.get('rows', 3, 'name')?.toValue()
  doc.get('list', 0)
}

damage('prefixes, flips and mutants are refused or values, whichever way they are read', () => {
  const small = encode({ ...sent, rows: rows.slice(0, 4) }, { format })
  const dice = new Dice()
  quietly(() => {
    for (const run of [readAll, readSome]) {
      for (let length = 0; length < small.meta.length; length++)
        codeOf(() => run({ meta: small.meta.subarray(0, length), buffers: small.buffers }))
      for (let number = 0; number < 10_000; number++) {
        dice.start(2, number)
        const meta = small.meta.slice()
        for (let times = 1 + dice.below(3); times > 0; times--)
          meta[dice.below(meta.length)]! ^= 1 << dice.below(8)
        codeOf(() => run({ meta, buffers: small.buffers }))
      }
    }
  })
  assert.is(untouched(), undefined)
})

/** A vector that begins with this mark. */
function markedBy(letter: string, ...rest: readonly unknown[]): Uint8Array {
  const doc = builder()
  vectorOf(lettered(letter, 0), ...rest)(doc)
  return doc.finish()
}

/** A blob alone. */
function blobOf(...bytes: readonly number[]): Uint8Array {
  const doc = builder()
  doc.add(Uint8Array.from(bytes))
  return doc.finish()
}

/** The number 1 as a float of two bytes, which are none that JavaScript reads. */
const halfFloat = Uint8Array.of(0, 0x3c, (3 << 2) | 1, 2)

/** `{ a: 1 }` whose list of keys says another width. */
function keysOfWidth(width: number): Uint8Array {
  const { meta } = encode({ a: 1 }, { format })
  const at = meta.length - 7
  assert.is(meta[at], 1)
  meta[at] = width
  return meta
}

const wrong: readonly (readonly [name: string, make: () => Uint8Array])[] = [
  ['a blob of no letter', () => blobOf()],
  ['eight bytes of an unknown letter', () => blobOf(0x5a, 0, 0, 0, 0, 0, 0, 0, 0)],
  [
    'the record of a view under an unknown letter',
    () => blobOf(0x5a, ...record({ flags: 4, byteLength: 0, runBytes: 0 })),
  ],
  ['a date of seven bytes', () => blobOf(0x54, 0, 0, 0, 0, 0, 0, 0)],
  ['a date of nine bytes', () => blobOf(0x54, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
  ['a date past the last', () => blobOf(0x54, 0, 0, 0, 0, 0, 0, 0xe0, 0x7f)],
  ['a view whose record is short', () => blobOf(0x56, ...new Array(31).fill(0))],
  ['a Map of a key without a value', () => markedBy('M', 1)],
  ['a custom value of no parts', () => markedBy('C', 'a')],
  ['a custom value of two parts', () => markedBy('C', 'a', 1, 2)],
  ['a custom value whose tag is no text', () => markedBy('C', 1, 2)],
  ['a RegExp whose flags are no text', () => markedBy('R', 'a', 1)],
  ['a RegExp that is none', () => markedBy('R', '(', '')],
  ['an error of nothing', () => markedBy('E')],
  ['an error that is a number', () => markedBy('E', 1)],
  ['an error of two records', () => markedBy('E', 1, 2)],
  ['a number for two objects', () => markedBy('D\0\0\0\0', 1, 2)],
  ['a float of 16 bits', () => halfFloat],
  ...[0, 3, 16].map(width => [`keys of ${width} bytes`, () => keysOfWidth(width)] as const),
  ['bytes past the end', () => Uint8Array.of(200, 0x42, 1, (25 << 2) | 0, 1)],
  ['text past the end', () => Uint8Array.of(200, 0x61, 0, 2, (5 << 2) | 0, 1)],
  ['numbers past the end', () => Uint8Array.of(200, 1, 1, (11 << 2) | 0, 1)],
]
for (const [name, make] of wrong) {
  damage(`${name} is MALFORMED`, () => {
    const packet = { meta: make(), buffers: [] }
    const error = refused(() => decode(packet, { format }), 'MALFORMED')
    assert.match(error.message, /^decode: /)
    refused(() => open(packet).toValue(), 'MALFORMED')
  })
}

damage('what is no FlexBuffer', () => {
  for (const bytes of [[], [0], [0, 0], [0, 0, 3], [0, 0, 0, 0, 9], [255, 255, 255]])
    refused(() => decode({ meta: Uint8Array.from(bytes), buffers: [] }, { format }), 'MALFORMED')
})

/** A vector of this in so many places, and a number beside them, without which it would be one of keys. */
function manyTimes(count: number, add: (doc: ReturnType<typeof builder>) => void): PacketLike {
  const doc = builder()
  doc.startVector()
  doc.add(1)
  add(doc)
  const one = doc.stack.at(-1)!
  for (let i = 1; i < count; i++) doc.stack.push(one)
  doc.end()
  return { meta: Uint8Array.from(doc.finish()), buffers: [] }
}

/** Keys that begin at every byte of one text, and end with it. */
function overlappingKeys(count: number): PacketLike {
  const meta = new Uint8Array(6 * count + 8).fill(97, 0, 4 * count)
  const view = new DataView(meta.buffer)
  const start = 4 * count + 4
  view.setUint16(start - 2, count, true)
  for (let i = 0; i < count; i++) view.setUint16(start + 2 * i, start + i, true)
  view.setUint16(start + 2 * count, 2 * count, true)
  meta.set([(14 << 2) | 1, 2], start + 2 * count + 2)
  return { meta, buffers: [] }
}

/** Vectors of ten places that all point to the vector before them: 10**9 elements in 200 bytes. */
function tenTimesTen(): PacketLike {
  const bytes: number[] = [0]
  let vector = 0
  for (let level = 0; level < 9; level++) {
    bytes.push(10)
    const start = bytes.length
    for (let i = 0; i < 10; i++) bytes.push(start + i - vector)
    for (let i = 0; i < 10; i++) bytes.push(level === 0 ? 1 << 2 : 10 << 2)
    vector = start
  }
  bytes.push(bytes.length - vector, 10 << 2, 1)
  return { meta: Uint8Array.from(bytes), buffers: [] }
}

const vectorOf =
  (...elements: unknown[]) =>
  (doc: ReturnType<typeof builder>) => {
    doc.startVector()
    for (const element of elements) doc.add(element)
    doc.end()
  }
const lettered = (letters: string, length: number) =>
  Uint8Array.from([...Buffer.from(letters), ...new Array(length).fill(1)])

/** What is small where it lies and large where it arrives. */
const bombs: readonly (readonly [name: string, make: () => PacketLike])[] = [
  ['a vector of ten, of ten, of ten', tenTimesTen],
  ['keys that begin inside each other', () => overlappingKeys(8000)],
  ['a vector', () => manyTimes(20_000, vectorOf(1, 2, 3, 4, 5))],
  ['a RegExp', () => manyTimes(20_000, vectorOf(lettered('R', 0), 'a', ''))],
  ['a BigInt', () => manyTimes(2000, doc => doc.add(lettered('N', 20_000)))],
  ['a date', () => manyTimes(5000, doc => doc.add(lettered('T', 8)))],
  ['bytes', () => manyTimes(2000, doc => doc.add(lettered('B', 20_000)))],
]
for (const [name, make] of bombs) {
  damage(`${name}, over and over, is MALFORMED before it is large`, async () => {
    const packet = make()
    const run = () => refused(() => decode(packet, { format }), 'MALFORMED')
    await inBudget(() => ({ size: packet.meta.length, run }))
  })
}

damage('text in many places is read once', () => {
  const text = 'é'.repeat(10_000)
  const packet = manyTimes(1000, doc => doc.add(text))
  const before = keptBytes()
  const arrived = decode<unknown[]>(packet, { format })
  assert.ok(keptBytes() - before < allowedHeap(packet.meta.length))
  assert.equal([arrived.length, arrived[1000]], [1001, text])
})

damage('what our own writer points to again is not too much', () => {
  const one = { a: [1] }
  for (const count of [100, 1000, 100_000]) {
    const sent = Array.from({ length: count }, () => one)
    assert.is(decode<object[]>(encode(sent, { format }), { format }).length, count)
  }
})

damage('in small documents a vector may be pointed to again by others', () => {
  const sent = manyTimes(1000, vectorOf(1, 2, 3, 4, 5))
  assert.equal(decode<unknown[]>(sent, { format })[1000], [1, 2, 3, 4, 5])
})

damage('elements are counted against the limit as well', () => {
  const limits = { items: 50 }
  refused(() => decode(tenTimesTen(), { format, limits }), 'LIMIT', { limit: 'items' })
})

damage('vectors inside each other stop at the depth', () => {
  const nested = (levels: number): PacketLike => {
    const bytes: number[] = []
    // Its length, an element and its type; the element of all but the first is the vector three bytes before it.
    for (let level = 0; level < levels; level++) bytes.push(1, level && 3, (level ? 10 : 1) << 2)
    return { meta: Uint8Array.from([...bytes, 2, 10 << 2, 1]), buffers: [] }
  }
  for (const read of [decode, (packet: PacketLike) => open(packet).toValue()]) {
    const options = { format }
    let value = read(nested(1000), options) as unknown[]
    for (let level = 1; level < 1000; level++) value = value[0] as unknown[]
    assert.equal(value, [0])
    refused(() => read(nested(1001), options), 'LIMIT', { limit: 'depth', max: 1000, requested: 1001 })
  }
})

damage.run()
