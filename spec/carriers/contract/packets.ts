import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Carrier } from '../../../src/carriers/carrier.js'
import type { Parcel } from '../../../src/packet.js'
import type { Far, WithPair } from '../../contract.js'
import { numbered, talk, turns, upTo, windowsOn, within } from '../inbox.js'

const MiB = 2 ** 20

export function packets(name: string, withPair: WithPair): void {
  const order = suite(`${name}: order`)

  const sizes = [[], [10], [], [5000, 0, 3], [100_000], [], [], [1]]
  const sizeOf = (i: number): number[] => (i % 500 === 499 ? [MiB] : sizes[i % sizes.length]!)

  order(
    '4 000 packets, small and large, both ways at once, arrive whole and in order',
    withPair(async ({ left, right, atLeft, atRight }) => {
      const flood = async (side: Carrier | Far, count: number) => {
        for (let i = 0; i < count; i++) await side.send(numbered(i, ...sizeOf(i)))
      }
      await within(Promise.all([flood(left, 2000), flood(right, 2000)]), 'two floods')
      await Promise.all([atLeft.reach(2000), atRight.reach(2000)])
      assert.equal(atRight.numbers, upTo(2000))
      assert.equal(atLeft.numbers, upTo(2000))
    }),
  )

  order(
    'after a talk, bursts of small packets and the large ones between them keep their order',
    withPair(async test => {
      const { left, right, atLeft, atRight } = test
      await talk(test)
      for (let i = 0; i < 6000; i++) {
        const parcel = numbered(i, ...(i % 97 === 96 ? [20_000] : []))
        void left.send(parcel)
        if (i % 2 === 0) void right.send(numbered(i / 2))
        if (i % 1000 === 999) await turns(1)
      }
      await Promise.all([atLeft.reach(3000), atRight.reach(6000)])
      assert.equal(atRight.numbers, upTo(6000))
      assert.equal(atLeft.numbers, upTo(3000))
    }),
  )

  order(
    'text, bytes and buffers that are sent in one tick keep their order',
    withPair(async ({ left, atRight }) => {
      for (const i of upTo(300)) {
        const { meta, buffers } = numbered(i, ...(i % 7 === 0 ? [100] : []))
        const isText = left.textBytes >= 8 && i % 3 !== 0
        void left.send({
          meta: isText ? Buffer.from(meta as Uint8Array).toString('latin1') : meta,
          buffers,
        })
      }
      await atRight.reach(300)
      assert.equal(atRight.numbers, upTo(300))
    }),
  )

  order.run()

  const shapes = suite(`${name}: packets`)

  const every = Uint8Array.from({ length: 256 }, (_, i) => i)
  const bytes = (length: number): Uint8Array => {
    const filled = new Uint8Array(length)
    Buffer.from(filled.buffer).fill(every)
    return filled
  }
  const rows: [name: string, make: (textBytes: number) => Parcel][] = [
    ['nothing at all', () => ({ meta: bytes(0), buffers: [] })],
    ['metadata of one byte', () => ({ meta: bytes(1), buffers: [] })],
    ['metadata of every byte', () => ({ meta: bytes(256), buffers: [] })],
    ['metadata of 1 MiB', () => ({ meta: bytes(MiB), buffers: [] })],
    ['a buffer without metadata', () => ({ meta: bytes(0), buffers: [bytes(9)] })],
    ['an empty buffer', () => ({ meta: bytes(3), buffers: [bytes(0)] })],
    ['empty buffers among others', () => ({ meta: bytes(3), buffers: [0, 5, 0, 0, 7, 0].map(bytes) })],
    [
      'an empty window on memory that is not',
      () => ({ meta: bytes(3), buffers: [bytes(64).subarray(9, 9)] }),
    ],
    [
      'windows at every offset',
      () => ({ meta: bytes(3), buffers: upTo(17).map(i => bytes(64).subarray(i, i + 9)) }),
    ],
    ['buffers of one memory', () => ({ meta: bytes(3), buffers: windowsOn(bytes(64), [0, 9], [20, 9]) })],
    ['64 MiB', () => ({ meta: bytes(3), buffers: [bytes(64 * MiB)] })],
    ['text of no length', text(() => 0)],
    ['text of every byte', text(() => 256)],
    ['text as long as can be', text(textBytes => textBytes)],
    ['text with a buffer', textBytes => ({ ...text(() => 20)(textBytes), buffers: [bytes(9)] })],
  ]
  function text(length: (textBytes: number) => number): (textBytes: number) => Parcel {
    return textBytes => {
      const meta = bytes(Math.max(0, length(textBytes)))
      return { meta: textBytes < 0 ? meta : Buffer.from(meta).toString('latin1'), buffers: [] }
    }
  }
  for (const [row, makeParcel] of rows) {
    shapes(
      `${row}: arrives as it was`,
      withPair(async ({ left, right, atLeft, atRight }) => {
        const sent = makeParcel(left.textBytes)
        const want = makeParcel(left.textBytes)
        void left.send(sent)
        void left.send(numbered(1))
        await atRight.reach(2)
        sameParcel(atRight.parcels[0]!, want)
        void right.send(want)
        await atLeft.reach(1)
        sameParcel(atLeft.parcels[0]!, atRight.parcels[0]!)
      }),
    )
  }

  shapes(
    '65 536 buffers arrive, at a cost that grows with their number',
    withPair(async ({ left, atRight }) => {
      let arrived = 0
      const time = async (count: number): Promise<number> => {
        const start = process.cpuUsage()
        void left.send(numbered(7, ...Array<number>(count).fill(3)))
        await atRight.reach(++arrived)
        // Of the processor, since the machine may be busy with other things.
        const { user, system } = process.cpuUsage(start)
        assert.is(atRight.parcels[arrived - 1]!.buffers.length, count)
        return (user + system) / 1000
      }
      // Eight times as many take eight times as long, 64 times if each is compared with all others. Collections have
      // been seen to make 24 of it, on a machine with other work.
      let [few, many] = [Infinity, Infinity]
      for (let round = 0; round < 8 && !(many < 24 * few && round > 1); round++) {
        few = Math.min(few, await time(8192))
        many = Math.min(many, await time(65_536))
      }
      assert.ok(many < 40 * few, `${many} ms, an eighth of it ${few} ms`)
      assert.equal(atRight.numbers, Array<number>(arrived).fill(7))
    }),
  )

  shapes.run()
}

function sameParcel(arrived: Parcel, sent: Parcel): void {
  const metaOf = ({ meta }: Parcel) => (typeof meta === 'string' ? Buffer.from(meta, 'latin1') : meta)
  assert.ok(Buffer.compare(metaOf(arrived), metaOf(sent)) === 0, 'metadata')
  assert.is(arrived.buffers.length, sent.buffers.length)
  for (const [i, buffer] of sent.buffers.entries()) {
    assert.ok(Buffer.compare(arrived.buffers[i]!, buffer) === 0, `buffer ${i}`)
  }
}
