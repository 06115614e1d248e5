/** What goes wrong with real processes: they are killed, stopped, numb, mad or many. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../fixtures/random.js'
import { signalTo } from '../../src/carriers/process/child.js'
import { type ChildChannel, forkChannel, type Over } from '../../src/process/index.js'
import { settled, upTo, within } from '../carriers/inbox.js'
import { errorOf, type Numbered, numbered, numbersOf, script, take, withChild } from './kit.js'

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** Sends arrays until that fails; its error. */
const flood = <In>(channel: ChildChannel<In, unknown>, length = 30_000) =>
  errorOf(
    (async () => {
      for (let i = 0; ; i++) {
        await channel.send(numbered(i, i % 4 === 0 ? length : 10))
        if (i % 10 === 9) await sleep(0)
      }
    })(),
  )

const deaths = suite('process: a child that is killed')

const random = new Random(0x9e3779b9)
for (const round of upTo(10)) {
  const afterMs = random.int(0, 60)
  deaths(
    `round ${round}, ${afterMs} ms into a flood both ways: what arrived is whole, in order, from the first`,
    withChild<Numbered>('flood', async channel => {
      await take(channel, 1)
      const outcome = flood(channel)
      const arriving = take(channel)
      await sleep(afterMs)
      channel.kill('SIGKILL')
      const [error, end, arrived] = [await outcome, await errorOf(channel.closed), await arriving]
      for (const { code, signal } of [error, end]) assert.equal([code, signal], ['PEER_GONE', 'SIGKILL'])
      assert.equal(
        numbersOf(arrived),
        upTo(arrived.length).map(i => i + 1),
      )
    }),
  )
}

for (const isFlooded of [false, true]) {
  deaths(
    `what the system had of it arrives, ${isFlooded ? 'though writes to it fail first' : 'all of it'}`,
    withChild<Numbered>('vanish 20', async channel => {
      const outcome = isFlooded ? flood(channel, 300_000) : undefined
      assert.equal(numbersOf(await take(channel)), upTo(20))
      assert.is((await errorOf(channel.closed)).signal, 'SIGKILL')
      await outcome
    }),
  )
}

deaths(
  'what it wrote arrives at a reader that had held it back, and who waited to send goes on',
  withChild<Numbered>(
    // Both fit into the pipe: past that, a writer is woken only when three quarters of it have been read.
    'vanish 2 30000',
    async channel => {
      const outcome = flood(channel, 300_000)
      await within(channel.exited, 'the exit')
      await errorOf(channel.closed)
      await outcome
      assert.equal(numbersOf(await take(channel)), upTo(2))
    },
    { maxWaiting: 1 },
  ),
)

deaths(
  'half a packet does not arrive, and the error says that it was half',
  withChild<Numbered>('half 0', async channel => {
    const error = await errorOf(channel.closed)
    assert.is((error.cause as { code?: string }).code, 'TRUNCATED')
    assert.equal(numbersOf(await take(channel)), [0])
  }),
)

deaths(
  'a process that it left the pipe to does not keep the channel',
  withChild<number>('heir', async channel => {
    const [pid] = await take(channel)
    try {
      const error = await errorOf(channel.closed)
      assert.equal([error.code, error.signal], ['PEER_GONE', 'SIGKILL'])
    } finally {
      if (pid !== undefined && pid > 1) process.kill(pid, 'SIGKILL')
    }
  }),
)

deaths('others go on when it is, and a new one takes its place', async () => {
  const pool = upTo(4).map(() => forkChannel<number>(script, ['echo']))
  try {
    pool[1]!.kill('SIGKILL')
    assert.is((await errorOf(pool[1]!.closed)).code, 'PEER_GONE')
    pool[1] = forkChannel(script, ['echo'])
    for (const [i, channel] of pool.entries()) {
      void channel.send(i)
      assert.equal(await take(channel, 1), [i])
    }
  } finally {
    await within(Promise.all(pool.map(channel => channel.close())), 'all closed')
  }
})

deaths.run()

const slow = suite('process: a child that is slow')

slow(
  'stopped: the sender waits, and everything arrives when it goes on',
  withChild<Numbered>(
    'echo',
    async channel => {
      void channel.send(numbered(0))
      await take(channel, 1)
      channel.child.kill('SIGSTOP')
      let sent = 0
      const sending = (async () => {
        for (const i of upTo(100)) {
          await channel.send(numbered(i, 20_000))
          sent++
        }
      })()
      const before = await settled(() => sent)
      assert.ok(before < 30, `${before} arrays sent to a child that is stopped`)
      channel.child.kill('SIGCONT')
      const back = take(channel, 100)
      await within(sending, 'the sender')
      assert.equal(numbersOf(await back), upTo(100))
      await within(channel.close(), 'close')
    },
    { highWaterMark: 100_000 },
  ),
)

