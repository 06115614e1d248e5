/** Keys of Maps and members of Sets: how many a message may have, by kind. */
import { checkLimit, LIMITS, type Limits } from '../limits.js'

/** What a message has used up so far. */
export interface KeyBudget {
  readonly limits: Readonly<Limits>
  /** Byte of the metadata, for errors; what encode lacks. */
  readonly pos: number | undefined
  entries: number
  numberKeys: number
  bigintKeys: number
}

/** The same for a message that is written. */
export class SentKeys implements KeyBudget {
  limits: Readonly<Limits> = LIMITS.trusted
  readonly pos = undefined
  entries = 0
  numberKeys = 0
  bigintKeys = 0

  begin(limits: Readonly<Limits>): void {
    this.limits = limits
    this.entries = 0
    this.numberKeys = 0
    this.bigintKeys = 0
  }
}

/** @throws LIMIT */
export function countEntries(budget: KeyBudget, count: number): void {
  budget.entries += count
  checkLimit('entries', budget.limits.entries, budget.entries, budget.pos)
}

/** Whether V8 hashes a text as the number that it reads as. */
function isNumber(text: string): boolean {
  // One unit first: that spares most text the expression.
  return text.length <= 10 && text.charCodeAt(0) <= NINE && /^\d+$/.test(text)
}

const NINE = 0x39

/** Numbers and BigInts can be chosen to collide, which makes a table quadratic: they have lower limits. @throws LIMIT */
export function checkKey(budget: KeyBudget, key: unknown): void {
  const { limits, pos } = budget
  if (typeof key === 'number' || (typeof key === 'string' && isNumber(key)))
    checkLimit('numberKeys', limits.numberKeys, ++budget.numberKeys, pos)
  else if (typeof key === 'bigint') checkLimit('bigintKeys', limits.bigintKeys, ++budget.bigintKeys, pos)
}
