/** What a hostile peer can put into the bytes of a format: threats 1 to 29. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { cborRows, type HostileRow, msgpackRows } from '../../fixtures/hostile/formats.js'
import { Codec, decode, encode, type Format, LIMITS, type PacketLike } from '../../src/index.js'
import { inBudget } from '../budget.js'
import { Dice } from '../mutate.js'
import { canaries } from '../prototypes.js'
import { difference } from '../same.js'
import { codeOf, quietly, refused } from '../thrown.js'
import { formats } from './kit.js'

const PROFILES = ['trusted', 'untrusted'] as const
const rows: Readonly<Record<string, readonly HostileRow[]>> = { msgpack: msgpackRows, cbor: cborRows }
const untouched = canaries()

/** One of everything: what every prefix and every flipped bit is taken of. */
function everything(): unknown {
  const shared = { name: 'shared' }
  const memory = new ArrayBuffer(32)
  return {
    n: [0, -1, 200, -70_000, 2 ** 31, 0.5, -0, Number.NaN],
    big: [1n, -1n, 2n ** 63n, -(2n ** 90n)],
    text: ['a', 'é', 'x'.repeat(40), '__proto__'],
    list: [null, undefined, true, [[]], {}],
    shared: [shared, shared],
    map: new Map<unknown, unknown>([['k', new Set([1, shared])]]),
    date: [new Date(1.5e12), new Date(Number.NaN)],
    error: Object.assign(new RangeError('no', { cause: 1 }), { stack: 'RangeError: no' }),
    regexp: /a+/gi,
    views: [
      new Uint8Array(memory, 0, 8),
      new Float32Array(memory, 4, 2),
      Buffer.from('hi'),
      Uint16Array.of(1, 2),
    ],
    large: new Float64Array(600),
    ['__proto__']: 'own',
  }
}

const outcome = (packet: PacketLike, codec: Codec) => codeOf(() => codec.decode(packet))

