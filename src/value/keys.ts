/** Keys of Maps and members of Sets: how many a message may have, by kind. */
import { checkLimit, type Limits } from '../limits.js'

/** What a message has used up so far. */
export interface KeyBudget {
  readonly limits: Readonly<Limits>
  /** Byte of the metadata, for errors. */
  readonly pos: number
  entries: number
  numberKeys: number
  bigintKeys: number
}

/** @throws LIMIT */
export function countEntries(budget: KeyBudget, count: number): void {
  budget.entries += count
  checkLimit('entries', budget.limits.entries, budget.entries, budget.pos)
}

/** Text that V8 hashes as the number it reads as. */
const INDEX = /^\d{1,10}$/

/** Numbers and BigInts can be chosen to collide, which makes a table quadratic: they have lower limits. @throws LIMIT */
export function checkKey(budget: KeyBudget, key: unknown): void {
  const { limits, pos } = budget
  if (typeof key === 'number' || (typeof key === 'string' && INDEX.test(key)))
    checkLimit('numberKeys', limits.numberKeys, ++budget.numberKeys, pos)
  else if (typeof key === 'bigint') checkLimit('bigintKeys', limits.bigintKeys, ++budget.bigintKeys, pos)
}
