/** A short campaign: every fault once on Unix sockets, and over TCP what is another matter there. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { campaign } from './campaign.js'
import { rows } from './scenarios.js'

const SEED = 574

const faults = suite('faults: real peers')

const groups: [name: string, filter: string][] = [
  ['peers that are killed', '^unix.*killed|^(websocket|pipe): a (sender|receiver) is killed$'],
  ['peers that are killed, and connections that are reset, over TCP', '^tcp.*(killed|reset)'],
  ['peers that are stopped, and readers that stop', '^unix.*(stopped for|stops)'],
  ['streams that end in the middle, or are spoilt', '^unix.*(ends its|spoils)'],
  ['crowds', '^unix.*(drip|descriptors)'],
  [
    'peers that share memory: killed, stopped, or spoiling it',
    '^memory.*spoils|^memory: (a (sender|receiver) is killed$|a peer is killed|a receiver is stopped for a w)|^memory-pipe: an echo is k',
  ],
]
for (const [name, filter] of groups) {
  faults(
    `${name}: nothing is lost without a word, twice, in part, left behind or without bound`,
    async () => {
      const { length: trials } = rows.filter(row => new RegExp(filter).test(row.name))
      const ledger = await campaign({ seed: SEED, filter, trials, isShort: true })
      assert.equal(ledger.finds, [])
      assert.is(Object.keys(ledger.rows).length, trials)
      assert.ok(trials > 2 && ledger.delivered > trials, `${ledger.delivered} messages in ${trials} trials`)
    },
  )
}

faults.run()
