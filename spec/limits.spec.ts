/** Limits to the unit: what is at a limit passes both ways, one more is LIMIT, on the side that can tell first. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { cbor } from '../src/formats/cbor.js'
import { msgpack } from '../src/formats/msgpack.js'
import { pickle } from '../src/formats/pickle/index.js'
import { Codec, decode, defineType, encode, LIMITS, type Limits, registry } from '../src/index.js'
import { resolveLimits } from '../src/limits.js'
import { difference } from './same.js'
import { refused, thrown } from './thrown.js'

const list = <T>(length: number, make: (index: number) => T): T[] => Array.from({ length }, (_, i) => make(i))

interface Row {
  readonly name: string
  readonly limit: keyof Limits
  /** A value that needs exactly `max` of the limit. */
  readonly of: (max: number) => unknown
  readonly maxima: number[]
  /** Whether encode looks at it too. */
  readonly isSent: boolean
  readonly options?: object
}

const OUT = { threshold: 0 }
const IN = { threshold: Number.POSITIVE_INFINITY }
const bytes = (byteLength: number) => new Uint8Array(byteLength)

const rows: Row[] = [
  {
    name: 'elements',
    limit: 'items',
    of: max => list(max, i => `${i}`),
    maxima: [1, 20, 3000],
    isSent: true,
  },
  { name: 'numbers', limit: 'items', of: max => list(max, i => i), maxima: [1, 20, 3000], isSent: true },
  {
    name: 'keys',
    limit: 'items',
    of: max => Object.fromEntries(list(max, i => [`k${i}`, i])),
    maxima: [1, 20, 300],
    isSent: true,
  },
  {
    name: 'members',
    limit: 'items',
    of: max => new Set(list(max, i => `${i}`)),
    maxima: [1, 20, 3000],
    isSent: true,
  },
  {
    name: 'entries',
    limit: 'items',
    of: max => new Map(list(max / 2, i => [`${i}`, i])),
    maxima: [2, 20, 3000],
    isSent: true,
  },
  {
    name: 'elements of elements',
    limit: 'items',
    of: max => [list(max - 2, () => true), true],
    maxima: [3, 20],
    isSent: true,
  },
  {
    name: 'records',
    limit: 'items',
    of: max => list(max / 3, i => ({ a: i, b: 'b' })),
    maxima: [3, 30, 300],
    isSent: true,
  },
  {
    name: 'a BigInt',
    limit: 'bigintBytes',
    of: max => 2n ** BigInt(max * 8) - 1n,
    maxima: [1, 8, 1024],
    isSent: true,
  },
  {
    name: 'a negative BigInt',
    limit: 'bigintBytes',
    of: max => [-(2n ** BigInt(max * 8 - 1))],
    maxima: [1, 8, 1024],
    isSent: true,
  },
  {
    name: 'views',
    limit: 'buffers',
    of: max => list(max, bytes),
    maxima: [1, 17, 100],
    isSent: true,
    options: OUT,
  },
  {
    name: 'views in band',
    limit: 'buffers',
    of: max => list(max, bytes),
    maxima: [1, 17],
    isSent: true,
    options: IN,
  },
  {
    name: 'one view',
    limit: 'bufferBytes',
    of: max => [bytes(1), bytes(max)],
    maxima: [1, 5000],
    isSent: true,
    options: OUT,
  },
  { name: 'one view in band', limit: 'bufferBytes', of: bytes, maxima: [1, 5000], isSent: true, options: IN },
  {
    name: 'all views',
    limit: 'totalBytes',
    of: max => [bytes(1), bytes(max - 1)],
    maxima: [2, 5000],
    isSent: true,
    options: OUT,
  },
  {
    name: 'all views in band',
    limit: 'totalBytes',
    of: max => [bytes(1), bytes(max - 1)],
    maxima: [2, 99],
    isSent: true,
    options: IN,
  },
  {
    name: 'room of a buffer',
    limit: 'bufferBytes',
    of: max => new ArrayBuffer(1, { maxByteLength: max }),
    maxima: [8],
    isSent: true,
  },
  { name: 'a string', limit: 'stringBytes', of: max => 'x'.repeat(max), maxima: [4096, 9999], isSent: false },
  {
    name: 'a wide string',
    limit: 'stringBytes',
    of: max => '語'.repeat(max / 2),
    maxima: [8192, 9998],
    isSent: false,
  },
  {
    name: 'keys',
    limit: 'stringBytes',
    of: max => ({ a: { ['k'.repeat(max)]: 1 }, b: 2 }),
    maxima: [1, 20, 1000, 5000],
    isSent: false,
  },
  {
    name: 'wide keys',
    limit: 'stringBytes',
    of: max => ({ [`語${'k'.repeat(max / 2 - 1)}`]: 1, b: 2 }),
    maxima: [2, 20, 1000],
    isSent: false,
  },
  {
    name: 'strings of one segment, each for itself',
    limit: 'stringBytes',
    of: max => list(40, i => 'x'.repeat(max - (i % 2))),
    maxima: [1, 2, 20, 100, 1000],
    isSent: false,
  },
  {
    name: 'narrow strings beside a wide one',
    limit: 'stringBytes',
    of: max => ['語', ...list(40, i => 'x'.repeat(max - (i % 2)))],
    maxima: [2, 20, 100, 1000],
    isSent: false,
  },
  {
    name: 'wide strings of one segment',
    limit: 'stringBytes',
    of: max => list(40, () => '語'.repeat(max / 2)),
    maxima: [2, 20, 100, 1000],
    isSent: false,
  },
  {
    name: 'a Map',
    limit: 'entries',
    of: max => new Map(list(max, i => [`${i}`, i])),
    maxima: [1, 100],
    isSent: true,
  },
  {
    name: 'Sets',
    limit: 'entries',
    of: max => list(max, i => new Set([`${i}`])),
    maxima: [1, 100],
    isSent: true,
  },
  {
    name: 'number keys',
    limit: 'numberKeys',
    of: max => new Map(list(max, i => [i / 2, 'a'])),
    maxima: [1, 100],
    isSent: true,
  },
  {
    name: 'number members',
    limit: 'numberKeys',
    of: max => new Set(list(max, i => i)),
    maxima: [1, 100],
    isSent: true,
  },
  {
    name: 'BigInt keys',
    limit: 'bigintKeys',
    of: max => new Map(list(max, i => [BigInt(i), 'a'])),
    maxima: [1, 100],
    isSent: true,
  },
]

