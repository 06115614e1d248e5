/** Types at compile time: a line that does not compile is a failed test, and so is a wrong one that does. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ExecOptions } from '../src/adapters/workerpool.js'
import type { Channel, SendOptions } from '../src/channel.js'
import type { Log } from '../src/file/index.js'
import { type PythonClass, type PythonObjectParts, pickle } from '../src/formats/pickle/index.js'
import { type pack, packBytes, unpack } from '../src/frame/index.js'
import type * as outband from '../src/index.js'
import {
  Codec,
  type CustomType,
  type DecodeOptions,
  decode,
  defineType,
  type EncodeOptions,
  type ErrorCode,
  encode,
  isOutbandError,
  OutbandError,
  type OutOfBand,
  outOfBand,
  type Packet,
  registry,
  type Sendable,
  type TypeDefinition,
} from '../src/index.js'
import { connectPort, type ListenerOptions } from '../src/port/index.js'
import { type ChildChannel, forkChannel } from '../src/process/index.js'
import { connectRing, createRing, type RingChannel, type RingEnd } from '../src/ring/index.js'
import { type ChannelServer, connect, serve } from '../src/socket/index.js'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
type IsAny<T> = 0 extends 1 & T ? true : false
/** Compiles only for `true`. */
const holds = <_ extends true>(): void => {}

class Tensor {
  constructor(
    readonly shape: readonly number[],
    readonly numbers: Float32Array,
  ) {}
}
class Box {
  constructor(readonly content: unknown) {}
}
class Graph {
  nodes: Graph[] = []
}
class Cell<T> {
  constructor(public content: T) {}
}

/** Any use of `any` in what a public name takes or gives; `unknown` passes. */
type Anys<T, Depth extends 1[] = []> =
  IsAny<T> extends true
    ? true
    : Depth['length'] extends 4
      ? false
      : T extends (...args: infer A extends readonly unknown[]) => infer R
        ? true extends Anys<A[number], [...Depth, 1]> | Anys<R, [...Depth, 1]>
          ? true
          : false
        : T extends abstract new (
              ...args: infer A
            ) => infer R
          ? true extends Anys<A[number], [...Depth, 1]> | Anys<R, [...Depth, 1]>
            ? true
            : false
          : false

type Nothing = Record<never, never>
/** Names of properties that may be left out but not be `undefined`, of each type of a union. */
type Closed<T> = T extends unknown ? { [Name in keyof T]-?: Refusing<Pick<T, Name>, Name> }[keyof T] : never
type Refusing<One, Name> = Nothing extends One
  ? string extends Name
    ? never
    : { [_ in Name & string]: undefined } extends One
      ? never
      : Name
  : never
/** The same of what a function or a class takes as options: objects of which all may be left out. */
type ClosedOptions<T> = OptionsOf<Arguments<T>>
type OptionsOf<T> = T extends object ? (Nothing extends T ? Closed<T> : never) : never
type Arguments<T> = T extends abstract new (
  ...args: infer A
) => unknown
  ? A[number]
  : T extends { (...args: infer A): unknown; (...args: infer B): unknown; (...args: infer C): unknown }
    ? A[number] | B[number] | C[number]
    : never

const test = suite('inference')

test('a type by class needs no annotation: parts are what reduce returns', () => {
  const tensor = defineType({
    class: Tensor,
    tag: 'tensor',
    reduce: t => {
      holds<Equal<typeof t, Tensor>>()
      return { shape: t.shape, numbers: t.numbers, kind: 'f32' as const }
    },
    rebuild: parts => {
      holds<Equal<typeof parts, { shape: readonly number[]; numbers: Float32Array; kind: 'f32' }>>()
      return new Tensor(parts.shape, parts.numbers)
    },
  })
  holds<Equal<typeof tensor, CustomType<Tensor>>>()
  const types = registry(tensor)
  const copy = decode<Tensor>(encode(new Tensor([1], new Float32Array(1)), { types }), { types })
  holds<Equal<typeof copy, Tensor>>()
  assert.instance(copy, Tensor)
})

