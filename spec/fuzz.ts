/**
 * `npm run fuzz -- --seed S --seconds T`: a campaign, its ledger as a line of JSON, and a line for people. Exit code 1
 * when it found something; every find is printed with what makes it again.
 *
 *      --seed S       the first seed; any integer (default 1)
 *      --seconds T    for how long (default 10)
 *      --workers N    N processes with seeds S to S + N - 1; one that dies counts as a crash
 *      --only M       lists mutant M of the seed and what each codec makes of it
 *      --self-test    plants a bug for each detector, which must find it
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { inspect, isOutbandError } from '../src/index.js'
import { campaign, decoder, type Find, KINDS, type Ledger, sources, type Variant } from './campaign.js'
import { Mutator } from './mutate.js'
import { plants, uproot } from './plants.js'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '10' },
    workers: { type: 'string', default: '1' },
    only: { type: 'string' },
    'self-test': { type: 'boolean', default: false },
    // For the self-test of `--workers`: a process that dies half-way.
    abort: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const seconds = Number(values.seconds)
const workers = Number(values.workers)

type Total = Ledger & { crashes: number }

if (values.abort) process.abort()
else if (values['self-test']) process.exitCode = (await selfTest()) ? 0 : 1
else if (values.only !== undefined) list(Number(values.only))
else
  process.exitCode = report(workers > 1 ? await many([]) : { ...campaign({ seed, seconds }), crashes: 0 })
    ? 0
    : 1

/** Prints a ledger; true when nothing was found. */
function report(total: Total): boolean {
  const { finds, ...ledger } = total
  console.log(JSON.stringify({ ...ledger, node: process.version, finds }))
  for (const find of finds) tell(find)
  const found = KINDS.reduce((sum, kind) => sum + (kind === 'leaked' ? 0 : total[kind]), total.crashes)
  // A campaign whose mutants are hardly ever accepted never gets past the header: it proves nothing.
  const isClean = found === 0 && finds.length === 0 && total.accepted > total.tried / 100
  const { tried, accepted, rejected, foreign, crashes, slowestMs, perSecond } = total
  console.error(
    `fuzz: seed ${total.seed}, ${tried} mutants in ${total.seconds.toFixed(1)} s (${perSecond} a second and core): ` +
      `${rejected} rejected, ${accepted} accepted, ${foreign} foreign errors, ${crashes} crashes, ` +
      `slowest ${slowestMs.toFixed(2)} ms: ${isClean ? 'clean' : 'NOT CLEAN'}`,
  )
  return isClean
}

function tell({ kind, seed, mutant, variant, what, source, meta }: Find): void {
  console.error(
    `${kind}: ${what}\n  mutant ${mutant} of '${source}' (${variant}), to see it: --seed ${seed} --only ${mutant}`,
  )
  console.error(`  ${meta}`)
}

function list(number: number): void {
  const packets = sources()
  const mutator = new Mutator(packets.map(({ packet }) => packet))
  const packet = mutator.make(seed, number)
  console.log(`of '${packets[mutator.source]!.name}'\n${inspect(packet)}`)
  for (const variant of ['trusted', 'plain', 'untrusted'] satisfies Variant[]) {
    try {
      console.log(variant, decoder()(mutator.make(seed, number), variant))
    } catch (error) {
      console.log(variant, isOutbandError(error) ? `${error.code}: ${error.message}` : error)
    }
  }
}

/** The campaign in several processes, and their ledgers in one. */
async function many(extra: string[]): Promise<Total> {
  const runs = await Promise.all(
    Array.from({ length: workers }, (_, i) => one(seed + i, i === 0 ? extra : [])),
  )
  const ledgers = runs.filter(run => run !== undefined)
  const total: Total = { ...campaign({ seed, mutants: 0 }), crashes: runs.length - ledgers.length }
  for (const ledger of ledgers) {
    for (const key of ['tried', 'decoded', 'accepted', 'rejected', 'leaked', ...KINDS.slice(0, -1)] as const)
      total[key as 'tried'] += ledger[key as 'tried']
    for (const [code, times] of Object.entries(ledger.codes))
      total.codes[code] = (total.codes[code] ?? 0) + times
    if (ledger.slowestMs > total.slowestMs)
      Object.assign(total, { slowest: ledger.slowest, slowestMs: ledger.slowestMs })
    total.seconds = Math.max(total.seconds, ledger.seconds)
    total.perSecond += ledger.perSecond / ledgers.length
    total.finds.push(...ledger.finds)
  }
  total.perSecond = Math.round(total.perSecond)
  return total
}

/** `undefined` when the process died. */
function one(ofSeed: number, extra: string[]): Promise<Ledger | undefined> {
  const script = fileURLToPath(import.meta.url)
  const args = [script, '--seed', String(ofSeed), '--seconds', String(seconds), ...extra]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  return new Promise(resolve => {
    child.on('close', code => resolve(code === 0 || code === 1 ? (JSON.parse(out) as Ledger) : undefined))
  })
}

/** Whether each detector finds the bug that is planted for it, and none where none is. */
async function selfTest(): Promise<boolean> {
  let isSound = true
  const check = (what: string, holds: boolean): void => {
    console.log(`${holds ? 'found' : 'MISSED'}: ${what}`)
    isSound &&= holds
  }
  check('nothing, where nothing is planted', campaign({ seed, mutants: 50_000 }).finds.length === 0)
  for (const kind of KINDS) {
    const { finds } = campaign({ seed, mutants: 50_000, plant: plants[kind] })
    check(kind, finds.length > 0 && finds.every(find => find.kind === kind))
    uproot()
  }
  check('a crash', (await many(['--abort'])).crashes === 1)
  return isSound
}
