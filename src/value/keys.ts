/** Keys of Maps and members of Sets: how many a message may have, by kind. */
import { slotOf } from '../bytes/window.js'
import { checkLimit, LIMITS, type Limits } from '../limits.js'

const { keys: mapKeys, values: mapValues } = Map.prototype
const mapSize = slotOf(Map.prototype, 'size')
const setSize = slotOf(Set.prototype, 'size')

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

/**
 * The entries of a Map, all at once, as structured clone takes them: code of the value's own may change the Map while it is
 * written. In two lists, which V8 makes as a whole, as it does not make one of pairs. Counted before they are listed. @throws LIMIT
 */
export function entriesOf(
  budget: KeyBudget,
  map: ReadonlyMap<unknown, unknown>,
): [keys: unknown[], values: unknown[]] {
  countEntries(budget, mapSize.call(map) as number)
  return [[...mapKeys.call(map)], [...mapValues.call(map)]]
}

/** The same for the members of a Set. @throws LIMIT */
export function membersOf(budget: KeyBudget, set: ReadonlySet<unknown>): unknown[] {
  countEntries(budget, setSize.call(set) as number)
  return [...Set.prototype.values.call(set)] as unknown[]
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
