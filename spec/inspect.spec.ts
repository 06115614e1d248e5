import { readFileSync } from 'node:fs'
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  arrayOp,
  assemble,
  objectLong,
  repeat,
  run,
  type Sections,
  textOp,
  u32,
  view,
} from '../fixtures/assemble.js'
import { golden } from '../fixtures/golden.js'
import { hostile } from '../fixtures/hostile.js'
import { goldenPacket } from '../fixtures/make.js'
import { Random } from '../fixtures/random.js'
import { encode, inspect, LIMITS } from '../src/index.js'
import { RunFlag, ViewFlag } from '../src/wire/flags.js'
import { OP_NAMES } from '../src/wire/names.js'
import { Op } from '../src/wire/ops.js'
import { KIND_NUMBERS } from '../src/wire/views.js'
import { inBudget } from './budget.js'

const F32 = KIND_NUMBERS.get('Float32Array')!
const U8 = KIND_NUMBERS.get('Uint8Array')!

const listings: [fact: string, sections: Sections, listing: string][] = [
  [
    'numbers',
    { body: [arrayOp(5), 7, Op.I8, 255, Op.I16, 0, 1, Op.I32, u32(65_536), Op.BIGINT, 5, 1, 2] },
    `
outband packet: 20 bytes of metadata
version 1, flags 0
       4  body, 16 bytes
       4    ARRAY 5
       5      INT 7
       6      I8 -1
       8      I16 256
      11      I32 65536
      16      BIGINT -513n
      20  end`,
  ],
  [
    'keys, text, refs to text and to objects',
    {
      body: [
        Op.OBJECT,
        Op.TEXT_DEFINE,
        3,
        Op.ARRAY | 3,
        Op.TEXT_REF,
        0,
        Op.REF,
        0,
        Op.HOLE,
        Op.NUMBERS_I8,
        3,
        1,
        2,
        255,
      ],
      shapes: [['id', 'all kinds', '№']],
      text: ['abc'],
      refs: true,
    },
    `
outband packet: 40 bytes of metadata
version 1, flags 3: refs, shapes
       4  body, 14 bytes
       4    OBJECT 0 {id, "all kinds", "№"} = #0
       5      id: TEXT_DEFINE "abc" = text #0
       7      "all kinds": ARRAY 3 = #1
       8        TEXT_REF #0 "abc"
      10        REF #0
      12        HOLE
      13      "№": NUMBERS_I8 3 [1, 2, -1] = numbers #0
      18  1 shape
      19    0 {id, "all kinds", "№"}
      36  text
      36    3 units, narrow: "abc"
      40  end`,
  ],
  [
    'views, their runs, and bytes in band, under a checksum',
    {
      body: [Op.ARRAY | 2, Op.VIEW, Op.VIEW],
      runs: [
        [run(RunFlag.OUT_OF_BAND | (4 << RunFlag.PHASE_SHIFT), 4096), u32(0xdead_beef)],
        run(RunFlag.RESIZABLE, 3, 64),
      ],
      views: [view(F32 | ViewFlag.READONLY, 0, 8, 1022), [U8 | ViewFlag.WHOLE]],
      inBand: [1, 2, 255],
      checksum: true,
    },
    `
outband packet: 32 bytes of metadata
version 1, flags 12: views, checksum
       4  body, 3 bytes
       4    ARRAY 2
       5      VIEW 0 Float32Array 1022 × 4 at 8 of run 0, read-only
       6      VIEW 1 Uint8Array, all of run 1
       7  2 runs, 2 views
       9    run 0 buffer 0, 4096 bytes, phase 4, checksum 0xdeadbeef
      16    run 1 in band, 3 bytes, resizable to 64
      19    view 0 Float32Array 1022 × 4 at 8 of run 0, read-only
      24    view 1 Uint8Array, all of run 1
      25  bytes of 1 run in band
      25    3 bytes: 01 02 ff
      28  checksum 0xCRC
      32  end`,
  ],
  [
    'what is wrong with refs, views, text and an op',
    { body: [Op.ARRAY | 5, Op.REF, 9, Op.VIEW, textOp(2), textOp(1), 0xff], text: ['a'] },
    `
outband packet: 13 bytes of metadata
version 1, flags 0
       4  body, 7 bytes
       4    ARRAY 5
       5      REF #9 (none such so far)
       7      VIEW 0 (none such)
       8      TEXT 2 units (more than is left in the segment)
       9      TEXT "a"
      10      ! stopped: unknown op 0xff at byte 10
! there is less text than the body has
      11  text
      11    1 unit, narrow: "a"
      13  end`,
  ],
  [
    'a shape that is not there',
    { body: [Op.ARRAY | 1, Op.OBJECT | 1], shapes: [['a']] },
    `
outband packet: 10 bytes of metadata
version 1, flags 2: shapes
       4  body, 2 bytes
       4    ARRAY 1
       6      ! stopped: shape 1 of 1 at byte 6
       6  1 shape
       7    0 {a}
      10  end`,
  ],
]

const test = suite('inspect: listings')

for (const [fact, sections, listing] of listings) {
  test(fact, () => {
    const got = inspect(assemble(sections)).replace(/checksum 0x(?!dead)\w+/, 'checksum 0xCRC')
    assert.fixture(got, `${listing.trimStart()}\n`)
  })
}

test('a packet that ends too early is listed up to there', () => {
  const meta = assemble({ body: [Op.OBJECT, Op.ARRAY | 2, 1, textOp(3)], shapes: [['a']], text: ['two'] })
  assert.fixture(
    inspect(meta.subarray(0, 6)),
    `outband packet: 6 bytes of metadata
version 1, flags 2: shapes
       4  body, 4 bytes
       5    ! stopped: shape 0 of 0 at byte 5
       6    ! stopped: metadata ends at byte 6; wanted 2, got 0
       6  end
`,
  )
})

