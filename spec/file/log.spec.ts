/** Logs: order, groups, what a failed append leaves, who may write, and what a loop over a log sees. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { values } from '../../fixtures/values.js'
import { Appender, type LogFile } from '../../src/file/appender.js'
import { Draft } from '../../src/file/draft.js'
import { type Log, type LogOptions, openLog } from '../../src/file/index.js'
import { packBytes } from '../../src/frame/index.js'
import { encode } from '../../src/index.js'
import { difference } from '../same.js'
import { all, failed, inFolder, namesIn, refused, rejection, script } from './kit.js'

const KiB = 1024
const NONE = { frames: 0, bytes: 0, cut: 0, skipped: 0 }

/** A test with a log in a folder of its own, which is closed at the end. */
function withLog<T = unknown>(
  run: (log: Log<T>, path: string) => Promise<void>,
  options?: LogOptions,
): () => Promise<void> {
  return inFolder(async folder => {
    const path = join(folder, 'log')
    const log = await openLog<T>(path, options)
    try {
      await run(log, path)
    } finally {
      await log.close()
    }
  })
}

const trip = suite('log: values')

trip(
  'every value comes back equal, in order, and from the file that was closed too',
  inFolder(async folder => {
    const path = join(folder, 'log')
    const options: LogOptions = { limits: 'trusted', sync: false, threshold: 0 }
    const rows = values.filter(({ isShared }) => !isShared)
    const sent = rows.map(row => row.make())
    const log = await openLog(path, options)
    for (const value of sent) await log.append(value)
    const check = async (log: Log) => {
      let at = 0
      for await (const copy of log) {
        const row = rows[at]!
        const found = difference(row.arrives?.(sent[at] as never) ?? sent[at], copy)
        assert.is(found, undefined, `${row.name}: ${found}`)
        at++
      }
      assert.is(at, rows.length)
      assert.is(log.length, rows.length)
      assert.is(log.byteLength, statSync(path).size)
    }
    await check(log)
    await log.close()
    const again = await openLog(path, options)
    assert.equal(again.recovered, { ...NONE, frames: rows.length, bytes: statSync(path).size })
    await check(again)
    await again.close()
  }),
)

trip(
  'a log is frames one after the other, and an empty file is an empty log',
  inFolder(async folder => {
    const path = join(folder, 'log')
    writeFileSync(path, '')
    const log = await openLog(path)
    assert.equal(log.recovered, NONE)
    assert.equal(await all(log), [])
    const sent = [1, { a: new Float64Array(50_000) }, 'b']
    for (const value of sent) await log.append(value)
    await log.close()
    const frames = sent.map(value => packBytes(encode(value), { checksum: true }))
    assert.is(Buffer.compare(readFileSync(path), Buffer.concat(frames)), 0)
    assert.equal(namesIn(folder), ['log'])
  }),
)

trip(
  'types: values are of the type that the log has',
  withLog<{ n: number }>(async log => {
    await log.append({ n: 1 })
    for await (const { n } of log) assert.is(n, 1)
    const wrong = [
      // @ts-expect-error: of another type
      () => log.append({ m: 1 }),
      // @ts-expect-error: shared memory is always copied
      () => openLog('log', { shared: 'share' }),
    ]
    assert.is(wrong.length, 2)
  }),
)

trip.run()

const order = suite('log: appends')

order(
  'side by side they stand in the order of the calls, small ones and large ones',
  withLog<{ i: number; bytes: Uint8Array }>(async (log, path) => {
    const sizes = [10, 300 * KiB, 5000, 0, 200 * KiB]
    const rounds = Array.from({ length: 6 }, async (_, round) => {
      await new Promise(resolve => setTimeout(resolve, round * 2))
      const first = round * 10
      await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          log.append({ i: first + i, bytes: new Uint8Array(sizes[i % sizes.length]!).fill(i) }),
        ),
      )
    })
    await Promise.all(rounds)
    const found = await all(log)
    const numbers = found.map(({ i }) => i)
    assert.is(new Set(numbers).size, 60)
    for (let round = 0; round < 6; round++) {
      const of = numbers.filter(i => Math.floor(i / 10) === round)
      assert.equal(
        of,
        [...of].sort((a, b) => a - b),
      )
    }
    for (const { i, bytes } of found) assert.ok(bytes.every(byte => byte === i % 10))
    assert.is(log.byteLength, statSync(path).size)
  }),
)

