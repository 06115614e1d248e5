/** A short campaign: every fault once on Unix sockets, and over TCP what is another matter there. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { canEval } from '../eval.js'
import { campaign } from './campaign.js'
import { rows } from './scenarios.js'

const SEED = 574

const faults = suite('faults: real peers')

/** Which run of the suite has it: `npm test`, or that without code generation. */
const groups: [run: 'first' | 'second', name: string, filter: string][] = [
  ['first', 'peers that are killed', '^unix.*killed|^(websocket|pipe): a (sender|receiver) is killed$'],
  ['second', 'peers that are killed, and connections that are reset, over TCP', '^tcp.*(killed|reset)'],
  ['first', 'peers that are stopped, and readers that stop', '^unix.*(stopped for|stops)'],
  ['second', 'streams that end in the middle, or are spoilt', '^unix.*(ends its|spoils)'],
  ['second', 'crowds', '^unix.*(drip|descriptors)'],
  [
    'first',
    'peers that share memory: killed, stopped, or spoiling it',
    '^memory.*spoils|^memory: (a (sender|receiver) is killed$|a peer is killed|a receiver is stopped for a w)|^memory-pipe: an echo is k',
  ],
]
for (const [run, name, filter] of groups) {
  const row = (run === 'first') === canEval() ? faults : faults.skip
  row(`${name}: nothing is lost without a word, twice, in part, left behind or without bound`, async () => {
    const { length: trials } = rows.filter(row => new RegExp(filter).test(row.name))
    const ledger = await campaign({ seed: SEED, filter, trials, isShort: true })
    assert.equal(ledger.finds, [])
    assert.is(Object.keys(ledger.rows).length, trials)
    assert.ok(trials > 2 && ledger.delivered > trials, `${ledger.delivered} messages in ${trials} trials`)
  })
}

faults.run()
