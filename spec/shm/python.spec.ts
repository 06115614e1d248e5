/** Python's `multiprocessing.shared_memory` at the other end, with numpy: each opens what the other made. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SharedMemory } from '../../src/shm/index.js'
import { scriptPath } from '../pickle/script.js'
import { descriptorsOfShm, ended, eventually, isLinux, PATIENCE_MS, refused } from './kit.js'

const script = scriptPath('shared_memory.py')
const pathOf = (name: string): string => `/dev/shm/${name}`

/** Every Python with numpy that is found, once: Debian's and that of the PATH may be two. */
const pythons = new Map<string, string>()
for (const name of [process.env.PYTHON, '/usr/bin/python3', 'python3']) {
  if (name === undefined) continue
  const code =
    'import sys, platform, numpy; print(sys.executable, platform.python_version(), numpy.__version__)'
  const { stdout, status } = spawnSync(name, ['-c', code], { encoding: 'utf8' })
  if (status === 0) pythons.set(stdout.trim(), name)
}
if (pythons.size === 0) {
  console.log('SKIP: no Python with numpy (Debian: apt-get install --no-install-recommends python3-numpy)')
}

const test = suite('shm: Python')
test.after(() => {
  assert.equal(descriptorsOfShm(), [])
})

test('there is a Python with numpy where CI demands it', () => {
  assert.ok(pythons.size > 0 || process.env.CI !== 'true')
})

const count = 1000
const triangle = (count * (count - 1)) / 2
/** 0 to 999 in memory that is shared. */
function numbers(name?: string): { memory: SharedMemory; view: Float64Array } {
  const memory = SharedMemory.create({ size: 8 * count, name })
  const view = new Float64Array(memory.buffer)
  for (let i = 0; i < count; i++) view[i] = i
  return { memory, view }
}

for (const [which, python] of isLinux ? pythons : []) {
  const [, version, numpy] = which.split(' ') as [string, string, string]
  const run = (...args: string[]): unknown =>
    ended(spawnSync(python, [script, ...args], { encoding: 'utf8', timeout: PATIENCE_MS }), args[0]!)
  const named = (what: string): string => `Python ${version}, numpy ${numpy}: ${what}`

  test(named('what we made it opens, and writes to the same memory'), () => {
    const { memory, view } = numbers()
    using _ = memory
    assert.equal(run('double', memory.name!), { sum: 2 * triangle, size: 8 * count })
    assert.equal([view[1], view[999]], [2, 1998])
    assert.ok(existsSync(pathOf(memory.name!)))
  })

  test(named('what it made we open, with its size, and write to the same memory'), async () => {
    const child = spawn(python, [script, 'make'], { stdio: ['pipe', 'pipe', 'inherit'] })
    const over = once(child, 'close')
    const lines = createInterface({ input: child.stdout })
    const next = async () => JSON.parse((await once(lines, 'line'))[0])
    const { name, size } = await next()
    const found = SharedMemory.attach(name)
    assert.equal([found.size, size], [8 * count, 8 * count])
    const view = new Float64Array(found.buffer)
    assert.is(
      view.reduce((sum, n) => sum + n),
      triangle,
    )
    view.fill(2)
    found.close()
    child.stdin.end('\n')
    assert.is(await next(), 2 * count)
    assert.equal(await over, [0, null])
    // Python has unlinked it; what was mapped is still there.
    assert.not.ok(existsSync(pathOf(name)))
    assert.is(view[5], 2)
  })

  test(named('a name that is taken, and one that is missing, are errors to both'), () => {
    const { memory } = numbers(`spec-outband-python-${process.pid}`)
    using _ = memory
    assert.equal(run('errors', memory.name!), ['FileExistsError', 'FileNotFoundError'])
    refused(() => SharedMemory.create({ size: 10, name: memory.name! }), 'SHM_EXISTS')
    refused(() => SharedMemory.attach(`${memory.name}-missing`), 'SHM_STALE')
  })

  test(named('it may unlink what is ours'), () => {
    const { memory, view } = numbers()
    assert.is(run('unlink', memory.name!), true)
    refused(() => memory.unlink(), 'SHM_STALE')
    assert.is(view[5], 5)
  })

  // A tracker that is told of a segment unlinks it when its Python ends (python/cpython#82300): the trap that `double` avoids.
  test(
    named('its tracker unlinks what it merely attached to, and that harms nobody who has it'),
    async () => {
      const { memory, view } = numbers()
      const { stdout, status } = spawnSync(python, [script, 'tracked', memory.name!], { encoding: 'utf8' })
      assert.equal([JSON.parse(stdout), status], [{ sum: 2 * triangle, size: 8 * count }, 0])
      await eventually('the tracker has unlinked it', () => !existsSync(pathOf(memory.name!)))
      assert.is(view[999], 1998)
      refused(() => memory.unlink(), 'SHM_STALE')
      memory.close()
    },
  )
}

test.run()
