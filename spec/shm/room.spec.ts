/** A place for shared memory with a mebibyte of room. */
import { spawnSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { canRun, commandOf, ended, isLinux, PATIENCE_MS } from './kit.js'

const unshare = [['--mount'], ['--user', '--map-root-user', '--mount']].find(
  options => isLinux && canRun('unshare', ...options, 'sh', '-c', 'mount -t tmpfs -o size=1m none /dev/shm'),
)
if (unshare === undefined) console.log('SKIP: nobody here may mount a tmpfs')

const SEED = 574
const test = suite('shm: no room')
const row = unshare === undefined ? test.skip : test

/** What an actor says where there is no other shared memory than a mebibyte of its own. */
function playApart(flags: readonly string[], role: string, ...args: unknown[]): unknown {
  const script = 'mount -t tmpfs -o size=1m none /dev/shm && exec "$@"'
  const [node, ...actor] = commandOf(role, ...args)
  const command = [...unshare!, 'sh', '-c', script, 'sh', node!, ...flags, ...actor]
  return ended(spawnSync('unshare', command, { encoding: 'utf8', timeout: PATIENCE_MS }), role)
}

row('a full tmpfs is SHM_NOSPACE, not a crash; what was there stays, and what failed leaves nothing', () => {
  assert.equal(playApart(['--expose-gc'], 'fill'), {
    codes: ['SHM_NOSPACE', 'SHM_NOSPACE'],
    before: 1,
    filled: true,
  })
})

// What a kill between the making of a name and its watcher's hearing of it leaves, the next sweep takes.
row(`owners killed at random moments, seed ${SEED}, leave nothing that a sweep does not find`, () => {
  const left = playApart([], 'kills', 5, SEED) as [byWatcher: number, bySweep: number][]
  assert.is(left.length, 5)
  for (const [byWatcher, bySweep] of left) {
    assert.is(bySweep, 0)
    assert.ok(byWatcher <= 1, `${byWatcher} left by the watcher`)
  }
})

test.run()