/** A file of a log whose calls are listed, and some of which fail. */
class Failing implements LogFile {
  readonly calls: string[] = []
  readonly writev: LogFile['writev']
  readonly datasync: LogFile['datasync']
  readonly truncate: LogFile['truncate']
  readonly stat: LogFile['stat']

  /** `fails` throws what the call is to reject with, or returns how many bytes a write may take. */
  constructor(file: LogFile, fails: (call: string, count: number) => number | undefined = () => undefined) {
    const counts = new Map<string, number>()
    const called = (call: string): number | undefined => {
      this.calls.push(call)
      const count = counts.get(call) ?? 0
      counts.set(call, count + 1)
      return fails(call, count)
    }
    this.writev = (async (chunks: readonly Uint8Array[], position: number) => {
      const most = called('writev')
      if (most === undefined) return file.writev(chunks, position)
      return file.writev([Buffer.concat(chunks).subarray(0, most)], position)
    }) as LogFile['writev']
    this.datasync = async () => {
      called('datasync')
      await file.datasync()
    }
    this.truncate = async length => {
      called('truncate')
      await file.truncate(length)
    }
    this.stat = file.stat.bind(file) as LogFile['stat']
  }
}

const fault = (code: string): Error =>
  Object.assign(new Error(`${code}: made up`), { code, syscall: 'write' })
const draftOf = (value: unknown): Draft => new Draft(encode(value), { checksum: true })

/** A test with an appender on a file whose calls fail as they are told to. */
function withAppender(
  fails: (call: string, count: number) => number | undefined,
  run: (appender: Appender, file: Failing, path: string) => Promise<void>,
): () => Promise<void> {
  return inFolder(async folder => {
    const path = join(folder, 'log')
    const handle = await open(path, 'wx+')
    try {
      const file = new Failing(handle, fails)
      await run(new Appender(path, file, 0, true), file, path)
    } finally {
      await handle.close()
    }
  })
}

const valuesIn = async (path: string): Promise<unknown[]> => {
  const log = await openLog(path, { readOnly: true, repair: false })
  try {
    return await all(log)
  } finally {
    await log.close()
  }
}

order(
  'those of one tick are one write and one fsync, and those that wait meanwhile the next',
  withAppender(
    () => undefined,
    async (appender, { calls }, path) => {
      const appended = Array.from({ length: 100 }, (_, i) => appender.append(draftOf(i)))
      await Promise.resolve()
      await Promise.resolve()
      for (let i = 100; i < 150; i++) appended.push(appender.append(draftOf(i)))
      await Promise.all(appended)
      assert.equal(calls, ['writev', 'datasync', 'writev', 'datasync'])
      assert.equal(
        await valuesIn(path),
        Array.from({ length: 150 }, (_, i) => i),
      )
    },
  ),
)

order(
  'short writes go on where they stopped, at any byte',
  withAppender(
    (call, count) => (call === 'writev' ? (count % 37) + 1 : undefined),
    async (appender, { calls }, path) => {
      await Promise.all(['a', [1, 2], new Uint8Array(3000)].map(value => appender.append(draftOf(value))))
      assert.ok(calls.length > 100)
      assert.equal(await valuesIn(path), ['a', [1, 2], new Uint8Array(3000)])
    },
  ),
)

order(
  'a write that fails leaves the file as it was, each other append of the tick is made, and so is the next',
  withAppender(
    (call, count) => {
      if (call !== 'writev' || count === 0) return undefined
      // All three are written short, then there is no room; alone the first is written, the second fails too.
      if (count === 1 || count === 4) return 50
      if (count === 2 || count === 5) throw fault('ENOSPC')
      return undefined
    },
    async (appender, { calls }, path) => {
      await appender.append(draftOf('before'))
      const size = statSync(path).size
      const group = ['a', 'too long'.repeat(20), 'c'].map(value => appender.append(draftOf(value)))
      const outcomes = await Promise.allSettled(group)
      assert.equal(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      )
      await failed(group[1]!, 'ENOSPC')
      assert.equal(calls.filter(call => call === 'truncate').length, 2)
      await appender.append(draftOf('after'))
      assert.equal(await valuesIn(path), ['before', 'a', 'c', 'after'])
      assert.ok(size < appender.end)
      assert.is(appender.frames, 4)
    },
  ),
)

