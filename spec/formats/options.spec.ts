/** What `encode` and `decode` promise of buffers, types, limits and errors, in every format. */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loopback } from '../../src/carriers/loopback.js'
import { Channel } from '../../src/channel.js'
import { msgpack } from '../../src/formats/msgpack.js'
import {
  Codec,
  decode,
  defineType,
  encode,
  type Format,
  isOutbandError,
  isReadonly,
  LIMITS,
  outOfBand,
  type Packet,
  registry,
} from '../../src/index.js'
import { connectPort } from '../../src/port/index.js'
import { difference } from '../same.js'
import { refused, thrown } from '../thrown.js'
import { formats } from './kit.js'

class Tensor {
  constructor(
    readonly data: Float32Array,
    readonly shape: number[],
  ) {}
}
class Node {
  next: Node | undefined
}
const types = registry(
  defineType({
    class: Tensor,
    tag: 'tensor',
    reduce: ({ data, shape }: Tensor) => ({ data, shape }),
    rebuild: ({ data, shape }) => new Tensor(data, shape),
  }),
  defineType({
    class: Node,
    tag: 'node',
    reduce: ({ next }: Node) => ({ next }),
    create: () => new Node(),
    fill: (node, { next }) => Object.assign(node, { next }),
  }),
  defineType({
    tag: 'symbol',
    is: (value: unknown): value is symbol => typeof value === 'symbol',
    reduce: ({ description }) => description,
    rebuild: text => Symbol(text),
  }),
)

const readerSettings = { types: undefined, limits: LIMITS.trusted }

