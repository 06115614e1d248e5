import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ALIGNMENT, Allocator, type Run, roundUp } from '../../src/memory/arena/allocator.js'
import { orders, sizes, wasteOf } from './traces.js'

const SEED = 574
const START = 64
const BYTES = 64 * 1024

/** The runs in the order of their places, from any of them. */
function runsAround(run: Run): Run[] {
  let first = run
  while (first.before !== undefined) first = first.before
  const runs: Run[] = []
  for (let at: Run | undefined = first; at !== undefined; at = at.after) runs.push(at)
  return runs
}

/** Runs cover all bytes, touch, are aligned, and no two that are free touch. */
function expectSound(allocator: Allocator, any: Run, live: ReadonlySet<Run>): void {
  let at = START
  let used = 0
  for (const run of runsAround(any)) {
    assert.is(run.byteOffset, at)
    assert.is(run.byteOffset % ALIGNMENT, 0)
    assert.ok(run.byteLength > 0)
    assert.is(run.isFree, !live.has(run))
    assert.not.ok(run.isFree && run.before?.isFree)
    if (!run.isFree) used += run.byteLength
    at += run.byteLength
  }
  assert.is(at, START + BYTES)
  assert.is(allocator.usedBytes, used)
  assert.is(allocator.usedRuns, live.size)
}

const test = suite(`arena: allocator, seed ${SEED}`)

test('whatever is taken and given, runs neither overlap nor get lost, and what has room is found', () => {
  // Above 0: that many bytes are taken; below: one of the live runs is given back.
  const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 12_000 }), fc.integer({ min: -100, max: -1 })), {
    maxLength: 120,
  })
  const property = fc.property(steps, steps => {
    const allocator = new Allocator(START, START + BYTES)
    const live: Run[] = []
    let any: Run | undefined
    for (const step of steps) {
      if (step > 0) {
        const longest = any === undefined ? BYTES : longestFree(any)
        assert.is(allocator.largestFree, longest)
        assert.is(allocator.has(step), roundUp(step) <= longest)
        const run = allocator.take(step)
        assert.is(run !== undefined, roundUp(step) <= longest)
        if (run === undefined) continue
        assert.is(run.byteLength, roundUp(step))
        live.push(run)
        any = run
      } else if (live.length > 0) {
        const [run] = live.splice(-step % live.length, 1)
        allocator.give(run!)
        any = live[0]
      }
      if (any !== undefined) expectSound(allocator, any, new Set(live))
    }
    for (const run of live) allocator.give(run)
    assert.is(allocator.largestFree, BYTES)
    assert.is(allocator.usedBytes, 0)
  })
  fc.assert(property, { seed: SEED, numRuns: 300, endOnFailure: false })
})

function longestFree(any: Run): number {
  return Math.max(0, ...runsAround(any).map(run => (run.isFree ? run.byteLength : 0)))
}

for (const bytes of [64, 128, 960, 1024, 1088, 2 ** 20, 2 ** 20 + 64, 2 ** 33, 2 ** 36]) {
  test(`${bytes} bytes can be had as one run, to the last`, () => {
    const allocator = new Allocator(START, START + bytes)
    const run = allocator.take(bytes - 63)
    assert.is(run?.byteLength, bytes)
    assert.is(allocator.take(1), undefined)
    assert.is(allocator.largestFree, 0)
    allocator.give(run!)
    assert.is(allocator.largestFree, bytes)
    assert.is(allocator.take(bytes + 1), undefined)
  })
}

test('short blocks come from the front and long ones from the end', () => {
  const allocator = new Allocator(START, START + 2 ** 20)
  assert.is(allocator.take(100)?.byteOffset, START)
  assert.is(allocator.take(100_032)?.byteOffset, START + 2 ** 20 - 100_032)
  assert.is(allocator.take(100)?.byteOffset, START + 128)
})

test('a run costs the same among a hundred thousand others', () => {
  const allocator = new Allocator(START, START + 2 ** 30)
  const live = Array.from({ length: 100_000 }, () => allocator.take(4096) as Run)
  // Every second one: fifty thousand free runs in one list.
  for (let i = 0; i < live.length; i += 2) allocator.give(live[i]!)
  for (let i = 0; i < live.length; i += 2) live[i] = allocator.take(4000)!
  assert.is(new Set(live.map(({ byteOffset }) => byteOffset)).size, 100_000)
  assert.is(allocator.usedBytes, 50_000 * (4096 + 4032))
})

test.run()

/**
 * Of the arena, what is in use when a block is refused that would fit into what is free, were it in one piece. Blocks are
 * up to 1/32 of the arena. In the order in which a queue ends them nearly nothing is lost.
 */
const waste = suite('arena: fragmentation')

for (const [size, sizeOf] of Object.entries(sizes)) {
  for (const [order, next] of Object.entries(orders)) {
    waste(`blocks of ${size}, ending ${order} first: never refused with under half in use`, () => {
      const { worst, mean } = wasteOf(sizeOf, next, SEED, 500)
      assert.ok(worst > 0.45, `worst ${worst.toFixed(2)}`)
      assert.ok(mean > (order === 'the oldest' ? 0.85 : 0.75), `mean ${mean.toFixed(2)}`)
    })
  }
}

waste.run()
