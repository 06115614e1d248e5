/** Writes anything to the memory that a process shares with others, everywhere it can, and fast. */
import { Mapping } from '../../src/memory/mapping.js'
import { Dice } from '../mutate.js'

/** Every mapping of this process that is made from now on. */
export function watchMappings(): readonly Mapping[] {
  const seen: Mapping[] = []
  const open = Mapping.open
  Mapping.open = (...args) => {
    const mapping = open(...args)
    seen.push(mapping)
    return mapping
  }
  return seen
}

/** Numbers that words are wrong by. */
const WORDS = [0, 1, -1, 7, 64, 4096, 65_536, 2 ** 17, 2 ** 30, 2 ** 31 - 1, -(2 ** 31)]
/** The most that is looked at of a mapping, from its start on: heads, words and what is behind them. */
const REACH = 2 ** 19
const AT_ONCE = 5000

/** What is written to: 0: the words of pipes and heads; 1: anything; 2: both as often. */
type Aim = number

/** Spoils for a while; says how often. `others` do their work in between. */
export async function spoilFor(
  ms: number,
  mappings: readonly Mapping[],
  seed: number,
  aim: Aim,
): Promise<number> {
  const dice = new Dice()
  dice.start(seed, 0)
  const memories = mappings
    .filter(({ isClosed }) => !isClosed)
    .map(mapping => new Int32Array(mapping.window(0, Math.min(mapping.byteLength & -4, REACH))))
  const until = performance.now() + ms
  let flips = 0
  while (performance.now() < until) {
    // At first now and then a word, so that it may come to any use; then as fast as can be.
    const count = flips < 200 ? 1 : AT_ONCE
    for (let i = 0; i < count; i++) spoil(dice.pick(memories), dice, aim)
    flips += count
    await new Promise(resolve => setImmediate(resolve))
  }
  return flips
}

function spoil(words: Int32Array, dice: Dice, aim: Aim): void {
  // Where the words of a pipe are, of the first or of one behind it; or anywhere.
  const second = 16 + 64 + 2 ** 15
  const place = aim === 0 || (aim === 2 && dice.below(2) === 0) ? dice.pick([0, 16, second]) : 0
  const reach = aim === 0 ? 64 : words.length
  const at = (place + dice.below(Math.min(reach, words.length))) % words.length
  switch (dice.below(3)) {
    case 0:
      words[at] = dice.pick(WORDS)
      break
    case 1:
      words[at]! ^= 1 << dice.below(32)
      break
    default:
      words[at]! += dice.below(9) - 4
  }
}