test('so does one in two steps', () => {
  const graph = defineType({
    class: Graph,
    tag: 'graph',
    reduce: g => g.nodes,
    create: () => new Graph(),
    fill: (target, nodes) => {
      holds<Equal<typeof target, Graph>>()
      holds<Equal<typeof nodes, Graph[]>>()
      target.nodes = nodes
    },
  })
  holds<Equal<typeof graph, CustomType<Graph>>>()
})

test('a generic class is known with whatever it holds, in one step and in two', () => {
  const cell = defineType({
    class: Cell,
    tag: 'cell',
    reduce: c => {
      holds<Equal<typeof c, Cell<unknown>>>()
      return [c.content] as const
    },
    rebuild: ([content]) => new Cell(content),
  })
  holds<Equal<typeof cell, CustomType<Cell<unknown>>>>()
  const twoSteps = defineType({
    class: Cell,
    tag: 'cell',
    reduce: c => c.content,
    create: () => new Cell<unknown>(undefined),
    fill: (target, content) => {
      holds<Equal<typeof target, Cell<unknown>>>()
      target.content = content
    },
  })
  for (const type of [cell, twoSteps]) {
    const types = registry(type)
    assert.is(decode<Cell<number>>(encode(new Cell(1), { types }), { types }).content, 1)
  }
  const ofNumbers = defineType<Cell<number>, number>({
    class: Cell,
    tag: 'cell',
    reduce: c => c.content,
    rebuild: content => new Cell(content),
  })
  holds<Equal<typeof ofNumbers, CustomType<Cell<number>>>>()
})

test('a class that is itself a parameter is known by what it makes', () => {
  const byFields = <T extends object>(Any: new () => T): CustomType<T> =>
    defineType({
      class: Any,
      tag: 'any',
      reduce: value => ({ ...value }),
      rebuild: fields => Object.assign(new Any(), fields),
    })
  holds<Equal<ReturnType<typeof byFields<Graph>>, CustomType<Graph>>>()
  const types = registry(byFields(Graph))
  assert.instance(decode(encode(new Graph(), { types }), { types }), Graph)
})

test('where reduce wraps a view, rebuild and fill get the bare one, wherever it stands', () => {
  const plain = defineType({
    class: Tensor,
    tag: 'tensor',
    reduce: t => ({ numbers: outOfBand(t.numbers, { readonly: true }), shape: t.shape }),
    rebuild: parts => {
      holds<Equal<typeof parts, { numbers: Float32Array; shape: readonly number[] }>>()
      return new Tensor(parts.shape, parts.numbers)
    },
  })
  const bare = defineType({
    is: (value): value is Tensor => value instanceof Tensor,
    tag: 'bare',
    reduce: t => outOfBand(t.numbers),
    create: () => new Tensor([], new Float32Array()),
    fill: (target, numbers) => {
      holds<Equal<typeof numbers, Float32Array>>()
      Object.assign(target, { numbers })
    },
  })
  const nested = defineType({
    class: Tensor,
    tag: 'nested',
    reduce: t => [{ planes: [outOfBand(t.numbers)] }, new Graph()] as const,
    rebuild: ([{ planes }, graph]) => {
      holds<Equal<typeof planes, readonly [Float32Array]>>()
      holds<Equal<typeof graph, Graph>>()
      return new Tensor([], planes[0])
    },
  })
  for (const type of [plain, bare, nested]) {
    const types = registry(type)
    const copy = decode<Tensor>(encode(new Tensor([1], new Float32Array(1)), { types }), { types })
    assert.instance(copy.numbers, Float32Array)
  }
})

