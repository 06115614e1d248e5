import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Carrier } from '../../../src/carriers/carrier.js'
import type { Far, Make, Test, WithPair } from '../../contract.js'
import { codeOf, Inbox, numbered, talk, turns, upTo, within } from '../inbox.js'

export function closing(name: string, withPair: WithPair, make: Make): void {
  const goodbye = suite(`${name}: close`)

  /** Both sides know, once and without an error. */
  const closedBoth = async ({ left, right, atLeft, atRight }: Test) => {
    await within(Promise.all([left.closed, right.closed]), 'both sides closed')
    await Promise.all([atLeft.ended(), atRight.ended()])
    await turns(2)
    assert.equal([atLeft.ends, atRight.ends, atLeft.error, atRight.error], [1, 1, undefined, undefined])
    assert.is(left.queuedBytes, 0)
  }
  /** Resolves when all is sent, which takes a while on a side that is led. */
  const flood = (side: Carrier | Far): Promise<unknown> => {
    const sent = Promise.all(upTo(200).map(i => side.send(numbered(i, ...(i % 3 === 0 ? [3000] : [])))))
    // Where the other side has closed meanwhile.
    sent.catch(() => {})
    return sent
  }

  const rows: [name: string, run: (test: Test) => unknown, atLeft: number, atRight: number][] = [
    ['with nothing under way', ({ left }) => left.close(), 0, 0],
    ['by the peer, with nothing under way', ({ right }) => right.close(), 0, 0],
    [
      'delivers everything sent before',
      ({ left }) => {
        void flood(left)
        return left.close()
      },
      0,
      200,
    ],
    [
      'after a talk delivers everything both sent before',
      async test => {
        await talk(test)
        await flood(test.right)
        void flood(test.left)
        return Promise.all([test.right.close(), test.left.close()])
      },
      200,
      200,
    ],
    [
      'by the peer delivers everything sent before',
      ({ right }) => {
        void flood(right)
        return right.close()
      },
      200,
      0,
    ],
    [
      'by both at once delivers everything both sent',
      async ({ left, right }) => {
        await flood(right)
        void flood(left)
        return Promise.all([left.close(), right.close()])
      },
      200,
      200,
    ],
    [
      'twice is as once',
      async ({ left }) => {
        void flood(left)
        await Promise.all([left.close(), left.close()])
        await left.close()
      },
      0,
      200,
    ],
    [
      'waits for a paused peer, which then gets everything',
      async ({ left, right }) => {
        await right.pause()
        void flood(left)
        const closed = left.close()
        await turns(5)
        await right.resume()
        return closed
      },
      0,
      200,
    ],
    [
      'by a paused side takes in what is under way',
      async ({ left, right, atLeft }) => {
        left.pause()
        void flood(right)
        await turns(5)
        await left.close()
        assert.ok(atLeft.parcels.length <= 200)
      },
      -1,
      0,
    ],
    [
      'is as ever for who is no reason to live, whenever that was said',
      async ({ left, right }) => {
        // Then this process would end before it has seen it all.
        const reason = setInterval(() => {}, 1000)
        left.keepAlive?.(false)
        void flood(left)
        await flood(right)
        const closed = left.close()
        for (const isKept of [true, false]) left.keepAlive?.(isKept)
        await closed
        for (const isKept of [false, true]) left.keepAlive?.(isKept)
        clearInterval(reason)
      },
      200,
      200,
    ],
    [
      'ends what abort after it cannot harm',
      async ({ left }) => {
        await left.close()
        left.abort()
      },
      0,
      0,
    ],
  ]
  for (const [row, run, left, right] of rows) {
    goodbye(
      row,
      withPair(async test => {
        await within(Promise.resolve(run(test)), row)
        await closedBoth(test)
        if (left >= 0) assert.equal(test.atLeft.numbers, upTo(left))
        assert.equal(test.atRight.numbers, upTo(right))
      }),
    )
  }

  goodbye(
    'send is CLOSED after it, on the side that closed and on the other',
    withPair(async test => {
      const { left, right } = test
      const closed = left.close()
      assert.is(await codeOf(() => left.send(numbered(1))), 'CLOSED')
      await within(closed, 'closed')
      assert.is(await codeOf(() => left.send(numbered(1, 10), true)), 'CLOSED')
      await closedBoth(test)
      assert.is(await codeOf(() => right.send(numbered(1))), 'CLOSED')
      assert.equal(test.atRight.numbers, [])
    }),
  )

  goodbye('a packet waits for a receiver that comes late', async () => {
    const { left, right, dispose } = await make({})
    try {
      left.receive(new Inbox())
      void left.send(numbered(0, 100))
      void left.send(numbered(1))
      const closed = left.close()
      await turns(3)
      const atRight = new Inbox()
      await right.receive(atRight)
      await atRight.ended()
      assert.equal(atRight.numbers, [0, 1])
      await within(closed, 'closed')
    } finally {
      await dispose()
    }
  })

  goodbye('a receiver that comes after the end is told of it', async () => {
    const { left, right, dispose } = await make({})
    try {
      await right.receive(new Inbox())
      left.abort()
      const atLeft = new Inbox()
      left.receive(atLeft)
      await atLeft.ended()
      assert.is(atLeft.error?.code, 'CLOSED')
      await turns(2)
      assert.is(atLeft.ends, 1)
    } finally {
      await dispose()
    }
  })

  goodbye.run()
}
