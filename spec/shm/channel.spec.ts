/** Channels whose ends share memory: between real processes, each way they can meet, and what they fall back to. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Channel } from '../../src/channel.js'
import { decode, encode, type OutbandError } from '../../src/index.js'
import { type ChildChannel, type ForkOptions, forkChannel, spawnChannel } from '../../src/process/index.js'
import { connectShared, memoryOf, SharedArena, serveShared } from '../../src/shm/index.js'
import { connect, serve } from '../../src/socket/index.js'
import { upTo, within } from '../carriers/inbox.js'
import { somePath } from '../carriers/path.js'
import { collect } from '../collect.js'
import { movedUp } from '../moved.js'
import { errorOf, expectEcho, take, withChannel } from '../process/kit.js'
import { thrown } from '../thrown.js'
import { descriptorsOfShm, eventually, isLinux } from './kit.js'

const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const member = fileOf('member.js')
const withoutKoffi = ['--import', new URL('without-koffi.js', import.meta.url).href]
const python = fileURLToPath(new URL('../../../fixtures/python/echo_frames.py', import.meta.url))
const MiB = 2 ** 20

/** Runs with an arena of its own, of which nothing is left afterwards. */
async function withArena(byteLength: number, run: (arena: SharedArena) => unknown): Promise<void> {
  const before = descriptorsOfShm()
  const arena = SharedArena.create({ byteLength })
  try {
    await run(arena)
  } finally {
    arena.close()
  }
  await eventually('no descriptor is left', () => {
    collect()
    return descriptorsOfShm().length <= before.length
  })
}

/** Arrays there and back, more than fit anywhere at a time. */
async function expectArrays(channel: Channel, count = 40): Promise<void> {
  const send = async () => {
    for (const i of upTo(count)) await channel.send(new Float64Array(i % 4 === 3 ? 10 : 40_000).fill(i))
  }
  const sent = send()
  for (const [i, x] of (await take(channel, count)).entries()) {
    const isRight = (x as Float64Array).every(item => item === i)
    assert.ok(isRight, `array ${i}`)
  }
  await within(sent, 'all of them sent')
}

type Start = (options: Pick<ForkOptions, 'memory'>) => ChildChannel
const node = (role: string, rest: ForkOptions = {}): Start => {
  return options => forkChannel(member, [role], { ...rest, ...options })
}
const isRoot = process.getuid?.() === 0
const canUnshare = isRoot && spawnSync('unshare', ['-pf', '--mount-proc', 'true']).status === 0
const hasPython = spawnSync('python3', ['--version']).status === 0
for (const [isThere, what] of [
  [isRoot, 'a peer of another user: wants root'],
  [canUnshare, 'a peer that sees other processes: wants unshare'],
  [hasPython, 'a peer in Python'],
] as const) {
  if (!isThere) console.log(`SKIP: shared memory with ${what}`)
}

const inNamespace: Start = options =>
  spawnChannel('unshare', ['-pf', '--mount-proc', '--kill-child', process.execPath, member, 'echo'], options)

/** Whether all goes by memory in the end. */
const ways: [name: string, isJoined: boolean, start: Start, isThere?: boolean][] = [
  ['forkChannel', isLinux, node('echo')],
  ['spawnChannel', isLinux, options => spawnChannel(process.execPath, [member, 'echo'], options)],
  ['over standard input and output', isLinux, node('echo', { over: 'stdio' })],
  ['a child that keeps its memory to itself', false, node('private')],
  ['a child without koffi', false, node('echo', { execArgv: withoutKoffi })],
  ['a child of another user', false, node('stranger'), isRoot],
  ['a child that sees other processes, as in a container', false, inNamespace, canUnshare],
  [
    'a program that knows nothing of it',
    false,
    options => spawnChannel('python3', [python], options),
    hasPython,
  ],
]

const echo = suite('shared memory: every value comes back equal')

for (const [name, isJoined, start, isThere = true] of ways) {
  const row = isThere ? echo : echo.skip
  row(`${name}: ${isJoined ? 'by memory' : 'by the socket'}`, () =>
    withArena(4 * MiB, arena =>
      withChannel(
        () => start({ memory: { arena, threshold: 4096, pipeBytes: 2 ** 16 } }),
        async channel => {
          const memory = memoryOf(channel)!
          // Before it is known, and after.
          await expectEcho(channel, 10)
          if (isJoined) assert.is(await within(memory.joined, 'joined', 15_000), true)
          // What goes by the socket goes there in other specs too.
          await expectEcho(channel, isJoined ? 1 : 10)
          await expectArrays(channel)
          await within(channel.close(), 'close')
          assert.is(await memory.joined, isJoined)
          assert.equal(await within(channel.exited, 'the exit', 15_000), { exitCode: 0, signal: null })
        },
      ),
    ),
  )
}