test('the buffers of a packet are counted, a lazy source of them is left alone', () => {
  const packet = encode(new Float64Array(1000))
  assert.match(inspect(packet), /^outband packet: \d+ bytes of metadata, 1 buffer of 8000 bytes\n/)
  const buffers = packet.buffers.values()
  assert.match(inspect({ meta: packet.meta, buffers }), /^outband packet: \d+ bytes of metadata\n/)
  assert.is(buffers.next().value, packet.buffers[0])
})

test('metadata of another realm is metadata', () => {
  const { meta } = encode({ a: 1 })
  const foreign = runInNewContext('new Uint8Array(meta)', { meta }) as Uint8Array
  assert.is(inspect({ meta: foreign, buffers: [] }), inspect({ meta, buffers: [] }))
  assert.is(inspect(foreign), inspect(meta))
})

test('each op of the table has the name that it has among the ops', () => {
  const source = readFileSync(new URL('../../src/wire/ops.ts', import.meta.url), 'utf8')
  const ops = [...source.matchAll(/^ {2}(\w+) = (0x[c-f][0-9a-f]),$/gm)]
  assert.equal(
    [...OP_NAMES].map(([op, name]) => [name, op]),
    ops.map(([, name, op]) => [name, Number(op)]),
  )
})

test('nothing that a terminal obeys gets through', () => {
  const text = inspect(encode({ '\x1b[2J\x9b\u202e': '\x07\u2066\x7f\u2028' }))
  assert.not.match(text, /[^\n\x20-\x7e…×]/)
})

test.run()

const bounds = suite('inspect: any bytes')

const small = golden.map(goldenPacket).filter(({ meta }) => meta.length < 200)

bounds('every prefix of the golden packets is listed', () => {
  for (const { meta } of small) {
    for (let length = 0; length < meta.length; length++)
      assert.match(inspect(meta.subarray(0, length)), /! (?:stopped: |there is less text|the metadata has)/)
  }
})

bounds('every single-bit flip of the golden packets is listed', () => {
  for (const { meta } of small) {
    const flipped = meta.slice()
    for (let bit = 0; bit < meta.length * 8; bit++) {
      flipped[bit >> 3] = meta[bit >> 3]! ^ (1 << (bit & 7))
      assert.match(inspect(flipped), /\n$/)
      flipped[bit >> 3] = meta[bit >> 3]!
    }
  }
})

bounds('random bytes, and random bodies, are listed', () => {
  const random = new Random(574)
  for (let i = 0; i < 5000; i++) {
    const bytes = Uint8Array.from({ length: random.int(0, 64) }, () => random.int(0, 256))
    assert.match(inspect(bytes), /\n$/)
    assert.match(inspect(assemble({ body: bytes, flags: random.int(0, 256), tail: bytes })), /\n$/)
  }
})

bounds('hostile packets are listed in bounded time and length', async () => {
  for (const { name, make, limits } of hostile) {
    const { meta } = make({ ...LIMITS.untrusted, ...limits })
    const text = await inBudget(() => ({ size: meta.length, run: () => inspect(meta) }))
    assert.ok(text.length < 40_000 * 202, name)
    assert.ok(
      text.split('\n').every(line => line.length <= 201),
      name,
    )
  }
})

bounds('nesting of 1 000 000 does not run out of stack', () => {
  for (const level of [[Op.ARRAY | 1], objectLong(0), [Op.BOXED], [Op.CUSTOM], [Op.MAP, ...u32(1)]]) {
    const text = inspect(assemble({ body: repeat(1_000_000, level), shapes: [['a']] }))
    assert.match(text, /more bytes of the body not listed/)
  }
})

bounds('long strings, keys, arrays and tables are shortened', () => {
  const long = 'x'.repeat(1000)
  const text = inspect(
    encode({
      [long]: long,
      numbers: Array.from({ length: 1000 }, (_, i) => i),
      big: 1n << 4000n,
      bytes: new Uint8Array(100),
    }),
  )
  assert.match(text, `"${'x'.repeat(60)}"… (1000 units)`)
  assert.match(text, 'NUMBERS_I16 1000 [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, …]')
  assert.match(text, /BIGINT 0x01(?:00){31}… \(501 bytes\)/)
  assert.match(text, /100 bytes: (?:00 ){16}…/)
  const rows = inspect(encode(Array.from({ length: 20_000 }, () => null)))
  assert.match(rows, '… 10002 more bytes of the body not listed')
})

const strangers: unknown[] = [
  undefined,
  null,
  1,
  'meta',
  {},
  [],
  { meta: 1 },
  { meta: [] },
  { meta: new ArrayBuffer(8) },
  new DataView(new ArrayBuffer(8)),
  new Float32Array(4),
  Object.create(Uint8Array.prototype),
  { meta: Object.create(Uint8Array.prototype) },
  new Proxy(
    {},
    {
      get: () => {
        throw new Error('no')
      },
    },
  ),
  {
    get meta(): never {
      throw Object.create(null)
    },
  },
]

for (const [i, stranger] of strangers.entries()) {
  bounds(`stranger ${i}, which is no packet, is said to be none`, () => {
    assert.match(inspect(stranger as never), '! ')
  })
}

bounds('metadata whose memory is gone, or shared, is listed', () => {
  const { meta } = encode([1, 2])
  const shared = new Uint8Array(new SharedArrayBuffer(meta.length))
  shared.set(meta)
  assert.is(inspect(shared), inspect(meta))
  structuredClone(meta, { transfer: [meta.buffer as ArrayBuffer] })
  assert.match(inspect(meta), '! not a packet: TypeError')
})

bounds.run()
