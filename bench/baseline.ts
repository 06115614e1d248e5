// A run against an earlier one. Times of two runs say nothing about each other; what is compared is how many times
// faster than each rival we are: the geometric mean over the rivals that both runs measured in the same case. A change
// counts when it is larger than the tolerance and than what the turns of both runs differ by among themselves. What is
// allocated depends on nothing but the code, so it is compared as it is, and closely.

import { readFile } from 'node:fs/promises'
import { Board, geometricMean, type Place, type Results, type Row } from './board.js'

export interface Change {
  readonly case: string
  readonly contestant: string
  readonly op: string
  readonly at: number | undefined
  readonly what: 'speed' | 'allocation' | 'instructions'
  /** Above 1: better than the baseline, faster or with less memory. */
  readonly factor: number
  /** What a factor must be beyond, either way, to count. */
  readonly margin: number
  readonly counts: 'better' | 'worse' | undefined
}

export interface Comparison {
  /** Of when and on what the baseline is. */
  readonly baseline: string
  readonly tolerance: number
  readonly cases: number
  readonly changes: readonly Change[]
}

/** Bytes and share by which allocation may differ: a closure more, a table grown once in a while. */
const LOOSE_BYTES = 64
const LOOSE_SHARE = 0.05
/** Operations of one thread. What a carrier allocates depends on how much is under way, and so on the other side. */
const ALONE: ReadonlySet<string> = new Set(['both', 'encode', 'decode'])
/** Share by which instructions may differ: V8 inlines by what it saw. */
const LOOSE_INSTRUCTIONS = 0.02
/** A spread is half of what the middle half of the turns differs by; medians of nine turns hardly differ by two of them. */
const SPREADS = 2

/** @throws TypeError when the file was not written by `--json` */
export async function readBaseline(path: string): Promise<Results> {
  const text = await readFile(path, 'utf8').catch(unreadable)
  let results: Partial<Results> | null = null
  try {
    results = JSON.parse(text)
  } catch {}
  if (Array.isArray(results?.rows) && results.contestants && results.machine) return results as Results
  throw new TypeError(`--compare takes a file written by --json, got ${path}`)
}

/** What changed for us, case by case; what has no rival in common is left out. */
export function compare(now: Results, then: Results, tolerance: number): Comparison {
  const [here, there] = [new Board(now), new Board(then)]
  const changes = ownRows(here).flatMap(row => [
    ...speedChange(here, there, row, tolerance),
    ...allocationChange(there, row),
  ])
  changes.push(...instructionChanges(now, then))
  const { date, cpu, node } = then.machine
  return {
    baseline: `${date}, ${cpu}, node ${node}`,
    tolerance,
    cases: new Set(changes.map(change => change.case)).size,
    changes,
  }
}

/** Whether nothing of ours is worse than it was. */
export const isHeld = ({ changes }: Comparison): boolean => changes.every(({ counts }) => counts !== 'worse')

/** One row for each thing of ours that was timed, whichever heat it is from. */
function ownRows(board: Board): Row[] {
  const found = new Map<string, Row>()
  for (const row of board.results.rows) {
    const { case: name, contestant, op, at } = row
    if (board.standing(contestant).ours) found.set(JSON.stringify([name, contestant, op, at]), row)
  }
  return [...found.values()]
}

function speedChange(here: Board, there: Board, row: Row, tolerance: number): Change[] {
  const { case: name, contestant, op, at } = row
  const factors: number[] = []
  const variances: number[] = []
  for (const rival of here.opponents(row)) {
    const place: Place = { op, at }
    const factor = here.ratio(name, rival, contestant, place) / there.ratio(name, rival, contestant, place)
    if (!Number.isFinite(factor)) continue
    factors.push(factor)
    variances.push(variance(here, row, rival) + variance(there, row, rival))
  }
  if (factors.length === 0) return []
  const spread = Math.sqrt(variances.reduce((sum, one) => sum + one, 0)) / factors.length
  const margin = Math.max(1 / (1 - tolerance), Math.exp(SPREADS * spread))
  return [judged(row, 'speed', geometricMean(factors), margin)]
}

/** Of the logarithm of a ratio in one run: the squared spreads of both that met. */
function variance(board: Board, { case: name, contestant, op, at }: Row, rival: string): number {
  const theirs = board.row(name, rival, { op, at })
  const mine = board.row(name, contestant, { op, at, ...(theirs && { heat: theirs.heat }) })
  return [theirs, mine].reduce((sum, row) => sum + (row ? spreadOf(row) ** 2 : 0), 0)
}

const spreadOf = ({ q1Ns, q3Ns, medianNs }: Row): number => (q3Ns - q1Ns) / 2 / medianNs

function allocationChange(there: Board, row: Row): Change[] {
  const { case: name, contestant, op, at, allocatedBytes: bytes } = row
  const before = there.row(name, contestant, { op, at })?.allocatedBytes
  if (!ALONE.has(op) || bytes === undefined || before === undefined) return []
  const smaller = Math.max(1, Math.min(bytes, before))
  const margin = Math.max(1 + LOOSE_SHARE, 1 + LOOSE_BYTES / smaller)
  return [judged(row, 'allocation', Math.max(1, before) / Math.max(1, bytes), margin)]
}

/** Counted by the same means in both runs. */
function instructionChanges(now: Results, then: Results): Change[] {
  return (now.instructions ?? []).flatMap(({ workload, op, by, instructions }) => {
    const before = then.instructions?.find(
      other => other.workload === workload && other.op === op && other.by === by,
    )
    if (!before) return []
    const place = { case: `codec/${workload}`, contestant: 'outband', op }
    return [judged(place, 'instructions', before.instructions / instructions, 1 + LOOSE_INSTRUCTIONS)]
  })
}

function judged(
  row: Pick<Row, 'case' | 'contestant' | 'op' | 'at'>,
  what: Change['what'],
  factor: number,
  margin: number,
): Change {
  const { case: name, contestant, op, at } = row
  const counts = factor > margin ? 'better' : factor < 1 / margin ? 'worse' : undefined
  return { case: name, contestant, op, at, what, factor, margin, counts }
}

/** The line to quote where a release is described. */
export function summary({ baseline, tolerance, cases, changes }: Comparison): string {
  const told = (['speed', 'allocation', 'instructions'] as const).flatMap(what => {
    const some = changes.filter(change => change.what === what)
    if (some.length === 0) return []
    const mean = geometricMean(some.map(({ factor }) => factor)).toFixed(2)
    const count = (counts: Change['counts']) => some.filter(change => change.counts === counts).length
    return [
      `${what} ${mean}x over ${some.length} figures, ${count('better')} better, ${count('worse')} worse`,
    ]
  })
  const share = (part: number) => `${Number((100 * part).toFixed(1))} %`
  return `${cases} cases against ${baseline}: ${told.join('; ') || 'nothing in common'} (tolerance: speed ${share(tolerance)} and the spread, allocation ${share(LOOSE_SHARE)}, instructions ${share(LOOSE_INSTRUCTIONS)})`
}

function unreadable(cause: Error): never {
  throw new TypeError(`--compare: ${cause.message}`, { cause })
}