const exact = suite('limits: to the unit')

for (const { name, limit, of, maxima, isSent, options } of rows) {
  exact(`${limit}: ${name}`, () => {
    for (const max of maxima) {
      const limits = { [limit]: max }
      const codec = new Codec(options)
      const whole = of(max)
      // A value of steps of two or three needs as many more.
      const beyond = /entries|wide/.test(name) ? of(max + 2) : name === 'records' ? of(max + 3) : of(max + 1)
      for (let round = 0; round < 3; round++) {
        const packet = codec.encode(whole, { limits })
        assert.is(difference(whole, codec.decode(packet, { limits })), undefined)
        if (isSent) {
          const error = refused(() => codec.encode(beyond, { limits }), 'LIMIT', { limit, max })
          assert.ok(error.requested! > max)
        }
        const error = refused(() => codec.decode(codec.encode(beyond), { limits }), 'LIMIT', { limit, max })
        assert.ok(error.requested! > max)
      }
    }
  })
}

exact('items: as many as there are views, whatever they are in', () => {
  for (const value of [bytes(3), new Error('a', { cause: bytes(3) })]) {
    for (const options of [IN, OUT]) {
      const limits = { items: 0 }
      refused(() => encode(value, { ...options, limits }), 'LIMIT', { limit: 'items', max: 0 })
      refused(() => decode(encode(value, options), { limits }), 'LIMIT', { limit: 'items', max: 0 })
    }
  }
})

const messages: [name: string, value: unknown][] = [
  ['small', { a: 1 }],
  ['a narrow string', 'x'.repeat(300_000)],
  ['a wide string', '語'.repeat(300_000)],
  ['many strings', list(3000, i => `text ${i}`)],
  ['one of 4000 units', ['x'.repeat(4000)]],
  ['numbers of one byte', list(200_000, () => 1)],
  ['numbers of eight bytes', list(50_000, i => i / 7)],
  ['records', list(5000, i => ({ i, a: 'b', c: null }))],
  ['a BigInt', 2n ** 80_000n],
  ['bytes in band', new Uint8Array(300_000)],
  ['views', list(3000, () => new Uint8Array(8))],
  ['keys', Object.fromEntries(list(5000, i => [`key ${i}`, 1]))],
]
for (const [name, value] of messages) {
  exact(`metaBytes: ${name}`, () => {
    for (const checksum of [false, true]) {
      const options = { checksum, ...IN }
      const { length } = encode(value, options).meta
      for (const codec of [new Codec(options), new Codec(options)]) {
        for (let round = 0; round < 2; round++) {
          const packet = codec.encode(value, { limits: { metaBytes: length } })
          assert.is(packet.meta.length, length)
          assert.not.throws(() => codec.decode(packet, { limits: { metaBytes: length } }))
          const [limits, fields] = [{ metaBytes: length - 1 }, { limit: 'metaBytes', max: length - 1 }]
          refused(() => codec.encode(value, { limits }), 'LIMIT', fields)
          refused(() => codec.decode(packet, { limits }), 'LIMIT', { ...fields, requested: length })
        }
      }
    }
  })
}

exact('metaBytes: a text that is met over and over is not collected past it', () => {
  const text = 'x'.repeat(2 ** 20)
  for (const value of [list(300, () => text), new Map(list(300, i => [i, text]))]) {
    const before = process.memoryUsage().arrayBuffers
    let reads = 0
    const counted = [value, Object.defineProperty({}, 'late', { enumerable: true, get: () => reads++ })]
    const error = refused(() => encode(counted, { limits: { metaBytes: 2 ** 22 } }), 'LIMIT', {
      limit: 'metaBytes',
    })
    assert.ok(error.requested! > 2 ** 22)
    assert.is(reads, 0)
    assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 25)
  }
})