echo('this side has no koffi: by the socket', () => {
  const script = `
    import { forkChannel } from 'outband/process'
    import { memoryOf } from 'outband/shm'
    const channel = forkChannel(${JSON.stringify(member)}, ['echo'], { memory: 'shared', execArgv: [] })
    await channel.send(new Uint8Array(100_000).fill(7))
    for await (const bytes of channel) {
      console.log(bytes.length, bytes[99_999], await memoryOf(channel).joined)
      break
    }
    try {
      memoryOf(channel).arena
    } catch (error) {
      console.log(error.code, error.message)
    }
    await channel.close()
  `
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [...withoutKoffi, '--input-type=module', '-e', script],
    { encoding: 'utf8', cwd: fileOf('../../..'), timeout: 30_000 },
  )
  assert.equal([stderr, status], ['', 0])
  assert.match(stdout, /^100000 7 false\nUNSUPPORTED .*npm install koffi/)
})

type Serve = typeof serveShared | typeof serve
type Connect = typeof connectShared | typeof connect
const sockets: [name: string, isJoined: boolean, serve: Serve, connect: Connect][] = [
  ['connectShared to serveShared', isLinux, serveShared, connectShared],
  ['connectShared to serve', false, serve, connectShared],
  ['connect to serveShared', false, serveShared, connect],
]
for (const [name, isJoined, serve, connect] of sockets) {
  echo(`${name}: ${isJoined ? 'by memory' : 'by the socket'}`, () =>
    withArena(4 * MiB, async arena => {
      const memory = { arena, threshold: 4096 }
      let isThere: boolean | undefined
      const path = somePath()
      const options = { memory, limits: 'trusted' } as const
      const server = await serve(
        path,
        async (channel: Channel) => {
          void memoryOf(channel)?.joined.then(isJoined => {
            isThere = isJoined
          })
          for await (const value of channel) await channel.send(value)
        },
        options,
      )
      const channel = await connect(path, options)
      try {
        await expectEcho(channel, 10)
        if (isJoined) assert.is(await within(memoryOf(channel)!.joined, 'joined', 15_000), true)
        await expectEcho(channel, 10)
        await expectArrays(channel)
      } finally {
        await channel.close()
        await server.close()
      }
      if (serve === serveShared) assert.is(isThere, isJoined)
    }),
  )
}

/** A program that says one thing and goes, ten times. */
const briefly = (path: string) => `
  import { connectShared } from ${JSON.stringify(new URL('../../src/shm/index.js', import.meta.url).href)}
  for (let i = 0; i < 10; i++) {
    const channel = await connectShared(${JSON.stringify(path)})
    await channel.send(i)
    await channel.close()
  }`

if (isLinux) {
  echo('peers that leave before they have the arena open leave nothing behind', () =>
    withArena(4 * MiB, async arena => {
      const path = somePath()
      const memory = { arena }
      const server = await serveShared(path, async channel => void (await take(channel, 1)), { memory })
      const before = descriptorsOfShm().length
      const peer = spawn(process.execPath, ['--input-type=module', '-e', briefly(path)], { stdio: 'inherit' })
      assert.equal(await once(peer, 'exit'), [0, null])
      await eventually('no table of leases is left', () => {
        collect()
        return descriptorsOfShm().length <= before
      })
      await server.close()
    }),
  )
}

echo.run()

const shared = suite('shared memory: arrays that are shared')
const kept = (sum: number, isReadonly: boolean) => ({ sum, isReadonly })

/** Children that keep what they get, all joined. */
async function withKeepers(
  count: number,
  arena: SharedArena,
  run: (channels: ChildChannel[]) => Promise<void>,
): Promise<void> {
  const channels = upTo(count).map(() =>
    forkChannel(member, ['keep'], { memory: { arena }, execArgv: ['--expose-gc'] }),
  )
  const ends = channels.map(channel => new Promise(resolve => channel.child.once('close', resolve)))
  try {
    for (const channel of channels) {
      assert.is(await within(memoryOf(channel)!.joined, 'joined', 30_000), true)
    }
    await run(channels)
  } finally {
    for (const channel of channels) channel.kill('SIGKILL')
    await within(Promise.all(ends), 'their ends', 15_000)
  }
}