for (const format of formats) {
  const test = suite(`formats: options of ${format.name}`)
  const both = (value: unknown, options: object = {}) =>
    decode(encode(value, { format, ...options }), { format })

  test('out of band is the same memory, in band a copy, and the type is the same', () => {
    const view = new Float64Array(1024).fill(0.5)
    for (const [threshold, isSame] of [
      [0, true],
      [8192, true],
      [8193, false],
      [Number.POSITIVE_INFINITY, false],
    ] as const) {
      const packet = encode({ view }, { format, threshold })
      assert.is(packet.buffers.length, isSame ? 1 : 0)
      const copy = decode<{ view: Float64Array }>(packet, { format })
      assert.is(copy.view.buffer === view.buffer, isSame)
      assert.is(difference(view, copy.view), undefined)
    }
  })

  test('what is in band owns its memory, whole', () => {
    for (const sent of [
      Uint8Array.of(1, 2),
      Float32Array.of(1),
      Buffer.from('hi'),
      new DataView(new ArrayBuffer(3)),
    ]) {
      const copy = both([sent, sent.byteLength]) as [ArrayBufferView]
      assert.ok(copy[0].buffer.byteLength <= sent.byteLength, 'more than its bytes')
      const { meta } = encode(sent, { format })
      assert.is(meta.byteLength, meta.buffer.byteLength)
    }
  })

  test('bufferCallback is called once a buffer, in order, with the window; truthy is in band', () => {
    const views = [new Uint8Array(10), new Float32Array(4), new Uint8Array(3)]
    const seen: [Uint8Array, unknown][] = []
    const bufferCallback = (buffer: Uint8Array, view: unknown) => {
      seen.push([buffer, view])
      return view === views[1]
    }
    const packet = encode(views, { format, bufferCallback })
    assert.equal(
      seen.map(([, view]) => view),
      views,
    )
    assert.ok(seen.every(([buffer], i) => buffer.buffer === views[i]!.buffer))
    assert.equal(
      packet.buffers.map(({ byteLength }) => byteLength),
      [10, 3],
    )
    assert.is(difference(views, decode(packet, { format })), undefined)
    const mine = new Error('mine')
    const failing = () => {
      throw mine
    }
    assert.is(
      thrown(() => encode(views, { format, bufferCallback: failing })),
      mine,
    )
  })

  test('views that overlap alias again, on both sides of the band', () => {
    for (const threshold of [0, Number.POSITIVE_INFINITY]) {
      const memory = new ArrayBuffer(64)
      const sent = [
        new Uint8Array(memory, 8, 16),
        new Float32Array(memory, 16, 4),
        new Uint8Array(memory, 60, 4),
      ]
      const packet = encode(sent, { format, threshold })
      const [bytes, floats, apart] = decode<[Uint8Array, Float32Array, Uint8Array]>(
        { ...packet, buffers: packet.buffers.map(buffer => buffer.slice()) },
        { format },
      )
      assert.is(bytes.buffer, floats.buffer)
      assert.is.not(apart.buffer, bytes.buffer)
      bytes[8 + 3] = 0x3f
      bytes[8 + 2] = 0x80
      assert.is(floats[0], 1)
    }
  })

  test('unaligned buffers are copied once, aligned ones are not', () => {
    const packet = encode([new Float64Array(1000), new Uint8Array(1000)], { format, threshold: 0 })
    const moved = packet.buffers.map(buffer => {
      const memory = new Uint8Array(buffer.length + 3)
      memory.set(buffer, 3)
      return memory.subarray(3)
    })
    const [floats, bytes] = decode<[Float64Array, Uint8Array]>(
      { meta: packet.meta, buffers: moved },
      { format },
    )
    assert.is.not(floats.buffer, moved[0]!.buffer)
    assert.is(bytes.buffer, moved[1]!.buffer)
  })

  test('an ArrayBuffer arrives on a buffer that is nothing but it, else on a copy', () => {
    const sent = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer
    const packet = encode({ sent }, { format, threshold: 0 })
    for (const [before, behind] of [
      [0, 0],
      [8, 0],
      [0, 8],
    ]) {
      const memory = new Uint8Array(before! + 8 + behind!)
      const lent = memory.subarray(before, before! + 8)
      lent.set(packet.buffers[0]!)
      const { sent: arrived } = decode<{ sent: ArrayBuffer }>({ ...packet, buffers: [lent] }, { format })
      assert.is(difference(sent, arrived), undefined)
      assert.is(arrived === memory.buffer, before === 0 && behind === 0)
    }
  })

  test('outOfBand forces, and read-only survives', () => {
    const view = Uint8Array.of(1, 2, 3)
    const packet = encode([outOfBand(view, { readonly: true }), view], { format })
    assert.is(packet.buffers[0]!.buffer, view.buffer)
    const [first, second] = decode<Uint8Array[]>(packet, { format })
    assert.is(first, second)
    assert.ok(isReadonly(first!))
    assert.not.ok(isReadonly(both(Uint8Array.of(1)) as Uint8Array))
  })

  test('no byte that no view covers leaves', () => {
    const memory = new Uint8Array(64).fill(0xcc)
    memory.fill(1, 20, 24)
    for (const threshold of [0, Number.POSITIVE_INFINITY]) {
      const { meta, buffers } = encode(memory.subarray(20, 24), { format, threshold })
      assert.not.ok([meta, ...buffers].some(bytes => bytes.includes(0xcc)))
    }
  })

  test('custom types, cycles through them, and predicates', () => {
    const node = new Node()
    node.next = node
    const sent = [new Tensor(new Float32Array(6), [2, 3]), node, Symbol('s')]
    const codec = new Codec({ format, types })
    const [tensor, again, symbol] = codec.decode<[Tensor, Node, symbol]>(codec.encode(sent))
    assert.instance(tensor, Tensor)
    assert.equal([tensor.data.length, tensor.shape], [6, [2, 3]])
    assert.instance(again, Node)
    assert.is(again.next, again)
    assert.is(symbol.description, 's')
    refused(() => decode(codec.encode(sent), { format }), 'UNKNOWN_TYPE', { tag: 'tensor' })
    const loop = new Tensor(new Float32Array(), [])
    ;(loop as { shape: unknown }).shape = loop
    refused(() => codec.encode(loop), 'UNSUPPORTED')
    const failing = registry(
      defineType({
        class: Tensor,
        tag: 'tensor',
        reduce: () => 0,
        rebuild: () => Promise.resolve() as never,
      }),
    )
    refused(() => decode(encode(sent[0], { format, types }), { format, types: failing }), 'REBUILD', {
      tag: 'tensor',
    })
  })

  test('a message with a cycle that no one-step type can have is MALFORMED', () => {
    // [28/D 0: [27/C, 'tensor', 29/# 0]]
    const messages: Readonly<Record<string, readonly number[]>> = {
      msgpack: [
        ...[0x92, 0xc7, 5, 79, 0x44, 0, 0, 0, 0],
        ...[0x93, 0xd4, 79, 0x43, 0xa6, ...Buffer.from('tensor'), 0xc7, 5, 79, 0x23, 0, 0, 0, 0],
      ],
      cbor: [0xd8, 28, 0xd8, 27, 0x82, 0x66, ...Buffer.from('tensor'), 0xd8, 29, 0],
    }
    const meta = Uint8Array.from(messages[format.name]!)
    const error = refused(() => decode({ meta, buffers: [] }, { format, types }), 'MALFORMED')
    assert.match(error.message, 'a cycle through a one-step type')
  })

  test('reduce is called once a value, also when something is shared', () => {
    let calls = 0
    const counting = registry(
      defineType({
        class: Tensor,
        tag: 't',
        reduce: ({ shape }: Tensor) => {
          calls++
          return shape
        },
        rebuild: shape => new Tensor(new Float32Array(), shape as number[]),
      }),
    )
    const tensor = new Tensor(new Float32Array(), [1])
    encode([tensor, tensor, tensor.shape], { format, types: counting })
    assert.is(calls, 1)
  })

  test('what cannot travel is UNSUPPORTED, with its path', () => {
    const rows: [value: unknown, path: string][] = [
      [{ rows: [1, { done: () => {} }] }, 'value.rows[1].done'],
      [[Symbol('a')], 'value[0]'],
      [{ 'a b': new WeakMap() }, 'value["a b"]'],
      [new Map([['k', { f: Math.max }]]), 'value<entry 0>.f'],
      [Promise.resolve(), 'value'],
      [[new Proxy(new Uint8Array(1), {})], 'value[0]'],
    ]
    for (const [value, path] of rows) refused(() => encode(value, { format }), 'UNSUPPORTED', { path })
  })

  test('strict refuses what the format would lose', () => {
    class Point {
      x = 1
    }
    const sparse = [1, , 3]
    class Register extends Map<unknown, unknown> {}
    class Rows extends Array<unknown> {}
    const rows = [new Point(), Object(1), Object.create(null), sparse, Object.assign([1], { a: 1 })]
    rows.push(new Register(), Object.assign(new Set(), { a: 1 }), new Rows('a', 'b'))
    for (const value of rows)
      refused(() => encode([value], { format, strict: true }), 'UNSUPPORTED', { path: 'value[0]' })
    assert.is(difference([1, { a: [] }], both([1, { a: [] }], { strict: true })), undefined)
  })

  test('keys that UTF-8 makes one are refused: what the other held would be announced, and lost', () => {
    const shared = { a: 1 }
    for (const [one, other] of [
      ['\ud800', '\udc00'],
      ['\ud800', '\ufffd'],
      // Text that long the engine writes, not the library.
      [`${'a'.repeat(100)}\ud800`, `${'a'.repeat(100)}\udc00`],
    ]) {
      const rows = [
        { [one!]: new Uint8Array(5000), [other!]: new Uint8Array(5000) },
        [{ [one!]: shared, [other!]: 1 }, shared],
      ]
      for (const value of rows) refused(() => encode(value, { format }), 'UNSUPPORTED')
      const alone = { [one!]: new Uint8Array(5000) }
      assert.equal(Object.keys(both(alone) as object), [one!.replace('\ud800', '\ufffd')])
    }
  })

  test('a Proxy of an array that says a length that is none is refused', () => {
    for (const length of [-1, 1.5, 3n]) {
      const get = (target: object, key: string | symbol) =>
        key === 'length' ? length : (Reflect.get(target, key) as unknown)
      refused(() => encode([new Proxy(['a', 'b'], { get })], { format }), 'UNSUPPORTED', { path: 'value[0]' })
    }
  })

  test('a Proxy of an array that says another length when asked again is refused, or has the first', () => {
    const changing = (target: unknown[]) => {
      let asked = 0
      const get = (_: object, key: string | symbol) =>
        key === 'length' && asked++ > 0 ? 2 ** 32 : (Reflect.get(target, key) as unknown)
      return new Proxy(target, { get })
    }
    const options = { format, references: false }
    refused(() => encode([changing(['a', 'b'])], options), 'UNSUPPORTED', { path: 'value[0]' })
    assert.equal(decode(encode(changing([new Date(5)]), options), { format }), [new Date(5)])
  })

  test('a Proxy that lists its keys as no object has them: all arrives, or CBOR refuses it', () => {
    const [one, two] = [{ n: 1 }, { n: 2 }]
    const proxy = new Proxy({ b: one, 1: two }, { ownKeys: () => ['b', '1'] })
    const sent = [proxy, one, two]
    // CBOR counts objects by their place.
    if (format.name === 'cbor') refused(() => encode(sent, { format }), 'UNSUPPORTED')
    else assert.equal((both(sent) as unknown[]).slice(1), [one, two])
    assert.equal(both([one, two, one, two]), [one, two, one, two])
  })

  test('keys of Maps that are one without their boxes: the last counts, but CBOR refuses them', () => {
    const map = new Map<unknown, unknown>([
      [Object(1), new Uint8Array(5000)],
      [1, new Uint8Array(5000)],
    ])
    // CBOR has them for keys of its own Maps, the others in a list.
    if (format.name === 'cbor') refused(() => encode(map, { format }), 'UNSUPPORTED')
    else assert.is((both(map) as Map<unknown, unknown>).size, 1)
    const limits = { numberKeys: 1, bigintKeys: 1 }
    refused(
      () =>
        encode(
          new Map([
            [Object(1), 1],
            [2, 1],
          ]),
          { format, limits },
        ),
      'LIMIT',
      { limit: 'numberKeys' },
    )
    refused(() => encode(new Set([Object(1n), 2n]), { format, limits }), 'LIMIT', { limit: 'bigintKeys' })
  })

  test('properties of an array are lost, whatever methods they have the names of', () => {
    const names = [
      'every',
      'some',
      'includes',
      'entries',
      'map',
      'slice',
      'at',
      'push',
      'forEach',
      Symbol.iterator,
    ]
    for (const elements of [
      [1, 2.5],
      ['a', 'b'],
      ['a\0', 'b'],
      ['\ud800'],
      [1, 'a', null],
      [[1], new Set([1])],
    ]) {
      const plain = both([elements])
      for (const name of names) {
        const sent = Object.assign([...elements], { [name]: 5 })
        assert.is(difference(plain, both([sent])), undefined, String(name))
      }
    }
  })

  test('a box that is met twice arrives as its primitive, twice', () => {
    for (const primitive of [-0, 1, 'a', false, 1n, 2n ** 70n]) {
      const box = Object(primitive)
      const sent = [box, { box }, box]
      assert.is(
        difference([primitive, { box: primitive }, primitive], both(sent)),
        undefined,
        String(primitive),
      )
    }
  })

  test('memory that is gone, or smaller, at the second call of a getter is DETACHED, with its place', () => {
    const shrink = (memory: ArrayBuffer): void =>
      (memory as ArrayBuffer & { resize(n: number): void }).resize(4)
    const detach = (memory: ArrayBuffer): void => void structuredClone(memory, { transfer: [memory] })
    const views: ((memory: ArrayBuffer) => ArrayBufferView)[] = [
      memory => new Uint8Array(memory, 0, 8),
      memory => new Float64Array(memory, 0, 1),
      memory => new DataView(memory, 0, 8),
    ]
    for (const take of [shrink, detach]) {
      for (const threshold of [0, Number.POSITIVE_INFINITY]) {
        for (const viewOn of views) {
          const memory = new ArrayBuffer(64, { maxByteLength: 64 })
          let calls = 0
          const taking = {
            get a() {
              if (++calls === 2) take(memory)
              return 1
            },
          }
          const sent = [taking, new Date(0), { view: viewOn(memory), also: new Uint8Array(9) }]
          refused(() => encode(sent, { format, threshold }), 'DETACHED', { path: 'value[2].view' })
          assert.is(difference([1], both([1])), undefined)
        }
      }
    }
  })

  test('memory that is gone is DETACHED', () => {
    const view = new Uint8Array(8)
    structuredClone(view.buffer, { transfer: [view.buffer] })
    refused(() => encode({ view }, { format }), 'DETACHED', { path: 'value.view' })
  })

  test('shared memory is shared, or a copy, or refused', () => {
    const view = new Uint8Array(new SharedArrayBuffer(8))
    const packet = encode(view, { format })
    assert.is(decode<Uint8Array>(packet, { format }).buffer, view.buffer)
    refused(() => decode(packet, { format, limits: 'untrusted' }), 'UNSUPPORTED', { limit: 'shared' })
    refused(() => decode({ ...packet, buffers: [new Uint8Array(8)] }, { format }), 'BUFFERS')
    refused(() => encode(view, { format, threshold: Number.POSITIVE_INFINITY }), 'UNSUPPORTED')
    const copy = decode<Uint8Array>(encode(view, { format, shared: 'copy' }), { format })
    assert.instance(copy.buffer, ArrayBuffer)
  })

  test('the encoder keeps the limits that its reader keeps, to the last', () => {
    const nested = (depth: number): unknown => {
      let value: unknown = 1
      for (let i = 0; i < depth; i++) value = i % 2 ? { a: value } : [value]
      return value
    }
    const rows: [limit: string, max: number, make: (n: number) => unknown][] = [
      ['depth', 20, nested],
      ['items', 20, n => Array.from({ length: n }, () => 0)],
      ['bigintBytes', 20, n => 2n ** BigInt(8 * n) - 1n],
      ['buffers', 20, n => Array.from({ length: n }, () => new Uint8Array(1))],
      ['bufferBytes', 20, n => [new Uint8Array(n)]],
      ['totalBytes', 20, n => [new Uint8Array(n - 4), new Uint16Array(2)]],
      ['stringBytes', 50, n => `${'x'.repeat(n - 2)}\u00e9`],
    ]
    for (const [limit, max, make] of rows) {
      const limits = { [limit]: max }
      const packet = encode(make(max), { format, limits })
      assert.is(difference(make(max), decode(packet, { format, limits })), undefined, limit)
      refused(() => encode(make(max + 1), { format, limits }), 'LIMIT', { limit })
      refused(() => decode(encode(make(max + 1), { format }), { format, limits }), 'LIMIT', { limit, max })
    }
    refused(() => encode(nested(100_000), { format }), 'LIMIT', { limit: 'depth' })
    const { untrusted } = LIMITS
    for (const [limit, value] of [
      ['regexps', /a/],
      ['errors', new Error('no')],
    ] as const) {
      refused(() => encode({ value }, { format, limits: untrusted }), 'UNSUPPORTED', {
        limit,
        path: 'value.value',
      })
      encode({ value }, { format, limits: { ...untrusted, [limit]: true } })
    }
    refused(() => encode('x'.repeat(100), { format, limits: { metaBytes: 50 } }), 'LIMIT', {
      limit: 'metaBytes',
    })
  })

  test('containers beside each other are as deep as one', () => {
    const wraps: [name: string, wrap: (inner: unknown) => unknown][] = [
      ['arrays', inner => [inner]],
      ['objects', inner => ({ inner })],
      ['keys of Maps', inner => new Map([[inner, 1]])],
      ['values of Maps', inner => new Map([[1, inner]])],
      ['Sets', inner => new Set([inner])],
      ['causes', inner => Object.assign(new Error('e', { cause: inner }), { stack: '' })],
      ['fields of errors', inner => Object.assign(new Error('e'), { inner, stack: '' })],
      ['custom values of one step', inner => new Tensor(new Float32Array(), [inner] as number[])],
      ['custom values of two', inner => Object.assign(new Node(), { next: inner })],
    ]
    const least = (run: (limits: { depth: number }) => unknown): number => {
      for (let depth = 1; ; depth++) {
        try {
          run({ depth })
          return depth
        } catch (error) {
          if (!isOutbandError(error, 'LIMIT')) throw error
        }
      }
    }
    for (const [name, wrap] of wraps) {
      const nested = () => wrap(wrap(new Date(0)))
      const [one, five] = [[nested()], Array.from({ length: 5 }, nested)].map(value => {
        const packet = encode(value, { format, types })
        return [
          least(limits => encode(value, { format, types, limits })),
          least(limits => decode(packet, { format, types, limits })),
        ]
      })
      assert.equal(five, one, name)
      // An encoder refuses what its reader would.
      assert.ok(one![0]! >= one![1]!, `${name}: ${one}`)
      assert.ok(one![0]! > least(limits => encode([wrap(0)], { format, types, limits })), name)
    }
  })

  test('what is too deep for the stack is LIMIT, in both directions', () => {
    const limits = { depth: 10_000_000, items: 2 ** 30 }
    for (const wrap of [
      (inner: unknown) => [inner],
      (inner: unknown) => ({ inner }),
      (inner: unknown) => new Set([inner]),
    ]) {
      let value: unknown = 1
      for (let i = 0; i < 100_000; i++) value = wrap(value)
      refused(() => encode(value, { format, limits }), 'LIMIT', { limit: 'depth' })
    }
    const ones = { msgpack: 0x91, cbor: 0x81 }[format.name] as number
    const meta = new Uint8Array(1_000_001).fill(ones, 0, 1_000_000)
    refused(() => decode({ meta, buffers: [] }, { format, limits }), 'LIMIT', { limit: 'depth' })
    assert.is(difference([1], both([1])), undefined)
  })

  test('a getter that encodes, in this format or another, disturbs nothing', () => {
    const rows = Array.from({ length: 2000 }, (_, id) => ({ id, name: `row ${id}` }))
    for (const inner of formats) {
      const value = {
        before: rows,
        get middle() {
          return encode(rows, { format: inner }).meta.length > 0
        },
        after: rows.map(({ id }) => id),
      }
      const wanted = { before: rows, middle: true, after: rows.map(({ id }) => id) }
      assert.is(difference(wanted, both(value)), undefined, inner.name)
    }
  })

  test('an own `constructor` says nothing of what an object is', () => {
    const fields = () => ({ a: 1, b: [2] })
    for (const value of [Array, Map, Set, Date, Uint8Array, Object, () => {}, 5, null, undefined, [1]]) {
      const hidden = Object.defineProperty(fields(), 'constructor', { value })
      const path = `constructor ${String(value)}`
      assert.is(difference([fields()], both([hidden])), undefined, path)
      assert.is(difference({ in: fields() }, both({ in: hidden }, { strict: true })), undefined, path)
      const [first, second] = both([hidden, hidden]) as object[]
      assert.is(first, second)
    }
    for (const value of [5, null, [1], 'Map', { name: 'Map' }, new Date(5)]) {
      const sent = { ...fields(), constructor: value, [Symbol.iterator]: [][Symbol.iterator] }
      assert.is(difference({ ...fields(), constructor: value }, both(sent)), undefined)
    }
    const answers = new Proxy(fields(), { get: () => 1 })
    assert.is(difference({ a: 1, b: 1 }, both(answers)), undefined)
    refused(() => encode({ a: { constructor: Array } }, { format }), 'UNSUPPORTED', {
      path: 'value.a.constructor',
    })
  })

  test('a getter that gives new memory each time', () => {
    const value = {
      get pixels() {
        return Float32Array.of(1, 2)
      },
    }
    assert.is(difference({ pixels: Float32Array.of(1, 2) }, both(value)), undefined)
  })

  test('a rebuild that decodes in the middle of a message spoils nothing that comes after it', () => {
    const pieces = Array.from({ length: 4 }, (_, i) => ({
      bytes: new Uint8Array(20).fill(i + 1),
      floats: Float32Array.of(i, -i),
      at: new Date(i),
      big: 2n ** 70n + BigInt(i),
      text: `piece ${i}`,
    }))
    const inner = registry(
      defineType({
        class: Node,
        tag: 'node',
        reduce: ({ next }: Node) => encode(next, { format }).meta,
        rebuild: meta => Object.assign(new Node(), { next: decode<Node>({ meta, buffers: [] }, { format }) }),
      }),
    )
    const sent = pieces.flatMap(piece => [Object.assign(new Node(), { next: piece }), structuredClone(piece)])
    const packet = encode(sent, { format, types: inner, references: false })
    assert.is(difference(sent, decode(packet, { format, types: inner })), undefined)
  })

  test('what a message held stays when the next one is decoded', () => {
    const values = Array.from({ length: 3 }, (_, i) => ({
      bytes: new Uint8Array(40).fill(i),
      none: new Uint8Array(),
      memory: new Uint8Array(8).fill(i).buffer,
      text: `text ${i}`,
      numbers: [i, -i, i / 3],
    }))
    const packets = values.map(value => encode(value, { format }))
    assert.is(
      difference(
        values,
        packets.map(packet => decode(packet, { format })),
      ),
      undefined,
    )
  })

  test('a rebuild that decodes goes on with its depth', () => {
    const box: ReturnType<typeof registry> = registry(
      defineType({
        class: Node,
        tag: 'box',
        reduce: ({ next }: Node) => encode(next, { format, types: box, limits: { depth: 1e4 } }).meta,
        rebuild: meta => {
          const node = new Node()
          node.next = decode({ meta, buffers: [] }, { format, types: box, limits: { depth: 20 } })
          return node
        },
      }),
    )
    const nested = (depth: number): unknown =>
      depth === 0 ? 1 : Object.assign(new Node(), { next: nested(depth - 1) })
    const packet = encode(nested(50), { format, types: box })
    const error = thrown(() => decode(packet, { format, types: box, limits: { depth: 20 } }))
    let inner = error as Error
    while (inner.cause !== undefined) inner = inner.cause as Error
    assert.is((inner as Error & { code: string }).code, 'LIMIT')
  })

  test('per call, over the options of a codec; and another format per call', () => {
    const codec = new Codec({ format, threshold: 0 })
    const packet = codec.encode([Uint8Array.of(1)], { threshold: 100 })
    assert.is(packet.buffers.length, 0)
    const other = formats.find(one => one !== format) as Format
    const sent = { a: [1, new Date(5)] }
    assert.is(
      difference(sent, other.decode(codec.encode(sent, { format: other }), readerSettings)),
      undefined,
    )
    assert.is(
      difference(sent, codec.decode(codec.encode(sent, { format: other }), { format: other })),
      undefined,
    )
  })

  test('channels carry it: values, memory, errors of a peer that does not', async () => {
    const [a, b] = loopback()
    const here = new Channel(a, { format })
    const there = new Channel<{ samples: Float64Array }>(b, { format })
    const samples = new Float64Array(1000).fill(2)
    await here.send({ samples, at: new Date(0) })
    const { value } = await there[Symbol.asyncIterator]().next()
    assert.is(difference({ samples, at: new Date(0) }, value), undefined)
    await here.close()
    const [c, d] = loopback()
    const mine = new Channel(c, { format })
    const theirs = new Channel(d)
    void mine.send({ a: 1 })
    const error = await theirs[Symbol.asyncIterator]()
      .next()
      .catch(error => error)
    assert.is(error.code, 'MALFORMED')
  })

  test('ports carry it: what is moved, what is shared, and ports in the value', async () => {
    const { port1, port2 } = new MessageChannel()
    const here = connectPort(port1, { format })
    const there = connectPort<{ samples: Float64Array; shared: Uint8Array; port: MessagePort }>(port2, {
      format,
    })
    const inner = new MessageChannel()
    const samples = new Float64Array(1000).fill(2)
    const shared = new Uint8Array(new SharedArrayBuffer(8))
    await here.send({ samples, shared, port: inner.port1 }, { transfer: [samples.buffer] })
    const { value } = await there[Symbol.asyncIterator]().next()
    assert.is(samples.length, 0)
    assert.equal([value!.samples.length, value!.samples[999]], [1000, 2])
    Atomics.store(shared, 0, 7)
    assert.is(value!.shared[0], 7)
    const heard = new Promise(resolve => inner.port2.once('message', resolve))
    value!.port.postMessage('hello')
    assert.is(await heard, 'hello')
    inner.port2.close()
    await here.close()
  })

  test.run()
}

