/** Memory that somebody spoils while it is read, in a process of its own: what must not happen is that it crashes. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Ledger } from './hostile.js'

const hostile = suite('ring: memory that is spoilt')

hostile('values arrive or the channel ends with an error of ours, and nothing else', () => {
  const script = fileURLToPath(new URL('hostile.js', import.meta.url))
  const child = spawnSync(process.execPath, [script, '--seed', '7', '--seconds', '1'], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  assert.is(child.stderr, '')
  assert.is(child.signal, null)
  const { foreign, rings, values, ends } = JSON.parse(child.stdout) as Ledger
  assert.equal(foreign, [])
  assert.is(child.status, 0)
  assert.ok(rings > 1 && values > 0, child.stdout)
  assert.ok(
    Object.keys(ends).some(code => code !== 'alive'),
    child.stdout,
  )
})

hostile.run()