test('parts with the fields of a wrapper are none, and a helper may leave the parts open', () => {
  class Pane {
    constructor(
      readonly view: DataView,
      readonly readonly: boolean,
    ) {}
  }
  const byParts = <T extends object, P>(
    tag: string,
    type: new () => T,
    of: (value: T) => P,
    from: (parts: P) => T,
  ) => defineType({ class: type, tag, reduce: of, rebuild: from })
  holds<Equal<ReturnType<typeof byParts<Graph, Graph[]>>, CustomType<Graph>>>()
  const pane = defineType({
    class: Pane,
    tag: 'pane',
    reduce: ({ view, readonly }) => ({ view, readonly }),
    rebuild: parts => {
      holds<Equal<typeof parts, { view: DataView; readonly: boolean }>>()
      return new Pane(parts.view, parts.readonly)
    },
  })
  const types = registry(pane)
  const copy = decode<Pane>(encode(new Pane(new DataView(new ArrayBuffer(1)), true), { types }), { types })
  assert.is(copy.readonly, true)
})

test('a type by guard takes the type that the guard proves', () => {
  const symbol = defineType({
    is: (value): value is symbol => typeof value === 'symbol',
    tag: 'symbol',
    reduce: s => {
      holds<Equal<typeof s, symbol>>()
      return s.description
    },
    rebuild: description => {
      holds<Equal<typeof description, string | undefined>>()
      return Symbol(description)
    },
  })
  const types = registry(symbol)
  assert.is(decode<symbol>(encode(Symbol('a'), { types }), { types }).description, 'a')
})

test('a type by predicate takes what reduce says that it takes', () => {
  const pair = defineType({
    is: value => Array.isArray(value) && value.length === 2,
    tag: 'pair',
    reduce: ([a, b]: [number, number]) => ({ a, b }),
    rebuild: ({ a, b }): [number, number] => [a, b],
  })
  holds<Equal<typeof pair, CustomType<[number, number]>>>()
})

test('an abstract class, and one with parameters or a private constructor, can be registered', () => {
  abstract class Shape {
    abstract area(): number
  }
  class Square extends Shape {
    private constructor(readonly side: number) {
      super()
    }
    static of(side: number): Square {
      return new Square(side)
    }
    area(): number {
      return this.side ** 2
    }
  }
  const shape = defineType({
    class: Shape,
    tag: 'shape',
    reduce: s => s.area(),
    rebuild: n => Square.of(Math.sqrt(n)),
  })
  const square = defineType({
    class: Square,
    tag: 'square',
    reduce: s => {
      holds<Equal<typeof s, Square>>()
      return s.side
    },
    rebuild: side => Square.of(side),
  })
  holds<Equal<typeof square, CustomType<Square>>>()
  for (const types of [registry(shape), registry(square)])
    assert.is(decode<Shape>(encode(Square.of(2), { types }), { types }).area(), 4)
})

test('types of different classes go into one registry', () => {
  const tensor = defineType({
    class: Tensor,
    tag: 't',
    reduce: () => 0,
    rebuild: () => new Tensor([], new Float32Array()),
  })
  const graph = defineType({ class: Graph, tag: 'g', reduce: () => 0, rebuild: () => new Graph() })
  const list: CustomType[] = [tensor, graph]
  assert.is(registry(...list).types.length, 2)
  assert.is(registry(tensor, graph).types.length, 2)
})

