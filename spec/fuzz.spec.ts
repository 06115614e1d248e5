import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { campaign, KINDS, sources } from './campaign.js'
import { Mutator } from './mutate.js'
import { plants, uproot } from './plants.js'

const SEED = 574

const test = suite('fuzz: a short campaign')

test('40 000 mutants: only our errors, no disagreement, nothing slow, nothing left behind', () => {
  const { tried, accepted, rejected, finds } = campaign({ seed: SEED, mutants: 40_000 })
  assert.equal(finds, [])
  assert.is(tried, 40_000)
  assert.ok(accepted > tried / 50, `${accepted} of ${tried} accepted`)
  assert.ok(rejected > tried / 50, `${rejected} of ${tried} rejected`)
})

test('a mutant is the same whenever it is made', () => {
  const packets = sources().map(({ packet }) => packet)
  const [one, other] = [new Mutator(packets), new Mutator(packets)]
  for (let number = 1; number < 500; number++) one.make(SEED, number)
  for (const number of [0, 1, 499, 12_345_678]) {
    const { meta } = one.make(SEED, number)
    assert.is(Buffer.compare(meta, other.make(SEED, number).meta), 0)
  }
})

test.run()

const detectors = suite('fuzz: detectors')

detectors.after.each(uproot)

for (const kind of KINDS) {
  detectors(`a planted bug is found: ${kind}`, () => {
    const { finds } = campaign({ seed: SEED, mutants: 12_000, plant: plants[kind] })
    assert.ok(finds.length > 0, 'it was missed')
    assert.equal([...new Set(finds.map(find => find.kind))], [kind])
  })
}

detectors.run()
