// Results as they lie in a file: read, checked as far as drawing needs it, and written so that they can be redrawn.

import { readFile } from 'node:fs/promises'
import type { Verdict } from '../bars.js'
import type { Results, Row, Standing } from '../board.js'

export type Measure = 'allocatedBytes' | 'peakBytes' | 'cpuNs' | 'peerCpuNs'
export type Figures = Row & Readonly<Partial<Record<Measure, number>>>
export type Axis = 'nodes' | 'buffers' | 'bytes'

export interface CaseFacts {
  readonly about: string
  readonly axis?: Axis
}

/** What `npm run bench -- --json` writes; what came later to it may be missing. */
export interface Saved extends Results {
  readonly rows: readonly Figures[]
  readonly contestants: Readonly<Record<string, Standing & { readonly limit?: boolean }>>
  readonly cases: Readonly<Record<string, CaseFacts>>
  readonly verdicts: readonly Verdict[]
}

/** @throws TypeError when the file cannot be read, or holds something else. */
export async function readResults(path: string): Promise<Saved> {
  const text = await readFile(path, 'utf8').catch(cause => wrong(path, cause))
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    wrong(path, cause)
  }
  return checked(json, path)
}

/** Rows without a time become lines of who was left out. */
export function checked(json: unknown, path: string): Saved {
  const { machine, contestants, rows, absent, cases, verdicts } = (json ?? {}) as Partial<Saved>
  if (!machine || !contestants || !Array.isArray(rows) || !Array.isArray(absent)) wrong(path)
  const unknown = rows.find(row => !Object.hasOwn(contestants, row.contestant))
  if (unknown) wrong(path, new Error(`nothing is said about ${unknown.contestant}`))
  const isTimed = ({ medianNs, q1Ns, q3Ns }: Figures) => [medianNs, q1Ns, q3Ns].every(ns => ns > 0)
  const untimed = rows
    .filter(row => !isTimed(row))
    .map(row => ({ case: row.case, name: row.contestant, why: `no time of ${row.op}` }))
  return {
    machine,
    contestants,
    rows: rows.filter(isTimed).map(rounded),
    absent: [...absent, ...untimed],
    cases: cases ?? {},
    verdicts: verdicts ?? [],
  }
}

/** One line for each row, so that a change of a figure is a change of a line. */
export function written({ rows, ...rest }: Saved): string {
  const lines = rows.map(row => `    ${JSON.stringify(row)}`)
  const head = JSON.stringify(rest, null, 2).replace(/\n}$/, '')
  return `${head},\n  "rows": [\n${lines.join(',\n')}\n  ]\n}\n`
}

/** Four digits: more than any measurement has. */
function rounded(row: Figures): Figures {
  const short = (value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value)
  const whole = ['at', 'per', 'bytes', 'copied', 'turns', 'batch']
  const pairs = Object.entries(row).map(([key, value]) => [key, whole.includes(key) ? value : short(value)])
  return Object.fromEntries(pairs) as Figures
}

function wrong(path: string, cause?: unknown): never {
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  throw new TypeError(`wanted a file written by npm run bench -- --json, got ${path}${why}`, { cause })
}