async function ask(channel: Channel, value: unknown): Promise<unknown> {
  await channel.send(value)
  return (await within(channel[Symbol.asyncIterator]().next(), 'an answer', 15_000)).value
}

const linux: typeof shared = isLinux ? shared : (shared.skip as typeof shared)

for (const length of [1, 500, 10_000]) {
  linux(
    `an array of ${length} of the arena is not copied: the child sees what is written later, and is asked not to write`,
    () =>
      withArena(MiB, arena =>
        withKeepers(1, arena, async ([channel]) => {
          const x = arena.alloc(Float64Array, length).fill(1)
          assert.equal(await ask(channel!, { x }), kept(length, true))
          x.fill(2)
          assert.equal(await ask(channel!, 'again'), kept(2 * length, true))
          assert.equal([channel!.stats.sent.shared, channel!.stats.sent.copied], [8 * length, 0])
        }),
      ),
  )
}

linux('in band, where that is asked for, an array of the arena is a copy', () =>
  withArena(MiB, async arena => {
    const x = arena.alloc(Float64Array, 4)
    const packet = encode(x, { threshold: Number.POSITIVE_INFINITY })
    assert.is(packet.buffers.length, 0)
    assert.is.not(decode<Float64Array>(packet).buffer, x.buffer)
  }),
)

linux('an ordinary array is copied, once: the child keeps what was sent, and may write', () =>
  withArena(MiB, arena =>
    withKeepers(1, arena, async ([channel]) => {
      const x = new Float64Array(10_000).fill(1)
      assert.equal(await ask(channel!, { x }), kept(10_000, false))
      assert.is(arena.stats.blocks, 1)
      x.fill(2)
      assert.equal(await ask(channel!, 'again'), kept(10_000, false))
      // To release what came as a copy does nothing.
      assert.equal(await ask(channel!, 'release'), kept(10_000, false))
      assert.equal([channel!.stats.sent.shared, channel!.stats.sent.copied], [0, 80_000])
    }),
  ),
)

linux('one array that is sent to many is there once, until the last has let it go, in whatever way', () =>
  withArena(MiB, arena =>
    withKeepers(4, arena, async channels => {
      const x = arena.copy(new Float64Array(50_000).fill(3))
      for (const channel of channels) assert.equal(await ask(channel, { x }), kept(150_000, true))
      const { usedBytes, blocks, leases } = arena.stats
      assert.equal([usedBytes, blocks, leases], [400_000, 1, 4])
      await ask(channels[0]!, 'release')
      await eventually('a release ends a lease', () => arena.stats.leases === 3)
      await eventually('the collector ends a lease', () => {
        void channels[1]!.send('forget')
        return arena.stats.leases === 2
      })
      const { child } = channels[2]!
      child.kill('SIGKILL')
      await eventually('a death ends a lease', () => arena.stats.leases === 1)
      assert.is(arena.stats.blocks, 1)
    }),
  ),
)

linux('`transfer` takes the array away, and one of the arena is shared all the same', () =>
  withArena(MiB, arena =>
    withKeepers(1, arena, async ([channel]) => {
      const own = new Float64Array(10_000).fill(1)
      await channel!.send({ x: own }, { transfer: true })
      assert.is(own.length, 0)
      assert.equal(await ask(channel!, 'again'), kept(10_000, false))
      const x = arena.alloc(Float64Array, 10_000).fill(1)
      await channel!.send({ x }, { transfer: true })
      assert.is(x.length, 10_000)
      assert.equal(channel!.stats.sent.transferred, 80_000)
      assert.equal(channel!.stats.sent.shared, 80_000)
    }),
  ),
)

linux('an array that was released is refused, and the channel goes on', () =>
  withArena(MiB, arena =>
    withKeepers(1, arena, async ([channel]) => {
      const { release } = await import('../../src/shm/index.js')
      const x = arena.alloc(Float64Array, 10_000)
      release(x)
      assert.is((await errorOf(channel!.send({ x }))).code, 'SHM_STALE')
      assert.equal(await ask(channel!, { x: new Float64Array(10) }), kept(0, false))
    }),
  ),
)

linux('what a child sent is there, and the same, after the child and its channel are gone', () =>
  withArena(MiB, async arena => {
    const channel = forkChannel(member, ['produce'], { memory: { arena } })
    const [x] = (await take(channel, 1)) as Float64Array[]
    assert.is(((await ask(channel, 5)) as { blocks: number }).blocks, 1)
    assert.equal([x![0], x![1], x!.length], [5, 1, 10_000])
    const closed = new Promise(resolve => channel.child.once('close', resolve))
    channel.kill('SIGKILL')
    await closed
    assert.is(
      x!.reduce((a, b) => a + b, 0),
      10_004,
    )
  }),
)

