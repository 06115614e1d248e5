// The other side of heat.ts: who meets whom, and a fresh process for each meeting.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Row, Standing } from './board.js'
import type { Case } from './cases.js'
import type { Contestant } from './contestant.js'
import { groupOf } from './contestants.js'
import type { Absent } from './field.js'
import type { HeatResult, Request, Weighed } from './heat.js'
import type { Fidelity } from './probes.js'
import type { PLANS } from './sample.js'

const HEAT = fileURLToPath(new URL('./heat.js', import.meta.url))
/** Longer than any heat takes; whoever needs more is left out. */
const PATIENCE_MS = 300_000
/** Probes at a time: nothing is timed in them. */
const ABREAST = 3
/** Where memory is weighed: what is freed goes back at once, by V8 and by glibc, so that nobody fills what another left. */
const WEIGHING = {
  // Functions whose code was thrown away are compiled anew, and that would weigh.
  execArgv: ['--expose-gc', '--single-threaded', '--no-flush-bytecode'],
  env: { ...process.env, MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '131072' },
}
const TIMING = { execArgv: ['--expose-gc'] }

export interface Conditions {
  readonly plan: keyof typeof PLANS
  /** The user's own data. */
  readonly files: readonly string[]
  /** Why somebody is not asked. */
  whyNot(contestant: Contestant): string | undefined
  onHeat(heat: string): void
}

/** Measures a case, heat by heat, then weighs it. */
export async function measure(entry: Case, { plan, files, whyNot, onHeat }: Conditions): Promise<HeatResult> {
  const rivals = entry.rivals.filter(rival => whyNot(rival) === undefined)
  const absent: Absent[] = [...entry.absent]
  for (const rival of entry.rivals) {
    const why = whyNot(rival)
    if (why !== undefined) absent.push({ name: rival.name, why })
  }
  const rows: Row[] = []
  const choice = { case: entry.name, group: entry.group, plan, files }
  for (const heat of new Set(rivals.map(({ family }) => family))) {
    onHeat(heat)
    const members = rivals.filter(({ family }) => family === heat)
    const mine = entry.ours.filter(({ against }) => against?.includes(heat) ?? true)
    const names = [...mine, ...members].map(({ name }) => name)
    const found = await ask<HeatResult>({ task: 'time', ...choice, heat, names }).catch(error => ({
      rows: [],
      absent: members.map(({ name }) => ({ name, why: String(error) })),
    }))
    rows.push(...found.rows)
    absent.push(...found.absent.filter(({ name }) => !absent.some(other => other.name === name)))
  }
  onHeat('memory')
  const names = [...new Set(rows.map(({ contestant }) => contestant))]
  const weights = await ask<Weighed[]>({ task: 'weigh', ...choice, names }, WEIGHING).catch(error => {
    absent.push({ name: 'memory', why: String(error) })
    return []
  })
  return { rows: rows.map(row => ({ ...row, ...weightOf(row, weights) })), absent }
}

const weightOf = (row: Row, weights: readonly Weighed[]): Weighed | undefined =>
  weights.find(({ contestant, op, at }) => contestant === row.contestant && op === row.op && at === row.at)

/** Probes contestants, family by family. */
export async function standings(contestants: readonly Contestant[]): Promise<Record<string, Standing>> {
  const found: Record<string, Fidelity> = {}
  const queue = [...new Set(contestants.map(one => `${groupOf(one)} ${one.family}`))]
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const members = contestants.filter(one => `${groupOf(one)} ${one.family}` === next)
      const names = members.map(({ name }) => name)
      Object.assign(found, await ask({ task: 'probe', group: groupOf(members[0]!), names }))
    }
  }
  await Promise.all(Array.from({ length: ABREAST }, work))
  return Object.fromEntries(
    contestants.map(({ name, about, ours = false, stateful = false, limit, foreign }) => [
      name,
      {
        ours,
        stateful,
        ...(limit && { limit }),
        ...(foreign && { foreign }),
        about,
        ...found[name]!,
      },
    ]),
  )
}

async function ask<Answer>(
  request: Request,
  conditions: Parameters<typeof fork>[2] = TIMING,
): Promise<Answer> {
  const child = fork(HEAT, conditions)
  const gone = new AbortController()
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  try {
    child.send(request)
    const died = once(child, 'exit', { signal: gone.signal }).then(([code, signal]) => {
      throw new Error(`the heat ended early: ${signal ?? `exit ${code}`}`)
    })
    const [answer] = await Promise.race([once(child, 'message', { signal: gone.signal }), died])
    if ('failure' in answer) throw new Error(answer.failure)
    return answer as Answer
  } finally {
    clearTimeout(timer)
    gone.abort()
  }
}
