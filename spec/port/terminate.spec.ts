import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('port: threads ended at random moments')

// In a process of its own: what must not happen is that it crashes or hangs.
test('their owner neither crashes nor hangs, and is told', () => {
  const script = fileURLToPath(new URL('terminator.js', import.meta.url))
  const child = spawnSync(process.execPath, [script, '24', '7'], { encoding: 'utf8', timeout: 200_000 })
  assert.is(child.stderr, '')
  assert.is(child.signal, null)
  assert.is(child.status, 0)
  const { heard, gone } = JSON.parse(child.stdout)
  assert.ok(heard > 0)
  assert.is(gone, 12)
})

test.run()