linux('a peer that is killed while this side holds back is PEER_GONE, for sends and the channel', () =>
  withArena(MiB, async arena => {
    // The child echoes, and this side never takes anything: in the end both wait for room.
    const channel = forkChannel(member, ['echo'], {
      memory: { arena, pipeBytes: 4096 },
      highWaterMark: 2 ** 16,
    })
    await within(memoryOf(channel)!.joined, 'joined', 15_000)
    let sent = 0
    const sending = (async () => {
      for (;;) {
        await channel.send(new Uint8Array(1000))
        sent++
      }
    })()
    const failed = errorOf(sending)
    const closed = errorOf(channel.closed)
    for (let before = -1; sent !== before; ) {
      before = sent
      await new Promise(resolve => setTimeout(resolve, 300))
    }
    channel.kill('SIGKILL')
    assert.is((await within(failed, 'the send fails', 10_000)).code, 'PEER_GONE')
    assert.is((await within(closed, 'the channel ends', 10_000)).code, 'PEER_GONE')
  }),
)

linux('an arena that is full, or too small, holds nobody up: all arrives, by the pipe', () =>
  withArena(2 ** 17, arena =>
    withChannel(
      () => forkChannel(member, ['echo'], { memory: { arena, pipeBytes: 4096 } }),
      async channel => {
        await within(memoryOf(channel)!.joined, 'joined', 15_000)
        const hog = arena.alloc(Uint8Array, 100_000)
        await expectArrays(channel, 12)
        assert.is(hog.length, 100_000)
        const x = new Float64Array(10 * MiB).map((_, i) => i)
        await channel.send(x)
        const [back] = (await take(channel, 1)) as Float64Array[]
        assert.ok(back!.every((item, i) => item === i))
      },
    ),
  ),
)

linux(
  'whoever closes the arena of a channel closes it for that: all goes by the pipe, and no other is made',
  () =>
    withChannel(
      () => forkChannel(member, ['echo'], { memory: 'shared' }),
      async channel => {
        const memory = memoryOf(channel)!
        await within(memory.joined, 'joined', 15_000)
        memory.arena.close()
        const before = descriptorsOfShm()
        await expectArrays(channel, 4)
        assert.is((thrown(() => memory.arena.alloc(Uint8Array, 1)) as OutbandError).code, 'CLOSED')
        assert.ok(descriptorsOfShm().length <= before.length)
      },
    ),
)

linux('to write costs the same however many wait for room', () =>
  withArena(2 ** 17, arena =>
    withChannel(
      () => forkChannel(member, ['echo'], { memory: { arena, pipeBytes: 4096 } }),
      async channel => {
        await within(memoryOf(channel)!.joined, 'joined', 15_000)
        const moved = await movedUp(async () => {
          for (const i of upTo(1000)) void channel.send([i, 'x'.repeat(100)])
          await take(channel, 1000)
        })
        assert.ok(moved < 1000, `${moved} moved`)
      },
    ),
  ),
)

shared.run()

const options = suite('shared memory: options')

for (const memory of [
  'own',
  1,
  { arena: {} },
  { threshold: 0 },
  { threshold: '1' },
  { pipeBytes: 5000 },
  { pipeBytes: 2048 },
  { pipeBytes: 2 ** 30 },
]) {
  options(`memory: ${JSON.stringify(memory)}: a TypeError, and no child`, async () => {
    assert.instance(
      thrown(() => forkChannel(member, ['echo'], { memory: memory as never })),
      TypeError,
    )
    for (const start of [connectShared, (path: string, o: object) => serveShared(path, () => {}, o)]) {
      assert.instance(
        await start(somePath(), { memory: memory as never }).then(String, error => error),
        TypeError,
      )
    }
  })
}

for (const path of [undefined, '', 1]) {
  options(`a path of ${JSON.stringify(path)}: a TypeError`, async () => {
    assert.instance(await connectShared(path as never).then(String, error => error), TypeError)
    assert.instance(await serveShared(path as never, () => {}).then(String, error => error), TypeError)
  })
}

options('a channel that shares nothing has no memory to tell of', () =>
  withChannel(
    () => forkChannel(member, ['echo']),
    channel => {
      assert.is(memoryOf(channel), undefined)
    },
  ),
)

options.run()
