// The field of a case: whoever can take its value, with a session opened on it, and why the others cannot.

import { bytes } from '../src/cli/table.js'
import type { Contestant, Session } from './contestant.js'

export interface Entrant {
  readonly contestant: Contestant
  readonly session: Session
  /** What it was given, to be compared with what comes back. */
  readonly value: unknown
  /** Place on a growth curve, and the number of things its times are divided by. */
  readonly at?: number
  readonly per: number
}

export interface Absent {
  readonly name: string
  readonly why: string
}

export interface Field {
  readonly entrants: readonly Entrant[]
  readonly absent: readonly Absent[]
}

/** Admits some contestants, one after the other; who throws is absent, and its first line says why. */
export async function fieldOf(
  some: readonly Contestant[],
  admit: (contestant: Contestant) => Promise<Entrant>,
): Promise<Field> {
  const entrants: Entrant[] = []
  const absent: Absent[] = []
  for (const contestant of some) {
    try {
      entrants.push(await admit(contestant))
    } catch (error) {
      absent.push({ name: contestant.name, why: String(error).split('\n', 1)[0]!.slice(0, 120) })
    }
  }
  return { entrants, absent }
}

/** Opens a session. @throws Refusal when it is known that the contestant cannot take the value */
export async function admit(contestant: Contestant, value: unknown, typedBytes: number): Promise<Entrant> {
  const { maxBytes = Number.POSITIVE_INFINITY } = contestant
  const refusal = contestant.refuses?.(value)
  if (refusal) throw new Refusal(refusal)
  if (typedBytes > maxBytes) throw new Refusal(`asked for at most ${bytes(maxBytes)} of typed arrays`)
  const session = await contestant.open(value)
  return { contestant, session, value, per: session.per ?? 1 }
}

class Refusal extends Error {
  override toString(): string {
    return this.message
  }
}
