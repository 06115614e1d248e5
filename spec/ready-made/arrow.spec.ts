/** Tables of Apache Arrow, by their buffers. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as arrow from 'apache-arrow'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { flexbuffers } from '../../src/formats/flexbuffers.js'
import { pickle } from '../../src/formats/pickle/index.js'
import { decode, defineType, encode, registry } from '../../src/index.js'
import { connect, serve } from '../../src/socket/index.js'
import { arrowTypes } from '../../src/types/index.js'
import { formats } from '../formats/kit.js'
import { codeOf } from '../thrown.js'

const types = registry(...arrowTypes(arrow))
const test = suite('ready-made types of Apache Arrow')

/** What a table says of itself, and all its rows. */
const look = (table: arrow.Table | arrow.RecordBatch | arrow.Vector) => [
  'schema' in table ? String(table.schema) : String(table.type),
  'schema' in table ? [...table.schema.metadata] : [],
  JSON.stringify([...table], (_, value) => (typeof value === 'bigint' ? `${value}n` : value)),
]

const { Field, Schema, Table } = arrow
const numbers = (length: number) => Float64Array.from({ length }, (_, i) => i / 2)

const plain = () =>
  arrow.tableFromArrays({ x: numbers(1000), y: Int32Array.from({ length: 1000 }, (_, i) => i) })
// By their memory: arrow's builders generate code, which is forbidden in one run of the suite.
const { makeData, makeVector } = arrow
const text = (joined: string, offsets: readonly number[], nullBitmap?: Uint8Array) =>
  makeData({
    type: new arrow.Utf8(),
    nullBitmap,
    valueOffsets: Int32Array.from(offsets),
    data: new TextEncoder().encode(joined),
  })
const integers = (...list: number[]) => makeData({ type: new arrow.Int32(), data: Int32Array.from(list) })
const row = new arrow.Struct([
  new Field('a', new arrow.Int32(), true),
  new Field('b', new arrow.Utf8(), true),
])
const mixed = () =>
  new Table({
    text: makeVector(text('aä', [0, 1, 1, 3, 3], Uint8Array.of(0b1101))),
    enumeration: makeVector(
      makeData({
        type: new arrow.Dictionary(new arrow.Utf8(), new arrow.Int8()),
        nullBitmap: Uint8Array.of(0b0111),
        data: Int8Array.of(0, 1, 0, 0),
        dictionary: makeVector(text('xy', [0, 1, 2])),
      }),
    ),
    flags: makeVector(
      makeData({
        type: new arrow.Bool(),
        length: 4,
        nullBitmap: Uint8Array.of(0b1011),
        data: Uint8Array.of(0b1001),
      }),
    ),
    big: makeVector(makeData({ type: new arrow.Int64(), data: BigInt64Array.of(1n, -2n, 3n, 2n ** 60n) })),
    when: makeVector(
      makeData({ type: new arrow.TimestampMillisecond(), data: BigInt64Array.of(0n, 10n ** 12n, -1n, 5n) }),
    ),
    lists: makeVector(
      makeData({
        type: new arrow.List(new Field('item', new arrow.Int32(), true)),
        nullBitmap: Uint8Array.of(0b1101),
        valueOffsets: Int32Array.of(0, 2, 2, 2, 3),
        child: integers(1, 2, 3),
      }),
    ),
    rows: makeVector(
      makeData({
        type: row,
        length: 4,
        nullBitmap: Uint8Array.of(0b1011),
        children: [integers(1, 2, 0, 4), text('xz', [0, 1, 1, 1, 2], Uint8Array.of(0b1001))],
      }),
    ),
  })
const chunked = () => mixed().concat(mixed())
const read = (table: arrow.Table) => arrow.tableFromIPC(arrow.tableToIPC(table))

const tables: readonly [name: string, make: () => arrow.Table][] = [
  ['of numbers', plain],
  ['of text, dictionaries, flags, dates, lists and rows', mixed],
  ['of several chunks', chunked],
  ['that was read from bytes', () => read(chunked())],
  ['without rows', () => arrow.tableFromArrays({ x: new Float64Array(), y: new Int32Array() })],
  ['of text without rows', () => new Table({ t: makeVector(text('', [0])) })],
  ['a slice without rows', () => plain().slice(5, 5)],
  ['a slice', () => plain().slice(3, 990)],
  ['a slice of chunks with nulls', () => read(chunked()).slice(1, 7)],
  ['of some of its columns', () => mixed().select(['text', 'big'])],
  ['without rows', () => mixed().slice(0, 0)],
  ['without columns', () => new Table(new Schema([]))],
  [
    'with metadata',
    () => {
      const schema = new Schema(
        [new Field('x', new arrow.Int8(), false, new Map([['unit', 'm']]))],
        new Map([['a', 'b']]),
      )
      const data = arrow.makeData({
        type: new arrow.Struct(schema.fields),
        length: 2,
        children: [arrow.makeData({ type: new arrow.Int8(), data: Int8Array.of(1, 2) })],
      })
      return new Table(schema, [new arrow.RecordBatch(schema, data)])
    },
  ],
  [
    'of decimals',
    () =>
      new Table({
        d: arrow.makeVector(
          arrow.makeData({
            type: new arrow.Decimal(2, 20),
            length: 3,
            data: Uint32Array.from({ length: 12 }, (_, i) => i),
          }),
        ),
      }),
  ],
]
for (const [name, make] of tables) {
  test(`a table ${name} arrives as it was`, () => {
    const table = make()
    const arrived = decode<arrow.Table>(encode({ table }, { types }), { types }) as unknown as {
      table: arrow.Table
    }
    assert.instance(arrived.table, Table)
    assert.equal(look(arrived.table), look(table))
    assert.is(arrived.table.batches.length, table.batches.length)
    // Arrow itself takes it for one of its own.
    assert.equal(look(read(arrived.table)), look(read(table)))
  })
}

