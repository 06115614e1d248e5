/** Channels to child processes: how they begin, what the child finds, how they end, and how long both sides live. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { devNull, tmpdir } from 'node:os'
import { text } from 'node:stream/consumers'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { signalTo } from '../../src/carriers/process/child.js'
import { asyncDispose, dispose } from '../../src/dispose.js'
import type { OutbandError } from '../../src/index.js'
import {
  type ChildChannel,
  connectParent,
  type ForkOptions,
  forkChannel,
  type SpawnOptions,
  spawnChannel,
} from '../../src/process/index.js'
import { upTo, within } from '../carriers/inbox.js'
import { eventually, isAlive } from '../shm/kit.js'
import { thrown } from '../thrown.js'
import { errorOf, expectEcho, numbered, numbersOf, script, take, withChannel, withChild } from './kit.js'

const ways = suite('process: ways to a child')

const node = (role: string, options?: SpawnOptions) => spawnChannel(process.execPath, [script, role], options)

/** `isShort`: another way to say what a row before says, which needs not to be told with every value. */
const starts: [name: string, start: () => ChildChannel, isShort?: true][] = [
  ['forkChannel', () => forkChannel(script, ['echo'])],
  ['forkChannel of a URL', () => forkChannel(pathToFileURL(script), ['echo']), true],
  ['forkChannel of a URL as text', () => forkChannel(pathToFileURL(script).href, ['echo'], {}), true],
  ['spawnChannel', () => node('echo')],
  [
    'behind entries of the caller',
    () => node('echo', { stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'ignore'] }),
    true,
  ],
  ["beside Node's own channel", () => node('echo', { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }), true],
  ['behind fewer than three entries', () => node('echo', { stdio: ['ignore'] }), true],
  ['stdio: ignore', () => node('echo', { stdio: 'ignore' }), true],
  ['over standard input and output', () => node('echo', { over: 'stdio' })],
  [
    'over them, with a list',
    () => node('echo', { over: 'stdio', stdio: [undefined, 'pipe', 'inherit', 'pipe'] }),
    true,
  ],
]
for (const [name, start, isShort] of starts) {
  ways(
    `${name}: ${isShort ? 'some values come' : 'every value comes'} back equal, and all of it closes`,
    () =>
      withChannel(start, async channel => {
        await expectEcho(channel, isShort ? 10 : 1)
        const closed = once(channel.child, 'close')
        await within(channel.close(), 'close')
        assert.equal(await within(channel.exited, 'the exit'), { exitCode: 0, signal: null })
        assert.equal(await within(closed, "'close'"), [0, null])
      }),
  )
}

ways(
  'what is sent at once, and the goodbye, wait for a child that takes its time',
  withChild('tally 1300', async channel => {
    for (const i of upTo(200)) void channel.send(numbered(i, i % 9 === 0 ? 30_000 : 10))
    const closed = channel.close()
    assert.equal(await take(channel), [upTo(200)])
    await within(closed, 'close')
    assert.equal(await within(channel.exited, 'the exit'), { exitCode: 0, signal: null })
  }),
)

ways(
  'a child that takes its time gets all, and answers all',
  withChild<ReturnType<typeof numbered>>('late 1300', async channel => {
    const sending = Promise.all(upTo(200).map(i => channel.send(numbered(i, i % 9 === 0 ? 30_000 : 10))))
    assert.equal(numbersOf(await take(channel, 200)), upTo(200))
    await sending
    await within(channel.close(), 'close')
  }),
)

ways('a parent whose code is an argument does not give it to its child', () => {
  const door = new URL('../../src/process/index.js', import.meta.url).href
  const code = `
    const { forkChannel } = await import(${JSON.stringify(door)})
    const child = forkChannel(${JSON.stringify(script)}, ['surroundings'])
    for await (const { execArgv } of child) {
      console.log(JSON.stringify(execArgv))
      break
    }
    await child.close()
  `
  for (const flags of [
    ['--input-type=module', '-e'],
    ['--input-type', 'module', '--eval'],
  ]) {
    const { stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', ...flags, code], {
      encoding: 'utf8',
    })
    assert.equal([stdout, stderr], ['["--no-warnings"]\n', ''])
  }
})

ways(
  'connectParent with wrong options keeps nothing open, and is called again',
  withChild('mistaken', async channel => {
    await channel.send('hi')
    assert.equal(await take(channel, 1), ['hi'])
    await within(channel.close(), 'close')
    assert.equal(await within(channel.exited, 'the exit'), { exitCode: 0, signal: null })
  }),
)