order(
  'when the file cannot be cut either, the next append begins with that',
  withAppender(
    (call, count) => {
      if (call === 'writev' && count === 0) return 30
      if (call === 'writev' && count === 1) throw fault('EIO')
      if (call === 'truncate' && count < 2) throw fault('EROFS')
      return undefined
    },
    async (appender, _, path) => {
      await failed(appender.append(draftOf('a'.repeat(200))), 'EIO')
      assert.is(statSync(path).size, 30)
      await failed(appender.append(draftOf('b')), 'EROFS')
      await appender.append(draftOf('c'))
      assert.equal(await valuesIn(path), ['c'])
    },
  ),
)

order(
  'after an fsync that failed nothing is vouched for any more: CLOSED',
  withAppender(
    (call, count) => {
      if (call === 'datasync' && count === 1) throw fault('EIO')
      return undefined
    },
    async (appender, _, path) => {
      await appender.append(draftOf('a'))
      const group = [appender.append(draftOf('b')), appender.append(draftOf('c'))]
      for (const append of await Promise.allSettled(group)) assert.is(append.status, 'rejected')
      const error = await refused(appender.append(draftOf('d')), 'CLOSED')
      assert.is((error.cause as NodeJS.ErrnoException).code, 'EIO')
      assert.equal(await valuesIn(path), ['a'])
    },
  ),
)

order(
  'without sync there is no fsync',
  inFolder(async folder => {
    const handle = await open(join(folder, 'log'), 'wx+')
    const file = new Failing(handle)
    await new Appender('log', file, 0, false).append(draftOf(1))
    assert.equal(file.calls, ['writev'])
    await handle.close()
  }),
)

order(
  'what is refused is not in the log, and the next append is',
  withLog(
    async log => {
      await refused(log.append({ a: () => {} }), 'UNSUPPORTED', { path: 'value.a' })
      await refused(log.append(new Uint8Array(20_000)), 'LIMIT', { limit: 'bufferBytes' })
      await refused(log.append('x'.repeat(3000)), 'LIMIT')
      const large = new Uint8Array(9000)
      const changed = Array.from({ length: 20 }, () => new Uint8Array(9000).fill(1))
      const appends = [log.append(large), log.append(changed), log.append('last')]
      changed[4]!.fill(2)
      large.fill(3)
      const [first, second, third] = await Promise.allSettled(appends)
      assert.equal([first!.status, second!.status, third!.status], ['fulfilled', 'rejected', 'fulfilled'])
      await refused(appends[1]!, 'CHECKSUM', { buffer: 4 })
      // Small enough to be copied when append was called.
      assert.equal(await all(log), [new Uint8Array(9000), 'last'])
      assert.is(log.length, 2)
    },
    { limits: { bufferBytes: 10_000, metaBytes: 2000 } },
  ),
)

order(
  'somebody else who writes to the file is TORN, and what they wrote stays',
  withLog(async (log, path) => {
    await log.append('a')
    const own = readFileSync(path)
    const foreign = Buffer.concat([own, packBytes(encode('foreign'), { checksum: true })])
    writeFileSync(path, foreign)
    await refused(log.append('b'), 'TORN', { requested: own.length, available: foreign.length })
    assert.is(Buffer.compare(readFileSync(path), foreign), 0)
    truncateSync(path, 8)
    await refused(log.append('b'), 'TORN', { available: 8 })
    writeFileSync(path, own)
    await log.append('b')
    assert.equal(await all(log), ['a', 'b'])
  }),
)

order.run()

const reading = suite('log: reading')

