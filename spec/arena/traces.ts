/** Random lives of blocks, as programs have them, and how much of an arena they waste. */
import { Random } from '../../fixtures/random.js'
import { Allocator, type Run } from '../../src/memory/arena/allocator.js'

const MiB = 2 ** 20

/** What sizes a program allocates, in bytes; the longest is 1/32 of the arena. */
export const sizes: Readonly<Record<string, (random: Random) => number>> = {
  'one size': () => 65_536,
  'two sizes, far apart': random => (random.chance(0.5) ? 256 : 262_144),
  'even, up to 1 MiB': random => random.int(1, MiB),
  'powers of two, give or take': random => 2 ** random.int(6, 19) + random.int(-40, 40),
  'even in their logarithm': random => Math.ceil(2 ** random.float(0, 20)),
  'mostly small, seldom large': random => (random.chance(0.95) ? random.int(1, 4096) : random.int(1, MiB)),
}

/** Which of the live blocks goes next. */
export const orders: Readonly<Record<string, (random: Random, live: number) => number>> = {
  'the oldest': () => 0,
  'the newest, mostly': (random, live) => Math.max(0, live - 1 - Math.floor(random.next() ** 4 * live)),
  any: (random, live) => random.int(0, live),
}

export const ARENA = 32 * MiB

export interface Waste {
  /** Of the arena, what was in use when a block first found no room: 1 is no waste at all. */
  readonly firstRefused: number
  /** The worst such share over the whole trace. */
  readonly worst: number
  readonly mean: number
}

/** Fills an arena until it refuses, gives some back and goes on, so many times. */
export function wasteOf(
  size: (random: Random) => number,
  order: (random: Random, live: number) => number,
  seed: number,
  refusals: number,
): Waste {
  const random = new Random(seed)
  const allocator = new Allocator(64, 64 + ARENA)
  const live: Run[] = []
  const shares: number[] = []
  while (shares.length < refusals) {
    const wanted = size(random)
    for (let run = allocator.take(wanted); ; run = allocator.take(wanted)) {
      if (run !== undefined) {
        live.push(run)
        break
      }
      // What was asked for and refused could have been had, were the free bytes in one piece.
      shares.push((allocator.usedBytes + wanted) / ARENA)
      for (let n = random.int(1, 8); n > 0 && live.length > 0; n--) {
        allocator.give(live.splice(order(random, live.length), 1)[0] as Run)
      }
    }
  }
  const capped = shares.map(share => Math.min(1, share))
  const mean = capped.reduce((sum, share) => sum + share, 0) / capped.length
  return { firstRefused: capped[0] as number, worst: Math.min(...capped), mean }
}