for (const format of [undefined, ...formats, flexbuffers, pickle]) {
  const name = format?.name ?? 'our own format'
  test(`in ${name}: tables arrive as they were`, () => {
    const sent = tables.map(([, make]) => make())
    const arrived = decode<arrow.Table[]>(encode(sent, { types, format }), { types, format })
    for (const [i, table] of sent.entries()) {
      assert.equal(look(arrived[i]!), look(table))
      assert.equal(look(read(arrived[i]!)), look(read(table)))
    }
  })

  test(`in ${name}: a batch keeps metadata of its own, where Arrow has such`, () => {
    const [batch] = plain().batches as [arrow.RecordBatch]
    const labelled = new arrow.RecordBatch(batch.schema, batch.data, new Map([['part', '1']]))
    const table = new Table(batch.schema, [labelled, batch])
    const { batches } = decode<arrow.Table>(encode(table, { types, format }), { types, format })
    assert.equal(
      batches.map(({ metadata }) => [...metadata]),
      [[['part', '1']], []],
    )
  })

  test(`in ${name}: a batch without metadata, as Arrow before 21 has them, gets none`, () => {
    const [batch] = plain().batches as [arrow.RecordBatch]
    const older = Object.defineProperty(new arrow.RecordBatch(batch.schema, batch.data), 'metadata', {
      value: undefined,
    })
    const arrived = decode<arrow.RecordBatch>(encode(older, { types, format }), { types, format })
    assert.equal([...arrived.metadata], [])
  })
}

test('columns lie on the memory that they had', () => {
  const x = numbers(1000)
  const table = arrow.tableFromArrays({ x })
  const packet = encode(table, { types })
  const values = (t: arrow.Table) => t.getChild('x')?.data[0]?.values as Float64Array
  assert.is(packet.buffers[0]?.buffer, values(table).buffer)
  assert.is(values(decode<arrow.Table>(packet, { types })).buffer, values(table).buffer)
})

test('a batch and a column travel by themselves', () => {
  const table = chunked()
  for (const part of [
    table.batches[1],
    table.getChild('text'),
    table.getChild('enumeration'),
    table.getChild('rows'),
  ]) {
    const arrived = decode<arrow.Vector>(encode(part, { types }), { types })
    assert.equal(look(arrived), look(part as arrow.Vector))
  }
})

test('batches that share a dictionary share it again, and it travels once', () => {
  const table = read(mixed())
  const [batch] = table.batches
  const twice = new Table(table.schema, [batch as arrow.RecordBatch, batch as arrow.RecordBatch])
  const arrived = decode<arrow.Table>(encode(twice, { types }), { types })
  const [first, second] = arrived.batches.map(({ data }) => data.children[1]?.dictionary)
  assert.ok(first !== undefined && first === second)
})

class Lie {}
const lies: readonly [name: string, parts: (parts: Record<string, unknown>) => unknown][] = [
  ['a schema that is none', parts => ({ ...parts, schema: new Uint8Array(20) })],
  ['no chunks', parts => ({ ...parts, chunks: 5 })],
  ['a column too many', parts => ({ ...parts, schema: arrow.tableToIPC(new Table(new Schema([]))) })],
]
for (const [name, change] of lies) {
  test(`${name}: REBUILD`, () => {
    const [table] = arrowTypes(arrow)
    const parts = table?.reduce(plain()) as Record<string, unknown>
    const lie = defineType({
      class: Lie,
      tag: 'arrow.Table',
      reduce: () => change(parts),
      rebuild: () => new Lie(),
    })
    assert.is(
      codeOf(() => decode(encode(new Lie(), { types: registry(lie) }), { types })),
      'REBUILD',
    )
  })
}

test('from a stranger they are refused, unless the limits say otherwise', () => {
  const packet = encode(plain(), { types })
  assert.is(
    codeOf(() => decode(packet, { types, limits: 'untrusted' })),
    'UNSUPPORTED',
  )
})

test('they cross a socket between peers that trust each other', async () => {
  const path = join(tmpdir(), `outband-arrow-${process.pid}`)
  const limits = 'trusted'
  const server = await serve(
    path,
    async channel => {
      for await (const value of channel) await channel.send(value)
    },
    { types, limits },
  )
  const channel = await connect<arrow.Table, arrow.Table>(path, { types, limits })
  const table = chunked()
  await channel.send(table)
  for await (const arrived of channel) {
    assert.equal(look(arrived), look(table))
    break
  }
  await channel.close()
  await server.close()
})

test('what is not the package is a TypeError', () => {
  for (const wrong of [undefined, {}, 5]) assert.throws(() => arrowTypes(wrong as never), TypeError)
})

test.run()