reading(
  'a loop sees what was there when it began, though it appends itself, and loops run side by side',
  withLog<number>(async log => {
    for (let i = 0; i < 10; i++) await log.append(i)
    const seen: number[] = []
    const other = log.replay()
    for await (const i of log) {
      seen.push(i)
      await log.append(100 + i)
      assert.is((await other.next()).value, i)
    }
    assert.equal(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert.is((await all(log)).length, 20)
    assert.is((await other.next()).done, true)
  }),
)

reading(
  'damage that comes later is TORN where it is, and the values before it are given',
  withLog<number>(async (log, path) => {
    for (let i = 0; i < 3; i++) await log.append(i)
    const bytes = readFileSync(path)
    bytes[bytes.length - 10]! ^= 1
    writeFileSync(path, bytes)
    const seen: number[] = []
    const loop = (async () => {
      for await (const i of log) seen.push(i)
    })()
    await refused(loop, 'TORN', { offset: (bytes.length / 3) * 2 })
    assert.equal(seen, [0, 1])
    truncateSync(path, bytes.length / 3)
    await refused(all(log), 'TORN', { offset: bytes.length / 3 })
  }),
)

reading(
  'read only: nothing is written, cut or locked, while another log appends',
  withLog<number>(async (log, path) => {
    await log.append(1)
    writeFileSync(path, 'OUTB', { flag: 'a' })
    const reader = await openLog<number>(path, { readOnly: true })
    assert.equal(reader.recovered, { ...NONE, frames: 1, bytes: log.byteLength, cut: 4 })
    assert.is(statSync(path).size, log.byteLength + 4)
    truncateSync(path, log.byteLength)
    await log.append(2)
    assert.equal(await all(reader), [1])
    assert.is(reader.length, 1)
    assert.instance(await rejection(reader.append(3)), TypeError)
    await reader.close()
    await failed(openLog(`${path}-nowhere`, { readOnly: true }), 'ENOENT')
  }),
)

reading(
  'after close there is CLOSED, and what was appended before is in the file',
  inFolder(async folder => {
    const path = join(folder, 'log')
    const log = await openLog<number>(path)
    const appended = [1, 2, 3].map(i => log.append(i))
    const begun = log.replay()
    const closing = log.close()
    await refused(log.append(4), 'CLOSED')
    await Promise.all([...appended, closing, log.close()])
    await refused(begun.next(), 'CLOSED')
    await refused(all(log), 'CLOSED')
    const again = await openLog<number>(path)
    const loop = again.replay()
    assert.is((await loop.next()).value, 1)
    await again[Symbol.asyncDispose]()
    await refused(all(loop), 'CLOSED')
    assert.equal(await valuesIn(path), [1, 2, 3])
  }),
)

reading.run()

const writers = suite('log: one writer')

writers(
  'a second one is LOCKED, by whatever name, until the first is closed',
  withLog(async (log, path) => {
    await log.append(1)
    writeFileSync(path, 'OUTB', { flag: 'a' })
    const { size } = statSync(path)
    for (const name of [path, join(path, '..', '.', 'log')]) await refused(openLog(name), 'LOCKED')
    assert.is(statSync(path).size, size)
    await log.close()
    const next = await openLog(path)
    assert.is(next.recovered.cut, 4)
    await next.close()
  }),
)

const onLinux = process.platform === 'linux' ? writers : writers.skip

onLinux(
  'so it is in another thread and another process, and one that was killed has let go',
  withLog(async (log, path) => {
    const opened = (...args: string[]) =>
      spawnSync(process.execPath, [script('opener'), path, ...args], { encoding: 'utf8' }).stdout.trim()
    assert.is(opened(), 'LOCKED')
    const worker = new Worker(script('opener'), { argv: [path], stdout: true })
    const [answer] = await once(worker.stdout.setEncoding('utf8'), 'data')
    assert.is(answer.trim(), 'LOCKED')
    await worker.terminate()
    await log.close()
    assert.is(opened(), 'open')
    const holder = spawn(process.execPath, [script('opener'), path, 'hold'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    assert.is(String((await once(holder.stdout, 'data'))[0]).trim(), 'open')
    await refused(openLog(path), 'LOCKED')
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    await (await openLog(path)).close()
  }),
)

writers.run()

const options = suite('log: options')

options(
  "the caller's mistakes are TypeErrors, and a folder is no log",
  inFolder(async folder => {
    const path = join(folder, 'log')
    const mistakes: Promise<unknown>[] = [
      openLog(1 as never),
      openLog(path, { sync: 1 } as never),
      openLog(path, { repair: 'cut' } as never),
      openLog(path, { readOnly: 'yes' } as never),
      openLog(path, { limits: 'none' } as never),
      openLog(path, { threshold: 'all' } as never),
      openLog(folder, { readOnly: true }),
      openLog('/dev/null'),
    ]
    // All at once: what is refused first waits for nobody.
    for (const error of await Promise.all(mistakes.map(rejection))) assert.instance(error, TypeError)
    await failed(openLog(folder), 'EISDIR')
    await failed(openLog(join(path, 'log')), 'ENOENT')
    assert.equal(namesIn(folder), [])
  }),
)

options.run()
