// The other side of heat.ts: who meets whom, and a fresh process for each meeting.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Standing } from './board.js'
import type { Case } from './cases.js'
import type { Contestant } from './contestant.js'
import { contestants } from './contestants.js'
import type { HeatResult, Request } from './heat.js'
import type { Fidelity } from './probes.js'

const HEAT = fileURLToPath(new URL('./heat.js', import.meta.url))
/** Longer than any heat takes; whoever needs more is left out. */
const PATIENCE_MS = 300_000

/** Measures a case, heat by heat. */
export async function measure(
  entry: Case,
  plan: 'full' | 'quick',
  takesPart: (contestant: Contestant) => boolean,
  onHeat: (heat: string) => void,
): Promise<HeatResult> {
  const rivals = entry.rivals.filter(takesPart)
  const skipped = entry.rivals.filter(rival => !takesPart(rival))
  const rows: HeatResult['rows'][number][] = []
  const absent = [...entry.absent, ...skipped.map(({ name }) => ({ name, why: 'not in a quick run' }))]
  for (const heat of new Set(rivals.map(({ family }) => family))) {
    onHeat(heat)
    const members = rivals.filter(({ family }) => family === heat)
    const names = [...entry.ours, ...members].map(({ name }) => name)
    const found = await ask<HeatResult>({ case: entry.name, heat, names, plan }).catch(error => ({
      rows: [],
      absent: members.map(({ name }) => ({ name, why: String(error) })),
    }))
    rows.push(...found.rows)
    absent.push(...found.absent.filter(({ name }) => !absent.some(other => other.name === name)))
  }
  return { rows, absent }
}

/** Probes everyone, family by family. */
export async function standings(): Promise<Record<string, Standing>> {
  const found: Record<string, Fidelity> = {}
  for (const family of new Set(contestants.map(contestant => contestant.family))) {
    const probe = contestants.filter(contestant => contestant.family === family).map(({ name }) => name)
    Object.assign(found, await ask<Record<string, Fidelity>>({ probe }))
  }
  return Object.fromEntries(
    contestants.map(({ name, about, ours = false, stateful = false, limit }) => [
      name,
      { ours, stateful, ...(limit && { limit }), about, ...found[name]! },
    ]),
  )
}

async function ask<Answer>(request: Request): Promise<Answer> {
  const child = fork(HEAT, { execArgv: ['--expose-gc'] })
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
