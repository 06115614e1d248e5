// One heat: we and one family of rivals on one case, in a process of their own, taking turns. What V8 learns about
// code and how its heap lies belong to the process: beside a dozen other codecs msgpackr took two to three times as
// long for the same documents as beside us alone. So nobody meets us in a crowd, and a rival that runs out of stack
// or memory spoils its own heat alone. What came back is checked after the clock, to leave nothing behind before it.
// Memory is weighed in a further process, where everybody comes one after the other and nothing is timed.

import { differences } from '../src/cli/compare.js'
import type { Row } from './board.js'
import { type Case, casesOf, ownCasesOf } from './cases.js'
import { contestantsOf, type Group } from './contestants.js'
import type { Absent, Entrant, Field } from './field.js'
import { ownWorkloads } from './own-data.js'
import { type Fidelity, fidelity } from './probes.js'
import { collectGarbage, PLANS, type Plan, sample, type Timing } from './sample.js'
import { type Weight, weigh } from './weight.js'

interface Choice {
  readonly case: string
  readonly group: Group
  readonly names: readonly string[]
  readonly plan: keyof typeof PLANS
  /** The user's own data, when the case is one of it. */
  readonly files: readonly string[]
}

export interface Probe {
  readonly task: 'probe'
  readonly group: Group
  readonly names: readonly string[]
}

const MINOR_LANE_MS = 120
/** Heats in which encode and decode are timed one by one as well; in the others both at once say enough. */
const HALVED: ReadonlySet<string> = new Set(['msgpackr', 'cbor-x', 'library'])

/**
 * Ways to a thread: both sides compile while both processors are busy, which takes longer. After 320 ms records took a
 * wrapped port 83 µs, after half a second 42 to 64, after 4000 posts 36; postMessage, which has nothing to compile, 85 all along.
 */
const THREADED: ReadonlySet<Group> = new Set(['port', 'ring'])
const THREADED_WARM_UP = 6
/**
 * Where one thread wakes the other for each batch. Linux wakes a thread where its waker runs, and parts the two later: in turns of
 * 10 ms records took a wrapped port 38 µs in one process and 69, what both threads need together, in the next; in longer ones 38.
 */
const WOKEN_TURN = 5

export type Request =
  | Probe
  | (Choice & { readonly task: 'time'; readonly heat: string })
  | (Choice & { readonly task: 'weigh' })

export interface HeatResult {
  readonly rows: readonly Row[]
  readonly absent: readonly Absent[]
}

export type Weighed = Pick<Row, 'contestant' | 'op' | 'at'> & Partial<Weight>

process.once('message', async (request: Request) => {
  const answer = await (request.task === 'probe'
    ? probe(request)
    : request.task === 'time'
      ? time(request)
      : weighAll(request)
  ).catch(error => ({ failure: String(error) }))
  // Threads of contestants may still be there.
  process.send?.(answer, () => process.exit())
})

async function probe({ group, names }: Probe): Promise<Record<string, Fidelity>> {
  const found: Record<string, Fidelity> = {}
  for (const contestant of await contestantsOf(group)) {
    if (names.includes(contestant.name)) found[contestant.name] = await fidelity(contestant)
  }
  return found
}

async function enter({ case: name, group, names, files }: Choice): Promise<Field & { entry: Case }> {
  const contestants = await contestantsOf(group)
  const cases = files.length > 0 ? ownCasesOf(contestants, ownWorkloads(files)) : casesOf(contestants)
  const entry = cases.find(one => one.name === name) as Case
  return { entry, ...(await entry.enter(contestants.filter(one => names.includes(one.name)))) }
}

async function time(request: Choice & { heat: string }): Promise<HeatResult> {
  const { entry, entrants, absent } = await enter(request)
  const rivals = entrants.filter(({ contestant }) => !contestant.ours)
  if (rivals.length === 0) return { rows: [], absent }
  const isMinor = rivals.every(({ contestant }) => contestant.variant)
  const timed = await clock(
    entrants,
    planOf(PLANS[request.plan], entry.halves && HALVED.has(request.heat), isMinor, request.group),
  )
  const rows: Row[] = []
  for (const entrant of entrants) {
    const facts = await inspect(entrant)
    for (const [op, timing] of timed.get(entrant) ?? [])
      rows.push({ case: request.case, heat: request.heat, op, ...facts, ...timing })
    await entrant.session.close?.()
    collectGarbage()
  }
  return { rows, absent }
}

/** Where variants alone meet us, both ways at once are enough, and less time; ways to a thread are longer cold. */
function planOf(plan: Plan, hasHalves: boolean, isMinor: boolean, group: Group): Plan {
  const halves = plan.halves && hasHalves && !isMinor
  const laneMs = isMinor ? Math.min(plan.laneMs, MINOR_LANE_MS) : plan.laneMs
  const warmUpOperations = isMinor ? plan.warmUpOperations / 2 : plan.warmUpOperations
  const warmUpMs = THREADED.has(group) ? plan.warmUpMs * THREADED_WARM_UP : plan.warmUpMs
  const times = group === 'port' ? WOKEN_TURN : 1
  const turnMs = plan.turnMs * times
  // A burst is as long as a turn, and what is posted and not yet read takes memory.
  const longTurnMs = THREADED.has(group) ? turnMs : plan.longTurnMs
  return { ...plan, halves, laneMs: laneMs * times, turnMs, longTurnMs, warmUpMs, warmUpOperations }
}

/** Samples operation by operation. A codec's first does both ways, so its warm-up serves its halves. */
async function clock(entrants: readonly Entrant[], plan: Plan): Promise<Map<Entrant, Map<string, Timing>>> {
  const timed = new Map(entrants.map(entrant => [entrant, new Map<string, Timing>()]))
  const ops = new Set(entrants.flatMap(({ session }) => Object.keys(session.ops)))
  const isWhole = ops.has('both') && !plan.halves
  for (const op of ops) {
    const isAlone = entrants.some(({ session: { ops } }) => op in ops && !('both' in ops))
    if (isWhole && isHalf(op) && !isAlone) continue
    const able = entrants.filter(({ session }) => op in session.ops)
    const lanes = able.map(({ session }) => ({ run: session.ops[op]!, sides: session }))
    const timings = await sample(lanes, isHalf(op) ? halfOf(plan) : plan)
    for (const [at, entrant] of able.entries()) timed.get(entrant)?.set(op, timings[at]!)
  }
  return timed
}

const halfOf = (plan: Plan): Plan => ({ ...plan, warmUpMs: plan.warmUpMs / 4, laneMs: plan.laneMs / 2 })
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

/** Both ways at once where there are two, else the first operation. */
async function weighAll(request: Choice): Promise<Weighed[]> {
  const { entrants } = await enter(request)
  const found: Weighed[] = []
  for (const { contestant, session, at } of entrants) {
    const ops = Object.keys(session.ops)
    for (const op of ops.includes('both') ? ['both'] : ops.slice(0, 1)) {
      const { allocatedBytes, ...rest } = await weigh(session.ops[op]!, session.here?.pid)
      // What another process allocates is not seen from here.
      const own = session.here ? {} : { allocatedBytes }
      found.push({ contestant: contestant.name, op, ...(at !== undefined && { at }), ...own, ...rest })
    }
    await session.close?.()
  }
  return found
}
