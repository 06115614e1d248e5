/** Child processes as carriers: the contract, and two pipes that go one way each as they are over standard input and output. */
import type { StdioOptions } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Over, wiring } from '../../src/carriers/process/ends.js'
import { contract } from '../contract.js'
import { canEval } from '../eval.js'
import { thrown } from '../thrown.js'
import { halvesPair, processPair } from './pairs.js'

const abilities = { transfers: true, shares: false, kills: true }

// A link that is the same but for the start of a process for every row: each of the two runs of the suite has one of them.
if (canEval()) contract('two pipes', halvesPair, { ...abilities, unattended: 'halves' })
else contract('child process', processPair, { ...abilities, unattended: 'process' })

const wires = suite('child process: its descriptors')

const inherit = ['inherit', 'inherit', 'inherit']
const rows: [stdio: StdioOptions | undefined, over: Over, given: unknown[], place: string][] = [
  [undefined, 'pipe', [...inherit, 'pipe'], '3'],
  ['pipe', 'pipe', ['pipe', 'pipe', 'pipe', 'pipe'], '3'],
  [[], 'pipe', [undefined, undefined, undefined, 'pipe'], '3'],
  [[0, 1], 'pipe', [0, 1, undefined, 'pipe'], '3'],
  [[0, 1, 2, 'ipc', null], 'pipe', [0, 1, 2, 'ipc', null, 'pipe'], '5'],
  [undefined, 'stdio', ['pipe', 'pipe', 'inherit'], 'stdio'],
  ['ignore', 'stdio', ['pipe', 'pipe', 'ignore'], 'stdio'],
  [[null, undefined, 'pipe', 5], 'stdio', ['pipe', 'pipe', 'pipe', 5], 'stdio'],
  [[], 'stdio', ['pipe', 'pipe'], 'stdio'],
]
for (const [stdio, over, given, place] of rows) {
  wires(`${JSON.stringify(stdio)} over ${over}: ${place}`, () => {
    assert.equal(wiring(stdio, over), { stdio: given, place })
  })
}

const refused: [stdio: StdioOptions, over: unknown][] = [
  [['ignore'], 'stdio'],
  [['pipe', 1], 'stdio'],
  [['pipe', 'inherit'], 'stdio'],
  ['pipe', 'ipc'],
  ['pipe', 3],
]
for (const [stdio, over] of refused) {
  wires(`${JSON.stringify(stdio)} over ${over}: a TypeError`, () => {
    assert.instance(
      thrown(() => wiring(stdio, over as Over)),
      TypeError,
    )
  })
}

wires.run()
