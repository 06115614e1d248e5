// One heat: we and one family of rivals on one case, in a process of their own, taking turns. What V8 learns about
// code and how its heap lies belong to the process: beside a dozen other codecs msgpackr took two to three times as
// long for the same documents as beside us alone. So nobody meets us in a crowd, and a rival that runs out of stack
// or memory spoils its own heat alone. What came back is checked after the clock, to leave nothing behind before it.

import { differences } from '../src/cli/compare.js'
import type { Row } from './board.js'
import { type Absent, type Case, cases, type Entrant } from './cases.js'
import { contestants } from './contestants.js'
import { type Fidelity, fidelity } from './probes.js'
import { collectGarbage, PLANS, type Plan, sample, type Timing } from './sample.js'

export type Request =
  | { readonly probe: readonly string[] }
  | {
      readonly case: string
      readonly heat: string
      readonly names: readonly string[]
      readonly plan: keyof typeof PLANS
    }

export interface HeatResult {
  readonly rows: readonly Row[]
  readonly absent: readonly Absent[]
}

process.once('message', async (request: Request) => {
  const answer = await ('probe' in request ? probe(request.probe) : run(request)).catch(error => ({
    failure: String(error),
  }))
  // Threads of contestants may still be there.
  process.send?.(answer, () => process.exit())
})

async function probe(names: readonly string[]): Promise<Record<string, Fidelity>> {
  const found: Record<string, Fidelity> = {}
  for (const contestant of contestants) {
    if (names.includes(contestant.name)) found[contestant.name] = await fidelity(contestant)
  }
  return found
}

async function run({
  case: name,
  heat,
  names,
  plan,
}: Exclude<Request, { probe: unknown }>): Promise<HeatResult> {
  const entry = cases.find(one => one.name === name) as Case
  const field = await entry.enter(contestants.filter(one => names.includes(one.name)))
  const rivals = field.entrants.filter(({ contestant }) => !contestant.ours)
  if (rivals.length === 0) return { rows: [], absent: field.absent }
  const timed = await clock(field.entrants, PLANS[plan])
  const rows: Row[] = []
  for (const entrant of field.entrants) {
    const facts = await inspect(entrant)
    for (const [op, timing] of timed.get(entrant) ?? [])
      rows.push({ case: name, heat, op, ...facts, ...timing })
    await entrant.session.close?.()
    collectGarbage()
  }
  return { rows, absent: field.absent }
}

/** Samples operation by operation. A codec's first does both ways, so its warm-up serves its halves. */
async function clock(entrants: readonly Entrant[], plan: Plan): Promise<Map<Entrant, Map<string, Timing>>> {
  const timed = new Map(entrants.map(entrant => [entrant, new Map<string, Timing>()]))
  const ops = new Set(entrants.flatMap(({ session }) => Object.keys(session.ops)))
  for (const op of ops) {
    const able = entrants.filter(({ session }) => op in session.ops)
    const lanes = able.map(({ session }) => session.ops[op]!)
    const timings = await sample(lanes, isHalf(op) ? { ...plan, warmUpMs: plan.warmUpMs / 4 } : plan)
    for (const [at, entrant] of able.entries()) timed.get(entrant)?.set(op, timings[at]!)
  }
  return timed
}

const isHalf = (op: string): boolean => op === 'encode' || op === 'decode'

async function inspect({ contestant, session, value, at, per }: Entrant) {
  const lost = [...new Set(differences(value, await session.result()).map(({ what }) => what))]
  return {
    contestant: contestant.name,
    ...(at !== undefined && { at }),
    per,
    ...(session.bytes !== undefined && { bytes: session.bytes }),
    ...(session.copied && { copied: session.copied() }),
    lost,
  }
}
