// The results of one run, and the questions bars and baselines ask of them.

import type { Instructions } from './instructions.js'
import type { Machine } from './machine.js'
import type { Timing } from './sample.js'

/** One contestant's time for one operation of one case in one heat. */
export interface Row extends Timing {
  readonly case: string
  /** Rows of one heat took turns with each other; only they are compared. */
  readonly heat: string
  readonly contestant: string
  readonly op: string
  readonly at?: number
  readonly per: number
  readonly bytes?: number
  readonly copied?: number
  /** What this very value lost on its way, `type` or `identity` for example. */
  readonly lost: readonly string[]
  /** Bytes that one operation allocates on this side: heap and ArrayBuffers. As with times, `per` values share them. */
  readonly allocatedBytes?: number
  /** The most that this side's resident memory grew while the operation was repeated. */
  readonly peakBytes?: number
}

/** Facts about a contestant that bars need. */
export interface Standing {
  readonly ours: boolean
  readonly stateful: boolean
  /** No rival, but what nobody can be faster than: bare bytes, a bare copy. */
  readonly limit?: true
  /** Works in another language, on a value that was made there. */
  readonly foreign?: 'Python'
  readonly about: string
  readonly kept: readonly string[]
  readonly lost: readonly string[]
}

/** What a case is about, and of what its contestants' places on a curve are numbers. */
export interface About {
  readonly about: string
  readonly axis?: Axis
}

export type Axis = 'nodes' | 'buffers' | 'bytes'

export interface Results {
  readonly machine: Machine
  /** By name, in the order of measuring. */
  readonly cases: Readonly<Record<string, About>>
  readonly contestants: Readonly<Record<string, Standing>>
  readonly rows: readonly Row[]
  readonly instructions?: readonly Instructions[]
  /** Who is missing, and where: in a case, or, when that is empty, everywhere. */
  readonly absent: readonly { readonly case: string; readonly name: string; readonly why: string }[]
}

export interface Place {
  readonly op?: string
  readonly at?: number | undefined
  readonly heat?: string
}

export class Board {
  readonly results: Results

  constructor(results: Results) {
    this.results = results
  }

  has(name: string): boolean {
    return this.results.rows.some(row => row.case === name)
  }

  /** A contestant's row; we are in every heat, so without one it is that of our median time. */
  row(name: string, contestant: string, { op = this.#mainOp(name), at, heat }: Place = {}): Row | undefined {
    const found = this.results.rows.filter(
      row =>
        row.case === name &&
        row.contestant === contestant &&
        row.op === op &&
        row.at === at &&
        (heat === undefined || row.heat === heat),
    )
    return found.sort((a, b) => a.medianNs - b.medianNs)[(found.length - 1) >> 1]
  }

  /** Nanoseconds of one operation; NaN when it was not measured. */
  time(name: string, contestant: string, place?: Place): number {
    return this.row(name, contestant, place)?.medianNs ?? Number.NaN
  }

  /** How many times faster `mine` is than `rival`, in the heat where they met. */
  ratio(name: string, rival: string, mine = 'outband', place: Place = {}): number {
    const theirs = this.row(name, rival, place)
    if (!theirs) return Number.NaN
    return theirs.medianNs / this.time(name, mine, { ...place, heat: theirs.heat })
  }

  /** Rivals whose answer has the right types and values in it; sharing may be lost. */
  rivals(name: string): Row[] {
    return this.results.rows.filter(
      row =>
        row.case === name && row.op === this.#mainOp(name) && this.isRival(row.contestant) && isFaithful(row),
    )
  }

  /** Who met us in a case, at the same operation and place. */
  opponents({ case: name, op, at }: Row): string[] {
    const met = this.results.rows.filter(
      row => row.case === name && row.op === op && row.at === at && !this.standing(row.contestant).ours,
    )
    return [...new Set(met.map(({ contestant }) => contestant))]
  }

  /** What a case is about: both ways where there are two, else the first that was measured. */
  #mainOp(name: string): string {
    const ops = this.results.rows.filter(row => row.case === name).map(({ op }) => op)
    return ops.includes('both') ? 'both' : (ops[0] ?? 'both')
  }

  standing(contestant: string): Standing {
    const standing = this.results.contestants[contestant]
    if (!standing) throw new TypeError(`${contestant} did not take part`)
    return standing
  }

  /** Neither ours nor a limit, and to be had in JavaScript. */
  isRival(contestant: string): boolean {
    const { ours, limit, foreign } = this.standing(contestant)
    return !ours && !limit && !foreign
  }

  keepsIdentity(contestant: string): boolean {
    return this.standing(contestant).kept.includes('identity')
  }
}

const SHARING = new Set(['identity', 'aliasing'])
const isFaithful = ({ lost }: Row): boolean => lost.every(what => SHARING.has(what))

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)
}
