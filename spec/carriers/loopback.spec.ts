/** The carrier within one thread: the contract, and the faults it can be told to have. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Fault, loopback } from '../../src/carriers/loopback.js'
import { contract } from '../contract.js'
import { thrown } from '../thrown.js'
import { codeOf, Inbox, numbered, turns, upTo } from './inbox.js'
import { loopbackPair } from './pairs.js'

contract('loopback', loopbackPair, { transfers: true, shares: true, kills: true, unattended: 'loopback' })

const script = suite('loopback: faults on demand')

const rows: [fault: Fault, code: string, arrives: number[]][] = [
  ['refused', 'UNSUPPORTED', [0, 2]],
  ['gone', 'PEER_GONE', [0]],
]
for (const [fault, code, arrives] of rows) {
  script(`${fault} at the second packet`, async () => {
    const [left, right] = loopback({ fault: packet => (packet === 1 ? fault : undefined) })
    const [atLeft, atRight] = [new Inbox(), new Inbox()]
    left.receive(atLeft)
    right.receive(atRight)
    void left.send(numbered(0))
    await atRight.reach(1)
    assert.is(await codeOf(() => left.send(numbered(1))), code)
    if (fault === 'refused') void left.send(numbered(2))
    else {
      assert.is(await codeOf(() => left.closed), 'PEER_GONE')
      assert.is(await codeOf(() => right.closed), 'PEER_GONE')
    }
    await turns(2)
    assert.equal(atRight.numbers, arrives)
    assert.is(atLeft.ends, fault === 'gone' ? 1 : 0)
  })
}

script.run()

const particular = suite('loopback: what is particular to it')

for (const options of [{ highWaterMark: 0 }, { highWaterMark: 'none' }, { strict: 1 }, { fault: 'gone' }]) {
  particular(`${JSON.stringify(options)}: a TypeError`, () => {
    assert.instance(
      thrown(() => loopback(options as never)),
      TypeError,
    )
  })
}

particular('who holds back after close is not made to go on by a second one', async () => {
  const [left, right] = loopback()
  const [atLeft, atRight] = [new Inbox(), new Inbox()]
  left.receive(atLeft)
  right.receive(atRight)
  void left.close()
  left.pause()
  void right.send(numbered(0))
  void left.close()
  await turns(2)
  assert.is(atLeft.parcels.length, 0)
  left.resume()
  await left.closed
  assert.equal(atLeft.numbers, [0])
})

particular('abort after the end takes nothing from a peer that still reads', async () => {
  const [left, right] = loopback()
  const atRight = new Inbox()
  left.receive(new Inbox())
  right.receive({
    parcel: parcel => {
      atRight.parcel(parcel)
      right.pause()
    },
    end: error => atRight.end(error),
  })
  for (const i of upTo(2)) void left.send(numbered(i))
  void right.close()
  await left.closed
  left.abort()
  right.resume()
  await right.closed
  assert.equal(atRight.numbers, upTo(2))
})

particular.run()