exact('a limit that is passed names itself, its setting and what was asked for', () => {
  const error = refused(() => encode([[[1]]], { limits: { depth: 2 } }), 'LIMIT')
  assert.match(error.message, 'limits.depth is 2, got 3')
  assert.is(error.path, 'value[0][0]')
})

exact.run()

const profiles = suite('limits: profiles')

profiles('both are frozen, and trusted is what applies when nothing is said', () => {
  for (const profile of [LIMITS, LIMITS.trusted, LIMITS.untrusted]) assert.ok(Object.isFrozen(profile))
  assert.instance(
    thrown(() => Object.assign(LIMITS.trusted, { depth: 1 })),
    TypeError,
  )
  assert.equal(Object.keys(LIMITS.trusted), Object.keys(LIMITS.untrusted))
})

profiles('untrusted is the lower one in every row', () => {
  for (const [name, most] of Object.entries(LIMITS.trusted)) {
    assert.ok(LIMITS.untrusted[name as keyof Limits] < most, name)
  }
})

profiles('single numbers are over trusted, or over the profile that is spread', () => {
  const value = [/a/]
  const packet = encode(value)
  assert.is(difference(value, decode(packet, { limits: { depth: 1 } })), undefined)
  refused(() => decode(packet, { limits: { ...LIMITS.untrusted, depth: 1 } }), 'UNSUPPORTED', {
    limit: 'regexps',
  })
  refused(() => decode(packet, { limits: LIMITS.untrusted }), 'UNSUPPORTED', { limit: 'regexps' })
})

profiles(
  'what carries bytes of strangers has them over untrusted; a profile that is named is that one',
  () => {
    assert.is(resolveLimits(undefined, 'untrusted'), LIMITS.untrusted)
    assert.equal(resolveLimits({ depth: 5 }, 'untrusted'), { ...LIMITS.untrusted, depth: 5 })
    assert.equal(resolveLimits({ depth: undefined } as never, 'untrusted'), LIMITS.untrusted)
    assert.is(resolveLimits('trusted', 'untrusted'), LIMITS.trusted)
    assert.is(resolveLimits(LIMITS.trusted, 'untrusted'), LIMITS.trusted)
  },
)

profiles('kinds that a profile switches off are UNSUPPORTED, with the name of the switch', () => {
  const kinds: [value: unknown, limit: keyof Limits, what: string][] = [
    [/a/, 'regexps', 'a RegExp'],
    [new Error('a'), 'errors', 'an error'],
    [new SharedArrayBuffer(8), 'shared', 'shared memory'],
  ]
  for (const [value, limit, what] of kinds) {
    const packet = encode([value])
    for (const limits of ['untrusted', { [limit]: false }] as const) {
      const refusal = refused(() => decode(packet, { limits }), 'UNSUPPORTED', { limit })
      // Who sends with the receiver's limits learns it, and where it is.
      const error = refused(() => encode({ list: [value] }, { limits }), 'UNSUPPORTED', { limit })
      if (limit !== 'shared') assert.is(error.path, 'value.list[0]')
      assert.match(refusal.message, `decode: ${what}, which limits.${limit} forbids at byte `)
      assert.match(error.message, `encode: ${what}, which limits.${limit} forbids`)
      // A pickle has neither expressions nor errors.
      for (const format of limit === 'shared' ? [msgpack, cbor, pickle] : [msgpack, cbor]) {
        const sent = encode([value], { format })
        const { message } = refused(() => decode(sent, { limits, format }), 'UNSUPPORTED', { limit })
        assert.match(message, `decode: ${what}, which limits.${limit} forbids`)
      }
    }
    assert.not.throws(() => decode(packet, { limits: { ...LIMITS.untrusted, [limit]: true } }))
  }
})

profiles('a type that reads what nobody checks is refused both ways, in every format', () => {
  class Raw {}
  const types = registry(
    defineType({ class: Raw, tag: 'a.Raw', unverified: true, reduce: () => [], rebuild: () => new Raw() }),
  )
  for (const format of [undefined, msgpack, cbor, pickle]) {
    const packet = encode([new Raw()], { types, format })
    for (const limits of ['untrusted', { unverified: false }] as const) {
      refused(() => decode(packet, { types, format, limits }), 'UNSUPPORTED', { limit: 'unverified' })
      const error = refused(() => encode([new Raw()], { types, format, limits }), 'UNSUPPORTED')
      assert.equal([error.limit, error.path], ['unverified', 'value[0]'])
    }
  }
})

profiles('without generated code the same comes back', () => {
  const value = list(100, i => ({ i, nested: { a: i }, '"];throw 1//': 1 }))
  const codec = new Codec({ limits: { codegen: false } })
  for (let round = 0; round < 3; round++) {
    assert.is(difference(value, codec.decode(codec.encode(value))), undefined)
  }
})

profiles.run()
