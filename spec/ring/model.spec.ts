/** The protocol in every order, with a death at every step; and every mistake that it could have, found. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { explore, MISTAKES, type Setting, type Way } from './model.js'

const ways: readonly Way[] = ['bell', 'block']
const settings = ways.flatMap(reader =>
  ways.flatMap(writer =>
    ([undefined, 'reader', 'writer'] as const).flatMap(dies =>
      [1, 2].map((capacity): Setting => ({ entries: 4, capacity, reader, writer, dies })),
    ),
  ),
)

const model = suite('ring: the protocol in every order')

let states = 0
for (const setting of settings) {
  const { reader, writer, dies, capacity } = setting
  const death = dies === undefined ? '' : `, the ${dies} may die at every step`
  model(
    `room for ${capacity}: reader ${reader}, writer ${writer}${death}: nothing is lost, torn or left`,
    () => {
      const outcome = explore(setting)
      assert.is(outcome.wrong, undefined)
      states += outcome.states
    },
  )
}
model('so many states were seen that none can have been left out by accident', () => {
  assert.ok(states > 10_000, `${states} states`)
})

model.run()

const mistakes = suite('ring: mistakes that the model finds')

for (const mistake of MISTAKES) {
  mistakes(mistake, () => {
    const isFound = settings.some(setting => explore({ ...setting, mistake }).wrong !== undefined)
    assert.ok(isFound)
  })
}

mistakes.run()
