/** Depth is counted alike on both sides, whatever is nested in what: threat rows 7 and 8. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Box, box } from '../fixtures/classes.js'
import {
  Codec,
  decode,
  defineType,
  encode,
  isOutbandError,
  type Packet,
  type Registry,
  registry,
} from '../src/index.js'
import { difference } from './same.js'
import { refused } from './thrown.js'

const types = registry(box)

/** One more level around a value. */
const wraps: [name: string, wrap: (inner: unknown) => unknown][] = [
  ['arrays', inner => [inner]],
  ['properties of arrays', inner => Object.assign(['a'], { inner })],
  ['properties of arrays of numbers', inner => Object.assign([1], { inner })],
  ['objects', inner => ({ inner })],
  ['null-prototype objects', inner => Object.assign(Object.create(null), { inner })],
  ['keys of Maps', inner => new Map([[inner, 1]])],
  ['values of Maps', inner => new Map([[1, inner]])],
  ['Sets', inner => new Set([inner])],
  ['causes', inner => Object.assign(new Error('e', { cause: inner }), { stack: '' })],
  ['fields of errors', inner => Object.assign(new Error('e'), { inner, stack: '' })],
  ['custom values', inner => new Box(inner)],
]
const cores: [name: string, core: unknown][] = [
  ['an empty array', []],
  ['an empty object', {}],
  ['an empty null-prototype object', Object.create(null)],
  ['an empty Map', new Map()],
  ['an empty Set', new Set()],
  ['an array of numbers', [1, 2]],
  ['an array', ['a']],
  ['an object', { a: 1 }],
]
const nested = (levels: number, wrap: (inner: unknown) => unknown, core: unknown): unknown => {
  let value = core
  for (let level = 0; level < levels; level++) value = wrap(value)
  return value
}

const depth = suite('depth')

const depths: [name: string, ofDepth: (depth: number) => unknown][] = [
  ...wraps.map(([name, wrap]): (typeof depths)[number] => [name, levels => nested(levels, wrap, 'core')]),
  ...cores.map(([name, core]): (typeof depths)[number] => [
    `arrays around ${name}`,
    levels => nested(levels - 1, inner => [inner], core),
  ]),
]
for (const [name, ofDepth] of depths) {
  depth(`${name} to the limit and one beyond`, () => {
    const codec = new Codec({ types })
    for (const max of [1, 2, 5, 64]) {
      const limits = { depth: max }
      const [whole, beyond] = [ofDepth(max), ofDepth(max + 1)]
      // Twice and more: a predicted object is counted like one that is not.
      for (let round = 0; round < 3; round++) {
        const packet = codec.encode(whole, { limits })
        assert.is(difference(whole, codec.decode(packet, { limits })), undefined)
        const fields = { limit: 'depth', max, requested: max + 1 }
        const error = refused(() => codec.encode(beyond, { limits }), 'LIMIT', fields)
        assert.type(error.path, 'string')
        const received = refused(() => codec.decode(codec.encode(beyond), { limits }), 'LIMIT', fields)
        assert.type(received.offset, 'number')
      }
    }
  })
}

for (const [name, wrap] of wraps) {
  depth(`${name} beside each other are as deep as one`, () => {
    const value = Array.from({ length: 5 }, () => nested(2, wrap, 1))
    const codec = new Codec({ types, limits: { depth: 3 } })
    assert.is(difference(value, codec.decode(codec.encode(value))), undefined)
  })
}

depth('by default 1000 levels pass and 1001 do not; an untrusted peer has 64', () => {
  for (const [, wrap] of wraps) {
    const [whole, beyond] = [nested(1000, wrap, 1), nested(1001, wrap, 1)]
    assert.is(difference(whole, decode(encode(whole, { types }), { types })), undefined)
    refused(() => encode(beyond, { types }), 'LIMIT', { limit: 'depth', max: 1000, requested: 1001 })
    const packet = encode(nested(65, inner => [inner], 1))
    refused(() => decode(packet, { limits: 'untrusted' }), 'LIMIT', {
      limit: 'depth',
      max: 64,
      requested: 65,
    })
  }
})

depth('a value too deep for the stack is LIMIT, not a RangeError, and the codec works on', () => {
  const limits = { depth: 10_000_000, items: 2 ** 30 }
  for (const [, wrap] of wraps) {
    const codec = new Codec({ types, limits })
    refused(() => codec.encode(nested(100_000, wrap, 1)), 'LIMIT', { limit: 'depth' })
    assert.is(difference([{ a: 1 }], codec.decode(codec.encode([{ a: 1 }]))), undefined)
  }
})

depth('packets inside each other, decoded by their rebuild, share one budget', () => {
  class Parcel {
    readonly meta: Uint8Array
    constructor(meta: Uint8Array) {
      this.meta = meta
    }
  }
  const limits = { depth: 50 }
  const parcels: Registry = registry(
    defineType({
      class: Parcel,
      tag: 'parcel',
      reduce: parcel => parcel.meta,
      rebuild: meta => decode<Parcel>({ meta, buffers: [] }, { types: parcels, limits }),
    }),
  )
  const wrapped = (levels: number): Packet => {
    let packet = encode([])
    for (let i = 0; i < levels; i++) packet = encode(new Parcel(packet.meta), { types: parcels })
    return packet
  }
  assert.equal(decode(wrapped(49), { types: parcels, limits }), [])
  let error: unknown = refused(() => decode(wrapped(50), { types: parcels, limits }), 'REBUILD')
  while (isOutbandError(error, 'REBUILD')) error = error.cause
  assert.ok(isOutbandError(error, 'LIMIT'))
  assert.is(error.requested, 51)
  assert.equal(decode(wrapped(49), { types: parcels, limits }), [], 'and it is given back')
})

depth.run()
