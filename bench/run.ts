// npm run bench: measures the cases asked for, prints them as they finish, judges bars and baselines.

import { writeFile } from 'node:fs/promises'
import { paintFor } from '../src/cli/table.js'
import { bars, judge } from './bars.js'
import { compare, isHeld, readBaseline } from './baseline.js'
import { Board, type Results, type Row } from './board.js'
import { type Case, casesOf, ownCasesOf } from './cases.js'
import type { Contestant } from './contestant.js'
import { allContestants } from './contestants.js'
import type { Absent } from './field.js'
import { measure, standings } from './heats.js'
import { countInstructions, findCounter, type Instructions } from './instructions.js'
import { thisMachine } from './machine.js'
import { type Options, readOptions, USAGE } from './options.js'
import { ownWorkloads } from './own-data.js'
import { Progress } from './progress.js'
import { findPython } from './python.js'
import { Report } from './report.js'

const report = new Report(paintFor(process.stdout), text => process.stdout.write(text))

try {
  process.exitCode = (await main(readOptions(process.argv.slice(2), process.env.INIT_CWD))) ? 0 : 1
} catch (error) {
  if (!(error instanceof TypeError)) throw error
  process.stderr.write(`${error.message}\n\n${USAGE}\n`)
  process.exitCode = 2
}

/** Answers whether everything that was to be checked held. */
async function main(options: Options): Promise<boolean> {
  const baseline = options.compare === undefined ? undefined : await readBaseline(options.compare)
  const everywhere = await allContestants()
  const missing = findPython() ? [] : everywhere.filter(({ foreign }) => foreign === 'Python')
  const everyone = everywhere.filter(contestant => !missing.includes(contestant))
  const chosen = await choose(options, everyone)
  const plan = options.quick ? 'quick' : 'full'
  const machine = thisMachine(plan)
  report.machine(machine)
  const present = [...new Set(chosen.flatMap(({ ours, rivals }) => [...ours, ...rivals]))]
  const whyNot = whyNotFor(options)
  const contestants = await standings(present.filter(one => whyNot(one) === undefined))
  report.contestants(contestants)
  const nobody: Absent[] = missing.map(({ name }) => ({ name, why: 'there is no python3 with numpy' }))
  report.absent(nobody)
  const rows: Row[] = []
  const absent: (Absent & { case: string })[] = nobody.map(one => ({ case: '', ...one }))
  const cases: Record<string, Results['cases'][string]> = {}
  const progress = new Progress(process.stderr, chosen.length)
  for (const entry of chosen) {
    const { name, about, axis } = entry
    progress.begin(name)
    const found = await measure(entry, {
      plan,
      files: options.files,
      whyNot,
      onHeat: heat => progress.step(name, heat),
    })
    progress.end()
    cases[name] = { about, ...(axis && { axis }) }
    rows.push(...found.rows)
    absent.push(...found.absent.map(who => ({ case: name, ...who })))
    report.case(entry, new Board({ machine, cases, contestants, ...found, absent: [] }), found.absent)
  }
  const instructions = options.instructions ? { instructions: await countAll() } : {}
  return finish({ machine, cases, contestants, rows, absent, ...instructions }, baseline, options)
}

async function countAll(): Promise<Instructions[]> {
  const counter = await findCounter()
  const progress = new Progress(process.stderr, 1)
  const found = counter ? await countInstructions(counter, what => progress.step('instructions', what)) : []
  progress.end()
  report.instructions(found)
  return found
}

/** Bars name rivals that a quick look can do without. */
function whyNotFor({ check, quick }: Options): (contestant: Contestant) => string | undefined {
  return ({ variant }) => (quick && !check && variant ? 'not in a quick run' : undefined)
}

async function finish(results: Results, baseline: Results | undefined, options: Options): Promise<boolean> {
  let held = true
  const verdicts = options.check ? await judge(new Board(results)) : []
  if (options.check) {
    report.verdicts(verdicts)
    held = verdicts.every(({ passed }) => passed)
  }
  if (baseline) {
    const comparison = compare(results, baseline, options.tolerance)
    report.comparison(comparison)
    held &&= isHeld(comparison)
  }
  if (options.json !== undefined)
    await writeFile(options.json, `${JSON.stringify({ ...results, verdicts }, null, 2)}\n`)
  return held
}

/** @throws TypeError when nothing is left to measure, or a file cannot be read */
async function choose(
  { filter, check, quick, files, instructions }: Options,
  everyone: readonly Contestant[],
): Promise<Case[]> {
  if (instructions && !filter && !check && files.length === 0) return []
  const own = ownWorkloads(files)
  // Better now than in every heat.
  for (const { make } of own) await make()
  const all = own.length > 0 ? ownCasesOf(everyone, own) : casesOf(everyone)
  const needed = new Set(bars.flatMap(bar => bar.cases))
  const chosen = all.filter(({ name, quick: isQuick }) => {
    if (filter) return filter.test(name)
    if (own.length > 0) return true
    return check ? needed.has(name) : isQuick || !quick
  })
  if (chosen.length === 0) throw new TypeError(`no case matches ${filter}`)
  return chosen
}
