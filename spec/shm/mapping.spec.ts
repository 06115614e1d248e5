/** Mapped memory below the segments: windows, where they lie, how long they live, and what a descriptor allows. */
import { constants } from 'node:buffer'
import { spawnSync } from 'node:child_process'
import { closeSync, fstatSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Mapping, placeOf } from '../../src/memory/mapping.js'
import { createMemoryFile, isSealed, openOf } from '../../src/memory/memfd.js'
import { lock, reserve } from '../../src/memory/posix.js'
import { thrown } from '../thrown.js'
import { commandOf, descriptorsOfShm, isLinux, playWith, refused } from './kit.js'

const SIZE = 200_000

const test = suite('shm: mappings')
test.after(() => {
  assert.equal(descriptorsOfShm(), [])
})
const row = isLinux ? test : test.skip

/** A test with a sealed segment of 0, 1, 2 … 250, 0 … */
function withSegment(run: (fd: number, bytes: Uint8Array) => void): () => void {
  return () => {
    const fd = createMemoryFile('outband spec', SIZE)
    try {
      const mapping = Mapping.open(fd, SIZE)
      const bytes = new Uint8Array(mapping.window(0, SIZE))
      for (let i = 0; i < SIZE; i++) bytes[i] = i % 251
      run(fd, bytes)
      mapping.close()
    } finally {
      closeSync(fd)
    }
  }
}

row(
  'a mapping begins anywhere, and a window anywhere in it; all see the same bytes',
  withSegment((fd, bytes) => {
    for (const byteOffset of [0, 1, 4095, 4096, 65_535, 65_536, 65_537, SIZE - 1]) {
      const byteLength = Math.min(1000, SIZE - byteOffset)
      const mapping = Mapping.open(fd, byteLength, { byteOffset })
      for (const at of [0, 7, byteLength - 1].filter(at => at < byteLength)) {
        const window = mapping.window(at, byteLength - at)
        assert.is(new Uint8Array(window)[0], (byteOffset + at) % 251)
        assert.equal(placeOf(window), { mapping, byteOffset: at })
        new Uint8Array(window)[0]! += 1
        assert.is(bytes[byteOffset + at], ((byteOffset + at) % 251) + 1)
        new Uint8Array(window)[0]! -= 1
      }
      mapping.close()
      mapping.close()
      refused(() => mapping.window(0, 1), 'CLOSED')
    }
    assert.is(placeOf(new ArrayBuffer(8)), undefined)
  }),
)

row(
  'a private mapping is written without anyone’s notice, even through a descriptor for reading',
  withSegment((fd, bytes) => {
    const toRead = openSync(`/proc/self/fd/${fd}`, 'r')
    refused(() => Mapping.open(toRead, SIZE), 'SHM_PERM')
    const mapping = Mapping.open(toRead, SIZE, { access: 'private' })
    closeSync(toRead)
    const own = new Uint8Array(mapping.window(0, SIZE))
    assert.is(Buffer.compare(own, bytes), 0)
    own.fill(255)
    assert.is(bytes[100], 100)
    mapping.close()
  }),
)

// Later versions of Node have a longest one that no memory fills.
const short = constants.MAX_LENGTH > 2 ** 40 ? test.skip : row
short('a mapping may be longer than the longest ArrayBuffer, a window may not', () => {
  const size = constants.MAX_LENGTH + 8192
  const fd = createMemoryFile('outband spec', size)
  const mapping = Mapping.open(fd, size)
  closeSync(fd)
  assert.is(mapping.window(size - 8, 8).byteLength, 8)
  assert.is(mapping.window(8192, constants.MAX_LENGTH).byteLength, constants.MAX_LENGTH)
  refused(() => mapping.window(0, constants.MAX_LENGTH + 1), 'UNSUPPORTED', {
    requested: constants.MAX_LENGTH + 1,
    available: constants.MAX_LENGTH,
  })
  mapping.close()
})

row(
  'what lies outside is a TypeError, and what the file has not is SHM_STALE',
  withSegment(fd => {
    refused(() => Mapping.open(fd, SIZE + 1), 'SHM_STALE', { requested: SIZE + 1, available: SIZE })
    refused(() => Mapping.open(fd, 10, { byteOffset: SIZE }), 'SHM_STALE')
    const mapping = Mapping.open(fd, 100)
    for (const [byteOffset, byteLength] of [
      [0, 101],
      [100, 1],
      [-1, 5],
      [0.5, 1],
      [Number.NaN, 1],
      [0, -1],
    ] as const) {
      assert.instance(
        thrown(() => mapping.window(byteOffset, byteLength)),
        TypeError,
      )
    }
    for (const byteLength of [0, -1, 1.5, Number.NaN]) {
      assert.instance(
        thrown(() => Mapping.open(fd, byteLength)),
        TypeError,
      )
    }
    assert.is(mapping.window(100, 0).byteLength, 0)
    mapping.close()
  }),
)