test('wrong definitions do not compile', () => {
  const [tag, reduce, rebuild] = ['t', () => 0, () => new Graph()] as const
  const packet = encode(1)
  const wrong = [
    // @ts-expect-error: an arrow function is no class
    () => defineType({ class: () => new Graph(), tag, reduce, rebuild }),
    // @ts-expect-error: rebuild must give what the class makes
    () => defineType({ class: Tensor, tag, reduce, rebuild }),
    // @ts-expect-error: parts have no such field
    () => defineType({ class: Box, tag, reduce: () => ({ a: 1 }), rebuild: parts => new Box(parts.b) }),
    // @ts-expect-error: parts that rebuild takes and reduce does not make
    () => defineType({ class: Box, tag, reduce: () => 'a', rebuild: (n: number) => new Box(n) }),
    // @ts-expect-error: a tag is missing
    () => defineType({ class: Graph, reduce, rebuild }),
    // @ts-expect-error: a selector is missing
    () => defineType({ tag, reduce, rebuild }),
    // @ts-expect-error: two selectors
    () => defineType({ class: Graph, is: () => true, tag, reduce, rebuild }),
    // @ts-expect-error: fill without create
    () => defineType({ class: Graph, tag, reduce, fill: () => {} }),
    // @ts-expect-error: one step and two at once
    () => defineType({ class: Graph, tag, reduce, rebuild, create: rebuild, fill: () => {} }),
    // @ts-expect-error: a registry takes types, not classes
    () => registry(Graph),
    // @ts-expect-error: only views can be wrapped
    () => outOfBand(new ArrayBuffer(1)),
    // @ts-expect-error: a threshold is a number
    () => encode(1, { threshold: '1' }),
    // @ts-expect-error: there is no such option
    () => encode(1, { treshold: 1 }),
    // @ts-expect-error: there is no such limit
    () => decode(packet, { limits: { deep: 1 } }),
    // @ts-expect-error: buffers are memory
    () => decode({ meta: packet.meta, buffers: ['a'] }),
    // @ts-expect-error: types come from registry()
    () => new Codec({ types: [] }),
  ]
  assert.is(wrong.length, 16)
})

test('decode gives unknown, or the type that the caller says', () => {
  const packet = encode(1)
  const untyped = decode(packet)
  const typed = decode<number>(packet)
  const byCodec = new Codec().decode<{ a: 1 }>(packet)
  holds<Equal<typeof untyped, unknown>>()
  holds<Equal<typeof typed, number>>()
  holds<Equal<typeof byCodec, { a: 1 }>>()
  holds<Equal<typeof packet, Packet>>()
})

test('metadata and whole frames are memory that nobody shares: platforms take them without a cast', () => {
  const packet = encode(1)
  const unpacked = unpack(packBytes(packet))
  const formatted = new Codec({ format: pickle }).encode(1)
  for (const bytes of [packet.meta, unpacked.meta, formatted.meta, packBytes(packet)]) {
    holds<Equal<typeof bytes, Uint8Array<ArrayBuffer>>>()
    assert.instance(bytes.buffer, ArrayBuffer)
    const used = () => [
      new Blob([bytes]),
      new Response(bytes),
      crypto.subtle.digest('SHA-256', bytes),
      structuredClone(bytes, { transfer: [bytes.buffer] }),
    ]
    assert.type(used, 'function')
  }
  // Buffers and their chunks may be shared memory, which none of these takes.
  holds<Equal<(typeof packet.buffers)[number] | ReturnType<typeof pack>[number], Uint8Array>>()
})

test('a wrapper remembers its view, and options may be passed on undefined', () => {
  const wrapped = outOfBand(new Int16Array(1))
  holds<Equal<typeof wrapped, OutOfBand<Int16Array<ArrayBuffer>>>>()
  const encodeOptions: EncodeOptions = { threshold: undefined, types: undefined, limits: undefined }
  const decodeOptions: DecodeOptions = { types: undefined, limits: undefined }
  assert.is(decode(encode(1, encodeOptions), decodeOptions), 1)
})

