/** Quotas: an arena that is full refuses, or makes its owner wait, and never grows. */
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { encode, isReadonly } from '../../src/index.js'
import { release } from '../../src/shm/index.js'
import { descriptorsOfShm, isLinux } from '../shm/kit.js'
import { endsOf, refused, rejects, withArena } from './kit.js'

const KIB = 1024
const test = suite('arena: room')
test.after(() => assert.equal(descriptorsOfShm(), []))
const row = isLinux ? test : test.skip

row(
  'the quota can be had to the last byte, and not a byte more',
  withArena(arena => {
    assert.ok(arena.hasRoom(2 ** 20))
    const all = arena.alloc(Uint8Array, 2 ** 20).fill(1)
    assert.not.ok(arena.hasRoom(1))
    assert.ok(arena.hasRoom(0))
    refused(() => arena.alloc(Uint8Array, 1), 'SHM_NOSPACE', { requested: 1, available: 0 })
    refused(() => arena.alloc(Uint8Array, 2 ** 20 + 1), 'LIMIT', {
      requested: 2 ** 20 + 1,
      available: 2 ** 20,
    })
    release(all)
    assert.ok(arena.hasRoom(2 ** 20))
    assert.ok(arena.stats.reservedBytes <= 2 ** 20 + 4096)
  }),
)

row(
  'pages are taken as blocks first reach them',
  withArena(
    arena => {
      const before = arena.stats.reservedBytes
      const blocks = [arena.alloc(Uint8Array, 100), arena.alloc(Uint8Array, 2 ** 22)]
      const { reservedBytes } = arena.stats
      assert.ok(before <= 2 ** 20 && reservedBytes >= 2 ** 22 && reservedBytes <= 2 ** 22 + 3 * 2 ** 20)
      for (let i = 0; i < 50; i++) release(arena.alloc(Uint8Array, 2 ** 22))
      release(blocks)
      assert.ok(arena.stats.reservedBytes <= 2 ** 22 * 2 + 4 * 2 ** 20)
    },
    { byteLength: 2 ** 30 },
  ),
)

row(
  'a packet is lent as a whole or not at all',
  withArena(
    arena => {
      const { lender } = endsOf(arena)
      const own = arena.alloc(Uint8Array, 10 * KIB)
      const { usedBytes } = arena.stats
      const packet = encode([own, new Uint8Array(60 * KIB), new Uint8Array(60 * KIB)])
      refused(() => lender.lend(packet), 'LIMIT')
      const other = arena.alloc(Uint8Array, 20 * KIB)
      refused(() => lender.lend(encode([own, ...twice(45 * KIB)])), 'SHM_NOSPACE')
      assert.equal([arena.stats.leases, arena.stats.usedBytes], [0, usedBytes + 20 * KIB])
      release(other)
      lender.lend(encode([own, ...twice(45 * KIB)]))
      assert.is(arena.stats.leases, 3)
    },
    { byteLength: 100 * KIB },
  ),
)

function twice(byteLength: number): Uint8Array[] {
  return [new Uint8Array(byteLength), new Uint8Array(byteLength)]
}

row(
  'lendWhenRoom waits until the reader has given something back',
  withArena(
    async arena => {
      const { lender, reader, send } = endsOf(arena)
      const first = send(new Uint8Array(80 * KIB).fill(1))
      const later = new Uint8Array(80 * KIB).fill(2)
      const waiting = lender.lendWhenRoom(encode(later))
      assert.is(
        await Promise.race([waiting, new Promise(resolve => setTimeout(resolve, 30, 'none'))]),
        'none',
      )
      release(first)
      const [bytes] = reader.open(await waiting).buffers
      assert.is(bytes![80 * KIB - 1], 2)
      assert.not.ok(isReadonly(bytes!))
    },
    { byteLength: 100 * KIB },
  ),
)

row(
  'a hundred packets pass through an arena that has room for two',
  withArena(
    async arena => {
      const { lender, reader } = endsOf(arena)
      const sent: Promise<unknown>[] = []
      let next = 0
      for (let i = 0; i < 100; i++) {
        const waiting = lender.lendWhenRoom(encode(new Uint8Array(45 * KIB).fill(i)))
        sent.push(
          waiting.then(packet => {
            const { buffers } = reader.open(packet)
            assert.is(buffers[0]![next % KIB], i)
            next++
            setImmediate(() => release(buffers))
          }),
        )
      }
      await Promise.all(sent)
      assert.is(next, 100)
    },
    { byteLength: 100 * KIB },
  ),
)

