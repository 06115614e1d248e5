import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { canEval } from './eval.js'
import { pagePath } from './fidelity-table.js'

const test = suite('fidelity: the table')

// Some of those in it make code from strings, and what an engine can do differs from version to version.
const written = /Node (v\d+)\./.exec(readFileSync(pagePath, 'utf8'))?.[1]
const run = canEval() && process.version.startsWith(`${written}.`) ? test : test.skip
run('spec/FIDELITY.md is what npm run fidelity writes', () => {
  // In a process of its own: some of those in it leave hundreds of MiB behind.
  const script = fileURLToPath(new URL('fidelity-table.js', import.meta.url))
  const page = execFileSync(process.execPath, [script, '--print'], { encoding: 'utf8' })
  assert.fixture(readFileSync(pagePath, 'utf8'), page)
})

test.run()
