/** Segments: what is made, opened, refused and removed, within one process. Python's errors, in our codes. */
import {
  chmodSync,
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { dispose } from '../../src/dispose.js'
import { type CreateOptions, SharedMemory, SharedMemoryManager } from '../../src/shm/index.js'
import { thrown } from '../thrown.js'
import { areGone, canRun, descriptorsOfShm, isLinux, play, refused } from './kit.js'

const pathOf = (name: string): string => `/dev/shm/${name}`
const bytesOf = ({ buffer }: SharedMemory): Uint8Array => new Uint8Array(buffer)
/** Not of the names that others sweep. */
const named = (what: string): string => `spec-outband-${what}-${process.pid}`

const test = suite('shm: segments')
test.after(() => {
  assert.equal(descriptorsOfShm(), [])
})
const row = isLinux ? test : test.skip

row('what one writes the other reads; both have the bytes that were asked for', () => {
  for (const size of [1, 10, 4096, 4097, 100_000]) {
    using made = SharedMemory.create({ size })
    using found = SharedMemory.attach(made.name!)
    assert.equal(
      [made.size, found.size, made.buffer.byteLength, statSync(pathOf(made.name!)).size],
      Array(4).fill(size),
    )
    assert.ok(bytesOf(made).every(byte => byte === 0))
    bytesOf(made)[size - 1] = 7
    assert.is(bytesOf(found)[size - 1], 7)
    assert.is(made.buffer, made.buffer)
  }
})

row('a name of ours has 128 random bits, and the segment is its user’s alone whatever the umask says', () => {
  const old = process.umask(0)
  try {
    for (const umask of [0, 0o777]) {
      process.umask(umask)
      using made = SharedMemory.create({ size: 10 })
      assert.match(made.name!, /^outband-[\w-]{22}$/)
      assert.is(statSync(pathOf(made.name!)).mode & 0o777, 0o600)
    }
  } finally {
    process.umask(old)
  }
})

row('a name may be given, with or without the slash that Python puts before it', () => {
  const name = named('given')
  using made = SharedMemory.create({ size: 10, name: `/${name}` })
  assert.is(made.name, name)
  for (const same of [name, `/${name}`]) SharedMemory.attach(same).close()
})

row('to attach to fewer bytes than there are is to have those; to more is SHM_STALE', () => {
  using made = SharedMemory.create({ size: 100 })
  using found = SharedMemory.attach(made.name!, { size: 60 })
  assert.equal([found.size, found.buffer.byteLength], [60, 60])
  refused(() => SharedMemory.attach(made.name!, { size: 101 }), 'SHM_STALE', {
    requested: 101,
    available: 100,
  })
})

const mistakes: [what: string, run: () => unknown][] = [
  ['no options', () => SharedMemory.create(undefined as never)],
  ['a handle of nothing', () => SharedMemory.attach(null as never)],
  ['no size', () => SharedMemory.create({} as CreateOptions)],
  ['a size of 0', () => SharedMemory.create({ size: 0 })],
  ['a size below 0', () => SharedMemory.create({ size: -1 })],
  ['a size that is no integer', () => SharedMemory.create({ size: 1.5 })],
  ['a size that is text', () => SharedMemory.create({ size: '10' as unknown as number })],
  ['a name with a slash', () => SharedMemory.create({ size: 1, name: 'a/b' })],
  ['a name that climbs', () => SharedMemory.attach('..')],
  ['a name of our own', () => SharedMemory.create({ size: 1, name: 'outband-x' })],
  ['an empty name', () => SharedMemory.attach('/')],
  ['a name with a zero', () => SharedMemory.attach('a\0b')],
  ['a name with a line break', () => SharedMemory.create({ size: 1, name: 'a\nb' })],
  ['a name that is too long', () => SharedMemory.attach('ä'.repeat(128))],
  ['a name that is none', () => SharedMemory.attach(5 as unknown as string)],
  ['a name for an anonymous one', () => SharedMemory.create({ size: 1, name: 'a', anonymous: true })],
  ['a handle of no descriptor', () => SharedMemory.attach({ fd: -1 })],
  ['a handle of no process', () => SharedMemory.attach({ pid: 1.5, fd: 3 })],
  ['an attached size of 0', () => SharedMemory.attach({ fd: 0, size: -1 })],
]
for (const [what, run] of mistakes) {
  row(`${what} is a TypeError`, () => {
    const error = thrown(run)
    assert.instance(error, TypeError)
    assert.match((error as Error).message, ': wanted ')
  })
}

row('a name that is taken is SHM_EXISTS, and stays as it was', () => {
  using made = SharedMemory.create({ size: 10, name: named('taken') })
  bytesOf(made)[0] = 5
  refused(() => SharedMemory.create({ size: 20, name: made.name! }), 'SHM_EXISTS')
  using found = SharedMemory.attach(made.name!)
  assert.equal([found.size, bytesOf(found)[0]], [10, 5])
})

/** Someone else was there first, and what they left is not opened. */
const squatters: [
  what: string,
  code: 'SHM_PERM' | 'SHM_STALE',
  make: (path: string) => void,
  remove?: typeof unlinkSync,
][] = [
  ['nothing', 'SHM_STALE', () => {}, () => {}],
  ['an empty file', 'SHM_STALE', path => writeFileSync(path, '', { mode: 0o600 })],
  ['a link', 'SHM_PERM', path => symlinkSync('/etc/hostname', path)],
  ['a link that leads nowhere', 'SHM_PERM', path => symlinkSync('/nowhere', path)],
  ['a folder', 'SHM_PERM', path => mkdirSync(path, 0o700), rmdirSync],
  ['a pipe', 'SHM_PERM', path => assert.ok(canRun('mkfifo', '-m', '600', path))],
  ['a file that others may read', 'SHM_PERM', path => writeAs(path, 0o644)],
  ['a file that others may write', 'SHM_PERM', path => writeAs(path, 0o622)],
]
function writeAs(path: string, mode: number): void {
  writeFileSync(path, 'theirs')
  chmodSync(path, mode)
}
for (const [what, code, make, remove = unlinkSync] of squatters) {
  row(`${what} where a segment was: attaching is ${code}, and creating leaves it alone`, () => {
    const name = named('squat')
    make(pathOf(name))
    try {
      refused(() => SharedMemory.attach(name), code)
      if (what !== 'nothing') refused(() => SharedMemory.create({ size: 10, name }), 'SHM_EXISTS')
    } finally {
      remove(pathOf(name))
    }
  })
}

const isRoot = process.geteuid?.() === 0
const rootRow = isRoot ? row : test.skip
if (!isRoot) console.log('SKIP: no root, so that nothing belongs to another user')
rootRow('another user’s segment is SHM_PERM, even to root', () => {
  const name = named('theirs')
  writeAs(pathOf(name), 0o600)
  try {
    assert.ok(canRun('chown', '65534', pathOf(name)))
    refused(() => SharedMemory.attach(name), 'SHM_PERM')
  } finally {
    unlinkSync(pathOf(name))
  }
})

row('closed: no buffer any more, but views that were made stay good, for others too', () => {
  using made = SharedMemory.create({ size: 100 })
  const found = SharedMemory.attach(made.name!)
  const view = bytesOf(found)
  found.close()
  found.close()
  refused(() => found.buffer, 'CLOSED')
  view[3] = 9
  assert.is(bytesOf(made)[3], 9)
  made.close()
  assert.ok(existsSync(pathOf(made.name!)))
})

row('unlinked: nobody attaches any more, those who have keep it; a second time is SHM_STALE', () => {
  const made = SharedMemory.create({ size: 100 })
  const found = SharedMemory.attach(made.name!)
  made.unlink()
  refused(() => SharedMemory.attach(made.name!), 'SHM_STALE')
  for (const either of [made, found]) refused(() => either.unlink(), 'SHM_STALE')
  bytesOf(made)[0] = 3
  assert.is(bytesOf(found)[0], 3)
  made.close()
  found.close()
})

row('whoever attached may unlink, and its maker has nothing left to do', () => {
  const made = SharedMemory.create({ size: 100 })
  const found = SharedMemory.attach(made.name!)
  found.unlink()
  refused(() => made.unlink(), 'SHM_STALE')
  made[dispose]()
  found[dispose]()
})

row('a name that is another segment’s by now is left alone', () => {
  const made = SharedMemory.create({ size: 100, name: named('moved') })
  const path = pathOf(made.name!)
  renameSync(path, `${path}-moved`)
  writeFileSync(path, 'theirs')
  try {
    refused(() => made.unlink(), 'SHM_STALE')
    made[dispose]()
    assert.ok(existsSync(path))
  } finally {
    unlinkSync(path)
    unlinkSync(`${path}-moved`)
  }
})

row('the end of a scope closes, and unlinks what was made in it', () => {
  let made: SharedMemory
  {
    using inner = SharedMemory.create({ size: 10 })
    made = inner
    using found = SharedMemory.attach(made.name!)
    found.close()
  }
  assert.not.ok(existsSync(pathOf(made.name!)))
  refused(() => made.buffer, 'CLOSED')
})

row('a manager unlinks all it made, whatever became of some of it', () => {
  let segments: SharedMemory[]
  {
    using manager = new SharedMemoryManager()
    segments = [
      manager.create(10),
      manager.create({ size: 20 }),
      manager.create({ size: 30, anonymous: true }),
    ]
    segments[0]!.unlink()
    assert.equal(
      segments.map(({ size }) => size),
      [10, 20, 30],
    )
    manager.shutdown()
    refused(() => manager.create(10), 'CLOSED')
  }
  assert.ok(areGone(segments.map(({ name }) => name ?? '')))
  for (const segment of segments) refused(() => segment.buffer, 'CLOSED')
})

row('more than the machine has is SHM_NOSPACE at once, and leaves nothing', () => {
  for (const anonymous of [false, true]) {
    refused(() => SharedMemory.create({ size: 2 ** 50, anonymous }), 'SHM_NOSPACE', { requested: 2 ** 50 })
  }
})

test.run()

const unnamed = suite('shm: segments without a name')
unnamed.after(() => {
  assert.equal(descriptorsOfShm(), [])
})
const unnamedRow = isLinux ? unnamed : unnamed.skip

unnamedRow('another process attaches by the handle', () => {
  using made = SharedMemory.create({ size: 300, anonymous: true })
  assert.is(made.name, undefined)
  bytesOf(made).set([1, 2, 3])
  assert.is(play('add', made.handle), 300)
  assert.equal([...bytesOf(made).subarray(0, 4)], [2, 3, 4, 1])
  made.unlink()
  using found = SharedMemory.attach(made.handle)
  assert.is(bytesOf(found)[0], 2)
})

unnamedRow('a child inherits the descriptor', () => {
  assert.equal(play('inherit'), { status: 0, bytes: [1, 1, 1, 1, 1] })
})

unnamedRow('nobody cuts or extends it: EPERM', () => {
  using made = SharedMemory.create({ size: 300, anonymous: true })
  assert.equal(play('cut', made.handle), ['EPERM', 'EPERM', 'EPERM'])
  assert.is(thrown(() => ftruncateSync(made.handle.fd, 0)) instanceof Error, true)
  assert.ok(bytesOf(made).every(byte => byte === 0))
})

unnamedRow('a handle that is not right is refused', () => {
  const made = SharedMemory.create({ size: 300, anonymous: true })
  const { handle } = made
  refused(() => SharedMemory.attach({ ...handle, size: 301 }), 'SHM_STALE', {
    requested: 301,
    available: 300,
  })
  refused(() => SharedMemory.attach({ ...handle, identity: '0:0' }), 'SHM_STALE')
  refused(() => SharedMemory.attach({ ...handle, pid: 2 ** 30 }), 'PEER_GONE')
  refused(() => SharedMemory.attach({ ...handle, fd: 2 ** 20 }), 'SHM_STALE')
  const fd = openSync('/etc/hostname', 'r')
  try {
    refused(() => SharedMemory.attach({ fd }), 'SHM_STALE')
  } finally {
    closeSync(fd)
  }
  made.close()
  refused(() => made.handle, 'CLOSED')
  refused(() => SharedMemory.attach(handle), 'SHM_STALE')
  using withName = SharedMemory.create({ size: 10 })
  refused(() => withName.handle, 'UNSUPPORTED')
})

unnamed.run()

const lacking = suite('shm: where something is missing')

for (const [what, wanted] of [
  ['koffi', /npm install koffi/],
  ['a sound koffi', /koffi cannot be loaded$/],
  ['win32', /wanted Linux or macOS/],
] as const) {
  lacking(`without ${what}: UNSUPPORTED, it says what to do, and no watcher is started`, () => {
    const { made, children } = play('lacking', what) as {
      made: [code: string, message: string][]
      children: string
    }
    assert.is(children, '')
    assert.is(made.length, 2)
    for (const [code, message] of made) {
      assert.is(code, 'UNSUPPORTED')
      assert.match(message, wanted)
    }
  })
}

lacking.run()