const mistakes: [name: string, start: () => unknown][] = [
  ['no command', () => spawnChannel(undefined as never)],
  ['no module', () => forkChannel(undefined as never)],
  ['arguments that are no list', () => forkChannel(script, 'echo' as never)],
  ['over what is not there', () => node('stay', { over: 'ipc' as never })],
  ['over stdio that is not free', () => node('stay', { over: 'stdio', stdio: ['pipe', 'inherit'] })],
  ['silent', () => forkChannel(script, ['stay'], { silent: 1 as never })],
  ['limits', () => node('stay', { limits: 'some' as never })],
  ['graceMs', () => node('stay', { graceMs: -1 })],
  ['a graceMs of null', () => node('stay', { graceMs: null as never })],
  ['closeTimeoutMs', () => node('stay', { closeTimeoutMs: 'soon' as never })],
  ['maxWaiting', () => node('stay', { maxWaiting: 0 })],
  ['strict', () => node('stay', { strict: 1 as never })],
  ['connectParent over what is not there', () => connectParent({ over: 'tcp' as never })],
]
for (const [name, start] of mistakes) {
  ways(`${name}: a TypeError, and no process is started`, () => {
    const before = process.getActiveResourcesInfo()
    assert.instance(thrown(start), TypeError)
    assert.equal(process.getActiveResourcesInfo(), before)
  })
}

ways.run()

const surroundings = suite('process: what the child finds')

interface Surroundings {
  readonly before: string
  readonly grandchild: string
  readonly again: string
  readonly here: string
  readonly cwd: string
  readonly argv: string[]
  readonly execArgv: string[]
}
const rows: [name: string, options: ForkOptions, sees: Partial<Surroundings>][] = [
  ['the fourth descriptor, which its own children do not', {}, { before: '3', grandchild: 'undefined' }],
  ['a descriptor behind those of the caller', { stdio: [0, 1, 2, 'ignore', 'ignore'] }, { before: '5' }],
  ['one parent', {}, { again: 'PEER_GONE' }],
  ['the environment of the caller', { env: { HERE: 'yes' } }, { here: 'yes', before: '3' }],
  ['the folder of the caller', { cwd: tmpdir() }, { cwd: tmpdir() }],
  ['the arguments of the caller', {}, { argv: ['one'], execArgv: process.execArgv }],
  ['the arguments of its engine', { execArgv: ['--no-warnings'] }, { execArgv: ['--no-warnings'] }],
]
for (const [name, options, sees] of rows) {
  surroundings(
    name,
    withChild<Surroundings>(
      `${sees.grandchild === undefined ? 'surroundings' : 'family'} one`,
      async channel => {
        const [found] = await take(channel, 1)
        for (const [what, wanted] of Object.entries(sees)) {
          assert.equal(found![what as keyof Surroundings], wanted, what)
        }
        assert.is(process.env.OUTBAND_FD, undefined)
      },
      options,
    ),
  )
}