slow(
  'stopped: abort ends it all the same',
  withChild(
    'echo',
    async channel => {
      void channel.send('ready')
      await take(channel, 1)
      channel.child.kill('SIGSTOP')
      channel.abort()
      assert.is((await within(channel.exited, 'the exit')).signal, 'SIGKILL')
    },
    { graceMs: 100 },
  ),
)

slow(
  'numb for 2 s: memory is bounded, and everything arrives',
  withChild<Numbered | string>(
    'numb 2000',
    async channel => {
      await take(channel, 1)
      let most = 0
      const sending = (async () => {
        for (const i of upTo(200)) {
          await channel.send(numbered(i, 50_000))
          most = Math.max(most, channel.stats.queuedBytes)
        }
      })()
      const back = (await take(channel, 200)) as Numbered[]
      await within(sending, 'the sender')
      assert.equal(numbersOf(back), upTo(200))
      assert.ok(most < 1_200_000, `${most} bytes were queued`)
    },
    { highWaterMark: 1_000_000 },
  ),
)

slow.run()

const mad = suite('process: a child that is mad')

const leavers: [role: string, over: Over][] = [
  ['shut', 'pipe'],
  ['part', 'pipe'],
  ['part', 'stdio'],
]
for (const [role, over] of leavers) {
  mad(
    `${role}, over ${over}: it leaves and lives on: PEER_GONE, which says so, and it is left alone`,
    withChild(
      role,
      async channel => {
        const error = await errorOf(channel.closed)
        assert.equal([error.code, error.exitCode, error.signal], ['PEER_GONE', undefined, undefined])
        assert.match(error.message, /without a goodbye, and lives on$/)
        assert.is(channel.child.exitCode ?? channel.child.signalCode, null)
      },
      { over },
    ),
  )
}

mad(
  'writes what is no frame: MALFORMED, and it is ended',
  withChild('garbage', async channel => {
    const error = await errorOf(channel.closed)
    assert.is(error.code, 'MALFORMED')
    assert.is((await within(channel.exited, 'the exit')).signal, 'SIGTERM')
  }),
)

mad('says hello and dies, twenty at once: each is told of, and all ends', async () => {
  const channels = upTo(20).map(i => forkChannel(script, [i % 2 === 0 ? 'exit' : 'leave', String(i)]))
  const errors = await Promise.all(channels.map(channel => errorOf(channel.closed)))
  assert.equal(
    errors.map(({ code, exitCode }) => [code, exitCode]),
    upTo(20).map(i => ['PEER_GONE', i]),
  )
})

mad('twenty at once, all well: each gets its own back', async () => {
  const channels = upTo(20).map(() => forkChannel<Numbered>(script, ['echo']))
  for (const [i, channel] of channels.entries()) void channel.send(numbered(i, 100_000))
  for (const [i, channel] of channels.entries()) {
    assert.equal(numbersOf(await take(channel, 1)), [i])
    void channel.close()
  }
  const exits = await within(Promise.all(channels.map(({ exited }) => exited)), 'all exits')
  assert.ok(exits.every(({ exitCode }) => exitCode === 0))
})

mad.run()

const alone = suite('process: nobody listens')

/** A script of the specs in a process of its own: its exit, and what it printed. */
async function lonely(command: string, args: string[]): Promise<void> {
  // What it would signal by mistake is its own group alone.
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  try {
    const exit = once(child, 'exit')
    const [printed, errors] = await within(Promise.all([text(child.stdout), text(child.stderr)]), 'the end')
    assert.is(errors, '')
    assert.equal(await exit, [0, null])
    assert.match(printed, /^alive$/m)
  } finally {
    signalTo(child, 'SIGKILL')
  }
}
const unattended = fileURLToPath(new URL('unattended.js', import.meta.url))

alone('no child, missing, mad or dying, ends this process or keeps it', () =>
  lonely(process.execPath, [unattended, 'faults']),
)

alone('who ends a child in the tick in which it could not start ends nobody', () =>
  lonely(process.execPath, [unattended, 'missing']),
)

alone('without descriptors: PEER_GONE, and those that run go on', () =>
  lonely('sh', ['-c', `ulimit -n 64 && exec "$0" "$@"`, process.execPath, unattended, 'descriptors']),
)

alone.run()
