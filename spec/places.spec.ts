/** Errors that are found when the value has been walked to its end: they say where for all that. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { NDArray, pickle } from '../src/formats/pickle/index.js'
import {
  Codec,
  defineType,
  type EncodeOptions,
  type ErrorCode,
  encode,
  outOfBand,
  registry,
} from '../src/index.js'
import { formats } from './formats/kit.js'
import { refused, thrown } from './thrown.js'

class Box {
  constructor(readonly content: unknown) {}
}
const types = registry(
  defineType({ class: Box, tag: 'box', reduce: box => [box.content], rebuild: parts => new Box(parts[0]) }),
)

/** Of 64 bytes, of which a view may cover a part. */
const own = (): Uint8Array => new Uint8Array(new ArrayBuffer(80), 8, 64)
const shared = (): Uint8Array => new Uint8Array(new SharedArrayBuffer(64))
const detach = ({ buffer }: Uint8Array): false => {
  // Once: from Node 22 on memory that is gone is refused.
  if (buffer.byteLength > 0) structuredClone(0, { transfer: [buffer as ArrayBuffer] })
  return false
}

const errors: [
  name: string,
  code: ErrorCode,
  view: () => Uint8Array,
  options: (view: Uint8Array) => EncodeOptions,
][] = [
  [
    'memory that a callback takes',
    'DETACHED',
    own,
    view => ({ bufferCallback: buffer => buffer.length === 64 && detach(view) }),
  ],
  ['shared memory in band', 'UNSUPPORTED', shared, () => ({ threshold: Number.POSITIVE_INFINITY })],
  ['shared memory that a limit forbids', 'UNSUPPORTED', shared, () => ({ limits: { shared: false } })],
  ['limits.bufferBytes', 'LIMIT', own, () => ({ limits: { bufferBytes: 63 } })],
]

const other = Uint8Array.of(1, 2)
const places: [path: string, value: (view: Uint8Array) => unknown][] = [
  ['value', view => view],
  ['value.a[3].v', view => ({ before: other, a: [0, other, [], { v: view }] })],
  ['value[0].a', view => [{ a: view }, { a: view }]],
  ['value["a key"].b', view => ({ 'a key': { b: new DataView(view.buffer, view.byteOffset, 64) }, c: view })],
  [
    'value<entry 1>.v',
    view =>
      new Map<unknown, unknown>([
        [1, other],
        [2, { v: view }],
      ]),
  ],
  ['value[1]<box>[0]', view => [other, new Box(view)]],
  ['value.forced', view => ({ forced: outOfBand(view) })],
  [
    'value.made',
    view => Object.defineProperty({}, 'made', { enumerable: true, get: () => view.subarray(0) }),
  ],
]

const test = suite('places: of what is found at the end')

for (const format of [undefined, ...formats, pickle]) {
  for (const [name, code, view, options] of errors) {
    for (const [path, value] of places) {
      test(`${format?.name ?? 'our own format'}: ${name} at ${path}`, () => {
        const held = view()
        const asked = { ...options(held), types, format }
        // Of memory that is gone a getter makes no view again.
        const told = code === 'DETACHED' && path === 'value.made' ? 'value' : path
        const error = refused(() => encode(value(held), asked), code, { path: told })
        assert.ok(error.message.endsWith(` at ${told}`), error.message)
      })
    }
  }
}

test('an NDArray of a pickle, by its memory', () => {
  for (const size of [64, 32]) {
    const view = own()
    const value = { before: other, array: new NDArray(view, [size]) }
    const attack = () => encode(value, { format: pickle, bufferCallback: () => detach(view) })
    refused(attack, 'DETACHED', { path: 'value.array' })
  }
})

test('what the second walk throws takes the place of nothing', () => {
  let calls = 0
  const view = own()
  const once = () => {
    if (++calls === 1) return 1
    throw new Error('once is enough')
  }
  const value = [Object.defineProperty({}, 'a', { enumerable: true, get: once }), view]
  refused(() => encode(value, { bufferCallback: () => detach(view) }), 'DETACHED', { path: 'value' })
  assert.is(calls, 2)
})

test('neither getters nor reduce behind the place run again', () => {
  let calls = 0
  const view = own()
  const value = [view, Object.defineProperty({}, 'a', { enumerable: true, get: () => ++calls })]
  refused(() => encode(value, { bufferCallback: () => detach(view) }), 'DETACHED', { path: 'value[0]' })
  assert.is(calls, 1)
})

test('the callback is not called again, and the error of an encode inside keeps its own place', () => {
  const view = own()
  let calls = 0
  const inner = () => encode({ b: view }, { bufferCallback: () => ++calls > 0 && detach(view) })
  const outer = { view, a: Object.defineProperty([], '0', { enumerable: true, get: inner }) }
  refused(() => encode(outer), 'DETACHED', { path: 'value.b' })
  assert.is(calls, 1)
})

test('the codec works on, and keeps nothing of the caller', () => {
  const codec = new Codec({ threshold: 0 })
  const good = { a: [{ v: Uint8Array.of(1) }] }
  const before = codec.encode(good).meta
  const view = own()
  thrown(() => codec.encode({ a: [{ v: view }] }, { bufferCallback: () => detach(view) }))
  assert.equal(codec.encode(good).meta, before)
})

test.run()
