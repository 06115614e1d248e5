/** Files that are mapped: what is read of them and what is not, who sees what is written, and where their bytes are found. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, truncateSync } from 'node:fs'
import { open, rename, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { memory } from '../../fixtures/values/memory.js'
import { dump, type LoadOptions, load, openFile } from '../../src/file/index.js'
import { pack } from '../../src/frame/index.js'
import { encode, isOutbandError } from '../../src/index.js'
import { type FilePlace, lentFileOf, openFilePlace } from '../../src/memory/mapped-file.js'
import { identityOf } from '../../src/memory/names.js'
import { difference } from '../same.js'
import { PATIENCE_MS } from '../shm/kit.js'
import { thrown } from '../thrown.js'
import { canRun, failed, inFolder, refused, rejection, script } from './kit.js'

const isLinux = process.platform === 'linux'
if (!isLinux) console.log('SKIP: mapped files are tested on Linux alone')
const FAST = { sync: false }
const filePlaceOf = (view: ArrayBufferView): FilePlace | undefined => lentFileOf(view)?.place
const MiB = 2 ** 20
const modes: readonly ('private' | 'shared')[] = ['private', 'shared']

const trip = suite('file: mapped values')
const tripRow = isLinux ? trip : trip.skip

tripRow(
  'memory comes back as it does when it is read',
  inFolder(async folder => {
    const path = join(folder, 'value')
    for (const [i, row] of memory.filter(({ isShared }) => !isShared).entries()) {
      const mmap = modes[i % 2]!
      const sent = row.make()
      await dump(path, sent, { ...FAST, threshold: 0 })
      const arrived = await load(path, { limits: 'trusted', mmap })
      const found = difference(row.arrives?.(sent as never) ?? sent, arrived)
      assert.is(found, undefined, `${row.name}, ${mmap}: ${found}`)
    }
  }),
)

trip.run()

interface Model {
  name: string
  weights: Float64Array
  bias: Float32Array
  mask: Uint8Array
}
const model = (): Model => ({
  name: 'small',
  weights: new Float64Array(10_000).fill(2),
  bias: new Float32Array(300).fill(3),
  mask: new Uint8Array(7).fill(4),
})
const OUT = { ...FAST, threshold: 0 }

/** A test with the path of a file that holds the model. */
const withModel = (run: (path: string, folder: string) => Promise<void>): (() => Promise<void>) =>
  inFolder(async folder => {
    const path = join(folder, 'model')
    await dump(path, model(), OUT)
    await run(path, folder)
  })

const test = suite('file: mapped')
const row = isLinux ? test : test.skip

row(
  'buffers are ArrayBuffers of their own on the file, large ones at a multiple of 64',
  withModel(async path => {
    for (const mmap of modes) {
      const { weights, bias, mask } = await load<Model>(path, { mmap })
      for (const view of [weights, bias, mask]) {
        assert.equal([view.byteOffset, view.buffer.byteLength], [0, view.byteLength])
        const place = filePlaceOf(view)!
        assert.equal([place.pid, place.byteLength, place.access], [process.pid, view.byteLength, mmap])
        assert.is(place.byteOffset % (view.byteLength < 1024 ? 8 : 64), 0)
      }
    }
  }),
)

row(
  'private: what is written stays here, in this value',
  withModel(async path => {
    const before = readFileSync(path)
    const [one, other] = await Promise.all([1, 2].map(() => load<Model>(path, { mmap: 'private' })))
    one!.weights.fill(9)
    one!.mask[0] = 9
    assert.equal([other!.weights[5], other!.mask[0]], [2, 4])
    assert.is(Buffer.compare(readFileSync(path), before), 0)
  }),
)

row(
  'shared: what is written is in the file, and in every value that shares it',
  withModel(async path => {
    const [one, other] = await Promise.all([1, 2].map(() => load<Model>(path, { mmap: 'shared' })))
    one!.weights.fill(9)
    assert.is(other!.weights[9_999], 9)
    // The checksum that was written is that of what was there before.
    await refused(load(path), 'TORN', { buffer: 0 })
    const { weights, bias } = await load<Model>(path, { checksum: false })
    assert.equal([weights[9_999], bias[0]], [9, 3])
  }),
)

row(
  'a file of 4 GiB is open without being read',
  inFolder(async folder => {
    const path = join(folder, 'large')
    // Memory that nobody touches takes none, and neither do holes in a file.
    const sent = { name: 'large', weights: new Float32Array(2 ** 30 - 1000) }
    const chunks = pack(encode(sent))
    const file = await open(path, 'w')
    let size = 0
    for (const chunk of chunks) {
      if (chunk.length < MiB) await file.write(chunk, 0, chunk.length, size)
      size += chunk.length
    }
    await file.truncate(size)
    await file.close()
    const read = (): number => Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'latin1'))![1])
    const before = [read(), process.memoryUsage.rss()]
    const { weights } = await load<typeof sent>(path, { mmap: 'private', limits: 'trusted' })
    const [chars, rss] = [read() - before[0]!, process.memoryUsage.rss() - before[1]!]
    assert.ok(chars < MiB && rss < 64 * MiB, `${chars} bytes read, ${rss} bytes more in memory`)
    assert.equal([weights.length, weights.at(-1)], [2 ** 30 - 1000, 0])
    weights[5] = 1
    assert.is((await load<typeof sent>(path, { mmap: 'private', limits: 'trusted' })).weights[5], 0)
  }),
)

