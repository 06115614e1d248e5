/** Every order of owner and readers, on small instances; larger ones are explored by `npm run arena`. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bugs, explore } from './lease-model.js'

const one = { readers: 1, leases: 2, contents: 2, sends: 3 }
const two = { readers: 2, leases: 1, contents: 2, sends: 2 }

const test = suite('arena: model of leases')

for (const [name, bounds, least] of [
  ['one reader with two leases', one, 7_000],
  ['two readers', two, 15_000],
] as const) {
  test(`${name}: no order of steps, deaths and departures breaks a promise`, () => {
    const { states, violation } = explore(bounds)
    assert.is(violation, undefined, `${violation?.what}: ${violation?.steps.join('; ')}`)
    assert.ok(states > least, String(states))
  })
}

for (const bug of bugs) {
  test(`the model finds a protocol that ${bug}`, () => {
    const { violation } = explore(bug === 'hands the table of the last reader on' ? two : one, bug)
    assert.ok(violation !== undefined && violation.steps.length > 0)
  })
}

test.run()
