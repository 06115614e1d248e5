/** Ready-made types of the web platform, in Node; in browsers: `browser/page/ready-made.ts`. */
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { pickle } from '../../src/formats/pickle/index.js'
import { decode, defineType, encode, registry } from '../../src/index.js'
import { connect as connectSocket, serve } from '../../src/socket/index.js'
import { webTypes } from '../../src/types/index.js'
import { refused } from '../thrown.js'

const types = registry(...webTypes)
const roundTrip = <T>(value: T): T => decode<T>(encode(value, { types }), { types })

const test = suite('ready-made types of the web')

const rows: readonly [name: string, value: object, look: (value: never) => unknown][] = [
  ['a URL', new URL('https://user@example.org:8080/a%20b/?q=ä#part'), (url: URL) => url.href],
  ['a URL without a host', new URL('data:text/plain,a'), (url: URL) => url.href],
  ['URLSearchParams', new URLSearchParams('a=1&a=2&b=%26&c='), (params: URLSearchParams) => [...params]],
  ['empty URLSearchParams', new URLSearchParams(), (params: URLSearchParams) => [...params]],
  [
    'Headers',
    new Headers([
      ['Content-Type', 'text/plain'],
      ['set-cookie', 'a=1, b'],
      ['set-cookie', 'c=2'],
    ]),
    (headers: Headers) => [[...headers], headers.getSetCookie()],
  ],
  [
    'a DOMException',
    new DOMException('gone', 'AbortError'),
    (error: DOMException) => [error.name, error.code, error.message, error.stack],
  ],
  [
    'a DOMException of no known name',
    new DOMException('m', 'Odd'),
    (error: DOMException) => [error.name, error.code],
  ],
  ["an AbortSignal's reason", AbortSignal.abort().reason, (error: DOMException) => [error.name, error.code]],
]
for (const [name, value, look] of rows) {
  test(`${name} arrives as it was`, () => {
    const arrived = roundTrip({ value, again: value })
    assert.is(Object.getPrototypeOf(arrived.value), Object.getPrototypeOf(value))
    assert.is(arrived.again, arrived.value)
    assert.equal(look(arrived.value as never), look(value as never))
  })
}

test('a DOMException keeps its cause, which may be anything', () => {
  const cause = { view: new Float32Array([1, 2]) }
  const error = Object.defineProperty(new DOMException('m'), 'cause', { value: cause })
  const arrived = roundTrip(error) as DOMException & { cause: typeof cause }
  assert.equal(arrived.cause, cause)
  assert.not.ok(Object.keys(arrived).includes('cause'))
  assert.not.ok('cause' in roundTrip(new DOMException('m')))
})

test('a DOMException keeps fields of its own, as other errors do', () => {
  const sent = Object.assign(new DOMException('gone', 'AbortError'), { retries: 3, view: Float32Array.of(1) })
  const arrived = roundTrip(sent)
  assert.instance(arrived, DOMException)
  assert.equal({ ...arrived }, { retries: 3, view: Float32Array.of(1) })
  assert.is(arrived.code, 20)
  assert.equal(Object.keys(roundTrip(new DOMException('gone'))), [])
})

test('a DOMException without a stack travels in pickles too, which know no undefined', () => {
  const sent = Object.defineProperty(new DOMException('gone', 'AbortError'), 'stack', { value: undefined })
  const options = { types, format: pickle }
  assert.is(decode<DOMException>(encode(sent, options), options).code, 20)
})

test('an ImageData is a plain picture where there is no such class', () => {
  const [imageData] = webTypes.filter(({ tag }) => tag === 'ImageData')
  const picture = { data: new Uint8ClampedArray(24).fill(7), width: 3, height: 2, colorSpace: 'srgb' }
  assert.is(imageData?.is?.(picture), false)
  assert.equal(imageData?.rebuild?.(picture as never), picture)
})

const bad: readonly [tag: string, parts: unknown][] = [
  ['URL', 'no url'],
  ['URL', { href: 'a:b' }],
  ['URLSearchParams', 1],
  ['Headers', [['a b', 'c']]],
  ['Headers', 5],
  ['ImageData', { data: new Uint8ClampedArray(4), width: 2, height: 1, colorSpace: 'srgb' }],
  ['ImageData', { data: new Uint8ClampedArray(4), width: '1', height: 1, colorSpace: 'srgb' }],
  ['ImageData', { data: new Uint8ClampedArray(4), width: -1, height: -1, colorSpace: 'srgb' }],
  ['ImageData', { data: new Uint8ClampedArray(4), width: 2, height: 0.5, colorSpace: 'srgb' }],
  ['ImageData', null],
  ['DOMException', { name: {}, message: '' }],
  ['DOMException', { name: '', message: '', stack: 1 }],
  ['DOMException', null],
]
for (const [tag, parts] of bad) {
  test(`${tag} of ${JSON.stringify(parts)} is REBUILD`, () => {
    const meta = encode(new Lie(tag, parts), { types: registry(lieOf(tag)) })
    refused(() => decode(meta, { types }), 'REBUILD', { tag })
  })
}

/** What a hostile sender says under a tag. */
class Lie {
  constructor(
    readonly tag: string,
    readonly parts: unknown,
  ) {}
}
const lieOf = (tag: string) =>
  defineType({ class: Lie, tag, reduce: lie => lie.parts, rebuild: parts => new Lie(tag, parts) })

test('they cross a socket', async () => {
  const path = join(tmpdir(), `outband-web-${process.pid}`)
  const server = await serve(
    path,
    async channel => {
      for await (const value of channel) await channel.send(value)
    },
    { types },
  )
  const channel = await connectSocket(connect(path), { types })
  const sent = rows.map(([, value]) => value)
  await channel.send(sent)
  for await (const arrived of channel) {
    const looks = rows.map(([, value, look], i) => [
      look((arrived as object[])[i] as never),
      look(value as never),
    ])
    for (const [got, wanted] of looks) assert.equal(got, wanted)
    break
  }
  await channel.close()
  await server.close()
})

test.run()
