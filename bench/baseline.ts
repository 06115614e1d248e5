// A run against an earlier one. Times of two runs say nothing about each other; what is compared is how many times
// faster than each rival we are: the geometric mean over the rivals that both runs measured in the same case.

import { readFile } from 'node:fs/promises'
import { Board, geometricMean, type Results } from './board.js'

export interface Change {
  readonly case: string
  readonly contestant: string
  readonly op: string
  readonly at: number | undefined
  /** Above 1: faster than the baseline. */
  readonly factor: number
}

export async function readBaseline(path: string): Promise<Results> {
  const results = JSON.parse(await readFile(path, 'utf8').catch(unreadable)) as Partial<Results>
  if (Array.isArray(results.rows) && results.contestants) return results as Results
  throw new TypeError(`--compare takes a file written by --json, got ${path}`)
}

/** What changed for us, case by case; cases without a common rival are left out. */
export function changes(now: Results, then: Results): Change[] {
  const [here, there] = [new Board(now), new Board(then)]
  const found = new Map<string, Change & { factors: number[] }>()
  for (const { case: name, contestant: rival, op, at, heat } of now.rows) {
    if (here.standing(rival).ours) continue
    for (const mine of now.rows) {
      if (mine.case !== name || mine.heat !== heat || mine.op !== op || mine.at !== at) continue
      if (!here.standing(mine.contestant).ours) continue
      const { contestant } = mine
      const factor =
        here.ratio(name, rival, contestant, { op, at }) / there.ratio(name, rival, contestant, { op, at })
      const key = JSON.stringify([name, contestant, op, at])
      const factors = [...(found.get(key)?.factors ?? []), factor].filter(Number.isFinite)
      found.set(key, { case: name, contestant, op, at, factor: geometricMean(factors), factors })
    }
  }
  return [...found.values()].filter(({ factors }) => factors.length > 0)
}

function unreadable(cause: Error): never {
  throw new TypeError(`--compare: ${cause.message}`, { cause })
}