for (const format of formats) {
  for (const profile of PROFILES) {
    const test = suite(`formats: hostile ${format.name}, ${profile}`)

    for (const { threat, name, make, code, untrusted, limits } of rows[format.name]!) {
      test(`${threat}: ${name}`, async () => {
        const codec = new Codec({ format, limits: { ...LIMITS[profile], ...limits } })
        const packet = make()
        const before = packet.meta.slice()
        const end = (profile === 'untrusted' && untrusted) || code
        await inBudget(() => ({
          size: packet.meta.length,
          run: () => refused(() => codec.decode(packet), end),
        }))
        assert.is(Buffer.compare(before, packet.meta), 0, 'the metadata was written to')
        assert.is(untouched(), undefined)
      })
    }

    test.run()
  }

  const damage = suite(`formats: damage to ${format.name}`)
  const codecs = PROFILES.map(limits => new Codec({ format, limits }))
  const packet = encode(everything(), { format })

  damage('the whole of it arrives', () => {
    assert.is(difference(everything(), decode(packet, { format })), undefined)
    assert.equal(Object.keys(decode<object>(packet, { format })).at(-1), '__proto__')
    assert.is(untouched(), undefined)
  })

  damage('every prefix is TRUNCATED, and a byte more is TRAILING', () => {
    quietly(() => {
      for (const codec of codecs) {
        for (let length = 0; length < packet.meta.length; length++) {
          const { buffers } = packet
          assert.is(
            outcome({ meta: packet.meta.subarray(0, length), buffers }, codec),
            'TRUNCATED',
            `${length} bytes`,
          )
        }
        assert.is(
          outcome({ meta: Uint8Array.of(...packet.meta, 0), buffers: packet.buffers }, codec),
          'TRAILING',
        )
      }
    })
  })

  damage('every single-bit flip is refused or a value', () => {
    quietly(() => {
      const meta = packet.meta.slice()
      let refusals = 0
      for (let bit = 0; bit < meta.length * 8; bit++) {
        meta[bit >> 3]! ^= 1 << (bit & 7)
        for (const codec of codecs)
          if (outcome({ meta, buffers: packet.buffers }, codec) !== undefined) refusals++
        meta[bit >> 3]! ^= 1 << (bit & 7)
      }
      assert.ok(refusals > meta.length)
      assert.is(untouched(), undefined)
    })
  })

  damage('30 000 mutants of many messages are refused or values, and good ones stay good', () => {
    const seeds = [
      packet,
      encode([everything(), 7], { format, threshold: 0 }),
      ...rows[format.name]!.map(row => row.make()),
    ]
      .filter(({ meta, buffers }) => meta.length < 4096 && Array.isArray(buffers))
      .map(({ meta, buffers }) => ({ meta, buffers: buffers as readonly Uint8Array[] }))
    const dice = new Dice()
    let refusals = 0
    quietly(() => {
      for (let number = 0; number < 10_000; number++) {
        dice.start(1, number)
        const seed = dice.pick(seeds)
        const mutant = mutated(seed.meta, dice)
        const { buffers } = seed
        for (const codec of codecs) if (outcome({ meta: mutant, buffers }, codec) !== undefined) refusals++
        if (number % 1000 === 0)
          assert.is(difference(everything(), codecs[0]!.decode(packet)), undefined, `after mutant ${number}`)
      }
    })
    assert.ok(refusals > 10_000 && refusals < 60_000, `${refusals} refusals`)
    assert.is(untouched(), undefined)
  })

  damage('metadata in shared memory is copied before it is read', () => {
    const meta = new Uint8Array(new SharedArrayBuffer(packet.meta.length))
    meta.set(packet.meta)
    assert.is(difference(everything(), decode({ meta, buffers: packet.buffers }, { format })), undefined)
    assert.is(Buffer.compare(meta, packet.meta), 0)
  })

  damage('a message of our own format, and of the others, is MALFORMED or the like', () => {
    const other = formats.find(one => one !== format) as Format
    for (const meta of [encode({ a: [1, 'x'] }).meta, encode({ a: [1, 'x'] }, { format: other }).meta]) {
      const code = outcome({ meta, buffers: [] }, codecs[0]!)
      assert.ok(['MALFORMED', 'TRAILING', 'TRUNCATED'].includes(code ?? ''), code)
    }
  })

  damage('what looks like one of our parts in the value arrives as it was', () => {
    const record = new Uint8Array(34).fill(1)
    record.set([0x56, 12])
    const lookalikes = [
      record,
      Buffer.from([79, 0x56]),
      ['M', 1, 2],
      [Buffer.from('M'), 1, 2],
      { tag: 27, value: ['Error', 'x'] },
      { kind: 'view', content: { record: {} } },
      [[0x4f], 'V', '#'],
      'outband',
    ]
    for (const threshold of [0, Number.POSITIVE_INFINITY]) {
      const copy = decode(encode(lookalikes, { format, threshold }), { format })
      assert.is(difference(lookalikes, copy), undefined)
    }
  })

  damage('keys that prototypes know are keys', () => {
    const sent = JSON.parse(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":{"__proto__":[{"__proto__":2}]},"__proto_":3,"hasOwnProperty":4,"toString":5,"then":6}',
    )
    const copy = decode<Record<string, unknown>>(encode(sent, { format }), { format })
    assert.is(difference(sent, copy), undefined)
    assert.is(({} as Record<string, unknown>).polluted, undefined)
    assert.is(difference([sent, sent], decode(encode([sent, sent], { format }), { format })), undefined)
  })

  damage.run()
}

/** One to three small damages. */
function mutated(meta: Uint8Array, dice: Dice): Uint8Array {
  let bytes = meta.slice()
  for (let times = 1 + dice.below(3); times > 0 && bytes.length > 0; times--) {
    const at = dice.below(bytes.length)
    switch (dice.below(5)) {
      case 0:
        bytes[at] = dice.below(256)
        break
      case 1:
        bytes[at]! ^= 1 << dice.below(8)
        break
      case 2:
        bytes = Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + 1 + dice.below(4)))
        break
      case 3:
        bytes = Uint8Array.of(...bytes.subarray(0, at), dice.below(256), ...bytes.subarray(at))
        break
      default: {
        const from = dice.below(bytes.length)
        const piece = bytes.subarray(from, from + 1 + dice.below(40))
        bytes = Uint8Array.of(...bytes.subarray(0, at), ...piece, ...bytes.subarray(at))
      }
    }
  }
  return bytes
}
