/**
 * What takes too long for the suite: the model of leases on larger instances, and the waste of the allocator over long traces.
 * `npm run arena`; prints what it went through, and exits with 1 when a promise is broken.
 */
import { explore } from './lease-model.js'
import { orders, sizes, wasteOf } from './traces.js'

const instances = [
  { readers: 1, leases: 2, contents: 3, sends: 4 },
  { readers: 2, leases: 1, contents: 2, sends: 3 },
  { readers: 2, leases: 2, contents: 2, sends: 3 },
]
const SEEDS = 10
const REFUSALS = 3000

for (const bounds of instances) {
  const { states, violation } = explore(bounds)
  console.log(`${JSON.stringify(bounds)}: ${states} states, ${violation?.what ?? 'no promise broken'}`)
  if (violation === undefined) continue
  console.log(violation.steps.map(step => `  ${step}`).join('\n'))
  process.exitCode = 1
}

console.log('\nin use when a block is first refused that all free bytes together could hold: worst, mean')
for (const [size, sizeOf] of Object.entries(sizes)) {
  for (const [order, next] of Object.entries(orders)) {
    const wastes = Array.from({ length: SEEDS }, (_, seed) => wasteOf(sizeOf, next, seed, REFUSALS))
    const worst = Math.min(...wastes.map(({ worst }) => worst))
    const mean = wastes.reduce((sum, { mean }) => sum + mean, 0) / SEEDS
    const name = `blocks of ${size}, ending ${order} first`
    console.log(`  ${name.padEnd(62)} ${worst.toFixed(2)}  ${mean.toFixed(2)}`)
  }
}
