/** Items of a few bytes, over and over: they take no more than their bytes pay for, nor does the making of them. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { cbor } from '../../src/formats/cbor.js'
import { msgpack } from '../../src/formats/msgpack.js'
import { decode, encode, LIMITS } from '../../src/index.js'
import { allowedHeap } from '../budget.js'
import { collect, collectYoung, heapBytes } from '../collect.js'
import { difference } from '../same.js'
import { refused } from '../thrown.js'
import { formats } from './kit.js'

const COUNT = 100_000
const SIZE = 1e6
const TRIES = 3

/** An array of as many of these as there is room for. */
function headed(head: number, item: readonly number[], size = SIZE): Uint8Array {
  const count = Math.floor(size / item.length)
  const bytes = new Uint8Array(5 + count * item.length)
  bytes[0] = head
  new DataView(bytes.buffer).setUint32(1, count)
  for (let at = 5; at < bytes.length; at += item.length) bytes.set(item, at)
  return bytes
}

/** Runs until it takes less than allowed, of what lived for a while: garbage may be there or not. */
function inHeap<T>(size: number, run: () => T): T {
  for (let i = 1; ; i++) {
    collect()
    const before = heapBytes()
    const outcome = run()
    collectYoung()
    const taken = heapBytes() - before
    if (taken < allowedHeap(size)) return outcome
    assert.ok(i < TRIES, `${taken} bytes of heap for ${size}`)
  }
}

const items = [
  [msgpack, 0xdd, 'dates', [0xd4, 0xff, 0xff], new Date(Number.NaN)],
  [msgpack, 0xdd, 'undefined', [0xd4, 0, 0], undefined],
  [msgpack, 0xdd, 'BigInts', [0xd4, 66, 0], 0n],
  [msgpack, 0xdd, 'Sets', [0x91, 0xd4, 79, 0x53], new Set()],
  [msgpack, 0xdd, 'Maps', [0x91, 0xd4, 79, 0x4d], new Map()],
  [cbor, 0x9a, 'dates', [0xc1, 0], new Date(0)],
  [cbor, 0x9a, 'dates before 1970', [0xc1, 0x20], new Date(-1000)],
  [cbor, 0x9a, 'BigInts', [0xc2, 0x40], 0n],
  [cbor, 0x9a, 'shared objects', [0xd8, 28, 0x80], []],
  [cbor, 0x9a, 'Sets', [0xd9, 1, 2, 0x80], new Set()],
  [cbor, 0x9a, 'Maps', [0xd9, 1, 3, 0xa0], new Map()],
  ...[0, 1, 2, 8, 16].flatMap(key => [
    [msgpack, 0xdd, `objects whose key is ${key}`, [0x81, key, 0xc0], { [key]: null }] as const,
    [cbor, 0x9a, `objects whose key is ${key}`, [0xa1, key, 0xf6], { [key]: null }] as const,
  ]),
] as const

const test = suite('formats: small items')

for (const [format, head, name, bytes, wanted] of items) {
  test(`${name} in ${format.name}`, () => {
    const meta = headed(head, bytes)
    const limits = { ...LIMITS.untrusted, entries: 0 }
    const copy = inHeap(meta.length, () => decode<unknown[]>({ meta, buffers: [] }, { format, limits }))
    assert.is(copy.length, Math.floor(SIZE / bytes.length))
    for (const one of [0, copy.length - 1]) assert.is(difference(wanted, copy[one]), undefined)
  })
}

/** Each is an object of some hundred bytes, or of two hundred with memory of its own: what bounds them is their number. */
const byteStrings = [
  [cbor, 0x9a, 'empty ones', [0x40]],
  [cbor, 0x9a, 'of one byte', [0x41, 1]],
  [cbor, 0x9a, 'in objects', [0xa1, 0, 0x41, 1]],
  [msgpack, 0xdd, 'empty ones', [0xc4, 0]],
  [msgpack, 0xdd, 'of one byte', [0xc4, 1, 1]],
  [msgpack, 0xdd, 'in objects', [0x81, 0, 0xc4, 1, 1]],
] as const

for (const [format, head, name, bytes] of byteStrings) {
  test(`byte strings, ${name}, in ${format.name}: as many as limits.buffers lets in`, () => {
    const { buffers } = LIMITS.untrusted
    const of = (count: number) => ({ meta: headed(head, bytes, count * bytes.length), buffers: [] })
    const options = { format, limits: 'untrusted' } as const
    const most = of(buffers)
    assert.is(inHeap(most.meta.length, () => decode<unknown[]>(most, options)).length, buffers)
    refused(() => decode(of(buffers + 1), options), 'LIMIT', { limit: 'buffers' })
  })
}

for (const format of formats) {
  test(`large ones beside them in ${format.name}`, () => {
    // Of 65 535 bytes, unsigned and signed: the first of them is written over, in CBOR and in MessagePack.
    const bits = 8n * 65_535n
    const large = [2n ** bits - 3n, 3n - 2n ** (bits - 1n), Uint8Array.of(1), /x/u, new Date(5)]
    const small = Array.from({ length: COUNT }, () => new Set())
    for (const sent of [large, [...large, small]])
      assert.is(difference(sent, decode(encode(sent, { format }), { format })), undefined)
  })
}

test.run()
