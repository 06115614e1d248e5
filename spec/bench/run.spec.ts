/** The bench as its users start it: a small case, and a document of their own. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Results } from '../../bench/board.js'

const bench = fileURLToPath(new URL('../../bench/run.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'outband-bench-'))
const out = join(folder, 'results.json')
const { INIT_CWD: _, ...env } = process.env

function run(...args: string[]) {
  const options = { encoding: 'utf8', cwd: folder, env } as const
  return spawnSync(process.execPath, ['--expose-gc', bench, ...args], options)
}

const test = suite('bench: run')
test.after(() => rmSync(folder, { recursive: true }))

test('a document of one’s own is measured, weighed, written and compared', () => {
  writeFileSync(join(folder, 'own.json'), JSON.stringify({ list: [1, 2, { key: 'value' }] }))
  const ask = ['--quick', '--file', 'own.json', '--filter', '^msgpack/', '--json', 'results.json']
  const { status, stdout, stderr } = run(...ask)
  assert.is(status, 0, stderr)
  assert.match(stderr, /^1\/1 msgpack\/own\.json\n$/)
  const { cases, rows, contestants, machine } = JSON.parse(readFileSync(out, 'utf8')) as Results
  assert.equal(Object.keys(cases), ['msgpack/own.json'])
  assert.ok(machine.memoryBytes > 0)
  for (const name of ['outband msgpack', 'msgpackr plain', 'msgpackr tracked']) {
    const found = rows.find(({ contestant }) => contestant === name)
    assert.ok(found, `${name} in ${stdout}`)
    assert.equal(found.lost, [], name)
    assert.ok(found.medianNs > 0 && found.cpuNs! > 0 && found.allocatedBytes! > 0, name)
    assert.is(contestants[name]?.ours, name === 'outband msgpack')
  }
  const again = run('--quick', '--file', 'own.json', '--filter', 'no such', '--compare', 'results.json')
  assert.is(again.status, 2)
  assert.match(again.stderr, /^no case matches \/no such\//)
})

test('what is asked wrongly is answered by how to ask', () => {
  const { status, stderr } = run('--file', 'none.json')
  assert.is(status, 2)
  assert.match(stderr, /--file .*none\.json: ENOENT[\s\S]*usage: npm run bench/)
})

test.run()
