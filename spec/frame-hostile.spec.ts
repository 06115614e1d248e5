/** Hostile frames, in memory, in a stream and byte by byte: how they end, what they cost and what is kept of them. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type FrameEnd, frameRows } from '../fixtures/hostile/frames.js'
import { Deframer, packBytes, unpack } from '../src/frame/index.js'
import { isOutbandError, LIMITS, type Limits } from '../src/index.js'
import { allowedHeap, inBudget } from './budget.js'
import { heapBytes, keptBytes } from './collect.js'
import { whileFlipped } from './flipped.js'
import { everyByte, packetOf, pushed, read, shown, whole } from './frames.js'
import { canaries } from './prototypes.js'

const KiB = 2 ** 10
const untouched = canaries()

function inMemory(bytes: Uint8Array, limits: Limits): FrameEnd {
  try {
    unpack(bytes, { limits })
    return 1
  } catch (error) {
    if (isOutbandError(error)) return error.code
    throw error
  }
}

function inStream(
  bytes: Uint8Array,
  limits: Limits,
  way: typeof pushed | typeof read,
  sizes = whole,
): FrameEnd {
  const { packets, code } =
    way === read ? read(bytes, sizes, 1, { limits }) : pushed(bytes, sizes, { limits })
  return code ?? packets.length
}

for (const profile of ['trusted', 'untrusted'] as const) {
  const test = suite(`frame hostile: ${profile}`)

  for (const { threat, name, make, limits, [profile]: end, streamed = end } of frameRows) {
    const allowed: Limits = { ...LIMITS[profile], ...limits }

    test(`${threat}: ${name}`, async () => {
      const bytes = make()
      const readers = [
        () => assert.is(inMemory(bytes, allowed), end),
        () => assert.is(inStream(bytes, allowed, pushed), streamed),
        () => assert.is(inStream(bytes, allowed, read), streamed),
      ]
      for (const run of readers) {
        const before = heapBytes()
        await inBudget(() => ({ size: bytes.length, run }))
        const heap = heapBytes() - before
        // What is over the budget may be garbage, staging memory of 64 KiB with it.
        const kept = heap < allowedHeap(bytes.length) ? heap : keptBytes() - before
        assert.ok(kept < allowedHeap(bytes.length), `${kept} bytes of heap for ${bytes.length} bytes`)
      }
      if (bytes.length <= 16 * KiB) assert.is(inStream(bytes, allowed, pushed, everyByte), streamed)
      assert.is(untouched(), undefined)
    })
  }

  test.run()
}

const after = suite('frame hostile: afterwards')

/** Bytes that each of many deframers keeps: of one, what V8 compiles meanwhile would be most. */
function kept(count: number, feed: (deframer: Deframer) => void): number {
  const before = keptBytes()
  const deframers = Array.from({ length: count }, () => new Deframer())
  for (const deframer of deframers) {
    try {
      feed(deframer)
    } catch (error) {
      if (!isOutbandError(error)) throw error
    }
  }
  const each = (keptBytes() - before) / count
  assert.ok(deframers.every(deframer => deframer instanceof Deframer))
  return each
}

after('a refused frame is not kept, however much of it had come', () => {
  const bad = packBytes(packetOf(100_000, 200_000, 3, 300_000, 9), { checksum: true })
  bad[bad.length - 8]! ^= 1
  const each = kept(50, deframer => {
    deframer.target().set(bad.subarray(0, 1000))
    void deframer.filled(1000)
    void deframer.push(bad.subarray(1000))
  })
  assert.ok(each < 16 * KiB, `${each} bytes each`)
})

after('eight announced GiB of which nothing comes take no memory', () => {
  const head = packBytes(packetOf(1, 0, 0))
  const view = new DataView(head.buffer)
  for (const at of [24, 32]) view.setBigUint64(at, 2n ** 32n, true)
  const announced = head.subarray(0, 48)
  const each = kept(50, deframer => {
    void deframer.push(announced)
    assert.ok(deframer.progress!.total! > 2 ** 33)
  })
  assert.ok(each < 16 * KiB, `${each} bytes each`)
  const begun = kept(50, deframer => {
    void deframer.push(announced)
    void deframer.push(new Uint8Array(17))
  })
  assert.ok(begun < 96 * KiB, `${begun} bytes each`)
})

after('who sends a byte a second makes us hold what came and 64 KiB', () => {
  const frame = packBytes(packetOf(1, 60_000_000))
  const each = kept(50, deframer => {
    for (let at = 0; at < 1000; at++) {
      deframer.target(1).set(frame.subarray(at, at + 1))
      void deframer.filled(1)
    }
    assert.is(deframer.progress!.received, 1000)
  })
  assert.ok(each < 96 * KiB, `${each} bytes each`)
})

after('a good frame after a bad one, on a new deframer, 1000 times', () => {
  const rows = frameRows.map(row => row.make()).filter(bytes => bytes.length < 8 * KiB)
  const good = packBytes(packetOf(20, 30, 5000, 0))
  const wanted = shown([unpack(good)])
  for (let i = 0; i < 1000; i++) {
    pushed(rows[i % rows.length]!, whole)
    const { packets } = pushed(good, whole)
    if (i % 50 === 0) assert.equal(shown(packets), wanted)
    else assert.is(packets.length, 1)
  }
})

after('a frame in shared memory that another thread flips is a snapshot or an error', async () => {
  const bytes = packBytes(packetOf(20, 30, 2000, 0))
  let errors = 0
  await whileFlipped(
    bytes,
    shared => {
      try {
        const { buffers } = unpack(shared, { limits: 'untrusted' })
        assert.ok(buffers.every(({ buffer }) => buffer === shared.buffer))
      } catch (error) {
        if (!isOutbandError(error)) throw error
        errors++
      }
    },
    () => errors > 0,
  )
  assert.ok(errors > 0)
  assert.is(untouched(), undefined)
})

after.run()
