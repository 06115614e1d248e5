/** A place for shared memory with a mebibyte of room. */
import { spawnSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { canRun, commandOf, ended, isLinux, PATIENCE_MS } from './kit.js'

const unshare = [['--mount'], ['--user', '--map-root-user', '--mount']].find(
  options => isLinux && canRun('unshare', ...options, 'sh', '-c', 'mount -t tmpfs -o size=1m none /dev/shm'),
)
if (unshare === undefined) console.log('SKIP: nobody here may mount a tmpfs')

const test = suite('shm: no room')
const row = unshare === undefined ? test.skip : test

row('a full tmpfs is SHM_NOSPACE, not a crash; what was there stays, and what failed leaves nothing', () => {
  const script = 'mount -t tmpfs -o size=1m none /dev/shm && exec "$@"'
  const command = [...unshare!, 'sh', '-c', script, 'sh', process.execPath, '--expose-gc']
  const [, ...actor] = commandOf('fill')
  const result = spawnSync('unshare', [...command, ...actor], { encoding: 'utf8', timeout: PATIENCE_MS })
  assert.equal(ended(result, 'fill'), {
    codes: ['SHM_NOSPACE', 'SHM_NOSPACE'],
    before: 1,
    filled: true,
  })
})

test.run()
