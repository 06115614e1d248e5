// What people read: one table per case as it finishes, then what each contestant loses, then the bars.

import { bytes, type Paint, table } from '../src/cli/table.js'
import type { Verdict } from './bars.js'
import { type Comparison, summary } from './baseline.js'
import type { Board, Standing } from './board.js'
import { caseTable } from './case-table.js'
import type { Case } from './cases.js'
import type { Absent } from './field.js'
import type { Instructions } from './instructions.js'
import type { Machine } from './machine.js'

export class Report {
  private readonly paint: Paint
  private readonly write: (text: string) => void

  constructor(paint: Paint, write: (text: string) => void) {
    this.paint = paint
    this.write = write
  }

  machine({ cpu, cores, memoryBytes, node, platform, date, plan, versions }: Machine): void {
    this.write(
      `${platform}, ${cpu} (${cores} cores), ${bytes(memoryBytes)}, node ${node}, ${date}, ${plan} run\n`,
    )
    this.write(
      `${this.paint.dim(
        Object.entries(versions)
          .map(pair => pair.join(' '))
          .join(', '),
      )}\n`,
    )
  }

  contestants(standings: Readonly<Record<string, Standing>>): void {
    if (Object.keys(standings).length === 0) return
    const columns = [
      { head: 'contestant' },
      { head: 'keeps', align: 'right' },
      { head: 'called as' },
    ] as const
    const rows = Object.entries(standings).map(([name, { about, stateful, kept, lost }]) => [
      name,
      `${kept.length}/${kept.length + lost.length}`,
      stateful ? `${about}; state outside the message` : about,
    ])
    this.write(`\n${table(columns, rows, this.paint)}\n`)
  }

  case({ name, about }: Case, board: Board, absent: readonly Absent[]): void {
    this.write(`\n${this.paint.bold(name)}  ${about}\n${caseTable(name, board, this.paint)}\n`)
    this.absent(absent)
  }

  absent(absent: readonly Absent[]): void {
    for (const why of new Set(absent.map(one => one.why))) {
      const who = absent.filter(one => one.why === why).map(one => one.name)
      this.write(`${this.paint.dim(`left out: ${who.join(', ')}: ${why}`)}\n`)
    }
  }

  verdicts(verdicts: readonly Verdict[]): void {
    const columns = [
      { head: 'bar' },
      { head: 'what' },
      { head: 'must', align: 'right' },
      { head: 'goal', align: 'right' },
      { head: 'got', align: 'right' },
      { head: '' },
    ] as const
    const rows = verdicts.flatMap(({ bar, what, must, goal, got, passed, notes }) => [
      [
        bar,
        what,
        must,
        goal,
        got,
        must === '' ? '' : passed ? this.paint.green('pass') : this.paint.red('short'),
      ],
      ...notes.map(note => ['', this.paint.dim(`  ${note}`)]),
    ])
    this.write(`\n${table(columns, rows, this.paint)}\n`)
  }

  instructions(found: readonly Instructions[]): void {
    if (found.length === 0) {
      this.write('\nleft out: instructions: neither perf nor valgrind can count them here\n')
      return
    }
    const columns = [
      { head: 'workload' },
      { head: 'op' },
      { head: 'instructions', align: 'right' },
      { head: 'by' },
    ] as const
    const rows = found.map(({ workload, op, instructions, by }) => [workload, op, `${instructions}`, by])
    this.write(`\n${table(columns, rows, this.paint)}\n`)
  }

  /** What counts as a change, and the line that sums it up. */
  comparison(comparison: Comparison): void {
    const columns = [
      { head: 'case' },
      { head: 'contestant' },
      { head: 'op' },
      { head: 'what' },
      { head: 'factor', align: 'right' },
      { head: 'needs', align: 'right' },
      { head: '' },
    ] as const
    const rows = comparison.changes
      .filter(({ counts }) => counts !== undefined)
      .map(({ case: name, contestant, op, at, what, factor, margin, counts }) => [
        at === undefined ? name : `${name} at ${at}`,
        contestant,
        op,
        what,
        `${factor.toFixed(2)}x`,
        `${margin.toFixed(2)}x`,
        counts === 'better' ? this.paint.green('better') : this.paint.red('worse'),
      ])
    if (rows.length > 0) this.write(`\n${table(columns, rows, this.paint)}\n`)
    this.write(`\n${summary(comparison)}\n`)
  }
}
