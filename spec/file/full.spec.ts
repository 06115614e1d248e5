/** No room: a disk that is full, a file that may not grow, and calls that do less than they were asked to. */
import { spawnSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Readable, readInto, type Writable, writeAll } from '../../src/file/disk.js'
import { canRun, inFolder, refused, script } from './kit.js'

const MiB = 2 ** 20
const GiB = 2 ** 30

const room = suite('file: no room')

const unshare = [['--mount'], ['--user', '--map-root-user', '--mount']].find(options =>
  canRun('unshare', ...options, 'sh', '-c', 'mount -t tmpfs -o size=1m none /tmp'),
)
const places: [name: string, command: readonly string[] | undefined, code: string][] = [
  [
    'a full disk',
    unshare && [
      'unshare',
      ...unshare,
      'sh',
      '-c',
      'mount -t tmpfs -o size=1m none "$3" && exec "$1" "$2" "$3"',
    ],
    'ENOSPC',
  ],
  [
    'a file that may not grow',
    canRun('sh', '-c', 'ulimit -f 1000') ? ['sh', '-c', 'ulimit -f 1000 && exec "$1" "$2" "$3"'] : undefined,
    'EFBIG',
  ],
]
for (const [name, command, code] of places) {
  const run = command === undefined ? room.skip : room
  run(
    `${name}: ${code}, the old file stays, nothing is left beside it, and the log goes on`,
    inFolder(folder => {
      const [file, ...args] = command!
      const { stdout, stderr } = spawnSync(
        file!,
        [...args, 'sh', process.execPath, script('filler'), folder],
        { encoding: 'utf8' },
      )
      assert.is(stderr, '')
      assert.equal(JSON.parse(stdout), {
        dumped: [code, code],
        value: 'old',
        appended: ['resolved', code, 'resolved'],
        alone: code,
        values: ['first', 'second', 'third', 'last'],
        names: ['log', 'value'],
      })
    }),
  )
}

room.run()

const calls = suite('file: short calls')

/** Takes so many bytes a call, as `sizes` says, and keeps what it was given. */
class Slow implements Writable, Readable {
  readonly bytes: Uint8Array
  /** Chunks and bytes of each call. */
  readonly asked: [chunks: number, byteLength: number][] = []
  readonly #sizes: (call: number) => number

  constructor(byteLength: number, sizes: (call: number) => number) {
    this.bytes = new Uint8Array(byteLength)
    this.#sizes = sizes
  }

  async writev(chunks: readonly Uint8Array[], position: number): Promise<{ bytesWritten: number }> {
    const sum = chunks.reduce((total, { length }) => total + length, 0)
    const most = Math.min(this.#sizes(this.asked.length), sum)
    this.asked.push([chunks.length, sum])
    let at = position
    for (const chunk of chunks) {
      const taken = chunk.subarray(0, position + most - at)
      this.bytes.set(taken, at)
      at += taken.length
    }
    return { bytesWritten: most }
  }

  async read(
    target: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }> {
    const most = Math.min(this.#sizes(this.asked.length), length, this.bytes.length - position)
    this.asked.push([1, length])
    target.set(this.bytes.subarray(position, position + most), offset)
    return { bytesRead: most }
  }
}

const counting = (byteLength: number): Uint8Array => new Uint8Array(byteLength).map((_, i) => i % 251)

/** The same bytes in chunks of these lengths, over and over. */
function cut(bytes: Uint8Array, ...lengths: number[]): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const chunk = bytes.subarray(at, at + lengths[i % lengths.length]!)
    chunks.push(chunk)
    at += chunk.length
  }
  return chunks
}

const sizes: [name: string, sizes: (call: number) => number][] = [
  ['a byte at a time', () => 1],
  ['17 bytes', () => 17],
  ['any number', call => ((call * 7919) % 300) + 1],
  ['all but one', call => [699, 1, 1299, 5000][call % 4]!],
]
for (const [name, size] of sizes) {
  calls(`${name}: all is written and read, in order`, async () => {
    const bytes = counting(4000)
    for (const lengths of [[4000], [1, 7, 100], [700, 1300], [1]]) {
      const file = new Slow(4010, size)
      await writeAll(file, cut(bytes, ...lengths), 10)
      assert.is(Buffer.compare(file.bytes.subarray(10), bytes), 0)
      assert.ok(file.bytes.subarray(0, 10).every(byte => byte === 0))
      const target = new Uint8Array(4000)
      assert.is(await readInto(file, target, 10), 4000)
      assert.is(Buffer.compare(target, bytes), 0)
    }
  })
}

calls('a call has 1024 chunks at most, of 1 GiB at most', async () => {
  const many = new Slow(5000, () => Number.POSITIVE_INFINITY)
  await writeAll(many, cut(counting(5000), 1), 0)
  assert.equal(many.asked, [
    [1024, 1024],
    [1024, 1024],
    [1024, 1024],
    [1024, 1024],
    [904, 904],
  ])
  // Memory that nobody touches takes none, and a file that keeps nothing.
  const asked: number[][] = []
  const writev = async (chunks: readonly Uint8Array[]) => {
    asked.push(chunks.map(({ length }) => length))
    return { bytesWritten: chunks.reduce((sum, { length }) => sum + length, 0) }
  }
  await writeAll({ writev }, [counting(10), new Uint8Array(2 * GiB + 5), counting(20)], 0)
  assert.equal(asked, [[10, GiB], [GiB], [5, 20]])
})

calls('a write that takes nothing is an error, and so is memory that is lost on the way', async () => {
  const stuck = new Slow(100, call => (call === 0 ? 60 : 0))
  await refused(writeAll(stuck, [counting(100)], 0), 'TORN', { offset: 60, requested: 40, available: 0 })
  const chunks = [counting(50), counting(50)]
  const writev = async () => {
    structuredClone(0, { transfer: [chunks[1]!.buffer as ArrayBuffer] })
    return { bytesWritten: 60 }
  }
  await refused(writeAll({ writev }, chunks, 0), 'DETACHED')
})

calls('a file that ends early gives what there is', async () => {
  const file = new Slow(100, () => 33)
  assert.is(await readInto(file, new Uint8Array(MiB), 10), 90)
  assert.is(await readInto(file, new Uint8Array(5), 100), 0)
})

calls.run()
