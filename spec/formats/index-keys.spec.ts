/** Objects whose keys are indices: they arrive as they were, and take no more than their bytes pay for. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { values } from '../../fixtures/values.js'
import { flexbuffers } from '../../src/formats/flexbuffers.js'
import { decode, encode, type Format, LIMITS } from '../../src/index.js'
import { collect, heapBytes } from '../collect.js'
import { difference } from '../same.js'
import { refused } from '../thrown.js'
import { formats } from './kit.js'

const MIB = 2 ** 20
const COUNT = 4000
const limits = { ...LIMITS.untrusted, unverified: true }

/** Asserts that this comes of metadata, and what it takes. */
function weigh(format: Format, meta: Uint8Array, wanted: unknown): void {
  const allowed = 80 * meta.length + MIB
  let before = heapBytes()
  let value = decode({ meta, buffers: [] }, { format, limits })
  let heap = heapBytes() - before
  // What is over the budget may be garbage: only then it is worth a collection.
  if (heap >= allowed) {
    value = undefined
    collect()
    before = heapBytes()
    value = decode({ meta, buffers: [] }, { format, limits })
    collect()
    heap = heapBytes() - before
  }
  assert.ok(heap < allowed, `${heap} bytes of heap for ${meta.length}`)
  assert.is(difference(wanted, value), undefined)
}

/** So many objects of one key each, in a list, written by hand: in msgpackr's and cbor-x's stead it may be a number. */
const u32 = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]
const objects: Readonly<Record<string, (key: readonly number[]) => Uint8Array>> = {
  msgpack: key => Uint8Array.from([0xdd, ...u32(COUNT), ...new Array(COUNT).fill([0x81, ...key, 7]).flat()]),
  cbor: key => Uint8Array.from([0x9a, ...u32(COUNT), ...new Array(COUNT).fill([0xa1, ...key, 7]).flat()]),
}
const numbers: Readonly<Record<string, readonly (readonly [key: string, bytes: readonly number[]])[]>> = {
  msgpack: [
    ['7', [7]],
    ['100', [100]],
    ['200', [0xcc, 200]],
    ['1023', [0xcd, 3, 255]],
    ['1023', [0xce, 0, 0, 3, 255]],
    ['1023', [0xcf, 0, 0, 0, 0, 0, 0, 3, 255]],
    ['1023', [0xd1, 3, 255]],
    ['1023', [0xca, 0x44, 0x7f, 0xc0, 0]],
    ['1023', [0xda, 0, 4, 0x31, 0x30, 0x32, 0x33]],
    ['1023', [0xd9, 4, 0x31, 0x30, 0x32, 0x33]],
  ],
  cbor: [
    ['7', [7]],
    ['23', [0x17]],
    ['200', [0x18, 200]],
    ['1023', [0x19, 3, 255]],
    ['1023', [0x1a, 0, 0, 3, 255]],
    ['1023', [0x1b, 0, 0, 0, 0, 0, 0, 3, 255]],
    ['1023', [0xfa, 0x44, 0x7f, 0xc0, 0]],
    ['512', [0xf9, 0x60, 0]],
    ['1023', [0x79, 0, 4, 0x31, 0x30, 0x32, 0x33]],
    ['1023', [0x7a, 0, 0, 0, 4, 0x31, 0x30, 0x32, 0x33]],
  ],
}

for (const format of [...formats, flexbuffers]) {
  const test = suite(`formats: keys that are indices, ${format.name}`)

  for (const key of ['5', '12', '100', '1023', '4999', '4294967294', '01023']) {
    test(`"${key}"`, () => {
      const sent = Array.from({ length: COUNT }, (_, i) => ({ [key]: i }))
      const { meta } = encode(sent, { format })
      weigh(format, meta, sent)
    })
  }

  for (const [key, bytes] of numbers[format.name] ?? []) {
    test(`${key} as ${Buffer.from(bytes).toString('hex')}`, () => {
      const wanted = Array.from({ length: COUNT }, () => ({ [key]: 7 }))
      weigh(format, objects[format.name]!(bytes), wanted)
    })
  }

  test('beside an own __proto__', () => {
    const sent = Array.from({ length: COUNT }, () => JSON.parse('{"1023":1,"__proto__":2}'))
    const { meta } = encode(sent, { format })
    weigh(format, meta, sent)
  })

  test.run()
}

/** Many of these in a message make the formats read it themselves, whatever else is in it. */
const wasteful = () => Array.from({ length: 40 }, () => ({ 4000: 1 }))

for (const format of formats) {
  const test = suite(`formats: what ${format.name} reads itself is what the library reads`)

  for (const { name, make } of values.filter(({ name }) => !/ deep$/.test(name))) {
    test(name, () => {
      const sent = make()
      const packet = encode(sent, { format })
      // Of longer ones the library makes all, for their bytes pay for it.
      if (packet.meta.length > 1e5) return
      const wanted = decode(packet, { format })
      const [far, value] = decode<[unknown, unknown]>(encode([wasteful(), sent], { format }), { format })
      assert.is(difference(wasteful(), far), undefined)
      assert.is(difference(wanted, value), undefined)
    })
  }

  test('a key that is no scalar is MALFORMED', () => {
    const bytes = format.name === 'msgpack' ? [0x81, 0x91, 1, 1] : [0xa1, 0x41, 1, 1]
    refused(() => decode({ meta: Uint8Array.from(bytes), buffers: [] }, { format }), 'MALFORMED')
    const { meta } = encode(wasteful(), { format })
    const both = format.name === 'msgpack' ? [0x92] : [0x82]
    refused(
      () => decode({ meta: Uint8Array.of(...both, ...meta, ...bytes), buffers: [] }, { format }),
      'MALFORMED',
    )
  })

  test.run()
}