test('where a view stands in what is sent, a wrapper of it may stand too', () => {
  interface Tree {
    pixels: Uint8Array
    children: Tree[]
  }
  type Message =
    | { id: number; image: Uint8Array; planes?: readonly [DataView, number] }
    | { tree: Tree }
    | 'end'
  type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
  const [image, plane, odd] = [new Uint8Array(1), new DataView(new ArrayBuffer(1)), new Int8Array(1)]
  const sent = (channel: Channel<1, Message>, log: Log<Message>, ring: RingChannel<1, Message>) => [
    channel.send({ id: 1, image, planes: [plane, 1] }),
    channel.send({ id: 1, image: outOfBand(image), planes: [outOfBand(plane), 1] }),
    channel.send({ tree: { pixels: image, children: [{ pixels: outOfBand(image), children: [] }] } }),
    channel.send('end'),
    log.append({ id: 1, image: outOfBand(image) }),
    ring.sendSync({ id: 1, image: outOfBand(image) }),
    // @ts-expect-error: of another class
    channel.send({ id: 1, image: outOfBand(odd) }),
    // @ts-expect-error: no number
    channel.send({ id: 'a', image: outOfBand(image) }),
    // @ts-expect-error: no view
    channel.send({ id: outOfBand(image), image }),
    // @ts-expect-error: not there
    channel.send({ id: 1 }),
    // @ts-expect-error: too many
    channel.send({ id: 1, image, more: 1 }),
  ]
  class Hidden {
    #count = 0
    view = image
    next(): number {
      return this.#count++
    }
  }
  const others = <T>(
    generic: Channel<T>,
    value: T,
    json: Channel<1, Json>,
    bare: Channel<1, Uint8Array>,
    hidden: Channel<1, { hidden: Hidden }>,
    open: Channel,
  ) => [
    generic.send(value),
    json.send({ a: [1, { b: null }] }),
    bare.send(outOfBand(image)),
    hidden.send({ hidden: new Hidden() }),
    open.send({ a: outOfBand(image) }),
    // @ts-expect-error: no view stands there
    json.send({ a: outOfBand(image) }),
    // @ts-expect-error: private fields make it another class
    hidden.send({ hidden: { view: image, next: () => 1 } }),
  ]
  holds<Equal<Sendable<{ a: string; when: Date }>, { a: string; when: Date }>>()
  holds<Equal<Sendable<unknown>, unknown>>()
  assert.is(sent.length + others.length, 9)
})

test('a channel that sends one type is one that sends a wider or narrower one, as methods have it', () => {
  type Sending<T> = Channel<unknown, T>
  const any = (channel: Sending<{ view: Uint8Array }>) => {
    const untyped: Channel = channel
    const wider: Sending<{ view: Uint8Array } | string> = channel
    const narrower: Sending<{ view: Uint8Array; more: 1 }> = channel
    // @ts-expect-error: another one
    const other: Sending<{ view: string }> = channel
    return [untyped, wider, narrower, other]
  }
  assert.type(any, 'function')
})

test('what may be left out may be undefined, so that options can be passed on one by one', () => {
  type Offending<Door> = { [Name in keyof Door]: ClosedOptions<Door[Name]> }[keyof Door]
  holds<
    Equal<ClosedOptions<(a: string, b: { c?: 1; d: 2 }, e?: { f?: 1; g?: 1 | undefined }) => void>, 'f'>
  >()
  // What an error has no field for is absent, as one sees when it is printed.
  holds<Equal<Offending<Omit<typeof outband, 'OutbandError'>>, never>>()
  holds<Equal<Offending<typeof import('../src/channel.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/file/index.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/frame/index.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/carriers/loopback.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/port/index.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/process/index.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/ring/index.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/shm/index.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/socket/index.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/streams/index.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/websocket/index.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/formats/flatbuffers.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/formats/flexbuffers.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/formats/pickle/index.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/adapters/birpc.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/adapters/comlink.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/adapters/piscina.js')>, never>>()
  holds<Equal<Offending<typeof import('../src/adapters/workerpool.js')>, never>>()
  // What has parts that may not be left out, or is taken by an object's method.
  holds<Equal<Closed<PythonClass | PythonObjectParts | ListenerOptions | SendOptions | ExecOptions>, never>>()
  type Alternatives = 'class' | 'is' | 'rebuild' | 'create' | 'fill'
  holds<Equal<Exclude<Closed<TypeDefinition<Box, unknown>>, Alternatives>, never>>()
})

