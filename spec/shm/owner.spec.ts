/** Owners that end, in every way, leave nothing in /dev/shm; those that live, or only stand still, lose nothing. */
import { spawnSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sweep } from '../../src/memory/sweep.js'
import { SharedMemory } from '../../src/shm/index.js'
import {
  areGone,
  canRun,
  commandOf,
  ended,
  eventually,
  isAlive,
  isLinux,
  isReaped,
  type Living,
  PATIENCE_MS,
  playWith,
  start,
} from './kit.js'

interface Owner {
  readonly names: readonly string[]
  /** Its watcher. */
  readonly children: readonly number[]
}

const test = suite('shm: owners that end')
const row = isLinux ? test : test.skip

async function owner(count: number): Promise<{ living: Living } & Owner> {
  const living = await start('own', count)
  const said = living.said as Owner
  assert.is(said.names.length, count)
  assert.is(said.children.length, 1)
  assert.not.ok(areGone(said.names))
  return { living, ...said }
}

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  row(`killed by ${signal} with 100 segments: all are gone, and the watcher too`, async () => {
    const { living, names, children } = await owner(100)
    await living.kill(signal)
    await eventually('the segments are gone', () => areGone(names))
    await eventually('the watcher has ended', () => !children.some(isAlive))
  })
}

for (const kind of ['named', 'unnamed']) {
  row(
    `killed with 1000 ${kind} segments, made before its watcher could read of any: all are gone`,
    async () => {
      const living = await start('burst', 1000, kind)
      const names = living.said as string[]
      assert.is(names.length, 1000)
      await living.over
      assert.is(living.child.signalCode, 'SIGKILL')
      await eventually('the segments are gone', () => areGone(names))
    },
  )
}

row('killed together with its watcher: the next owner sweeps, and takes nobody else’s', async () => {
  const bystander = await owner(3)
  const { living, names, children } = await owner(5)
  for (const pid of children) process.kill(pid, 'SIGKILL')
  await living.kill('SIGKILL')
  await eventually('the watcher has ended', () => !children.some(isAlive))
  const next = await owner(1)
  assert.ok(areGone(names))
  assert.not.ok(areGone(bystander.names))
  await Promise.all([bystander.living.end(), next.living.end()])
})

row('an owner that stands still is not taken for dead', async () => {
  const { living, names } = await owner(2)
  living.child.kill('SIGSTOP')
  const swept = sweep()
  assert.not.ok(names.some(name => swept.includes(name)))
  assert.not.ok(areGone(names))
  living.child.kill('SIGCONT')
  await living.end()
})

row(
  'a sweep that falls between the making of a name and its lock takes nothing that anyone got',
  async () => {
    const sweeper = await start('sweep')
    for (let i = 0; i < 1000; i++) {
      const memory = SharedMemory.create({ size: 10 })
      memory.close()
      // SHM_STALE, were it gone.
      memory.unlink()
    }
    await sweeper.end()
  },
)

row('an owner whose watcher is killed gets another one with the next segment', async () => {
  const { living, names, children } = await owner(1)
  process.kill(children[0]!, 'SIGKILL')
  await eventually('the owner knows that its watcher has ended', () => children.every(isReaped))
  const more = (await living.ask()) as Owner
  assert.is(more.children.length, 1)
  assert.is.not(more.children[0], children[0])
  await living.kill('SIGKILL')
  await eventually('all are gone', () => areGone([...names, ...more.names]))
})

const limited = isLinux && canRun('sh', '-c', 'ulimit -n 64') ? test : test.skip

limited(
  'where no descriptor is left for a watcher: LIMIT at most, and a watcher with the next segment',
  () => {
    const command = ['-c', 'ulimit -n 64 && exec "$@"', 'sh', ...commandOf('starve')]
    const result = spawnSync('sh', command, { encoding: 'utf8', timeout: PATIENCE_MS })
    const { codes, watchers } = ended(result, 'starve') as { codes: string[]; watchers: number }
    assert.is(codes[0], 'LIMIT')
    for (const code of codes) assert.ok(['LIMIT', 'done'].includes(code), code)
    assert.is(watchers, 1)
  },
)

for (const way of ['exit', 'throw', 'by itself']) {
  row(`a program that ends (${way}) has removed its segments by then`, async () => {
    const living = await start('end', way)
    await living.over
    assert.ok(areGone([living.said as string]))
  })
}

row('a worker that is terminated leaves nothing, though the process lives on', async () => {
  const living = await start('terminated')
  await eventually('its segment is gone', () => areGone([living.said as string]))
  await living.end()
})

row('who attached keeps the memory of an owner that was killed', async () => {
  const { living, names } = await owner(1)
  using found = SharedMemory.attach(names[0]!)
  await living.kill('SIGKILL')
  await eventually('its name is gone', () => areGone(names))
  const bytes = new Uint8Array(found.buffer)
  bytes.fill(5)
  assert.ok(bytes.every(byte => byte === 5))
})

row('views of what was closed, unlinked and forgotten: no crash, and no mapping is left', () => {
  const { mappings, more } = playWith(['--expose-gc'], 'after') as { mappings: number[]; more: number }
  assert.equal(mappings, [0, 0])
  assert.ok(more <= 8, `${more} descriptors more`)
})

test.run()