row(
  'two who wait for more than there is do not keep each other awake',
  withArena(
    async arena => {
      const { lender } = endsOf(arena)
      arena.alloc(Uint8Array, 1)
      const held = arena.alloc(Uint8Array, 50 * KIB)
      const packets = [encode(twice(45 * KIB)), encode(twice(40 * KIB))]
      const waiting = packets.map(packet => lender.lendWhenRoom(packet))
      // Were there no end of microtasks, this would never come.
      await new Promise(resolve => setTimeout(resolve, 50))
      assert.is(arena.stats.leases, 0)
      release(held)
      lender.recall(await waiting[0]!)
      lender.recall(await waiting[1]!)
      assert.is(arena.stats.leases, 0)
    },
    { byteLength: 100 * KIB },
  ),
)

row(
  "to wait has an end: a time, a signal, the arena's own, or what never can be",
  withArena(
    async arena => {
      const { lender } = endsOf(arena)
      const held = arena.alloc(Uint8Array, 90 * KIB)
      const packet = encode(new Uint8Array(50 * KIB))
      await rejects(arena.roomFor(50 * KIB, { timeoutMs: 5 }), 'TIMEOUT')
      await rejects(lender.lendWhenRoom(packet, { timeoutMs: 0 }), 'TIMEOUT')
      for (const timeoutMs of [-5, Number.NaN, 'soon' as never])
        assert.instance(await arena.roomFor(50 * KIB, { timeoutMs }).catch(error => error), TypeError)
      for (const timeoutMs of [2 ** 31, Number.POSITIVE_INFINITY]) {
        const controller = new AbortController()
        const late = arena.roomFor(50 * KIB, { timeoutMs, signal: controller.signal }).catch(error => error)
        assert.is(await Promise.race([late, sleep(10).then(() => 'waiting')]), 'waiting')
        controller.abort(new RangeError('enough'))
        await late
      }
      await rejects(arena.roomFor(200 * KIB), 'LIMIT')
      await rejects(lender.lendWhenRoom(encode(twice(60 * KIB))), 'LIMIT')
      const controller = new AbortController()
      const aborted = lender.lendWhenRoom(packet, { signal: controller.signal })
      controller.abort(new RangeError('enough'))
      assert.is(await aborted.catch(error => error.message), 'enough')
      assert.is(await arena.roomFor(1, { signal: controller.signal }).then(() => 'room'), 'room')
      await arena.roomFor(0)
      const waiting = [arena.roomFor(50 * KIB), lender.lendWhenRoom(packet)]
      arena.close()
      for (const late of waiting) await rejects(late, 'CLOSED')
      await rejects(arena.roomFor(1), 'CLOSED')
      assert.is(held[0], 0)
    },
    { byteLength: 100 * KIB },
  ),
)

row(
  'leases are counted: with none left a packet waits, and one that wants more than there are is LIMIT',
  withArena(
    async arena => {
      const { lender, reader } = endsOf(arena)
      const arrays = Array.from({ length: 5 }, () => arena.alloc(Uint8Array, 8))
      const packetOf = (count: number) => encode(arrays.slice(0, count), { threshold: 0 })
      refused(() => lender.lend(packetOf(5)), 'LIMIT', { requested: 5, available: 4 })
      const { buffers } = reader.open(lender.lend(packetOf(3)))
      refused(() => lender.lend(packetOf(2)), 'SHM_NOSPACE')
      assert.is(arena.stats.leases, 3)
      const waiting = lender.lendWhenRoom(packetOf(4))
      release(buffers)
      lender.recall(await waiting)
      assert.is(arena.stats.leases, 0)
    },
    { leases: 4 },
  ),
)

row(
  'an array is lent ten thousand times with four leases, for it comes back each time',
  withArena(
    arena => {
      const { send } = endsOf(arena)
      const own = arena.alloc(Uint8Array, 5000)
      for (let i = 0; i < 10_000; i++) release(send(own))
      assert.is(arena.stats.leases, 0)
    },
    { leases: 4 },
  ),
)

row(
  'roomFor resolves when the owner itself lets go',
  withArena(async arena => {
    const held = arena.alloc(Uint8Array, 2 ** 20)
    const room = arena.roomFor(2 ** 19)
    release(held)
    await room
    assert.ok(arena.hasRoom(2 ** 20))
  }),
)

test.run()
