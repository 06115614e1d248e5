// Who is drawn in a chart, and how long. A bar is a time in units of ours in the heat where the two met, since that is what can be
// compared; each library is there with its fastest setting and with its most faithful one, and the table has the others.

import { Board, geometricMean } from '../board.js'
import type { Figures, Saved } from './results.js'

export interface Entry {
  readonly name: string
  readonly row: Figures
  /** Time in units of ours; of a mean, the geometric mean of several such. */
  readonly x: number
  /** The middle half of its turns, in the same units; of a mean, its best and its worst case. */
  readonly from: number
  readonly to: number
  readonly ours: boolean
  readonly limit: boolean
  readonly stateful: boolean
  /** What is wrong with the answer, sharing apart: a reason not to count it as a win. */
  readonly wrong: readonly string[]
}

export interface Mean extends Omit<Entry, 'row'> {
  /** Cases that it took part in, and all that the mean is over. */
  readonly cases: number
  readonly of: number
}

/** Of times that differ by less, the plainest setting is as good as the fastest. */
const SAME = 1.05
/** Who takes longer than so many times ours is told in words, beyond this many rivals. */
const FAR = 5
const LEAST_RIVALS = 3
const SHARING = new Set(['identity', 'aliasing'])

export class Lineup {
  readonly saved: Saved
  readonly #boards = new Map<string, Board>()
  readonly #order: readonly string[]

  constructor(saved: Saved) {
    this.saved = saved
    this.#order = Object.keys(saved.contestants)
  }

  /** Everyone who is on some curve. */
  get growing(): string[] {
    return [...new Set(this.saved.rows.filter(({ at }) => at !== undefined).map(row => row.contestant))]
  }

  rows(name: string): Figures[] {
    return this.saved.rows.filter(row => row.case === name)
  }

  /** The operations that stand for a case: both ways in one where there are such, else each. */
  mainOps(name: string): string[] {
    const ops = this.ops(name)
    return ops.includes('both') ? ['both'] : ops
  }

  /** Both ways come last: they sum up the others. */
  ops(name: string): string[] {
    const ops = [...new Set(this.rows(name).map(({ op }) => op))]
    return [...ops.filter(op => op !== 'both'), ...ops.filter(op => op === 'both')]
  }