row(
  'openFile: a buffer is a view of the file, and stays good when the file is closed',
  withModel(async path => {
    const file = await openFile(path, { mmap: 'private' })
    const bias = await file.buffer(1)
    const packet = await file.packet()
    await file.close()
    assert.is(new Float32Array(bias.buffer)[299], 3)
    assert.is(packet.buffers[2]![6], 4)
    assert.ok(packet.meta.length > 0 && packet.meta !== file.meta)
    await refused(file.buffer(1), 'CLOSED')
  }),
)

/** Whether a path is mapped after a collection. */
async function isMapped(path: string): Promise<boolean> {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  for (let round = 0; round < 5; round++) {
    collect()
    await sleep(1)
  }
  return readFileSync('/proc/self/maps', 'utf8').includes(path)
}

row(
  'the mapping lives as long as a view of it, and no longer',
  withModel(async path => {
    const kept: Uint8Array[] = []
    await (async () => {
      const { mask } = await load<Model>(path, { mmap: 'private' })
      kept.push(mask.subarray(2, 3))
    })()
    assert.ok(await isMapped(path))
    assert.is(kept.pop()![0], 4)
    assert.not.ok(await isMapped(path))
  }),
)

row(
  'dump replaces the file: what is mapped stays the old one',
  withModel(async path => {
    const { weights } = await load<Model>(path, { mmap: 'shared' })
    await dump(path, { name: 'other' }, FAST)
    assert.is(weights[9_999], 2)
    assert.equal(await load(path), { name: 'other' })
    // A value is written to the very file that it lies in.
    await dump(path, { weights }, FAST)
    assert.is((await load<Model>(path)).weights[9_999], 2)
  }),
)

/** Damages a file of this length in place. */
const damages: [what: string, damage: (path: string, size: number) => Promise<void>, options: LoadOptions][] =
  [
    ['cut', (path, size) => truncate(path, size - 1), {}],
    ['grown', (path, size) => truncate(path, size + 1), {}],
    ['a head with a bit changed', path => flip(path, 24), {}],
    ['metadata with a bit changed', path => flip(path, 24 + 3 * 8 + 16 + 3), {}],
    ['a buffer with a bit changed, checksum: true', (path, size) => flip(path, size - 5), { checksum: true }],
  ]
async function flip(path: string, at: number): Promise<void> {
  const bytes = readFileSync(path)
  bytes[at]! ^= 1
  await writeFile(path, bytes)
}
for (const [what, damage, options] of damages) {
  row(
    `${what}: TORN`,
    withModel(async path => {
      await damage(path, readFileSync(path).length)
      for (const mmap of modes) await refused(load(path, { mmap, ...options }), 'TORN')
    }),
  )
}

row(
  'a buffer with a bit changed is not noticed unless its checksum is asked for',
  withModel(async path => {
    await flip(path, readFileSync(path).length - 8)
    await refused(load(path), 'TORN')
    const { mask } = await load<Model>(path, { mmap: 'private' })
    assert.is(
      mask.reduce((sum, byte) => sum + byte),
      29,
    )
  }),
)

row(
  'limits, demanded checksums and options are held against a mapped file too',
  inFolder(async folder => {
    const path = join(folder, 'value')
    await dump(path, new Uint8Array(MiB), { ...FAST, checksum: false })
    await refused(load(path, { mmap: 'private', limits: { bufferBytes: MiB - 1 } }), 'LIMIT', {
      limit: 'bufferBytes',
    })
    await refused(load(path, { mmap: 'private', checksum: true }), 'CHECKSUM')
    for (const mmap of ['readonly', true, null]) {
      assert.instance(await rejection(load(path, { mmap } as never)), TypeError)
    }
    await failed(load(join(folder, 'missing'), { mmap: 'private' }), 'ENOENT')
    await failed(load(folder, { mmap: 'shared' }), 'EISDIR')
  }),
)

test.run()

const places = suite('file: places of mapped bytes')
const placesRow = isLinux ? places : places.skip

/** Another process opens the place. */
const openedElsewhere = (place: FilePlace): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, [script('placed'), JSON.stringify(place)], {
    encoding: 'utf8',
    timeout: PATIENCE_MS,
  })

/** Another process adds 1 to each byte of the place, and says what their sum was. */
function elsewhere(place: FilePlace): number {
  const { stdout, stderr, status } = openedElsewhere(place)
  assert.equal([stderr, status], ['', 0])
  return JSON.parse(stdout)
}

