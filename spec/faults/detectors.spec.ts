/** Bugs planted on purpose: each must be found by a short campaign, and nothing where nothing is planted. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { campaign, type Ledger } from './campaign.js'
import { type Plant, type Planted, plants } from './plants.js'

const SEED = 574

const detectors = suite('faults: detectors')

const planted = Object.keys(plants) as Planted[]

/** All at once, since most of their time is waited for. */
let found: Promise<ReadonlyMap<Planted, Ledger>> | undefined
const findAll = async () => {
  const shows = planted.map((plant): [Planted, Plant] => [plant, plants[plant]])
  const ledgers = shows.map(async ([plant, { shown }]) => {
    return [plant, await campaign({ seed: SEED, plant, ...shown, isShort: true })] as const
  })
  return new Map(await Promise.all(ledgers))
}

for (const plant of planted) {
  const isClean = plant === 'nothing'
  detectors(isClean ? 'nothing is planted, and found' : `a planted bug is found: ${plant}`, async () => {
    found ??= findAll()
    const { finds } = (await found).get(plant)!
    const isFound = finds.some(({ kind }) => kind === plant)
    if (isClean) assert.equal(finds, [])
    else assert.ok(isFound, `it was missed: ${JSON.stringify(finds)}`)
  })
}

detectors.run()
