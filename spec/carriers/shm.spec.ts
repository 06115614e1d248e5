/** Shared memory between processes as a carrier: the contract, from the first packet on, while it joins, and to a child. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { placeOf } from '../../src/memory/mapping.js'
import { contract } from '../contract.js'
import { canEval } from '../eval.js'
import { Inbox, numbered, upTo, within } from './inbox.js'
import { joinedPair, joiningPair, sharedProcessPair } from './pairs.js'

const abilities = { transfers: true, shares: false, kills: true }

// Of two runs of the suite each has some of these.
if (canEval()) contract('shared memory', joinedPair, { ...abilities, unattended: 'joined' })
else {
  contract('memory that is not yet shared', joiningPair, { ...abilities, unattended: 'joining' })
  contract('shared memory to a child', sharedProcessPair, { ...abilities, unattended: 'sharedProcess' })
}

const particular = suite('shared memory: what is particular to it')

for (const isPausedFirst of [true, false]) {
  particular(
    `who ${isPausedFirst ? 'does not read while it joins' : 'stops reading'} still takes all in order, later`,
    async () => {
      const { left, right, settled, dispose } = await joinedPair({ highWaterMark: 2 ** 16 })
      const inbox = new Inbox()
      try {
        if (isPausedFirst) await right.pause()
        await right.receive(inbox)
        left.receive(new Inbox())
        if (!isPausedFirst) {
          await within(settled!(), 'joined', 15_000)
          await right.pause()
        }
        // More than the pipe and the arenas have room for.
        const sent = (async () => {
          for (const i of upTo(300)) await left.send(numbered(i, 100_000, 100, 3000))
        })()
        await new Promise(resolve => setTimeout(resolve, 50))
        await right.resume()
        await within(sent, 'all of it sent', 20_000)
        await inbox.reach(300)
        assert.equal(inbox.numbers, upTo(300))
      } finally {
        await dispose()
      }
    },
  )
}

particular(
  'short packets go by the pipe, long ones by the arena: neither is a burden to the socket',
  async () => {
    const { left, right, settled, dispose } = await joinedPair({})
    const inbox = new Inbox()
    try {
      await right.receive(inbox)
      left.receive(new Inbox())
      if (!(await within(settled!(), 'joined', 15_000))) return
      await left.send(numbered(1, 4096, 10))
      await inbox.reach(1)
      const [long, short] = inbox.parcels[0]!.buffers
      assert.is(placeOf(long!.buffer)?.mapping.byteLength, 2 ** 24 + 64)
      assert.is(placeOf(short!.buffer), undefined)
      assert.equal(inbox.numbers, [1])
    } finally {
      await dispose()
    }
  },
)

particular.run()
