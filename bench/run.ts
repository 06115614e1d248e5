// npm run bench: measures the cases asked for, prints them as they finish, judges bars and baselines.

import { writeFile } from 'node:fs/promises'
import { paintFor } from '../src/cli/table.js'
import { bars, judge } from './bars.js'
import { changes, readBaseline } from './baseline.js'
import { Board, type Results, type Row } from './board.js'
import { type Absent, type Case, cases } from './cases.js'
import { measure, standings } from './heats.js'
import { thisMachine } from './machine.js'
import { type Options, readOptions, USAGE } from './options.js'
import { Report } from './report.js'

const report = new Report(paintFor(process.stdout), text => process.stdout.write(text))

try {
  process.exitCode = (await main(readOptions(process.argv.slice(2)))) ? 0 : 1
} catch (error) {
  if (!(error instanceof TypeError)) throw error
  process.stderr.write(`${error.message}\n\n${USAGE}\n`)
  process.exitCode = 2
}

/** Answers whether everything that was to be checked held. */
async function main(options: Options): Promise<boolean> {
  const baseline = options.compare === undefined ? undefined : await readBaseline(options.compare)
  const chosen = choose(options)
  if (chosen.length === 0) throw new TypeError(`no case matches ${options.filter}`)
  const plan = options.quick ? 'quick' : 'full'
  const machine = thisMachine(plan)
  report.machine(machine)
  const contestants = await standings()
  report.contestants(contestants)
  const cases = Object.fromEntries(
    chosen.map(({ name, about, axis }) => [name, { about, ...(axis && { axis }) }]),
  )
  const rows: Row[] = []
  const absent: (Absent & { case: string })[] = []
  for (const [i, entry] of chosen.entries()) {
    // Bars name rivals that a quick look can do without.
    const takesPart = options.check
      ? () => true
      : (one: { variant?: boolean }) => !(options.quick && one.variant)
    const found = await measure(entry, plan, takesPart, heat =>
      progress(`${i + 1}/${chosen.length} ${entry.name}, ${heat}`),
    )
    progress('')
    rows.push(...found.rows)
    absent.push(...found.absent.map(who => ({ case: entry.name, ...who })))
    report.case(entry, new Board({ machine, cases, contestants, ...found, absent: [] }), found.absent)
  }
  return finish({ machine, cases, contestants, rows, absent }, baseline, options)
}

async function finish(results: Results, baseline: Results | undefined, options: Options): Promise<boolean> {
  let held = true
  const verdicts = options.check ? await judge(new Board(results)) : []
  if (options.check) {
    report.verdicts(verdicts)
    held = verdicts.every(({ passed }) => passed)
  }
  if (baseline) {
    const found = changes(results, baseline)
    report.changes(found, options.tolerance)
    held &&= found.every(({ factor }) => factor >= 1 - options.tolerance)
  }
  if (options.json !== undefined)
    await writeFile(options.json, `${JSON.stringify({ ...results, verdicts }, null, 2)}\n`)
  return held
}

function choose({ filter, check }: Options): Case[] {
  if (filter) return cases.filter(({ name }) => filter.test(name))
  const needed = new Set(bars.flatMap(bar => bar.cases))
  return check ? cases.filter(({ name }) => needed.has(name)) : [...cases]
}

/** One line that replaces itself, for whoever is watching. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}
