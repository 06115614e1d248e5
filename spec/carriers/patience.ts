/** How long `close` waits, for the carriers that go by what their peer is seen to take: ports and rings. */
import * as assert from 'uvu/assert'
import type { Carrier } from '../../src/carriers/carrier.js'
import { codeOf, Inbox, numbered, upTo, within } from './inbox.js'

/** `carrier`: with `closeTimeoutMs: 0`, and a peer that is nobody's. */
export async function waitsForEver(carrier: Carrier): Promise<void> {
  carrier.receive(new Inbox())
  let isOver = false
  void carrier
    .close()
    .catch(() => {})
    .then(() => {
      isOver = true
    })
  await new Promise(resolve => setTimeout(resolve, 50))
  assert.is(isOver, false)
  carrier.abort()
  assert.is(await codeOf(() => carrier.closed), 'CLOSED')
}

/** `left`: with a `closeTimeoutMs` of 600, of which `right` takes three times as long for all, and never as long for one. */
export async function waitsForTakers(left: Carrier, right: Carrier): Promise<void> {
  left.receive(new Inbox())
  const atRight = new Inbox()
  // Both clocks are of this thread, so that a busy machine is late with either.
  right.receive({
    parcel: parcel => {
      atRight.parcel(parcel)
      right.pause()
      setTimeout(() => right.resume(), 100)
    },
    end: error => atRight.end(error),
  })
  for (const i of upTo(15)) void left.send(numbered(i, 2000))
  await within(left.close(), 'close')
  await atRight.ended()
  assert.equal(atRight.numbers, upTo(15))
}