for (const [mmap, after] of [
  ['private', 4],
  ['shared', 5],
] as const) {
  placesRow(
    `${mmap}: another process has the bytes by their place, and a subarray’s`,
    withModel(async path => {
      const { mask, weights } = await load<Model>(path, { mmap })
      assert.is(elsewhere(filePlaceOf(mask.subarray(1, 4))!), 12)
      assert.equal([...mask], [4, after, after, after, 4, 4, 4])
      const opened = openFilePlace(filePlaceOf(weights.subarray(100))!)
      assert.is(new Float64Array(opened.buffer)[9_899], 2)
      // What was opened by its place lies in the file as well.
      const place = filePlaceOf(opened.subarray(8))!
      assert.is(place.byteOffset, filePlaceOf(weights)!.byteOffset + 808)
      assert.is(openFilePlace(filePlaceOf(weights.subarray(5, 5))!).length, 0)
    }),
  )
}

placesRow(
  'private pages that were written have no place, and those beside them keep theirs',
  inFolder(async folder => {
    const path = join(folder, 'value')
    await dump(path, new Uint8Array(MiB).fill(1), FAST)
    const bytes = await load<Uint8Array>(path, { mmap: 'private' })
    assert.is(bytes[500_000], 1)
    assert.ok(filePlaceOf(bytes))
    bytes[600_000] = 2
    assert.is(filePlaceOf(bytes), undefined)
    // Pages have 64 KiB at most.
    assert.ok(filePlaceOf(bytes.subarray(0, 500_000)))
    assert.ok(filePlaceOf(bytes.subarray(700_000)))
    assert.is(filePlaceOf(bytes.subarray(600_000, 600_001)), undefined)
  }),
)

placesRow(
  'memory of no file has no place, nor have bytes whose file has lost its name before anyone asked',
  withModel(async (path, folder) => {
    assert.is(filePlaceOf(new Uint8Array(5)), undefined)
    const { weights } = await load<Model>(path, { mmap: 'private' })
    const late = await load<Model>(path, { mmap: 'private' })
    const place = filePlaceOf(weights)!
    await rename(path, join(folder, 'moved'))
    assert.is(filePlaceOf(late.weights), undefined)
    await dump(path, { ...model(), weights: new Float64Array(10_000) }, OUT)
    assert.is(filePlaceOf(late.weights), undefined)
    // A place that was told of stays the same file's.
    assert.equal(filePlaceOf(weights), place)
    assert.is(new Float64Array(openFilePlace(place).buffer)[9_999], 2)
    assert.equal([weights[9_999], late.weights[9_999]], [2, 2])
  }),
)

placesRow(
  'a file that was cut is noticed before anyone touches what is gone',
  withModel(async path => {
    const { weights } = await load<Model>(path, { mmap: 'private' })
    const place = filePlaceOf(weights)!
    truncateSync(path, 1000)
    code(() => filePlaceOf(weights), 'SHM_STALE')
    code(() => openFilePlace(place), 'SHM_STALE')
  }),
)

placesRow(
  'what is no place is MALFORMED, and another file SHM_STALE',
  withModel(async path => {
    const { weights } = await load<Model>(path, { mmap: 'private' })
    const place = filePlaceOf(weights)!
    for (const wrong of [
      { pid: -1 },
      { fd: 1.5 },
      { fd: '5' },
      { identity: undefined },
      { byteOffset: -1 },
      { byteOffset: 1.5 },
      { byteLength: 2 ** 53 },
      { byteOffset: 2 ** 53 - 1 },
      { access: 'readonly' },
    ]) {
      code(() => openFilePlace({ ...place, ...wrong } as FilePlace), 'MALFORMED')
    }
    for (const wrong of [{ fd: 0 }, { fd: 9999 }, { pid: 2 ** 31 }, { identity: '1:1' }]) {
      code(() => openFilePlace({ ...place, ...wrong }), 'SHM_STALE')
    }
    code(() => openFilePlace({ ...place, byteLength: MiB }), 'SHM_STALE')
  }),
)

for (const access of ['private', 'shared'] as const) {
  placesRow(
    `${access}: a pipe in place of a file is SHM_STALE, and keeps nobody waiting`,
    inFolder(folder => {
      const pipe = join(folder, 'pipe')
      assert.ok(canRun('mkfifo', pipe))
      const fd = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK)
      const place = { pid: process.pid, fd, identity: identityOf(fd), byteOffset: 0, byteLength: 8, access }
      const { status, stderr } = openedElsewhere(place)
      closeSync(fd)
      assert.is(status, 1)
      assert.match(stderr, "code: 'SHM_STALE'")
    }),
  )
}

function code(run: () => unknown, wanted: string): void {
  const error = thrown(run)
  assert.ok(isOutbandError(error), String(error))
  assert.is(error.code, wanted, error.message)
}

places.run()