test('who asks for codes knows which ones it may be', () => {
  const of = (error: unknown): unknown => {
    if (isOutbandError(error, 'LIMIT', 'TIMEOUT')) {
      holds<Equal<typeof error.code, 'LIMIT' | 'TIMEOUT'>>()
      return error.max
    }
    if (isOutbandError(error)) holds<Equal<typeof error.code, ErrorCode>>()
    return error
  }
  // What it is not is still an error of the same class, with another code.
  const otherwise = (error: OutbandError): string => (isOutbandError(error, 'LIMIT') ? '' : error.message)
  // @ts-expect-error: there is no such code
  const wrong = () => isOutbandError(1, 'LIMITS')
  // @ts-expect-error: an index is no code
  const filtered = () => [new OutbandError('LIMIT', '')].filter(isOutbandError)
  for (const use of [of, otherwise, wrong, filtered]) assert.type(use, 'function')
})

test('no public signature takes or gives any', () => {
  holds<Anys<typeof JSON.parse>>()
  holds<Anys<(limit: number, parse: typeof JSON.parse) => void>>()
  type Offending<T> = { [Name in keyof T]-?: Anys<T[Name]> extends true ? Name : never }[keyof T]
  type Options = Offending<EncodeOptions> | Offending<DecodeOptions> | Offending<outband.Limits>
  type Objects = Offending<CustomType> | Offending<Packet> | Offending<Codec> | Offending<outband.Registry>
  holds<Equal<Offending<typeof outband>, never>>()
  holds<Equal<Options, never>>()
  holds<Equal<Objects, never>>()
})

test('a channel has the types of what arrives and of what is sent', () => {
  const use = async (path: string): Promise<void> => {
    const channel = await connect<number, string>(path)
    holds<Equal<typeof channel, Channel<number, string>>>()
    for await (const n of channel) holds<Equal<typeof n, number>>()
    channel.on('message', n => holds<Equal<typeof n, number>>())
    channel.on('progress', ({ received }) => holds<Equal<typeof received, number>>())
    await channel.send('text')
    // @ts-expect-error: text is sent, and nothing else
    await channel.send(1)
    const server = await serve<string, number>(path, async inner => {
      holds<Equal<typeof inner, Channel<string, number>>>()
      for await (const text of inner) await inner.send(text.length)
    })
    holds<Equal<typeof server, ChannelServer<string, number>>>()
  }
  assert.type(use, 'function')
})

test('who lets go of a channel still has it, of whatever kind', () => {
  const use = async (): Promise<void> => {
    const child = forkChannel<number, string>('child.js').unref()
    holds<Equal<typeof child, ChildChannel<number, string>>>()
    const ring = connectRing<number, string>(createRing()[0]).unref().ref()
    holds<Equal<typeof ring, RingChannel<number, string>>>()
    const port = connectPort<number, string>(new MessageChannel().port1).unref()
    holds<Equal<typeof port, Channel<number, string>>>()
    // @ts-expect-error: it is yes or no by its name
    port.unref(true)
  }
  assert.type(use, 'function')
})

test('a channel over a ring has the same, and its own ways to send and receive', () => {
  const use = async (): Promise<void> => {
    const [here, there] = createRing({ capacity: 4096 })
    holds<Equal<typeof there, RingEnd>>()
    const channel = connectRing<number, string>(here, { spinMs: 0 })
    holds<Equal<typeof channel, RingChannel<number, string>>>()
    const asChannel: Channel<number, string> = channel
    for await (const n of asChannel) holds<Equal<typeof n, number>>()
    const n = channel.receiveSync({ timeoutMs: 10 })
    holds<Equal<typeof n, number>>()
    channel.sendSync('text', { transfer: true })
    // @ts-expect-error: text is sent, and nothing else
    channel.sendSync(1)
    // @ts-expect-error: an end is made by createRing
    connectRing(new MessageChannel().port1)
    await channel.ref().unref().close()
  }
  assert.type(use, 'function')
})

test.run()
