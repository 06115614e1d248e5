/** Values made at random, from a seed that is printed when one fails: `fc.assert` shrinks it to the smallest that fails. */

import fc from 'fast-check'
import { suite } from 'uvu'
import { typedArrays } from '../fixtures/arrays.js'
import { Codec, type CodecOptions, decode, encode, type Packet } from '../src/index.js'
import { difference } from './same.js'

const SEED = 574
const settings = (numRuns: number): fc.Parameters<unknown> => ({ seed: SEED, numRuns, endOnFailure: false })

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  // Lone surrogates and every other unit.
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
    .map(units => String.fromCharCode(...units)),
  fc.constantFrom('red', 'green', '__proto__', 'constructor', 'toString', '', '0', '12', '4294967295', '1.5'),
)
const numbers = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(
    -0,
    0,
    63,
    64,
    127,
    128,
    -128,
    -129,
    2 ** 31,
    -(2 ** 31),
    Number.NaN,
    Number.MAX_SAFE_INTEGER,
  ),
)
const leaf = fc.oneof(
  { weight: 3, arbitrary: numbers },
  { weight: 3, arbitrary: text },
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }),
)
const boxed = fc.oneof(numbers, text, fc.boolean(), fc.bigInt()).map(value => Object(value) as unknown)
const regexps = fc
  .tuple(fc.constantFrom('', 'a', '[/]', '\\p{L}', '\\d+'), fc.constantFrom('', 'g', 'iu', 'dsy'))
  .map(([source, flags]) => new RegExp(source, flags))

type AnyView = new (buffer: ArrayBuffer, byteOffset: number, length: number) => ArrayBufferView

/** Views, Buffers and whole ArrayBuffers on a few ArrayBuffers, so that they overlap, touch and lie apart. */
const memories = fc
  .tuple(
    fc.array(fc.tuple(fc.integer({ min: 0, max: 48 }), fc.boolean()), { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(14), fc.nat(48), fc.nat(6)), { minLength: 1, maxLength: 6 }),
  )
  .map(([sizes, picks]) => {
    const buffers = sizes.map(([size, isResizable], i) => {
      const buffer = isResizable ? new ArrayBuffer(size, { maxByteLength: size + 8 }) : new ArrayBuffer(size)
      return fillUp(buffer, i)
    })
    return picks.map(([which, kind, at, length]) => place(buffers[which % buffers.length]!, kind, at, length))
  })

function fillUp(buffer: ArrayBuffer, salt: number): ArrayBuffer {
  const bytes = new Uint8Array(buffer)
  for (let i = 0; i < bytes.length; i++) bytes[i] = i * 5 + salt
  return buffer
}

function place(buffer: ArrayBuffer, kind: number, at: number, length: number): unknown {
  if (kind === 14) return buffer
  const isTracking = length === 6 && buffer.resizable
  const View = (kind < typedArrays.length
    ? typedArrays[kind]
    : kind === 12
      ? Buffer
      : DataView) as unknown as AnyView
  const size = kind < typedArrays.length ? typedArrays[kind]!.BYTES_PER_ELEMENT : 1
  const offset = Math.min(Math.floor(at / size) * size, Math.floor(buffer.byteLength / size) * size)
  const most = Math.floor((buffer.byteLength - offset) / size)
  if (kind === 12) return Buffer.from(buffer, offset, Math.min(length, most))
  if (isTracking && (buffer.byteLength - offset) % size === 0)
    return new View(buffer, offset, undefined as never)
  return new View(buffer, offset, Math.min(length, most))
}

const errors = (inner: fc.Arbitrary<unknown>) =>
  fc
    .tuple(
      fc.constantFrom(Error, TypeError, RangeError),
      text,
      fc.option(inner),
      fc.dictionary(fc.constantFrom('code', 'info'), inner),
    )
    .map(([ErrorClass, message, cause, fields]) =>
      Object.assign(cause === null ? new ErrorClass(message) : new ErrorClass(message, { cause }), fields),
    )

const dictionary = (inner: fc.Arbitrary<unknown>) =>
  fc.array(fc.tuple(text, inner), { maxLength: 5 }).map(entries => {
    const object = {}
    for (const [key, value] of entries) {
      Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
    }
    return object
  })

/** Trees of everything that structured clone carries too. */
const trees = fc.letrec(tie => {
  const inner = tie('value')
  return {
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      { weight: 6, arbitrary: leaf },
      fc.array(inner, { maxLength: 5 }),
      fc.array(numbers, { maxLength: 6 }),
      fc.array(fc.option(inner, { freq: 3 }), { maxLength: 5 }).map(withHoles),
      dictionary(inner),
      fc.array(fc.record({ id: inner, name: text }), { maxLength: 4 }),
      fc.array(fc.tuple(inner, inner), { maxLength: 4 }).map(entries => new Map(entries)),
      fc.array(inner, { maxLength: 4 }).map(members => new Set(members)),
      memories,
      fc.date({ noInvalidDate: false }),
      regexps,
      boxed,
    ),
  }
}).value

function withHoles(list: unknown[]): unknown[] {
  for (let i = 0; i < list.length; i++) if (list[i] === null) delete list[i]
  return list
}

/** What structured clone loses: null prototypes, Buffers, names and fields of errors, properties of arrays. */
const rich = fc.oneof(
  trees,
  dictionary(trees).map(object => Object.assign(Object.create(null), object) as unknown),
  errors(trees),
  fc.tuple(fc.array(leaf, { maxLength: 3 }), dictionary(leaf)).map(([list, fields]) => ownOnly(list, fields)),
)

