/** What counts as a change against an earlier run, and what is noise. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { compare, isHeld, readBaseline, summary } from '../../bench/baseline.js'
import type { Results } from '../../bench/board.js'
import { results, row } from './results.js'

const wide = { q1Ns: 60, q3Ns: 140 }
const counted = (instructions: number): Partial<Results> => ({
  instructions: [{ workload: 'rpc', op: 'encode', instructions, by: 'callgrind' }],
})
const versus = (mine: number, theirs: number, more = {}) => [
  row('outband', 'one', mine, more),
  row('exact', 'one', theirs, more),
]

/** Two runs, and what of ours counts as better or worse. */
const rows: readonly (readonly [name: string, now: Results, then: Results, counts: readonly string[]])[] = [
  ['a machine half as fast', results(versus(200, 400)), results(versus(100, 200)), []],
  ['a fifth slower than the rival', results(versus(130, 200)), results(versus(100, 200)), ['speed worse']],
  ['faster than the rival', results(versus(70, 200)), results(versus(100, 200)), ['speed better']],
  ['less than the tolerance', results(versus(115, 200)), results(versus(100, 200)), []],
  [
    'slower by less than the turns differ by',
    results([row('outband', 'one', 130, wide), row('exact', 'one', 200)]),
    results(versus(100, 200)),
    [],
  ],
  [
    'slower against one rival of two, each in a heat of its own',
    results([...versus(150, 200), row('outband', 'two', 100), row('loose', 'two', 300)]),
    results([...versus(100, 200), row('outband', 'two', 100), row('loose', 'two', 300)]),
    [],
  ],
  ['no rival in common', results(versus(500, 200)), results([row('outband', 'two', 100)]), []],
  [
    'a tenth more memory',
    results([row('outband', 'one', 100, { allocatedBytes: 1100 })]),
    results([row('outband', 'one', 100, { allocatedBytes: 1000 })]),
    ['allocation worse'],
  ],
  [
    'a closure more memory',
    results([row('outband', 'one', 100, { allocatedBytes: 150 })]),
    results([row('outband', 'one', 100, { allocatedBytes: 100 })]),
    [],
  ],
  [
    'twice the memory of a carrier',
    results([row('outband', 'one', 100, { op: 'one way', allocatedBytes: 2000 })]),
    results([row('outband', 'one', 100, { op: 'one way', allocatedBytes: 1000 })]),
    [],
  ],
  ['3 % fewer instructions', results([], counted(970)), results([], counted(1000)), ['instructions better']],
  ['1 % more', results([], counted(1010)), results([], counted(1000)), []],
]

const test = suite('bench: baseline')

for (const [name, now, then, counts] of rows) {
  test(name, () => {
    const comparison = compare(now, then, 0.2)
    const found = comparison.changes.filter(change => change.counts !== undefined)
    assert.equal(
      found.map(change => `${change.what} ${change.counts}`),
      counts,
    )
    assert.is(isHeld(comparison), !counts.some(what => what.endsWith('worse')))
  })
}

test('the line to quote has the baseline, the means, the counts and the tolerances', () => {
  const now = results([...versus(70, 200), row('outband', 'one', 100, { op: 'encode', allocatedBytes: 900 })])
  const then = results([
    ...versus(100, 200),
    row('outband', 'one', 100, { op: 'encode', allocatedBytes: 1000 }),
  ])
  assert.is(
    summary(compare(now, then, 0.2)),
    '1 cases against 2026-01-31, a processor, node v20: speed 1.43x over 1 figures, 1 better, 0 worse; ' +
      'allocation 1.11x over 1 figures, 1 better, 0 worse ' +
      '(tolerance: speed 20 % and the spread, allocation 5 %, instructions 2 %)',
  )
})

test('what --json did not write is refused, as is what cannot be read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'outband-bench-'))
  for (const text of ['no JSON', 'null', '{"rows":[]}']) {
    const path = join(folder, 'baseline.json')
    writeFileSync(path, text)
    await readBaseline(path).then(
      () => assert.unreachable(),
      error => assert.match(error.message, /--compare takes a file written by --json/),
    )
  }
  await readBaseline(join(folder, 'none')).then(
    () => assert.unreachable(),
    error => {
      assert.instance(error, TypeError)
      assert.match(error.message, /--compare: ENOENT/)
    },
  )
  rmSync(folder, { recursive: true })
})

test.run()