const numbers = suite('formats: numbers of objects')

numbers('those of other writers of MessagePack may have gaps, up to their place', () => {
  // [[D 5, []], # 5]: the data of the first ext begin at byte 5.
  const meta = Uint8Array.from([0x92, 0x92, 0xc7, 5, 79, 68, 5, 0, 0, 0, 0x90, 0xc7, 5, 79, 35, 5, 0, 0, 0])
  const [object, again] = decode<unknown[]>({ meta, buffers: [] }, { format: msgpack })
  assert.equal(object, [])
  assert.is(object, again)
})

numbers.run()

const wrong = suite('formats: wrong options')

wrong('format of a wrong type, and checksum with one, is a TypeError', () => {
  for (const format of [null, 5, 'msgpack', {}, () => {}, { encode: () => {} }]) {
    const options = { format } as never
    for (const run of [
      () => encode(1, options),
      () => decode(encode(1), options),
      () => new Codec(options),
      () => new Codec().encode(1, options),
    ])
      assert.instance(thrown(run), TypeError)
  }
  for (const format of formats) {
    assert.instance(
      thrown(() => encode(1, { format, checksum: true })),
      TypeError,
    )
    assert.instance(
      thrown(() => decode({ meta: new Uint8Array(), buffers: undefined } as unknown as Packet, { format })),
      TypeError,
    )
  }
})

wrong.run()
