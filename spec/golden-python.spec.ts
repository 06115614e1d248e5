/** A reader in Python, written from FORMAT.md: whether the page is enough. */
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { goldenFolder } from '../fixtures/make.js'
import { pythonWith } from './formats/kit.js'

const python = pythonWith('numpy')
const test = suite('golden: Python')
const isMissing = python.reason !== ''
if (isMissing) console.log(`SKIP: golden: ${python.reason}`)
const run = isMissing && process.env.CI !== 'true' ? test.skip : test

run('reads every packet as the value that it is, and refuses what nobody may write', () => {
  const said = python.run('check_golden.py', [fileURLToPath(goldenFolder)]).toString()
  assert.match(said, /^(\d+) of \1 packets\n$/)
})

test.run()