  /** Our first one in a case, whose time is the unit; who is fastest where we are not. */
  unit(name: string, op: string): string {
    const rows = this.rows(name).filter(row => row.op === op)
    const first = this.#order.find(
      name => this.#is(name).ours && rows.some(({ contestant }) => contestant === name),
    )
    return first ?? rows.toSorted((a, b) => a.medianNs - b.medianNs)[0]?.contestant ?? ''
  }

  /** Everyone who did an operation of a case, shortest first. */
  all(name: string, op: string): Entry[] {
    const unit = this.unit(name, op)
    const names = new Set(
      this.rows(name)
        .filter(row => row.op === op)
        .map(({ contestant }) => contestant),
    )
    const entries = [...names].flatMap(contestant => this.#entry(name, op, contestant, unit) ?? [])
    return entries.sort((a, b) => a.x - b.x)
  }

  /** Those of them who are drawn. */
  drawn(name: string, op: string): Entry[] {
    return this.#chosen(this.all(name, op))
  }

  /** Geometric means over cases, of each library at its most faithful setting, and of ourselves. */
  means(cases: readonly string[], op?: string): Mean[] {
    const found = new Map<string, Entry[]>()
    const places = cases.flatMap(name => (op ? [op] : this.mainOps(name)).map(one => [name, one] as const))
    for (const [name, one] of places) {
      for (const entry of this.all(name, one))
        found.set(entry.name, [...(found.get(entry.name) ?? []), entry])
    }
    const means = [...found.values()]
      .map(entries => meanOf(entries, places.length))
      .filter(({ stateful }) => !stateful)
    return this.#mostFaithful(means).sort((a, b) => a.x - b.x)
  }

  #entry(name: string, op: string, contestant: string, unit: string): Entry | undefined {
    const board = this.#boardOf(name)
    const row = board.row(name, contestant, { op }) as Figures | undefined
    if (!row) return undefined
    const met = board.ratio(name, contestant, unit, { op })
    // Who never met us, since we take no part, is compared as it is.
    const x = Number.isFinite(met) ? met : row.medianNs / board.time(name, unit, { op })
    const { ours, limit = false, stateful } = this.#is(contestant)
    return {
      name: contestant,
      row,
      x,
      from: (x * row.q1Ns) / row.medianNs,
      to: (x * row.q3Ns) / row.medianNs,
      ours,
      limit,
      stateful,
      wrong: row.lost.filter(what => !SHARING.has(what)),
    }
  }

  /** Of one case alone: there are thousands of rows, and many questions. */
  #boardOf(name: string): Board {
    const found = this.#boards.get(name) ?? new Board({ ...this.saved, rows: this.rows(name) })
    this.#boards.set(name, found)
    return found
  }

  #chosen(entries: readonly Entry[]): Entry[] {
    const chosen = new Set(entries.filter(({ ours, limit }) => ours || limit))
    for (const library of this.#libraries(entries)) {
      const alone = library.filter(({ stateful }) => !stateful)
      const right = alone.filter(({ wrong }) => wrong.length === 0)
      const fastest = this.#plainest(right.length > 0 ? right : alone)
      const least = Math.min(...alone.map(({ name }) => this.#lossesOf(name)))
      const faithful = this.#plainest(alone.filter(({ name }) => this.#lossesOf(name) === least))
      const helped = library.find(({ stateful, x }) => stateful && x * SAME < (fastest?.x ?? 0))
      for (const one of [fastest, faithful, helped]) if (one) chosen.add(one)
    }
    return entries.filter(entry => chosen.has(entry))
  }

  #mostFaithful(means: readonly Mean[]): Mean[] {
    const rivals = this.#libraries(means).map(library => {
      const least = Math.min(...library.map(({ name }) => this.#lossesOf(name)))
      const equal = library.filter(({ name }) => this.#lossesOf(name) === least)
      const most = Math.max(...equal.map(({ cases }) => cases))
      return this.#plainest(equal.filter(({ cases }) => cases === most))!
    })
    return [...means.filter(({ ours, limit }) => ours || limit), ...rivals]
  }

  /** Rivals by library: who is called like another, and more, is a setting of it. */
  #libraries<One extends { name: string; ours: boolean; limit: boolean }>(entries: readonly One[]): One[][] {
    const found = new Map<string, One[]>()
    for (const entry of entries.filter(({ ours, limit }) => !ours && !limit)) {
      const library = this.#order.find(name => entry.name.startsWith(`${name} `)) ?? entry.name
      found.set(library, [...(found.get(library) ?? []), entry])
    }
    return [...found.values()]
  }

  /** The fastest, or who was listed before it and is as fast. */
  #plainest<One extends { name: string; x: number }>(entries: readonly One[]): One | undefined {
    const least = Math.min(...entries.map(({ x }) => x))
    const fast = entries.filter(({ x }) => x <= SAME * least)
    return fast.sort((a, b) => this.#order.indexOf(a.name) - this.#order.indexOf(b.name))[0]
  }

  #lossesOf(name: string): number {
    return this.#is(name).lost.length
  }

  #is(name: string) {
    return this.saved.contestants[name]!
  }
}

/** Those near enough to share a picture with, and the others. */
export function inSight<One extends { x: number; ours: boolean; limit: boolean }>(
  entries: readonly One[],
): { near: One[]; far: One[] } {
  let rivals = 0
  const near = entries.filter(({ x, ours, limit }) => ours || limit || rivals++ < LEAST_RIVALS || x <= FAR)
  return { near, far: entries.filter(entry => !near.includes(entry)) }
}

function meanOf(entries: readonly Entry[], of: number): Mean {
  const [{ name, ours, limit, stateful }] = entries as [Entry]
  const ratios = entries.map(({ x }) => x)
  return {
    name,
    x: geometricMean(ratios),
    from: Math.min(...ratios),
    to: Math.max(...ratios),
    ours,
    limit,
    stateful,
    wrong: [...new Set(entries.flatMap(({ wrong }) => wrong))],
    cases: entries.length,
    of,
  }
}
