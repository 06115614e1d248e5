/**
 * `npm run faults -- --seed S --seconds T`: a campaign of faults, and its ledger. Exit code 1 when it found something.
 *
 *      --seed S        any integer (default 1); a trial is a function of it and its number, as far as the system allows
 *      --seconds T     for how long (default 60); the trial that has begun is ended
 *      --filter REGEX  only rows whose name matches: 'tcp', 'killed'
 *      --only N        trial N alone
 *      --short         what takes long takes a part of that, as in the suite
 *      --json          prints the ledger as a line of JSON, and nothing else
 *      --self-test     plants a bug for each detector, which must find it
 */
import { parseArgs } from 'node:util'
import { campaign, type Ledger, type Report } from './campaign.js'
import { KINDS } from './kinds.js'
import { type Planted, plants } from './plants.js'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
    filter: { type: 'string', default: '' },
    only: { type: 'string' },
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'self-test': { type: 'boolean', default: false },
  },
})
const { filter, json, only } = values
const [seed, seconds] = [Number(values.seed), Number(values.seconds)]

process.exitCode = (values['self-test'] ? await selfTest() : await run()) ? 0 : 1

async function run(): Promise<boolean> {
  const trials = only === undefined ? {} : { from: Number(only), trials: 1 }
  const ledger = await campaign(
    { seed, seconds, filter, isShort: values.short, ...trials },
    json ? undefined : tell,
  )
  if (json) console.log(JSON.stringify({ ...ledger, node: process.version }))
  else report(ledger)
  return ledger.finds.length === 0
}

function tell({ number, name, finds, delivered, ms }: Report): void {
  if (finds === undefined) return
  console.log(`${String(number).padStart(5)}  ${name}: ${delivered} delivered, ${ms} ms`)
  for (const { kind, what } of finds) console.log(`       ${kind}: ${what}`)
}

function report(ledger: Ledger): void {
  const { trials, tried, delivered, rejected, crashes, mostKept } = ledger
  const seconds = Math.round(ledger.seconds)
  const kinds = Object.fromEntries(KINDS.map(kind => [kind, ledger[kind]]))
  console.table([{ seed, seconds, trials, tried, delivered, rejected, crashes, ...kinds, mostKept }])
  for (const { number, name, kind, what } of ledger.finds) {
    console.log(
      `${kind}: ${what}\n  ${name}, to see it: --seed ${seed} --only ${number}${filter && ` --filter '${filter}'`}`,
    )
  }
}

/** Whether each detector finds the bug that is planted for it, and none where none is. */
async function selfTest(): Promise<boolean> {
  let isSound = true
  for (const plant of Object.keys(plants) as Planted[]) {
    const { finds } = await campaign({ seed, plant, ...plants[plant].shown, isShort: true })
    const isFound = plant === 'nothing' ? finds.length === 0 : finds.some(({ kind }) => kind === plant)
    console.log(`${isFound ? 'found' : 'MISSED'}: ${plant}`)
    isSound &&= isFound
  }
  return isSound
}