row(
  'Atomics work on a window, and a copy of it is an ordinary ArrayBuffer',
  withSegment((fd, bytes) => {
    const mapping = Mapping.open(fd, 64)
    const words = new Int32Array(mapping.window(0, 64))
    Atomics.store(words, 1, 41)
    assert.is(Atomics.add(words, 1, 1), 41)
    assert.is(Atomics.compareExchange(words, 1, 42, 43), 42)
    assert.is(bytes[4], 43)
    const clone = structuredClone(words)
    clone[1] = 5
    assert.is(Atomics.load(words, 1), 43)
    mapping.close()
  }),
)

row('a mapping lives as long as itself, a window or a view is reachable, and no longer', () => {
  assert.equal(playWith(['--expose-gc'], 'windows'), [
    ['a mapping that is kept', 1],
    ['a window alone that is kept', 2],
    ['a view of a window alone that is kept', 3],
    ['forgotten, never closed', 3],
    ['closed, window forgotten', 3],
    ['closed, window kept', 4],
    ['all forgotten', 0],
  ])
})

row('a write to what was mapped only to be read ends the process: the documented SIGSEGV', () => {
  const [node, ...args] = commandOf('readonly')
  assert.is(spawnSync(node!, args).signal, 'SIGSEGV')
})

row('a segment has its length for ever', () => {
  const fd = createMemoryFile('outband spec', SIZE)
  assert.ok(isSealed(fd))
  for (const size of [0, SIZE - 1, SIZE + 1])
    assert.instance(
      thrown(() => ftruncateSync(fd, size)),
      Error,
    )
  assert.equal([fstatSync(fd).size, fstatSync(fd).mode & 0o777], [SIZE, 0o600])
  reserve(fd, 0, SIZE)
  refused(() => reserve(fd, 0, 2 ** 50), 'SHM_NOSPACE', { requested: 2 ** 50 })
  const own = openOf(process.pid, fd)
  assert.ok(isSealed(own))
  closeSync(own)
  closeSync(fd)
  for (const byteLength of [0, -1, 1.5]) {
    assert.instance(
      thrown(() => createMemoryFile('none', byteLength)),
      TypeError,
    )
  }
})

row('a file that can be cut is no segment to open of another', () => {
  const folder = mkdtempSync(join(tmpdir(), 'outband-'))
  const fd = openSync(join(folder, 'file'), 'w+')
  writeFileSync(fd, 'bytes')
  assert.not.ok(isSealed(fd))
  refused(() => openOf(process.pid, fd), 'SHM_STALE')
  closeSync(fd)
  rmSync(folder, { recursive: true })
})

row('a lock is one descriptor’s at a time, several may share it, and closing frees it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'outband-'))
  const open = () => openSync(join(folder, 'lock'), 'a')
  const [one, two, three] = [open(), open(), open()]
  assert.equal([lock(one, 'exclusive'), lock(two, 'exclusive'), lock(two, 'shared')], [true, false, false])
  closeSync(one)
  assert.equal([lock(two, 'shared'), lock(three, 'shared'), lock(three, 'exclusive')], [true, true, false])
  closeSync(two)
  assert.ok(lock(three, 'exclusive'))
  closeSync(three)
  rmSync(folder, { recursive: true })
})

row('a worker maps what another thread made, and its descriptors end with it', async () => {
  const fd = createMemoryFile('outband spec', 100)
  const mapping = Mapping.open(fd, 100)
  const url = (name: string): string =>
    JSON.stringify(new URL(`../../src/memory/${name}.js`, import.meta.url))
  const code = `Promise.all([import(${url('mapping')}), import(${url('memfd')})]).then(([{ Mapping }, memfd]) => {
    const mapping = Mapping.open(memfd.openOf(process.pid, ${fd}), 100)
    new Uint8Array(mapping.window(10, 1))[0] = 7
    memfd.createMemoryFile('outband left open', 10)
  })`
  const worker = new Worker(code, { eval: true })
  const status = await new Promise(resolve => worker.once('exit', resolve).once('error', resolve))
  assert.is(status, 0)
  assert.is(new Uint8Array(mapping.window(0, 100))[10], 7)
  mapping.close()
  closeSync(fd)
})

test.run()
