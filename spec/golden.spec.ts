import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { golden, goldenTypes, RARE } from '../fixtures/golden.js'
import { goldenOthers } from '../fixtures/golden-others.js'
import { type Entry, goldenDifferences, goldenFolder, goldenPacket } from '../fixtures/make.js'
import { Codec, decode, inspect, isOutbandError, isReadonly, type Packet } from '../src/index.js'
import { OP_NAMES } from '../src/wire/names.js'
import { KINDS } from '../src/wire/views.js'
import { canaries } from './prototypes.js'
import { difference } from './same.js'
import { quietly, refused } from './thrown.js'

const read = (name: string) => new Uint8Array(readFileSync(new URL(name, goldenFolder)))

const index: readonly Entry[] = JSON.parse(new TextDecoder().decode(read('index.json')))

function shared(bytes: Uint8Array, maxByteLength: number): Uint8Array {
  const { length } = bytes
  const isGrowable = maxByteLength > length
  const copy = new Uint8Array(new SharedArrayBuffer(length, isGrowable ? { maxByteLength } : {}), 0, length)
  copy.set(bytes)
  return copy
}

/** The packet as it lies on the disk. */
function stored({ name, buffers }: Entry): Packet {
  return {
    meta: read(`${name}.meta`),
    buffers: buffers.map(({ shared: maxByteLength }, i) => {
      const bytes = read(`${name}.${i}.bin`)
      return maxByteLength === undefined ? bytes : shared(bytes, maxByteLength)
    }),
  }
}

const rows = index.flatMap(entry => {
  const row = golden.find(({ name }) => name === entry.name)
  return row ? [{ entry, row, packet: stored(entry) }] : []
})
const isUntrusted = ({ meta }: Packet): boolean => !/(?:REGEXP|ERROR)\b|, shared/.test(inspect(meta))

const test = suite('golden: bytes')

test('the files are those that `npm run golden` writes', () => {
  assert.equal(goldenDifferences(), [])
})

for (const { row, packet } of rows) {
  test(`${row.name}: encode makes the same bytes`, () => {
    const { meta, buffers } = goldenPacket(row)
    assert.is(Buffer.compare(meta, packet.meta), 0)
    assert.is(buffers.length, packet.buffers.length)
    for (const [i, buffer] of buffers.entries()) assert.is(Buffer.compare(buffer, packet.buffers[i]!), 0)
  })

  test(`${row.name}: decode gives the value back, at first and when its shapes are warm`, () => {
    const wanted = (row.arrives ?? row.make)()
    const codecs = [
      new Codec({ types: goldenTypes }),
      new Codec({ types: goldenTypes, limits: { codegen: false } }),
    ]
    if (isUntrusted(packet)) codecs.push(new Codec({ types: goldenTypes, limits: 'untrusted' }))
    for (const codec of codecs) {
      for (let i = 0; i < 40; i++) {
        const found = difference(wanted, codec.decode(packet))
        assert.is(found, undefined, found)
      }
    }
  })
}

test('a read-only view arrives read-only', () => {
  const { packet } = rows.find(({ row }) => row.name === 'readonly')!
  const [first, second] = decode<[Uint8Array, Uint8Array]>(packet)
  assert.ok(isReadonly(first))
  assert.not.ok(isReadonly(second))
})

test('a packet with a kind of view that this engine lacks is UNSUPPORTED', () => {
  const others = index.filter(({ name }) => golden.every(row => row.name !== name))
  assert.ok(others.every(({ name }) => RARE.includes(name)))
  for (const entry of others)
    assert.ok(
      refused(() => decode(stored(entry)), 'UNSUPPORTED'),
      entry.name,
    )
})

test('every op, every flag and every kind of view that this engine has occurs', () => {
  const listings = rows.map(({ packet }) => inspect(packet)).join('')
  const occurs = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(listings)
  const kinds = KINDS.filter(kind => kind.class !== undefined).map(kind => kind.name)
  const names = [...OP_NAMES.values(), 'INT', 'TEXT', 'ARRAY', 'OBJECT', ...kinds]
  assert.equal(
    names.filter(name => !occurs(name)),
    [],
  )
  for (const words of [
    'flags 0',
    'refs',
    'shapes',
    'views',
    'checksum',
    'narrow',
    'wide',
    'read-only',
    'shared',
    'resizable to',
    'phase',
    'tracks length',
    'in band',
  ])
    assert.match(listings, words)
})

test.run()

const others = suite('golden: what other writers may write, and what nobody may')

for (const { name, packet, arrives, code } of goldenOthers) {
  others(name, () => {
    for (const codec of [
      new Codec({ types: goldenTypes }),
      new Codec({ types: goldenTypes, limits: { codegen: false } }),
    ]) {
      // Twice: shapes are warm then.
      for (let i = 0; i < 2; i++) {
        if (code !== undefined) refused(() => codec.decode(packet), code)
        else assert.is(difference(arrives?.(), codec.decode(packet)), undefined)
      }
    }
  })
}

others.run()

const damage = suite('golden: damage')
const untouched = canaries()
const profiles = ['trusted', 'untrusted'] as const

for (const { row, packet } of rows) {
  const { meta, buffers } = packet
  const isChecked = row.options?.checksum === true
  const codecs = profiles.map(limits => new Codec({ types: goldenTypes, limits }))

  /** What each profile makes of damaged metadata: `undefined` is a value. */
  const codes = (damaged: Uint8Array): (string | undefined)[] =>
    codecs.map(codec => {
      try {
        codec.decode({ meta: damaged, buffers })
        return undefined
      } catch (error) {
        if (isOutbandError(error)) return error.code
        throw error
      }
    })

  damage(`${row.name}: every prefix is refused`, () => {
    quietly(() => {
      for (let length = 0; length < meta.length; length++) {
        const [trusted, untrusted] = codes(meta.subarray(0, length))
        // A checksum that is cut off is read from the bytes before it; what is forbidden may come before the end.
        const wanted = isChecked && trusted !== 'TRUNCATED' ? 'CHECKSUM' : 'TRUNCATED'
        assert.is(trusted, wanted, `${length} bytes`)
        if (untrusted !== 'UNSUPPORTED' || isUntrusted(packet))
          assert.is(untrusted, wanted, `${length} bytes`)
      }
    })
  })

  damage(`${row.name}: every single-bit flip is refused or a value`, () => {
    quietly(() => {
      const damaged = meta.slice()
      for (let bit = 0; bit < meta.length * 8; bit++) {
        damaged[bit >> 3] = meta[bit >> 3]! ^ (1 << (bit & 7))
        const got = codes(damaged)
        if (isChecked)
          assert.ok(
            got.every(code => code !== undefined),
            `bit ${bit} goes unnoticed`,
          )
        damaged[bit >> 3] = meta[bit >> 3]!
      }
    })
    assert.is(untouched(), undefined)
  })

  if (isChecked && buffers.length > 0) {
    damage(`${row.name}: every single-bit flip of a buffer is refused`, () => {
      for (const [i, buffer] of buffers.entries()) {
        for (let bit = 0; bit < buffer.length * 8; bit++) {
          const flipped = buffer.slice()
          flipped[bit >> 3] = buffer[bit >> 3]! ^ (1 << (bit & 7))
          const damaged = { meta, buffers: buffers.with(i, flipped) }
          assert.throws(
            () => codecs[0]!.decode(damaged),
            (error: unknown) => isOutbandError(error, 'CHECKSUM'),
          )
        }
      }
    })
  }
}

damage.run()
