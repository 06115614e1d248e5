/** Peers in Python, written from `spec/FORMATS.md`: they read what we write, and we read what they write. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { packBytes, unpack } from '../../src/frame/index.js'
import { decode, encode } from '../../src/index.js'
import { difference } from '../same.js'
import { formats, pythonWith } from './kit.js'

const MODULES: Readonly<Record<string, string>> = { msgpack: 'msgpack', cbor: 'cbor2' }

const array = (dtype: string, values: readonly (number | bigint)[]) => ({
  array: dtype,
  values: values.map(String),
})
const floats = (dtype: string, values: readonly number[]) => ({
  array: dtype,
  values: values.map(n => (Number.isInteger(n) ? n.toFixed(1) : String(n))),
})
const five = [0, 1, 2, 3, 4]
const long = Array.from({ length: 5000 }, (_, i) => i % 100)
const integers = [
  [Int8Array, '|i1'],
  [Uint8Array, '|u1'],
  [Int16Array, '<i2'],
  [Uint16Array, '<u2'],
  [Int32Array, '<i4'],
  [Uint32Array, '<u4'],
] as const
const bigs = [5n, 2n ** 63n, -(2n ** 70n)] as const

/** Values, and what Python is to tell of them: `fixtures/python/peer.py`, `told`. */
function rows(): [name: string, value: unknown, told: unknown][] {
  const shared = { name: 'one' }
  const loop: unknown[] = [1]
  loop.push(loop)
  const map = new Map([['a', 1]])
  const loopMap = new Map<string, unknown>()
  loopMap.set('me', loopMap)
  const view = new Float64Array(1000).fill(0.5)
  const told = floats('<f8', new Array(1000).fill(0.5))
  const memory = new ArrayBuffer(32)
  new Uint8Array(memory).set([1, 2, 3, 4, 5, 6, 7, 8])
  const proto = '{"__proto__":{"a":1}}'
  const numbers = [0, -1, 200, 65_536, -70_000, 2 ** 32, 0.1]
  const text = ['', 'é🦊', 'x'.repeat(300)]
  const inBand = integers.filter(([Class]) => Class !== Uint8Array)
  return [
    ['constants', [null, undefined, true, false], [null, null, true, false]],
    ['numbers', numbers, numbers],
    ['−0 and NaN', [-0, Number.NaN], [{ float: '-0.0' }, { float: 'nan' }]],
    ['BigInts', bigs, [5, { int: String(bigs[1]) }, { int: String(bigs[2]) }]],
    ['text', text, text],
    ['text that was no UTF-8', ['\ud800a'], ['\ufffda']],
    ['a key that JavaScript knows', JSON.parse(proto), JSON.parse(proto)],
    [
      'dates',
      [new Date(1.5e12), new Date(1_715_949_000_250)],
      [{ date: 1.5e12 }, { date: 1_715_949_000_250 }],
    ],
    ['a date before 1970', new Date(-1), { date: -1 }],
    ['a Map and a Set', [new Map([['a', [1]]]), new Set([1, 2])], [{ a: [1] }, { set: [1, 2] }]],
    ['an object twice', [shared, shared], [{ name: 'one' }, { again: 1 }]],
    ['a Map twice, and one in itself', [map, map, loopMap], [{ a: 1 }, { again: 1 }, { me: { again: 2 } }]],
    ['a view twice, in a Map as well', [view, new Map([['v', [view]]])], [told, { v: [{ again: 1 }] }]],
    ['a list in itself', loop, [1, { again: 0 }]],
    ['bytes', Uint8Array.of(0, 255), { bytes: '00ff' }],
    ['a Buffer', Buffer.from('hi'), { bytes: '6869' }],
    ['large bytes', new Uint8Array(5000).fill(7), array('|u1', new Array(5000).fill(7))],
    ['in band', inBand.map(([Class]) => Class.from(five)), inBand.map(([, dtype]) => array(dtype, five))],
    [
      'out of band',
      integers.map(([Class]) => Class.from(long)),
      integers.map(([, dtype]) => array(dtype, long)),
    ],
    ['floats in band', Float32Array.of(0.5, 1), floats('<f4', [0.5, 1])],
    ['floats out of band', new Float64Array(1000).fill(0.25), floats('<f8', new Array(1000).fill(0.25))],
    ['64 bits in band', BigInt64Array.of(-1n, 2n), array('<i8', [-1n, 2n])],
    [
      '64 bits out of band',
      new BigUint64Array(600).fill(bigs[1]),
      array('<u8', new Array(600).fill(bigs[1])),
    ],
    [
      'views that overlap',
      [new Uint16Array(memory, 0, 4), new Uint32Array(memory, 4, 1)],
      [array('<u2', [513, 1027, 1541, 2055]), array('<u4', [134_678_021])],
    ],
  ]
}

for (const format of formats) {
  const test = suite(`formats: ${format.name} and Python`)
  const python = pythonWith(MODULES[format.name]!, 'numpy')
  const isMissing = python.reason !== ''
  if (isMissing) console.log(`SKIP: ${format.name}: ${python.reason}`)
  const run = isMissing && process.env.CI !== 'true' ? test.skip : test

  run('Python reads what we write', () => {
    const folder = mkdtempSync(join(tmpdir(), 'outband-'))
    try {
      const paths = rows().map(([, value], i) => {
        const path = join(folder, `${i}.frame`)
        writeFileSync(path, packBytes(encode(value, { format })))
        return path
      })
      const lines = String(python.run('peer.py', [format.name, 'read', ...paths]))
        .trim()
        .split('\n')
      for (const [i, [name, , told]] of rows().entries()) assert.equal(JSON.parse(lines[i]!), told, name)
      assert.is(lines.length, rows().length)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  run('we read what Python writes, arrays on the memory that came', () => {
    const packet = unpack(new Uint8Array(python.run('peer.py', [format.name, 'write'])))
    const value = decode<{ pixels: Float32Array }>(packet, { format, limits: 'untrusted' })
    const classes = [...integers.map(([Class]) => Class), Float32Array, Float64Array]
    const wanted = {
      id: 7,
      big: 2n ** 70n,
      less: -(2n ** 70n),
      long: 2n ** 40n,
      text: 'é🦊',
      half: 0.5,
      none: null,
      yes: true,
      list: [1, [2, [3]]],
      bytes: Uint8Array.of(0, 255),
      when: new Date('2024-05-17T12:30:00.250Z'),
      pixels: Float32Array.from({ length: 1000 }, (_, i) => i),
      kinds: [
        ...classes.map(Class => Class.from(five)),
        BigInt64Array.from(five.map(BigInt)),
        BigUint64Array.from(five.map(BigInt)),
      ],
    }
    assert.is(difference(wanted, value), undefined)
    assert.ok(packet.buffers.some(({ buffer }) => buffer === value.pixels.buffer))
  })

  run('there and back again', () => {
    const sent = {
      rows: Array.from({ length: 50 }, (_, id) => ({ id, name: `row ${id}`, half: id / 2 })),
      samples: Float64Array.from({ length: 2000 }, (_, i) => i / 7),
      image: new Uint8ClampedArray(5000).map((_, i) => i),
    }
    const back = python.run('peer.py', [format.name, 'echo'], packBytes(encode(sent, { format })))
    const wanted = { ...sent, image: Uint8Array.from(sent.image) }
    assert.is(difference(wanted, decode(unpack(new Uint8Array(back)), { format })), undefined)
  })

  test.run()
}
