/** A value as a file: what `dump` writes and `load` reads, whose memory it is, and what stays of the old file. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { values } from '../../fixtures/values.js'
import { type DumpOptions, dump, type LoadOptions, load, openFile } from '../../src/file/index.js'
import { msgpack } from '../../src/formats/msgpack.js'
import { pickle } from '../../src/formats/pickle/index.js'
import { layOut, writeHead } from '../../src/frame/header.js'
import { pack, packBytes, unpack } from '../../src/frame/index.js'
import { defineType, encode, registry } from '../../src/index.js'
import { difference } from '../same.js'
import { canRun, failed, inFolder, namesIn, refused, rejection } from './kit.js'

const FAST = { sync: false }
const TRUSTED: LoadOptions = { limits: 'trusted' }
const MiB = 2 ** 20

const trip = suite('file: values')

for (const row of values.filter(({ isShared }) => !isShared)) {
  trip(
    row.name,
    inFolder(async folder => {
      const path = join(folder, 'value')
      for (const options of [{ threshold: 0 }, { checksum: false }]) {
        const sent = row.make()
        await dump(path, sent, { ...FAST, ...options })
        const found = difference(row.arrives?.(sent as never) ?? sent, await load(path, TRUSTED))
        assert.is(found, undefined, found)
      }
      assert.equal(namesIn(folder), ['value'])
    }),
  )
}

trip(
  'custom types, with their registry on both sides',
  inFolder(async folder => {
    class Point {
      constructor(
        readonly x: number,
        readonly y: number,
      ) {}
    }
    const types = registry(
      defineType({
        class: Point,
        tag: 'point',
        reduce: ({ x, y }) => [x, y],
        rebuild: ([x, y]) => new Point(x!, y!),
      }),
    )
    const path = join(folder, 'point')
    await dump(path, new Point(1, 2), { types })
    const point = await load<Point>(path, { types })
    assert.instance(point, Point)
    assert.is(point.y, 2)
    await refused(load(path), 'UNKNOWN_TYPE', { tag: 'point' })
  }),
)

trip(
  'more chunks than one vectored write takes, and more than one read',
  inFolder(async folder => {
    const path = join(folder, 'many')
    const many = Array.from({ length: 3000 }, (_, i) => new Uint8Array(50 + i).fill(i))
    const sent = { many, long: new Float64Array(5 * MiB).map((_, i) => i) }
    await dump(path, sent, { ...FAST, threshold: 0 })
    const found = difference(sent, await load(path, TRUSTED))
    assert.is(found, undefined, found)
    assert.equal(readFileSync(path).subarray(0, 4).toString(), 'OUTB')
  }),
)

trip(
  'the file is the frame that pack makes',
  inFolder(async folder => {
    for (const length of [10, 100_000]) {
      const path = join(folder, 'frame')
      const value = { samples: new Float64Array(length) }
      await dump(path, value)
      assert.is(Buffer.compare(readFileSync(path), packBytes(encode(value), { checksum: true })), 0)
      await dump(path, value, { checksum: false })
      assert.is(Buffer.compare(readFileSync(path), packBytes(encode(value))), 0)
    }
  }),
)

const python = canRun('python3', '--version') || process.env.CI === 'true' ? trip : trip.skip
python(
  'Python reads it by the page alone',
  inFolder(folder => {
    const reader = fileURLToPath(new URL('../../../fixtures/python/read_frame.py', import.meta.url))
    const value = { id: 7, tags: ['a', 'é'], pixels: new Uint8Array(5000).fill(3), tail: Float32Array.of(1) }
    return dump(join(folder, 'value'), value, { threshold: 0 }).then(() => {
      const { stdout, stderr } = spawnSync('python3', [reader, join(folder, 'value')], { encoding: 'utf8' })
      assert.is(stderr, '')
      const { meta, buffers } = JSON.parse(stdout)
      const packet = encode(value, { threshold: 0 })
      assert.is(meta.bytes, packet.meta.length)
      assert.equal(
        buffers.map(({ bytes }: { bytes: number }) => bytes),
        [5000, 4],
      )
    })
  }),
)

trip.run()

const memory = suite('file: memory')

memory(
  "what is loaded is the reader's own: large buffers an allocation each, small ones together",
  inFolder(async folder => {
    const path = join(folder, 'value')
    const sent = {
      a: new Float64Array(1000),
      b: new Uint8Array(200_000),
      c: new Uint8Array(9),
      d: new Uint8Array(9),
    }
    await dump(path, sent, { threshold: 0 })
    const { a, b, c, d } = await load<typeof sent>(path)
    assert.is(a.buffer.byteLength, 8000)
    assert.is(b.buffer.byteLength, 200_000)
    assert.is(c.buffer, d.buffer)
    assert.ok(c.buffer.byteLength < 100)
  }),
)

memory(
  'shared memory is written as a copy, though another thread writes to it meanwhile',
  inFolder(async folder => {
    const path = join(folder, 'shared')
    const shared = new Uint8Array(new SharedArrayBuffer(300_000))
    const stop = new Int32Array(new SharedArrayBuffer(4))
    const worker = new Worker(new URL('../flipper.js', import.meta.url), { workerData: { shared, stop } })
    try {
      await new Promise(resolve => worker.once('message', resolve))
      for (let i = 0; i < 10; i++) {
        await dump(path, { shared, at: i }, FAST)
        const { shared: found, at } = await load<{ shared: Uint8Array; at: number }>(path)
        assert.is(at, i)
        assert.is(found.length, shared.length)
        assert.instance(found.buffer, ArrayBuffer)
      }
    } finally {
      Atomics.store(stop, 0, 1)
      await worker.terminate()
    }
  }),
)

memory(
  'a small value is free when dump returns: what arrives is what it was',
  inFolder(async folder => {
    const path = join(folder, 'small')
    const sent = { bytes: new Uint8Array(100_000).fill(1) }
    const done = dump(path, sent)
    sent.bytes.fill(2)
    await done
    assert.ok((await load<typeof sent>(path)).bytes.every(byte => byte === 1))
  }),
)

const harms: [name: string, harm: (bytes: Uint8Array) => void, code: 'CHECKSUM' | 'DETACHED'][] = [
  ['changes', bytes => bytes.fill(2, 777_777, 777_778), 'CHECKSUM'],
  ['moves away', bytes => structuredClone(0, { transfer: [bytes.buffer as ArrayBuffer] }), 'DETACHED'],
]
for (const [name, harm, code] of harms) {
  memory(
    `borrowed memory that ${name} while it is written is ${code}, and the old file stays`,
    inFolder(async folder => {
      const path = join(folder, 'large')
      await dump(path, 'old')
      const sent = [new Uint8Array(9000), new Uint8Array(MiB).fill(1)]
      const done = dump(path, sent)
      harm(sent[1]!)
      await refused(done, code, code === 'CHECKSUM' ? { buffer: 1 } : {})
      assert.is(await load(path), 'old')
      assert.equal(namesIn(folder), ['large'])
    }),
  )
}

memory(
  'without checksums nobody can tell that memory changed; that it is gone is still DETACHED',
  inFolder(async folder => {
    const path = join(folder, 'large')
    const sent = new Uint8Array(MiB).fill(1)
    const done = dump(path, sent, { checksum: false })
    sent.fill(2)
    await done
    assert.is((await load<Uint8Array>(path)).length, MiB)
    const gone = dump(path, sent, { checksum: false })
    structuredClone(0, { transfer: [sent.buffer] })
    await refused(gone, 'DETACHED')
    assert.is((await load<Uint8Array>(path)).length, MiB)
  }),
)

memory.run()

const place = suite('file: places')

const modeOf = (path: string): number => statSync(path).mode & 0o777

place(
  'a new file has the permissions that the umask leaves, an old one keeps its own',
  inFolder(async folder => {
    const path = join(folder, 'value')
    await dump(path, 1)
    assert.is(modeOf(path), 0o666 & ~process.umask())
    for (const mode of [0o600, 0o666, 0o640]) {
      chmodSync(path, mode)
      await dump(path, mode)
      assert.is(modeOf(path), mode)
      assert.is(await load(path), mode)
    }
  }),
)

const asRoot = process.getuid?.() === 0 ? place : place.skip
asRoot(
  "another's file stays theirs when root replaces it",
  inFolder(async folder => {
    const path = join(folder, 'value')
    await dump(path, 1)
    chownSync(path, 12_345, 54_321)
    chmodSync(path, 0o640)
    await dump(path, 2)
    const { uid, gid } = statSync(path)
    assert.equal([uid, gid, modeOf(path)], [12_345, 54_321, 0o640])
  }),
)

place(
  'a symbolic link stays, and what it names is replaced',
  inFolder(async folder => {
    const [path, link] = [join(folder, 'deep', 'value'), join(folder, 'link')]
    mkdirSync(join(folder, 'deep'))
    await dump(path, 'old')
    symlinkSync(join('deep', 'value'), link)
    await dump(link, 'new')
    assert.ok(lstatSync(link).isSymbolicLink())
    assert.is(await load(path), 'new')
    assert.equal(namesIn(join(folder, 'deep')), ['value'])
  }),
)

place(
  'a path may be a URL, the longest of names, or relative to where the process was',
  inFolder(async folder => {
    const path = join(folder, 'x'.repeat(255))
    await dump(pathToFileURL(path), 1)
    assert.is(await load(pathToFileURL(path)), 1)
    const before = process.cwd()
    process.chdir(folder)
    const done = dump('relative', 2)
    process.chdir(before)
    await done
    assert.is(await load(join(folder, 'relative')), 2)
  }),
)

place(
  'dumps to one file side by side: it is one of them, and nothing else is left',
  inFolder(async folder => {
    const path = join(folder, 'value')
    const sent = Array.from({ length: 20 }, (_, i) => new Uint8Array(200_000).fill(i))
    await Promise.all(sent.map(bytes => dump(path, bytes, FAST)))
    const found = await load<Uint8Array>(path)
    assert.ok(found.every(byte => byte === found[0]))
    assert.equal(namesIn(folder), ['value'])
  }),
)

place(
  "what is not there, or no file, is Node's own error",
  inFolder(async folder => {
    const nowhere = join(folder, 'nowhere')
    await failed(load(nowhere), 'ENOENT')
    await failed(openFile(nowhere), 'ENOENT')
    await failed(dump(join(nowhere, 'value'), 1), 'ENOENT')
    await failed(dump(join(nowhere, 'value'), 1, FAST), 'ENOENT')
    await failed(load(folder), 'EISDIR')
    writeFileSync(nowhere, 'a file')
    await failed(dump(join(nowhere, 'value'), 1), 'ENOTDIR')
    await failed(dump(join(folder, 'y'.repeat(256)), 1), 'ENAMETOOLONG')
    assert.equal(namesIn(folder), ['nowhere'])
  }),
)

place(
  'a folder, a device and a pipe are not replaced, nor waited for',
  inFolder(async folder => {
    assert.instance(await rejection(dump(folder, 1)), TypeError)
    assert.instance(await rejection(dump('/dev/null', 1)), TypeError)
    assert.ok(statSync('/dev/null').isCharacterDevice())
    const pipe = join(folder, 'pipe')
    if (!canRun('mkfifo', pipe)) return
    assert.instance(await rejection(dump(pipe, 1)), TypeError)
    await rejection(load(pipe))
    assert.ok(statSync(pipe).isFIFO())
  }),
)

place(
  'a folder that cannot be written to: the old file stays',
  inFolder(async folder => {
    const path = join(folder, 'value')
    await dump(path, 'old')
    chmodSync(folder, 0o555)
    // Root may write everywhere.
    const isRoot = process.getuid?.() === 0
    if (isRoot) process.seteuid?.(65_534)
    try {
      for (const sync of [true, false]) await failed(dump(path, 'new', { sync }), 'EACCES')
      assert.is(await load(path), 'old')
    } finally {
      if (isRoot) process.seteuid?.(0)
      chmodSync(folder, 0o755)
    }
    assert.equal(namesIn(folder), ['value'])
  }),
)

place.run()

const options = suite('file: options')

options(
  'a value written in a format is read in it, by load and openFile',
  inFolder(async folder => {
    const path = join(folder, 'value')
    for (const format of [msgpack, pickle]) {
      const sent = { id: 7, samples: new Float64Array(2000).fill(1.5) }
      await dump(path, sent, { ...FAST, format })
      assert.is(difference(sent, await load(path, { format })), undefined)
      const file = await openFile(path, { format })
      assert.is(difference(sent, await file.decode()), undefined)
      await file.close()
      await refused(load(path), 'MALFORMED')
    }
    const nothing = {} as typeof msgpack
    assert.instance(await rejection(dump(path, 1, { format: nothing })), TypeError)
    assert.instance(await rejection(openFile(path, { format: nothing })), TypeError)
  }),
)

options(
  'limits are those of untrusted files, checked on the head, and the error names them',
  inFolder(async folder => {
    const path = join(folder, 'value')
    await dump(path, new Uint8Array(10_000))
    await refused(load(path, { limits: { bufferBytes: 9999 } }), 'LIMIT', {
      limit: 'bufferBytes',
      max: 9999,
      requested: 10_000,
    })
    await dump(path, /a/)
    await refused(load(path), 'UNSUPPORTED', { limit: 'regexps' })
    assert.equal(await load(path, TRUSTED), /a/)
    await refused(dump(path, new Uint8Array(10_000), { limits: { totalBytes: 9000 } }), 'LIMIT')
    assert.equal(await load(path, TRUSTED), /a/)
  }),
)

options(
  'a head that announces more than the limits is refused before anything of it is read or allocated',
  inFolder(async folder => {
    const path = join(folder, 'large')
    // As large as it says: a file with a hole takes no room.
    const layout = layOut(1, [2 ** 35], undefined)
    const head = new Uint8Array(layout.headBytes)
    writeHead(head, layout)
    writeFileSync(path, head)
    truncateSync(path, layout.frameBytes)
    for (const limits of ['untrusted', 'trusted'] as const) {
      const error = await refused(load(path, { limits }), 'LIMIT', {
        limit: 'bufferBytes',
        requested: 2 ** 35,
      })
      assert.match(error.message, 'limits.bufferBytes')
    }
    await refused(load(path, { limits: { bufferBytes: Infinity, totalBytes: Infinity } }), 'LIMIT')
  }),
)

options(
  'checksums are compared when they are there, demanded with true, passed over with false',
  inFolder(async folder => {
    const path = join(folder, 'value')
    await dump(path, new Uint8Array(5000))
    for (const checksum of [undefined, true, false]) await load(path, { checksum })
    const bytes = readFileSync(path)
    bytes[bytes.length - 100]! ^= 1
    writeFileSync(path, bytes)
    for (const checksum of [undefined, true]) await refused(load(path, { checksum }), 'TORN', { buffer: 0 })
    assert.is((await load<Uint8Array>(path, { checksum: false })).length, 5000)
    await dump(path, 1, { checksum: false })
    assert.is(await load(path), 1)
    await refused(load(path, { checksum: true }), 'CHECKSUM')
  }),
)

options(
  'what encode refuses is refused before anything is written, and what a getter throws passes',
  inFolder(async folder => {
    const path = join(folder, 'value')
    await refused(dump(path, { a: () => {} }), 'UNSUPPORTED', { path: 'value.a' })
    const own = new Error('own')
    const value = {
      get a() {
        throw own
      },
    }
    assert.is(await rejection(dump(path, value)), own)
    assert.equal(namesIn(folder), [])
  }),
)

options(
  "the caller's mistakes are TypeErrors",
  inFolder(async folder => {
    const path = join(folder, 'value')
    await dump(path, new Uint8Array(5000))
    const file = await openFile(path)
    const mistakes: Promise<unknown>[] = [
      dump(1 as never, 1),
      dump(path, 1, { sync: 1 } as never),
      dump(path, 1, { checksum: 'yes' } as never),
      dump(path, 1, { threshold: 'all' } as never),
      load({} as never),
      load(path, { limits: 'none' } as never),
      load(path, { checksum: 1 } as never),
      load(path, { types: [] } as never),
      ...[-1, 1, 0.5, Number.NaN, '0'].map(index => file.buffer(index as number)),
    ]
    for (const error of await Promise.all(mistakes.map(rejection))) assert.instance(error, TypeError)
    await file.close()
    assert.is((await load<Uint8Array>(path)).length, 5000)
  }),
)

options(
  'types: what is loaded is unknown, or what the caller says',
  inFolder(async folder => {
    const path = join(folder, 'value')
    const passedOn: DumpOptions = { checksum: undefined, sync: undefined, threshold: undefined }
    await dump(path, { a: 1 }, passedOn)
    const typed: { a: number } = await load<{ a: number }>(path, { limits: undefined, checksum: undefined })
    const untyped: unknown = await load(path)
    assert.equal(typed, untyped)
    const wrong = [
      // @ts-expect-error: unknown until the caller says
      () => load(path).then((value): { a: number } => value),
      // @ts-expect-error: shared memory is always copied
      () => dump(path, 1, { shared: 'share' }),
    ]
    assert.is(wrong.length, 2)
    assert.equal(unpack(readFileSync(path)).meta, pack(encode({ a: 1 }))[1])
  }),
)

options.run()
