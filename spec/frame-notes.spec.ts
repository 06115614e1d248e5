/** Notes, byte by byte: what two ends of a stream say between packets, and that readers of packets pass over it. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { join } from '../fixtures/assemble.js'
import { Deframer, packBytes, unpack } from '../src/frame/index.js'
import { type Item, isNote, type Note, packNote } from '../src/frame/note.js'
import { isOutbandError } from '../src/index.js'
import { everyByte, pushed, whole } from './frames.js'
import { refused } from './thrown.js'

const bytes = suite('frame notes: bytes')

type Kind = NonNullable<Note['kind']>

/** The frame as spec/FORMAT.md says: head, kind and seven zeros, count. */
const rows: [kind: Kind, count: number, kindByte: string, countBytes: string][] = [
  ['hello', 30_000, '01', '3075000000000000'],
  ['hello', 0, '01', '0000000000000000'],
  ['alive', 0, '02', '0000000000000000'],
  ['ask', 2 ** 32 + 5, '03', '0500000001000000'],
  ['taken', 2 ** 53 - 1, '04', 'ffffffffffff1f00'],
  ['bye', 0, '05', '0000000000000000'],
]
const HEAD = '4f555442010200001000000000000000' + '0000000000000000'
for (const [kind, count, kindByte, countBytes] of rows) {
  bytes(`${kind} ${count}: 40 bytes, which a channel reads and everybody else passes over`, () => {
    const note = packNote(kind, count)
    assert.is(Buffer.from(note).toString('hex'), `${HEAD}${kindByte}00000000000000${countBytes}`)
    assert.equal(items(note), [{ kind, count }])
    assert.equal(pushed(note, everyByte), { packets: [], code: undefined })
    refused(() => unpack(note), 'MALFORMED')
  })
}

const packet = { meta: Uint8Array.of(1, 2, 3), buffers: [new Uint8Array(5000).fill(9)] }
const between = join(
  packNote('hello', 7),
  packBytes(packet),
  packNote('ask', 5000),
  packBytes(packet, { checksum: true }),
  packNote('bye'),
  packNote('taken', 5000),
)

bytes('notes keep their places between packets', () => {
  const kinds = items(between).map(item => (isNote(item) ? item.kind : 'packet'))
  assert.equal(kinds, ['hello', 'packet', 'ask', 'packet', 'bye', 'taken'])
  for (const sizes of [whole, everyByte]) assert.is(pushed(between, sizes).packets.length, 2)
})

bytes('a reader that demands checksums demands none of notes', () => {
  const stream = join(packNote('hello'), packBytes(packet, { checksum: true }), packNote('bye'))
  assert.is(pushed(stream, whole, { checksum: true }).code, undefined)
})

bytes.run()

const hostile = suite('frame notes: hostile')

const spoiled = (change: (note: Uint8Array) => void): Uint8Array => {
  const note = packNote('ask', 5)
  change(note)
  return note
}
const broken: [name: string, make: () => Uint8Array, code: string][] = [
  ['with a checksum flag as well', () => spoiled(note => note.fill(3, 5, 6)), 'MALFORMED'],
  ['with a checksum', () => spoiled(note => note.fill(1, 20, 21)), 'MALFORMED'],
  ['with a buffer', () => spoiled(note => note.fill(1, 16, 17)), 'MALFORMED'],
  ['of 15 bytes', () => spoiled(note => note.fill(15, 8, 9)), 'MALFORMED'],
  ['of 2**40 bytes', () => spoiled(note => note.fill(1, 13, 14)), 'LIMIT'],
  ['with something where 0 must be', () => spoiled(note => note.fill(1, 27, 28)), 'MALFORMED'],
  ['with a count past 2**53', () => spoiled(note => note.fill(0xff, 38, 40)), 'MALFORMED'],
]
for (const [name, make, code] of broken) {
  hostile(`a note ${name}: ${code}`, () => {
    for (const sizes of [whole, everyByte]) {
      const found = pushed(join(packBytes(packet), make()), sizes)
      assert.equal([found.packets.length, found.code], [1, code])
    }
  })
}

hostile('a packet behind a goodbye: TRAILING, wherever the chunks end', () => {
  const stream = join(packBytes(packet), packNote('bye'), packNote('alive'), packBytes(packet))
  for (const sizes of [whole, everyByte]) {
    const found = pushed(stream, sizes)
    assert.equal([found.packets.length, found.code], [1, 'TRAILING'])
  }
})

hostile('every bit flipped: refused by one of our errors, or some packets', () => {
  const heads = [0, 40 + 24 + 8, between.length - 80].flatMap(start =>
    Array.from({ length: 40 }, (_, i) => start + i),
  )
  for (const at of heads) {
    for (let bit = 0; bit < 8; bit++) {
      const stream = Uint8Array.from(between)
      stream[at]! ^= 1 << bit
      const { packets, code } = pushed(stream, whole, { limits: 'untrusted' })
      assert.ok(code !== undefined || packets.length >= 1, `byte ${at}, bit ${bit}`)
    }
  }
})

hostile.run()

/** Packets and notes, as a channel reads them. */
function items(stream: Uint8Array): Item[] {
  const deframer = new Deframer({}, true)
  try {
    return [...(deframer.push(stream) as Iterable<Item>)]
  } catch (error) {
    if (!isOutbandError(error)) throw error
    return []
  }
}
