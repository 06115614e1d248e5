/**
 * Other users of the same libraries in the same process: what we do changes nothing for them, what they register changes
 * nothing for us. In a process of its own, since what is registered stays.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const script = fileURLToPath(new URL('beside.js', import.meta.url))
const run = (...args: string[]): Record<string, unknown> =>
  JSON.parse(execFileSync(process.execPath, [script, ...args], { encoding: 'utf8', timeout: 30_000 }))

const test = suite('formats: beside others')

for (const library of ['msgpackr', 'cbor-x']) {
  test(`a plain user of ${library} sees no difference`, () => {
    const alone = run(library, 'alone')
    assert.ok(Object.keys(alone).length > 20)
    assert.equal(run(library, 'before'), alone)
    assert.equal(run(library, 'after'), alone)
  })

  test(`what others register with ${library}, for our codes and for built-in classes, is not asked for our values`, () => {
    assert.equal(run(library, 'rude'), { arrived: true, asked: 0, theirs: true })
  })
}

test.run()
