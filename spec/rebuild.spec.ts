/** Code of custom types that fails, and code that encodes and decodes inside encode and decode. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Box, box, Point } from '../fixtures/classes.js'
import { Codec, type CustomType, decode, defineType, encode, registry } from '../src/index.js'
import { difference } from './same.js'
import { refused, thrown } from './thrown.js'

const failures = suite('types: failures')

const tags = [
  'point',
  'constructor',
  'toString',
  '__proto__',
  'hasOwnProperty',
  'é',
  '\ud800',
  'a b',
  'x'.repeat(5000),
]
for (const tag of tags) {
  failures(`the tag ${JSON.stringify(tag.slice(0, 20))} is a name like any other`, () => {
    const type = defineType({ class: Point, tag, reduce: () => 0, rebuild: () => new Point(0, 0) })
    const types = registry(type)
    const packet = encode([new Point(0, 0)], { types })
    assert.is(difference([new Point(0, 0)], decode(packet, { types })), undefined)
    refused(() => decode(packet), 'UNKNOWN_TYPE', { tag })
    refused(() => decode(packet, { types: registry() }), 'UNKNOWN_TYPE', { tag })
    const error = refused(() => decode(packet, { types: registry(box) }), 'UNKNOWN_TYPE', { tag })
    assert.type(error.offset, 'number')
  })
}

const mine = new Error('mine')
const throws = (): never => {
  throw mine
}
const isPromise = (): never => Promise.resolve(new Box()) as never
const isProxy = (): never => new Proxy(new Box(), {}) as never
const one = { class: Box, tag: 'box', reduce: () => 0 }
const broken: [name: string, type: CustomType<Box>, cause: unknown][] = [
  ['rebuild throws', defineType({ ...one, rebuild: throws }), mine],
  ['create throws', defineType({ ...one, create: throws, fill: () => {} }), mine],
  ['fill throws', defineType({ ...one, create: () => new Box(), fill: throws }), mine],
  ['rebuild is asynchronous', defineType({ ...one, rebuild: isPromise }), undefined],
  ['create is asynchronous', defineType({ ...one, create: isPromise, fill: () => {} }), undefined],
  ['fill is asynchronous', defineType({ ...one, create: () => new Box(), fill: isPromise }), undefined],
  ['rebuild returns a proxy', defineType({ ...one, rebuild: isProxy }), undefined],
  ['create returns a proxy', defineType({ ...one, create: isProxy, fill: () => {} }), undefined],
  [
    'rebuild throws what is no error',
    defineType({
      ...one,
      rebuild: () => {
        throw 'text'
      },
    }),
    'text',
  ],
  [
    'rebuild overflows the stack',
    defineType({
      ...one,
      rebuild: function again(): Box {
        return again()
      },
    }),
    RangeError,
  ],
]
for (const [name, type, cause] of broken) {
  failures(`${name}: REBUILD`, () => {
    const packet = encode([1, new Box()], { types: registry(type) })
    const error = refused(() => decode(packet, { types: registry(type) }), 'REBUILD', { tag: 'box' })
    assert.type(error.offset, 'number')
    if (typeof cause === 'function') assert.instance(error.cause, cause)
    else assert.is(error.cause, cause)
  })
}

failures('an error of ours in rebuild is REBUILD too, and its cause', () => {
  const type = defineType({ ...one, rebuild: () => decode<Box>({ meta: new Uint8Array(0), buffers: [] }) })
  const types = registry(type)
  const error = refused(() => decode(encode(new Box(), { types }), { types }), 'REBUILD')
  refused(() => {
    throw error.cause
  }, 'TRUNCATED')
})

failures('what reduce and a predicate throw passes unchanged, errors of ours included', () => {
  const ours = refused(() => encode(() => 1), 'UNSUPPORTED')
  const { message, path } = ours
  for (const wanted of [mine, ours, 'text', undefined]) {
    const fails = () => {
      throw wanted
    }
    const reducing = registry(defineType({ ...one, reduce: fails, rebuild: () => new Box() }))
    const asking = registry(defineType({ is: fails, tag: 'a', reduce: () => 0, rebuild: () => 0 }))
    assert.is(
      thrown(() => encode({ a: [new Box()] }, { types: reducing })),
      wanted,
    )
    assert.is(
      thrown(() => encode({ a: [new Box()] }, { types: asking })),
      wanted,
    )
  }
  assert.is(ours.message, message)
  assert.is(ours.path, path)
})

failures('what cannot travel in the parts is named by its path', () => {
  const error = refused(
    () => encode({ a: [new Box({ fn: () => 1 })] }, { types: registry(box) }),
    'UNSUPPORTED',
  )
  assert.is(error.path, 'value.a[0]<box>.fn')
})

failures('reduce that goes on for ever is a LIMIT', () => {
  const type = defineType({ is: () => true, tag: 'a', reduce: () => ({}), rebuild: () => 0 })
  refused(() => encode({}, { types: registry(type) }), 'LIMIT', { limit: 'depth' })
})

failures.run()

const inside = suite('types: encode and decode inside each other')

const codec = new Codec()

inside('a codec called again from reduce, rebuild, a getter, a callback and an iterator', () => {
  const nested = (value: unknown): unknown => codec.decode(codec.encode(value))
  const wanted = { list: [{ id: 1 }, { id: 2 }], view: new Uint8Array(5000) }
  const type = defineType({
    class: Box,
    tag: 'box',
    reduce: ({ content }) => {
      assert.is(difference(wanted, nested(wanted)), undefined)
      return { content, inner: codec.encode(wanted).meta }
    },
    rebuild: ({ content, inner }) => {
      refused(() => codec.decode({ meta: inner, buffers: [] }), 'BUFFERS')
      assert.is(difference(wanted, nested(wanted)), undefined)
      return new Box(content)
    },
  })
  const types = registry(type)
  const view = new Uint8Array(6000)
  for (let round = 0; round < 40; round++) {
    const box = new Box([view, { a: round, text: 'some text' }])
    const value = {
      before: ['some text', { a: 1, text: 'x' }],
      box,
      get got() {
        return nested({ got: ['some text', view] })
      },
      again: box,
      view,
    }
    const packet = codec.encode(value, { types, bufferCallback: () => void nested(wanted) })
    const buffers = {
      *[Symbol.iterator]() {
        for (const buffer of packet.buffers) {
          nested(wanted)
          yield buffer
        }
      },
    }
    const copy = codec.decode<typeof value>({ meta: packet.meta, buffers }, { types })
    assert.is(difference({ ...value, got: copy.got }, copy), undefined)
    assert.is(difference({ got: ['some text', view] }, copy.got), undefined)
    assert.is(copy.box, copy.again)
  }
})

inside.run()
