/**
 * Children that are no Node: Python, by a program written from FORMAT.md; Deno and Bun, by `connectParent`. Deno and Bun
 * are in no package of Debian, so their rows run where `$DENO`, `$BUN` or the PATH has them, and are skipped elsewhere.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { values } from '../../fixtures/values.js'
import { type ChildChannel, type SpawnOptions, spawnChannel } from '../../src/process/index.js'
import { upTo, within } from '../carriers/inbox.js'
import { difference } from '../same.js'
import { errorOf, type Numbered, numbered, numbersOf, script, take, withChannel } from './kit.js'

interface Program {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Whether it answers what comes before the goodbye; a channel is closed then, and answers no more. */
  readonly isPatient: boolean
}

const python = fileURLToPath(new URL('../../../fixtures/python/echo_frames.py', import.meta.url))
const { DENO = 'deno', BUN = 'bun' } = process.env

const programs: Program[] = [
  { name: 'Python', command: 'python3', args: [python], isPatient: true },
  { name: 'Python without notes', command: 'python3', args: [python, '--plain'], isPatient: true },
  { name: 'Deno', command: DENO, args: ['run', '--allow-all', script, 'echo'], isPatient: false },
  { name: 'Bun', command: BUN, args: [script, 'echo'], isPatient: false },
]

/** Why a program cannot be asked; nothing, where it can, or must be. */
function excuse(command: string): string | undefined {
  const isThere = spawnSync(command, ['--version']).status === 0
  if (isThere || (command === 'python3' && process.env.CI === 'true')) return undefined
  return `${command} is not installed`
}

const others = suite('process: other programs')

for (const { name, command, args, isPatient } of programs) {
  const reason = excuse(command)
  if (reason !== undefined) console.log(`SKIP: ${name} as a child: ${reason}`)
  for (const over of ['pipe', 'stdio'] as const) {
    const row = reason === undefined ? others : others.skip
    const start = (options?: SpawnOptions) =>
      spawnChannel<Numbered, unknown>(command, args, { ...options, over })
    const test = (
      what: string,
      run: (channel: ChildChannel<Numbered, unknown>) => unknown,
      options?: SpawnOptions,
    ) => row(`${name}, over ${over}: ${what}`, () => withChannel(() => start(options), run))

    test('every value comes back equal, and it ends with the channel', async channel => {
      const rows = values.filter(({ isShared }) => !isShared)
      const sent = rows.map(value => value.make())
      for (const value of sent) void channel.send(value)
      const back = await take<unknown>(channel, rows.length)
      for (const [at, value] of rows.entries()) {
        const found = difference(value.arrives?.(sent[at] as never) ?? sent[at], back[at])
        assert.is(found, undefined, `${value.name}: ${found}`)
      }
      await within(channel.close(), 'close')
      assert.equal(await within(channel.exited, 'the exit'), { exitCode: 0, signal: null })
    })

    test(
      'large arrays come back, and the sender waits for them',
      async channel => {
        const sending = (async () => {
          for (const i of upTo(60)) await channel.send(numbered(i, 300_000))
          return channel.stats.queuedBytes
        })()
        assert.equal(numbersOf(await take(channel, 60)), upTo(60))
        const queued = await within(sending, 'the sender')
        assert.ok(queued <= 1_000_000, `${queued} bytes`)
      },
      { highWaterMark: 1_000_000 },
    )

    if (isPatient) {
      test('what was sent before close comes back after it', async channel => {
        for (const i of upTo(100)) void channel.send(numbered(i, 1000))
        const closed = channel.close()
        assert.equal(numbersOf(await take(channel)), upTo(100))
        await within(closed, 'close')
      })
    }

    test('one that is killed is told of', async channel => {
      await channel.send(numbered(0))
      await take(channel, 1)
      channel.kill('SIGKILL')
      assert.is((await errorOf(channel.closed)).signal, 'SIGKILL')
    })
  }
}

others('a program that gives back all that it reads is a channel to itself', () =>
  withChannel(
    () => spawnChannel<Numbered, unknown>('cat', { over: 'stdio' }),
    async channel => {
      for (const i of upTo(50)) void channel.send(numbered(i, 100_000))
      assert.equal(numbersOf(await take(channel, 50)), upTo(50))
      await within(channel.close(), 'close')
      assert.equal(await within(channel.exited, 'the exit'), { exitCode: 0, signal: null })
    },
  ),
)

others.run()
