/** Options of both directions: which are refused, what they do, and how a codec's and a call's go together. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Codec, decode, defineType, encode, LIMITS, type Limits, registry } from '../src/index.js'
import { difference } from './same.js'
import { refused, thrown } from './thrown.js'

const ofBoth: [option: string, ...wrong: unknown[]][] = [
  ['types', [], {}, null, 'registry', new Map()],
  [
    'limits',
    'lax',
    5,
    null,
    true,
    { deep: 1 },
    { depth: '5' },
    { depth: -1 },
    { depth: Number.NaN },
    { codegen: 1 },
  ],
]
const ofEncode: typeof ofBoth = [
  ['threshold', -1, Number.NaN, '4096', null, 4096n, true],
  ['bufferCallback', 5, {}, null, 'push'],
  ['shared', 'yes', true, null],
  ['references', 'no', 0, null],
  ['checksum', 'no', 1, null],
  ['strict', 'no', 1, null],
]

const wrong = suite('options: wrong ones')

const packet = encode(1)
for (const [option, ...values] of [...ofBoth, ...ofEncode]) {
  wrong(`${option} of a wrong type is a TypeError, for encode and for a codec`, () => {
    for (const value of values) {
      const options = { [option]: value } as object
      for (const run of [
        () => encode(1, options),
        () => new Codec(options),
        () => new Codec().encode(1, options),
        () => new Codec({ limits: {} }).encode(1, options),
      ]) {
        const error = thrown(run)
        assert.instance(error, TypeError, `${option}: ${String(value)}`)
        assert.match((error as Error).message, option)
      }
    }
  })
}
for (const [option, ...values] of ofBoth) {
  wrong(`${option} of a wrong type is a TypeError, for decode`, () => {
    for (const value of values) {
      const options = { [option]: value } as object
      assert.instance(
        thrown(() => decode(packet, options)),
        TypeError,
      )
      for (const codec of [new Codec(), new Codec({ limits: {} })]) {
        assert.instance(
          thrown(() => codec.decode(packet, options)),
          TypeError,
        )
      }
    }
  })
}

wrong('what is no packet is a TypeError', () => {
  const { meta } = packet
  const none = [undefined, null, 5, 'abc', {}, [], meta, { meta }, { meta: [...meta], buffers: [] }]
  const noBytes = [
    { meta: meta.buffer, buffers: [] },
    { meta: new Int8Array(meta.buffer), buffers: [] },
  ]
  for (const value of [...none, ...noBytes]) {
    const error = thrown(() => decode(value as never))
    assert.instance(error, TypeError)
    assert.match((error as Error).message, ': wanted ')
  }
})

wrong.run()

const effects = suite('options: what they do')

const sizes: [threshold: number | undefined, byteLength: number, buffers: number][] = [
  [undefined, 4095, 0],
  [undefined, 4096, 1],
  [0, 0, 1],
  [1, 0, 0],
  [1, 1, 1],
  [10, 9, 0],
  [10, 10, 1],
  [9.5, 9, 0],
  [9.5, 10, 1],
  [Number.POSITIVE_INFINITY, 100_000, 0],
]
for (const [threshold, byteLength, buffers] of sizes) {
  effects(`threshold ${threshold}: ${byteLength} bytes are ${buffers ? 'out of band' : 'in band'}`, () => {
    for (const view of [new Uint8Array(byteLength), new ArrayBuffer(byteLength)]) {
      assert.is(encode(view, { threshold }).buffers.length, buffers)
    }
  })
}

effects('the threshold looks at a buffer, not at its views one by one', () => {
  const memory = new Uint8Array(8000)
  assert.is(encode([memory.subarray(0, 3000), memory.subarray(3000, 6000)]).buffers.length, 1)
  assert.is(encode([memory.subarray(0, 3000), memory.subarray(3001, 6000)]).buffers.length, 0)
})

effects('a callback goes before the threshold', () => {
  assert.is(encode(new Uint8Array(9), { threshold: 5, bufferCallback: () => true }).buffers.length, 0)
  assert.is(encode(new Uint8Array(9), { threshold: 50, bufferCallback: () => false }).buffers.length, 1)
})

effects(
  'without references, trees are the same, what was shared is written twice, and cycles are refused',
  () => {
    const shared = { a: [1, 'b'] }
    const value = { first: shared, second: shared }
    const copy = decode<typeof value>(encode(value, { references: false }))
    assert.is.not(copy.first, copy.second)
    assert.is(difference(structuredClone({ a: shared.a }), copy.second), undefined)
    const cycle: unknown[] = []
    cycle.push({ cycle })
    refused(() => encode(cycle, { references: false }), 'LIMIT', {
      limit: 'depth',
      max: 1000,
      requested: 1001,
    })
  },
)

effects('without references, a view twice becomes two views of one memory', () => {
  const view = new Uint8Array(8)
  for (const threshold of [0, Number.POSITIVE_INFINITY]) {
    const packet = encode([view, view], { references: false, threshold })
    const [first, second] = decode<Uint8Array[]>(packet)
    assert.is.not(first, second)
    assert.is(first!.buffer, second!.buffer)
    assert.ok(packet.buffers.length <= 1)
  }
})

effects('checksum adds four bytes to meta, and as many for each buffer', () => {
  const value = ['text', new Uint8Array(5), new Uint8Array(6)]
  for (const [threshold, buffers] of [
    [0, 2],
    [Number.POSITIVE_INFINITY, 0],
  ] as const) {
    const plain = encode(value, { threshold }).meta.length
    assert.is(encode(value, { threshold, checksum: true }).meta.length, plain + 4 + 4 * buffers)
  }
})

effects('codecs that encoded the same before give the same bytes', () => {
  const make = () => ({ a: { b: { c: 1 } }, list: [{ x: 1, y: { z: 2 } }, { x: 2, y: { z: 3 } }, {}] })
  const [first, second] = [new Codec(), new Codec()]
  for (let round = 0; round < 40; round++) {
    assert.is(difference(first.encode(make()).meta, second.encode(make()).meta), undefined, `round ${round}`)
  }
})

effects.run()

const together = suite('options: of a codec and of a call')

class Point {
  x = 1
}
const point = registry(defineType({ class: Point, tag: 'p', reduce: () => 0, rebuild: () => new Point() }))

together("a call's options go before the codec's, for this call", () => {
  const codec = new Codec({ threshold: 0, types: point, limits: { depth: 2 } })
  const view = new Uint8Array(9)
  assert.is(codec.encode(view).buffers.length, 1)
  assert.is(codec.encode(view, { threshold: 10 }).buffers.length, 0)
  assert.is(codec.encode(view, { strict: true }).buffers.length, 1)
  assert.is(codec.encode(view).buffers.length, 1)
  refused(() => codec.encode([[[1]]]), 'LIMIT', { limit: 'depth', max: 2 })
  assert.not.throws(() => codec.encode([[[1]]], { limits: 'trusted' }))
  refused(() => codec.decode(encode([[[1]]])), 'LIMIT', { limit: 'depth', max: 2 })
  assert.is(difference([[[1]]], codec.decode(encode([[[1]]]), { limits: 'trusted' })), undefined)
  assert.instance(codec.decode(codec.encode(new Point())), Point)
  assert.instance(codec.decode(codec.encode(new Point(), { checksum: true }), { limits: 'untrusted' }), Point)
})

together("a limit of undefined leaves the codec's as it is", () => {
  const codec = new Codec({ limits: { ...LIMITS.untrusted, items: 5 } })
  const rows: [limit: keyof Limits, value: unknown, code: 'LIMIT' | 'UNSUPPORTED'][] = [
    ['items', [1, 2, 3, 4, 5, 6], 'LIMIT'],
    ['bigintBytes', 2n ** 9000n, 'LIMIT'],
    ['regexps', /a/, 'UNSUPPORTED'],
  ]
  for (const [limit, value, code] of rows) {
    for (const limits of [
      {},
      { [limit]: undefined },
      { [limit]: undefined, buffers: 3 },
    ] as Partial<Limits>[]) {
      refused(() => codec.encode(value, { limits }), code, { limit })
      refused(() => codec.decode(encode(value), { limits }), code, { limit })
    }
  }
})

together("an option of undefined leaves the codec's as it is", () => {
  const codec = new Codec({ threshold: 0, types: point, limits: 'untrusted' })
  const packet = codec.encode(new Uint8Array(9), {
    threshold: undefined,
    types: undefined,
    limits: undefined,
  })
  assert.is(packet.buffers.length, 1)
  refused(() => codec.decode(encode(/a/), { limits: undefined, types: undefined }), 'UNSUPPORTED', {
    limit: 'regexps',
  })
})

together('options are read once: a change to the object changes nothing', () => {
  const options = { threshold: 0, limits: { depth: 2 } }
  const codec = new Codec(options)
  options.threshold = 100
  options.limits.depth = 1
  assert.is(codec.encode(new Uint8Array(9)).buffers.length, 1)
  assert.is(codec.encode(new Uint8Array(9), { strict: true }).buffers.length, 1)
  assert.not.throws(() => codec.encode([[1]]))
  assert.not.throws(() => codec.encode([[1]], { strict: true }))
})

together.run()

const named = suite('options: own properties of arrays')

const plainArrays = (count: number): unknown[][] =>
  Array.from({ length: count }, (_, i) => (i % 2 ? [i, i] : ['a', i]))
const tagged = (array: unknown[]): unknown[] => Object.assign(array, { tag: 'own' })

named('are found on the first 16 arrays of one place, in every message', () => {
  for (const references of [true, false]) {
    const codec = new Codec({ references })
    for (let nth = 0; nth < 16; nth++) {
      const value = plainArrays(16)
      tagged(value[nth]!)
      assert.is(difference(value, codec.decode(codec.encode(value))), undefined, `array ${nth}`)
    }
  }
})

named('are found on all arrays after one that had some', () => {
  const value = plainArrays(300)
  for (const array of value.slice(15)) tagged(array)
  assert.is(difference(value, decode(encode(value))), undefined)
})

named('are found in places of their own, however many arrays there are elsewhere', () => {
  const value = { points: plainArrays(500), match: tagged(['a']), last: { match: tagged([1, 2]) } }
  assert.is(difference(value, decode(encode(value))), undefined)
})

named('are found on every array by strict', () => {
  for (const references of [true, false]) {
    const value = plainArrays(300)
    for (const nth of [17, 100, 299]) tagged(value[nth]!)
    value.push(tagged(Array.from({ length: 5000 }, (_, i) => i)))
    assert.is(difference(value, decode(encode(value, { strict: true, references }))), undefined)
  }
})

named('are found by strict beside elements that do not show', () => {
  const long = () => Array.from({ length: 40 }, (_, i) => `${i}`)
  const hidden = tagged(Object.defineProperty(long(), 3, { enumerable: false }))
  const ownKeys = (target: object) => Reflect.ownKeys(target).filter(key => key !== '7')
  for (const array of [hidden, new Proxy(tagged(long()), { ownKeys })]) {
    const { tag } = decode<{ tag: string }>(encode(array, { strict: true }))
    assert.is(tag, 'own')
    assert.is(decode<{ tag: string }>(encode(array)).tag, 'own')
  }
})

named.run()