function ownOnly(list: unknown[], fields: object): unknown[] {
  for (const [key, value] of Object.entries(fields)) {
    if (/^(length|0|[1-9]\d{0,9})$/.test(key)) continue
    Object.defineProperty(list, key, { value, enumerable: true, writable: true, configurable: true })
  }
  return list
}

type Node = unknown[] | Map<unknown, unknown> | Set<unknown> | Record<string, unknown>

/** Graphs: nodes of every container, then edges between any two of them, and back to themselves. */
const graphs = fc
  .tuple(
    fc.array(fc.tuple(fc.nat(4), rich), { minLength: 1, maxLength: 12 }),
    fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 24 }),
  )
  .map(([kinds, edges]) => {
    const nodes = kinds.map(([kind, content]): Node => {
      if (kind === 0) return [content]
      if (kind === 1) return new Map([['content', content]])
      if (kind === 2) return new Set([content])
      if (kind === 3) return Object.assign(Object.create(null), { content }) as Record<string, unknown>
      return { content }
    })
    for (const [i, [from, to]] of edges.entries())
      link(nodes[from % nodes.length]!, `to${i}`, nodes[to % nodes.length])
    return nodes
  })

function link(from: Node, name: string, to: unknown): void {
  if (Array.isArray(from)) from.push(to)
  else if (from instanceof Map) from.set(from.size % 2 ? to : name, from.size % 2 ? name : to)
  else if (from instanceof Set) from.add(to)
  else from[name] = to
}

function expectSame(wanted: unknown, got: unknown, what: string): void {
  const found = difference(wanted, got)
  if (found !== undefined) throw new Error(`${what}: ${found}`)
}

const received = ({ meta, buffers }: Packet): Packet => ({
  meta: meta.slice(),
  buffers: buffers.map(b => b.slice()),
})

const test = suite(`property: seed ${SEED}`)

/** All are strict: others search arrays for own properties by sample. */
const codecs: [name: string, options: CodecOptions][] = [
  ['out of band', { threshold: 0 }],
  ['in band', { threshold: Number.POSITIVE_INFINITY }],
  ['by the default threshold', {}],
  ['some in, some out', { bufferCallback: buffer => buffer.length % 2 }],
  ['without generated code', { limits: { codegen: false } }],
]
for (const [name, options] of codecs) {
  // One codec for all of them: what it learned from one value must not show in the next.
  const codec = new Codec({ ...options, strict: true })
  test(`any graph comes back equal, ${name}`, () => {
    fc.assert(
      fc.property(graphs, value => {
        const packet = codec.encode(value)
        expectSame(value, codec.decode(packet), 'in place')
        expectSame(value, codec.decode(received(packet)), 'received')
      }),
      settings(200),
    )
  })
}

test('in band and out of band arrive alike', () => {
  fc.assert(
    fc.property(graphs, value => {
      const [inside, outside] = [0, Number.POSITIVE_INFINITY].map(threshold =>
        decode(encode(value, { threshold, strict: true })),
      )
      expectSame(inside, outside, 'in band')
    }),
    settings(150),
  )
})

test('with references off, any tree comes back equal', () => {
  const codec = new Codec({ references: false, strict: true })
  fc.assert(
    fc.property(trees, value => {
      if (difference(value, structuredClone(value)) === undefined) {
        expectSame(value, codec.decode(codec.encode(value)), 'tree')
      }
    }),
    settings(200),
  )
})

test('whatever structured clone carries equal, we do; what we carry, it carries no better', () => {
  fc.assert(
    fc.property(graphs, value => {
      const copy = decode(received(encode(value, { strict: true })))
      if (difference(value, structuredClone(value)) === undefined)
        expectSame(structuredClone(value), copy, 'clone')
      expectSame(value, copy, 'value')
    }),
    settings(150),
  )
})

test('a packet decodes alike any number of times, with a checksum and without', () => {
  fc.assert(
    fc.property(graphs, fc.boolean(), (value, checksum) => {
      const packet = encode(value, { checksum, threshold: 0, strict: true })
      const [first, second] = [decode(received(packet)), new Codec().decode(received(packet))]
      expectSame(first, second, 'twice')
      expectSame(value, second, 'value')
    }),
    settings(200),
  )
})

test('text of any units comes back unit by unit', () => {
  const codec = new Codec()
  fc.assert(
    fc.property(fc.array(text, { maxLength: 200 }), list =>
      expectSame(list, codec.decode(codec.encode(list)), 'text'),
    ),
    settings(150),
  )
})

test('numbers come back bit by bit', () => {
  const codec = new Codec()
  fc.assert(
    fc.property(fc.array(numbers, { maxLength: 300 }), list => {
      expectSame(list, codec.decode(codec.encode(list)), 'alone')
      expectSame({ list, again: list }, codec.decode(codec.encode({ list, again: list })), 'twice')
      expectSame([...list, 'a'], codec.decode(codec.encode([...list, 'a'])), 'mixed')
    }),
    settings(150),
  )
})

test('BigInts of any size come back', () => {
  const codec = new Codec()
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 5000n), max: 2n ** 5000n }), n =>
      expectSame(n, codec.decode(codec.encode(n)), 'n'),
    ),
    settings(200),
  )
})

test.run()
