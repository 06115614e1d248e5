/** Readers in processes and threads of their own, that work, forget, die and lie. */
import { readdirSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { encode, type Packet } from '../../src/index.js'
import { type ArenaLender, release, type SharedArena } from '../../src/shm/index.js'
import { descriptorsOfShm, eventually, isLinux } from '../shm/kit.js'
import { withArena } from './kit.js'
import type { Seen } from './peer.js'
import { endAll, inProcess, inThread, type Peer, readerOf } from './peers.js'

const descriptors = (): number => readdirSync('/proc/self/fd').length

const test = suite('arena: processes')
test.after.each(endAll)
test.after(() => assert.equal(descriptorsOfShm(), []))
const row = isLinux ? test : test.skip

const lendTo = (arena: SharedArena, lender: ArenaLender, value: unknown): Packet =>
  lender.lend(encode(value, { bufferCallback: arena.bufferCallback }))

/** Asks for a packet to be opened; answers with the number of its value. */
async function open(arena: SharedArena, { peer, lender }: Reader, value: unknown): Promise<number> {
  const number = await peer.ask<number>('open', lendTo(arena, lender, value))
  assert.type(number, 'number')
  return number
}

interface Reader {
  readonly peer: Peer
  readonly lender: ArenaLender
}

row(
  'processes and threads see one block, which is free when the last of them has released it',
  withArena(async arena => {
    const before = descriptors()
    const starts = [inProcess, inProcess, inThread, inProcess]
    const readers = await Promise.all(starts.map(start => readerOf(arena, start)))
    const own = arena.alloc(Uint8Array, 100_000).fill(3)
    const numbers = await Promise.all(
      readers.map(reader => open(arena, reader, { own, few: own.slice(0, 5) })),
    )
    const seen = await Promise.all(readers.map(({ peer }, i) => peer.ask<Seen>('see', numbers[i])))
    for (const { sums, readonly } of seen)
      assert.equal(
        [sums, readonly],
        [
          [300_000, 15],
          [true, false],
        ],
      )
    own[0] = 4
    assert.is((await readers[0]!.peer.ask<Seen>('see', numbers[0])).sums[0], 300_001)
    release(own)
    for (const [i, { peer }] of readers.entries()) {
      assert.is(arena.stats.blocks, 1)
      assert.is(await peer.ask('release', numbers[i]), undefined)
      assert.is(await peer.ask('release', numbers[i]), 'SHM_STALE')
    }
    assert.equal([arena.stats.blocks, arena.stats.leases], [0, 0])
    for (const { peer } of readers) await peer.end()
    await eventually('the readers are gone', () => arena.stats.readers === 0)
    arena.close()
    await eventually('all descriptors are closed', () => descriptors() <= before)
  }),
)

for (const [how, start] of [
  ['a process that is killed', inProcess],
  ['a thread that is terminated', inThread],
] as const) {
  row(
    `${how} gives all back, though nobody tells of it`,
    withArena(async arena => {
      const reader = await readerOf(arena, start)
      const own = arena.alloc(Uint8Array, 1000)
      for (let i = 0; i < 10; i++) await open(arena, reader, { own, more: new Uint8Array(5000) })
      // Under way when it dies, or never read.
      for (let i = 0; i < 10; i++) lendTo(arena, reader.lender, new Uint8Array(5000))
      assert.equal([arena.stats.leases, arena.stats.blocks], [30, 21])
      await reader.peer.end('SIGKILL')
      // Of a process the lock is free before its end is told, of a thread soon after.
      if (start === inProcess) release(arena.alloc(Uint8Array, 2 ** 20 - 1024))
      else await arena.roomFor(2 ** 20 - 1024)
      assert.equal([arena.stats.leases, arena.stats.blocks, arena.stats.readers], [0, 1, 0])
      assert.ok(reader.lender.isOver)
    }),
  )
}

/** Asks the peer to forget a value, until so many leases are left. */
async function dropped(arena: SharedArena, peer: Peer, number: number, leases: number): Promise<void> {
  for (let round = 0; round < 50 && arena.stats.leases > leases; round++) await peer.ask('drop', number)
  assert.is(arena.stats.leases, leases)
}

row(
  'a lease ends when no view of its window is left, and not while a piece of it is',
  withArena(async arena => {
    const reader = await readerOf(arena)
    const { peer } = reader
    const first = await open(arena, reader, { bytes: new Uint8Array(20_000) })
    const second = await open(arena, reader, { bytes: new Uint8Array(20_000).fill(1) })
    await peer.ask('keepPiece', second)
    await dropped(arena, peer, first, 1)
    for (let i = 0; i < 3; i++) await peer.ask('drop', first)
    assert.is(arena.stats.leases, 1)
    assert.equal((await peer.ask<Seen>('see', second)).sums, [10])
    await dropped(arena, peer, second, 0)
    await peer.ask('close')
    assert.is(await peer.ask('mapped'), 0)
    await peer.end()
  }),
)

row('arrays of the owner are given back when no view of them is left', async () => {
  const peer = inProcess()
  const [made, left, kept] = await peer.ask<number[]>('own')
  assert.equal([made, kept], [50, 2])
  // The one of which a piece is kept.
  assert.is(left, 1)
  assert.is(await peer.ask('mapped'), 0)
  await peer.end()
})

row('an arena and a reader that are forgotten leave nothing open or mapped', async () => {
  const peer = inProcess()
  assert.equal(await peer.ask('forget'), [5003, 0, 0])
  await peer.end()
})

row(
  'a slow reader makes its owner wait, in the room there is',
  withArena(async arena => {
    const { peer, lender } = await readerOf(arena)
    const seen: Promise<Seen>[] = []
    for (let i = 0; i < 60; i++) {
      const packet = await lender.lendWhenRoom(encode({ bytes: new Uint8Array(300_000).fill(i) }))
      seen.push(peer.ask<Seen>('pass', packet))
    }
    for (const [i, { sums }] of (await Promise.all(seen)).entries()) assert.equal(sums, [300_000 * i])
    assert.ok(arena.stats.reservedBytes <= 2 ** 20 + 4096)
    await peer.end()
  }),
)

row(
  'what was released is read ten thousand times while others use the memory: no crash',
  withArena(async arena => {
    const reader = await readerOf(arena)
    const number = await open(arena, reader, { a: new Uint8Array(50_000), b: arena.alloc(Uint8Array, 5000) })
    await reader.peer.ask('release', number)
    const reading = reader.peer.ask('readAfter', number, 10_000)
    for (let i = 0; i < 100; i++) release(arena.alloc(Uint8Array, 200_000).fill(i))
    assert.is(await reading, 10_000)
    // The owner ends, too: the memory stays for as long as somebody looks at it.
    arena.close()
    assert.is(await reader.peer.ask('readAfter', number, 10_000), 10_000)
    await reader.peer.end()
  }),
)

row(
  'a reader that scribbles over its leases harms itself alone',
  withArena(
    async arena => {
      const [hostile, honest] = [await readerOf(arena), await readerOf(arena)]
      const scribbling = hostile.peer.ask('scribble', hostile.lender.ticket, 3_000_000)
      let isOver = false
      void scribbling.then(() => {
        isOver = true
      })
      for (let i = 0; !isOver || i < 50; i++) {
        try {
          lendTo(arena, hostile.lender, new Uint8Array(5000).fill(255))
        } catch (error) {
          const { code } = error as { code?: string }
          assert.ok(code === 'SHM_NOSPACE' || code === 'PEER_GONE', String(error))
        }
        const packet = await honest.lender.lendWhenRoom(encode({ bytes: new Uint8Array(6000).fill(i & 63) }))
        const seen = honest.peer.ask<Seen>('pass', packet)
        arena.sweep()
        assert.equal((await seen).sums, [6000 * (i & 63)])
      }
      assert.is(await scribbling, 3_000_000)
      hostile.lender.end()
      assert.equal([arena.stats.leases, arena.stats.blocks], [0, 0])
      await hostile.peer.end()
      await honest.peer.end()
    },
    { leases: 64 },
  ),
)

row(
  'fifty readers that come and die leave nothing behind',
  withArena(async arena => {
    const own = arena.alloc(Uint8Array, 5000)
    const before = descriptors()
    const peer = inThread()
    for (let i = 0; i < 50; i++) {
      const lender = arena.lender()
      await peer.ask('attach', lender.ticket)
      await peer.ask('open', lendTo(arena, lender, { own }))
      if (i % 2 === 0) lender.end()
      await peer.ask('close')
    }
    assert.equal([arena.stats.readers, arena.stats.leases, arena.stats.blocks], [0, 0, 1])
    await peer.end()
    await eventually('all descriptors are closed', () => descriptors() <= before)
  }),
)

test.run()
