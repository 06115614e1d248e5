// A process that makes trials, `node worker.js JOB`, and tells of each by a line of JSON: nobody listens here for errors that
// nobody handles, so that the process dies of them.

import { collect } from '../collect.js'
import { Dice } from '../mutate.js'
import type { Job, Report } from './campaign.js'
import { type Plant, plants } from './plants.js'
import { type Row, rows } from './scenarios.js'
import { openDescriptors, pause, Trial } from './trial.js'

/** What buffers may take when all is over: those that a collection did not reach. */
const MOST_KEPT = 32 * 2 ** 20

const { seed, from, trials, seconds, filter, plant: planted, isShort } = JSON.parse(process.argv[2]!) as Job

async function buffers(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect()
    await pause(5)
  }
  return process.memoryUsage().arrayBuffers
}

const tell = (report: Report) =>
  new Promise(resolve => process.stdout.write(`${JSON.stringify(report)}\n`, resolve))

const pattern = new RegExp(filter, 'i')
const chosen = rows.filter(({ name }) => pattern.test(name))
if (chosen.length === 0) throw new Error(`no trial's name matches ${filter}`)
const plant: Plant = plants[planted]
const until = performance.now() + seconds * 1000

/** A trial of its own seed, and what it leaves. */
async function make(number: number, { scenario, transport }: Row, planted: Plant, descriptors: number) {
  const dice = new Dice()
  dice.start(seed, number)
  const trial = new Trial(dice, transport, planted, isShort)
  const start = performance.now()
  try {
    await scenario.run(trial)
  } catch (error) {
    if (trial.finds.length === 0) trial.find('unsettled', String(error))
  }
  await trial.over(descriptors)
  return { trial, ms: Math.round(performance.now() - start) }
}

// What Node opens and keeps once, it has after this.
await make(0, rows[0]!, plants.nothing, Number.POSITIVE_INFINITY)
const descriptors = openDescriptors()
const before = await buffers()

for (let number = from; number < from + trials && performance.now() < until; number++) {
  const row = chosen[number % chosen.length]!
  const { name } = row
  await tell({ number, name })
  const { trial, ms } = await make(number, row, plant, descriptors)
  const kept = Math.max(0, (await buffers()) - before)
  if (kept > MOST_KEPT) trial.find('kept', `${kept} bytes`)
  const { finds, tried, delivered, rejected } = trial
  await tell({ number, name, finds, tried, delivered, rejected, kept, ms })
}
