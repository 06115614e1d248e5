/** The user's own data as workloads: what is read, and what is said of what cannot be. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Float64, makeData, Table, tableToIPC, Utf8, Vector } from 'apache-arrow'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ownWorkloads } from '../../bench/own-data.js'
import { same } from '../same.js'

const folder = mkdtempSync(join(tmpdir(), 'outband-bench-'))
// From the columns' memory: arrow's builders generate code, which is forbidden in one run of the suite.
const table = new Table({
  n: new Vector([makeData({ type: new Float64(), nullCount: 0, data: Float64Array.of(1.5, 2.5, -3) })]),
  s: new Vector([
    makeData({
      type: new Utf8(),
      length: 3,
      nullCount: 1,
      nullBitmap: Uint8Array.of(0b101),
      valueOffsets: Int32Array.of(0, 1, 1, 2),
      data: new TextEncoder().encode('ac'),
    }),
  ]),
})
const seen = {
  schema: [
    { name: 'n', type: 'Float64', nullable: true },
    { name: 's', type: 'Utf8', nullable: true },
  ],
  rows: 3,
  columns: { n: new Float64Array([1.5, 2.5, -3]), s: ['a', null, 'c'] },
}

const readable: readonly (readonly [
  name: string,
  kind: string,
  content: string | Uint8Array,
  value: unknown,
])[] = [
  ['document.json', 'document', '{"a":[1,{"b":null}]}', { a: [1, { b: null }] }],
  ['SHOUTED.JSON', 'document', '[]', []],
  ['stream.arrow', 'table', tableToIPC(table, 'stream'), seen],
  ['file.feather', 'table', tableToIPC(table, 'file'), seen],
]

const test = suite('bench: own data')
test.after(() => rmSync(folder, { recursive: true }))

for (const [name, kind, content, value] of readable) {
  test(`${name} is a ${kind}`, async () => {
    const path = join(folder, name)
    writeFileSync(path, content)
    const [workload] = ownWorkloads([path])
    assert.equal([workload?.name, workload?.kind, workload?.about], [name, kind, path])
    same(await workload?.make(), value)
  })
}

const unreadable: readonly (readonly [name: string, content: string | undefined, message: RegExp])[] = [
  ['missing.json', undefined, /^--file .*missing\.json: ENOENT/],
  ['broken.json', '{"a":', /^--file .*broken\.json: .*JSON/],
  ['text.arrow', 'no table at all', /^--file .*text\.arrow: /],
]

for (const [name, content, message] of unreadable) {
  test(`${name} is told by its name`, async () => {
    const path = join(folder, name)
    if (content !== undefined) writeFileSync(path, content)
    const [workload] = ownWorkloads([path])
    await Promise.resolve(workload?.make()).then(
      () => assert.unreachable(),
      error => {
        assert.instance(error, TypeError)
        assert.match(error.message, message)
      },
    )
  })
}

test('a name that says nothing of what is in it is refused', () => {
  assert.throws(() => ownWorkloads(['data.csv']), /--file takes \.json, \.arrow, \.feather, got .*data\.csv/)
})

test('files of one name are told apart by their paths, and one file is one', () => {
  mkdirSync(join(folder, 'other'))
  const paths = [join(folder, 'a.json'), join(folder, 'other', 'a.json'), join(folder, 'b.json')]
  assert.equal(
    ownWorkloads([...paths, paths[0]!]).map(({ name }) => name),
    [paths[0], paths[1], 'b.json'],
  )
})

test.run()
