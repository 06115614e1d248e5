import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Carrier, Transfer } from '../../../src/carriers/carrier.js'
import type { ErrorCode } from '../../../src/errors.js'
import type { Parcel } from '../../../src/packet.js'
import type { Abilities, Far, Test, WithPair } from '../../contract.js'
import { codeOf, numbered, talk, turns, until, upTo, within } from '../inbox.js'

export function pressure(name: string, withPair: WithPair, { transfers, kills }: Abilities): void {
  const waits = suite(`${name}: back-pressure`)

  const kinds: [name: string, make: (i: number) => Parcel, transfer: Transfer][] = [
    ['copied', i => numbered(i, 8192), false],
    ['large metadata', i => ({ meta: new Uint8Array(8192).fill(i), buffers: [] }), false],
  ]
  if (transfers) kinds.push(['transferred', i => numbered(i, 8192), true])
  for (const [kind, makeParcel, transfer] of kinds) {
    waits(
      `a sender that awaits waits for a paused receiver, until it resumes: ${kind}`,
      withPair(
        async ({ left, right, atRight }) => {
          await right.pause()
          let sent = 0
          let most = 0
          const flood = (async () => {
            for (; sent < 100; sent++) {
              const room = left.send(makeParcel(sent), transfer)
              most = Math.max(most, left.queuedBytes)
              await room
            }
          })()
          await turns(30)
          assert.ok(sent < 12, `${sent} packets sent to a receiver that is paused`)
          await right.resume()
          await within(flood, 'the flood')
          await atRight.reach(100)
          assert.ok(most < 65_536 + 2 * 8192, `${most} bytes were queued`)
        },
        { highWaterMark: 65_536 },
      ),
    )
  }

  waits(
    'small packets wait too, before a talk and after it',
    withPair(
      async test => {
        const { left, right, atRight } = test
        for (const isAfterTalk of [false, true]) {
          if (isAfterTalk) await talk(test)
          await right.pause()
          let sent = 0
          const flood = (async () => {
            for (; sent < 1000; sent++) await left.send(numbered(sent))
          })()
          await turns(30)
          assert.ok(sent < 600, `${sent} packets sent to a receiver that is paused`)
          await right.resume()
          await within(flood, 'the flood')
          await atRight.reach(1000)
          assert.equal(atRight.numbers, upTo(1000))
          atRight.parcels.length = 0
        }
      },
      { highWaterMark: 2000 },
    ),
  )

  waits(
    'a sender that does not wait loses nothing',
    withPair(
      async ({ left, right, atRight }) => {
        await right.pause()
        const rooms = upTo(200).map(i => left.send(numbered(i, 1000)))
        assert.instance(rooms.at(-1), Promise)
        assert.ok(left.queuedBytes > 199_000)
        await right.resume()
        await within(Promise.all(rooms), 'room')
        await atRight.reach(200)
        assert.equal(atRight.numbers, upTo(200))
        const { queuedBytes } = left
        assert.ok(queuedBytes <= 10_000, `${queuedBytes} bytes`)
      },
      { highWaterMark: 10_000 },
    ),
  )

  waits(
    'who looks again and again sees that nothing is queued when all was taken in',
    withPair(
      async ({ left, atRight }) => {
        for (const i of upTo(20)) await left.send(numbered(i, 1000))
        await atRight.reach(20)
        await until(() => left.queuedBytes === 0, 'nothing queued')
      },
      { highWaterMark: 16_000 },
    ),
  )

  waits(
    'with a high-water mark of one byte every packet waits for the one before, both ways',
    withPair(
      async ({ left, right, atLeft, atRight }) => {
        const flood = async (side: Carrier | Far) => {
          for (const i of upTo(100)) await side.send(numbered(i, 100))
        }
        assert.instance(left.send(numbered(0, 100)), Promise)
        await atRight.reach(1)
        atRight.parcels.length = 0
        await within(Promise.all([flood(left), flood(right)]), 'two floods')
        await Promise.all([atLeft.reach(100), atRight.reach(100)])
        assert.equal(atRight.numbers, upTo(100))
        assert.equal(atLeft.numbers, upTo(100))
      },
      { highWaterMark: 1 },
    ),
  )

  const ends: [name: string, happens: (test: Test) => unknown, code: ErrorCode][] = [
    ['this side aborts', ({ left }) => left.abort(), 'CLOSED'],
    ['the peer aborts', ({ right }) => right.abort(), 'PEER_GONE'],
  ]
  if (kills) ends.push(['the peer dies', ({ kill }) => kill!(), 'PEER_GONE'])
  for (const [what, happens, code] of ends) {
    waits(
      `whoever waits is told when ${what}`,
      withPair(
        async test => {
          await test.right.pause()
          const room = upTo(10)
            .map(i => test.left.send(numbered(i, 1000)))
            .at(-1)
          assert.instance(room, Promise)
          await happens(test)
          assert.is(await codeOf(() => room), code)
          await test.atLeft.ended()
          assert.is(test.atLeft.error?.code, code)
        },
        { highWaterMark: 1 },
      ),
    )
  }

  waits.run()
}