surroundings('its output, when the caller has asked for it', async () => {
  const code = "console.log('printed')"
  const channel = spawnChannel(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  assert.is(await within(text(channel.child.stdout!), 'the output'), 'printed\n')
  await channel.exited
})

for (const [options, isPiped] of [
  [{ silent: true }, true],
  [{ silent: true, stdio: 'ignore' }, false],
  [{ silent: false }, false],
] as const) {
  surroundings(
    `its output, ${JSON.stringify(options)}: ${isPiped ? 'is piped' : 'is not piped'}, as by fork`,
    withChild('stay', ({ child }) => assert.is(child.stdout !== null, isPiped), options),
  )
}

const closedFd = (): number => {
  const fd = openSync(devNull, 'r')
  closeSync(fd)
  return fd
}
const parentless: [name: string, place: () => string | undefined, message: RegExp][] = [
  ['no variable', () => undefined, /no parent: OUTBAND_FD is not set/],
  ['a descriptor that is closed', () => String(closedFd()), /no parent: OUTBAND_FD is \d+/],
  ['a file', () => String(openSync(devNull, 'r')), /no parent: OUTBAND_FD is \d+/],
  ['no number', () => 'three', /no parent: OUTBAND_FD is three/],
]
for (const [name, place, message] of parentless) {
  surroundings(`connectParent with ${name}: PEER_GONE`, () => {
    const value = place()
    if (value !== undefined) process.env.OUTBAND_FD = value
    const error = thrown(connectParent) as OutbandError
    assert.is(error.code, 'PEER_GONE')
    assert.match(error.message, message)
    assert.is(process.env.OUTBAND_FD, undefined)
  })
}

surroundings.run()

const ends = suite('process: how a child ends')

interface Loss {
  readonly exitCode?: number
  readonly signal?: string
  readonly message: RegExp
}
const losses: [role: string, loss: Loss][] = [
  ['exit 0', { exitCode: 0, message: /without a goodbye: exit code 0$/ }],
  ['exit 3', { exitCode: 3, message: /gone: exit code 3$/ }],
  ['leave 0', { exitCode: 0, message: /without a goodbye: exit code 0$/ }],
  ['leave 7', { exitCode: 7, message: /gone: exit code 7$/ }],
  ['throw', { exitCode: 1, message: /gone: exit code 1$/ }],
  ['signal SIGKILL', { signal: 'SIGKILL', message: /gone: signal SIGKILL$/ }],
  ['signal SIGTERM', { signal: 'SIGTERM', message: /gone: signal SIGTERM$/ }],
  ['half 0', { exitCode: 0, message: /without a goodbye: exit code 0$/ }],
  ['plain 4', { exitCode: 4, message: /gone: exit code 4$/ }],
]
for (const [role, { message, ...fields }] of losses) {
  const test = withChild(
    role,
    async channel => {
      let told: OutbandError | undefined
      channel.on('error', error => {
        told = error
      })
      const error = await errorOf(channel.closed)
      assert.match(error.message, message)
      const { exitCode, signal } = error
      assert.equal({ exitCode, signal }, { exitCode: undefined, signal: undefined, ...fields })
      assert.is(told, error)
      const late = await errorOf(channel.send(1))
      assert.equal(
        [late.code, late.message, late.exitCode, late.signal],
        [error.code, error.message, exitCode, signal],
      )
      assert.equal(await channel.exited, { exitCode: exitCode ?? null, signal: signal ?? null })
    },
    { stdio: ['ignore', 'inherit', 'ignore'] },
  )
  ends(`${role}: PEER_GONE, which says so`, test)
}

ends(
  'a send that was waiting is told how the child ended',
  withChild('leave 7', async channel => {
    const [hello] = await take(channel, 1)
    assert.is(hello, 'hello')
    const error = await errorOf(
      (async () => {
        for (;;) await channel.send(new Uint8Array(100_000))
      })(),
    )
    assert.equal([error.code, error.exitCode], ['PEER_GONE', 7])
  }),
)

ends(
  'sends that were waiting when the child was killed reject',
  withChild(
    'busy',
    async channel => {
      const sends = Array.from({ length: 3000 }, () => channel.send(new Uint8Array(100)))
      channel.kill('SIGKILL')
      const settled = await Promise.allSettled(sends)
      const lost = settled.filter(({ status }) => status === 'rejected')
      // Those below the high-water mark had no need to wait.
      assert.ok(lost.length > 2000, `${lost.length} rejected`)
      for (const { reason } of lost as PromiseRejectedResult[]) assert.is(reason.code, 'PEER_GONE')
    },
    { highWaterMark: 10_000 },
  ),
)

ends(
  'a child that is slow to load is waited for by close: it takes all, and both end in order',
  withChild('loading 1500', async channel => {
    for (const i of upTo(3)) void channel.send(i)
    await within(channel.close(), 'close')
    assert.equal(await take(channel), ['ready'])
    assert.equal(await within(channel.exited, 'the exit'), { exitCode: 3, signal: null })
  }),
)

const goodbyes: [role: string, exitCode: number, arrives: unknown[]][] = [
  ['bye 0', 0, []],
  ['bye 3', 3, []],
  ['note 0', 0, []],
  ['note 3', 3, []],
  ['plain 0', 0, [{ i: 0 }, { i: 1 }, { i: 2 }]],
]
for (const [role, exitCode, arrives] of goodbyes) {
  ends(
    `${role}: closed, and the exit is told beside it`,
    withChild(role, async channel => {
      assert.equal(await take(channel), arrives)
      await within(channel.closed, 'closed')
      assert.equal(await within(channel.exited, 'the exit'), { exitCode, signal: null })
    }),
  )
}

ends('a goodbye that is heard when nobody is there any more to hear ours: closed', () =>
  withChannel(
    () => forkChannel(script, ['note', '3']),
    async channel => {
      // The child says it and ends meanwhile.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
      await within(channel.closed, 'closed')
      assert.equal(await within(channel.exited, 'the exit'), { exitCode: 3, signal: null })
    },
  ),
)

ends(
  'what is sent while it is looked how the child ends is CLOSED, and is not counted',
  withChild('parting', async channel => {
    await take(channel, 1)
    let isOver = false
    const closed = channel.close().finally(() => {
      isOver = true
    })
    while (!isOver) {
      assert.is((await errorOf(channel.send('late'))).code, 'CLOSED')
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    await closed
    assert.is(channel.stats.sent.messages, 0)
  }),
)

const failures: [name: string, start: () => ChildChannel, code: string][] = [
  ['no such command', () => spawnChannel('outband-has-no-such-command'), 'ENOENT'],
  [
    'no such command, over stdio',
    () => spawnChannel('outband-has-no-such-command', { over: 'stdio' }),
    'ENOENT',
  ],
  ['no such folder', () => spawnChannel(process.execPath, { cwd: '/outband/nowhere' }), 'ENOENT'],
  ['a file that cannot be run', () => spawnChannel(script), 'EACCES'],
]
for (const [name, start, code] of failures) {
  ends(`${name}: PEER_GONE, caused by ${code}`, () =>
    withChannel(start, async channel => {
      const sent = channel.send(1)
      for (const fails of [() => channel.closed, () => channel.exited, () => channel.send(2)]) {
        const error = await errorOf(fails())
        assert.is(error.code, 'PEER_GONE')
        assert.match(error.message, /cannot start: spawn /)
        assert.is((error.cause as NodeJS.ErrnoException).code, code)
      }
      await sent.catch(() => {})
      assert.is(channel.kill(), false)
    }),
  )
}

ends.run()

const lives = suite('process: how long both live')

/** For a child that must end by itself, or by the first signal. */
const LONG_MS = 60_000

lives(
  'a child that has nothing but the channel lives until it is closed',
  withChild('echo', async channel => {
    let hasEnded = false
    void channel.exited.then(() => {
      hasEnded = true
    })
    await channel.send('ready')
    await take(channel, 1)
    await new Promise(resolve => setTimeout(resolve, 300))
    assert.is(hasEnded, false)
    await within(channel.close(), 'close')
    await within(channel.exited, 'the exit')
  }),
)

lives(
  'a child that takes nothing lives as well, and hears of the end',
  withChild('holding', async channel => {
    for (let i = 0; i < 5000; i++) void channel.send(i).catch(() => {})
    await new Promise(resolve => setTimeout(resolve, 700))
    assert.is(channel.child.exitCode, null)
    channel.abort()
    await within(channel.exited, 'the exit')
  }),
)

lives(
  'a child that takes nothing ends when its parent is killed',
  withChild('leaving', async channel => {
    const [pid] = await take(channel, 1)
    await within(channel.exited, 'the exit of its parent')
    await eventually('its child ends', () => !isAlive(pid as number))
  }),
)

lives(
  'close leaves a child alone that has something else to do',
  withChild('busy', async channel => {
    await within(channel.close(), 'close')
    await new Promise(resolve => setTimeout(resolve, 100))
    assert.is(channel.child.exitCode, null)
    assert.is(channel.kill(), true)
    assert.equal(await channel.exited, { exitCode: null, signal: 'SIGTERM' })
  }),
)

lives(
  'abort: CLOSED here, and SIGTERM',
  withChild(
    'busy',
    async channel => {
      channel.abort()
      assert.is((await errorOf(channel.closed)).code, 'CLOSED')
      assert.equal(await within(channel.exited, 'the exit'), { exitCode: null, signal: 'SIGTERM' })
    },
    { graceMs: LONG_MS },
  ),
)

lives(
  'abort: SIGKILL to a child that takes SIGTERM for nothing',
  withChild(
    'stubborn',
    async channel => {
      await take(channel, 1)
      channel.abort()
      assert.equal(await within(channel.exited, 'the exit'), { exitCode: null, signal: 'SIGKILL' })
    },
    { graceMs: 100 },
  ),
)

lives(
  'a packet past the limits: LIMIT, and the child is ended',
  withChild(
    'vanish 1',
    async channel => {
      assert.is((await errorOf(channel.closed)).code, 'LIMIT')
      assert.ok((await within(channel.exited, 'the exit')).signal)
    },
    { limits: { bufferBytes: 5000 } },
  ),
)

const disposals: [
  role: string,
  happens: (channel: ChildChannel) => unknown,
  signal: string | null,
  /** What is waited for to the end is short. */
  graceMs: number,
  code?: string,
][] = [
  ['echo', () => {}, null, LONG_MS],
  ['tidies', () => {}, null, Number.POSITIVE_INFINITY],
  ['busy', () => {}, 'SIGTERM', 1000],
  ['stubborn', () => {}, 'SIGKILL', 100],
  ['busy', channel => channel.abort(), 'SIGTERM', LONG_MS],
  ['busy', channel => channel.kill('SIGKILL'), 'SIGKILL', LONG_MS],
  ['leave 7', () => {}, null, LONG_MS, 'PEER_GONE'],
  ['signal SIGINT', () => {}, 'SIGINT', LONG_MS, 'PEER_GONE'],
]
for (const [role, happens, signal, graceMs, code] of disposals) {
  const what = `${role}${happens.length > 0 ? `, ${happens.toString().replace(/^.*?\./, '')}` : ''}`
  lives(
    `await using, ${what}: waits for the exit, ${signal ?? 'by itself'}, ${code ?? 'without an error'}`,
    withChild(
      role,
      async channel => {
        // The loss must be there before the goodbye, which would save the child.
        if (code !== undefined) await errorOf(channel.closed)
        else if (role === 'stubborn') await take(channel, 1)
        happens(channel)
        const disposed = channel[asyncDispose]()
        if (code === undefined) await within(disposed, 'disposal')
        else assert.is((await errorOf(disposed)).code, code)
        assert.is(channel.child.signalCode, signal)
        assert.ok(channel.child.exitCode !== null || channel.child.signalCode !== null)
      },
      { graceMs },
    ),
  )
}

const silences: [what: string, role: string, signal: NodeJS.Signals | undefined, end: string][] = [
  ['hangs', 'hangs', undefined, 'SIGTERM'],
  ['is stopped', 'slow 0', 'SIGSTOP', 'SIGKILL'],
]
for (const [what, role, signal, end] of silences) {
  lives(
    `await using, a child that ${what}: TIMEOUT, and ${end}`,
    withChild(
      role,
      async channel => {
        await take(channel, 1)
        if (signal !== undefined) channel.kill(signal)
        for (const i of upTo(100)) void channel.send(numbered(i, 10_000)).catch(() => {})
        // A signal by hand is the caller's end of it, of which nothing is said.
        const disposed = channel[asyncDispose]()
        if (signal === undefined) assert.is((await errorOf(disposed)).code, 'TIMEOUT')
        else await within(disposed, 'disposal')
        assert.is((await errorOf(channel.closed)).code, 'TIMEOUT')
        assert.is(channel.child.signalCode, end)
      },
      { graceMs: 200 },
    ),
  )
}

for (const memory of ['private', 'shared'] as const) {
  lives(
    `await using, a child that holds back for longer than graceMs gets all: ${memory} memory`,
    withChild(
      'slow 6000',
      async channel => {
        await take(channel, 1)
        for (const i of upTo(300)) void channel.send(numbered(i, 10_000))
        await within(channel[asyncDispose](), 'disposal')
        assert.equal(await take(channel), [upTo(300)])
        assert.is(channel.child.exitCode, 0)
      },
      { graceMs: 2000, memory },
    ),
  )
}

lives(
  'using: closes, and the child ends',
  withChild('echo', async channel => {
    channel[dispose]()
    await within(channel.closed, 'closed')
    assert.equal(await within(channel.exited, 'the exit'), { exitCode: 0, signal: null })
  }),
)

const parent = fileURLToPath(new URL('parent.js', import.meta.url))

/** A process that has three children; their output is open as long as one of the four lives. */
function family(role: string) {
  const child = spawn(process.execPath, [parent, role], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ready = once(child.stdout, 'data')
  const allGone = once(child.stdout, 'close')
  return { child, ready, allGone, exit: once(child, 'exit') }
}

const families: [role: string, what: string, signal: NodeJS.Signals | null, exitCode: number | null][] = [
  ['wait', 'a parent that is killed leaves no child behind', 'SIGKILL', null],
  ['exit', 'nor does one that exits', null, 0],
  ['close', 'a parent whose channels are closed ends, as do its children', null, 0],
  ['unref', 'a parent that has taken its hands off ends before its children, which then end too', null, 0],
]
for (const [role, what, signal, exitCode] of families) {
  lives(what, async () => {
    const { child, ready, allGone, exit } = family(role)
    try {
      const [line] = await within(ready, 'the children')
      assert.is(String(line), 'ready\n')
      if (signal !== null) signalTo(child, signal)
      assert.equal(await within(exit, 'the exit'), [exitCode, signal])
      await within(allGone, 'the end of the children')
    } finally {
      signalTo(child, 'SIGKILL')
    }
  })
}

lives.run()
