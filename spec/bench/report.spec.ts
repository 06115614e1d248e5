/** What people see: tables that fit their terminal, how far a run is, and counts that others print. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Board } from '../../bench/board.js'
import { caseTable } from '../../bench/case-table.js'
import { COUNTERS } from '../../bench/instructions.js'
import { Progress } from '../../bench/progress.js'
import { paintFor } from '../../src/cli/table.js'
import { CONTESTANTS, results, row } from './results.js'

const plain = paintFor({})
const test = suite('bench: what is printed')

test('a table fits 160 columns, whatever is lost, and names the limit', () => {
  const lost = Array.from({ length: 26 }, (_, i) => `something that is hard to carry ${i}`)
  const contestants = { ...CONTESTANTS, exact: { ...CONTESTANTS.exact!, lost } }
  const more = { bytes: 1e6, copied: 0, allocatedBytes: 2e6, peakBytes: 3e6, cpuNs: 1e4, peerCpuNs: 2e4 }
  const rows = ['outband', 'exact', 'copy'].flatMap(name =>
    ['both', 'encode', 'decode'].map(op => row(name, 'one', 1e5, { ...more, op })),
  )
  const lines = caseTable('codec/rpc', new Board(results(rows, { contestants })), plain).split('\n')
  assert.ok(lines.every(({ length }) => length <= 160))
  assert.match(lines.join('\n'), /exact .* 26: all but/)
  assert.match(lines.join('\n'), /copy \(limit\)/)
})

test('memory and processors are those of one value, where an operation carries many', () => {
  const more = { per: 10, allocatedBytes: 5000, cpuNs: 30_000, peerCpuNs: 40_000 }
  const text = caseTable('codec/rpc', new Board(results([row('outband', 'one', 20_000, more)])), plain)
  assert.match(text, /2\.00 µs .*500 B .*3\.00 µs .*4\.00 µs/)
})

test('progress is a line per case in a log, with what is left', () => {
  const lines: string[] = []
  let now = 0
  const progress = new Progress({ write: line => lines.push(line) }, 3, () => now)
  for (const name of ['one', 'two', 'three']) {
    progress.begin(name)
    progress.step(name, 'a heat')
    now += 5000
    progress.end()
  }
  assert.equal(lines, ['1/3 one\n', '2/3 two, about 10.0 s left\n', '3/3 three, about 5.00 s left\n'])
})

test('progress is one line that replaces itself on a terminal', () => {
  const lines: string[] = []
  const progress = new Progress({ isTTY: true, write: line => lines.push(line) }, 1, () => 0)
  progress.begin('one')
  progress.step('one', 'a heat')
  progress.end()
  assert.equal(lines, ['\r\u001b[K1/1 one, a heat', '\r\u001b[K'])
})

const outputs: readonly (readonly [counter: string, output: string, count: number | undefined])[] = [
  ['perf', '1129001278,,instructions:u,5210938201,100.00,,\n', 1_129_001_278],
  ['perf', '<not supported>,,instructions:u,0,100.00,,\n', undefined],
  ['perf', '', undefined],
  ['callgrind', '==7== Events    : Ir\n==7== Collected : 1387529861\n', 1_387_529_861],
  ['callgrind', 'valgrind: failed to start tool\n', undefined],
]

for (const [name, output, count] of outputs) {
  test(`${name} says ${count ?? 'nothing'}`, () => {
    const counter = COUNTERS.find(one => one.name === name)
    assert.is(counter?.read(output), count)
  })
}

test.run()
