/** What the receiver of one large frame needs beside the buffer that it keeps. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const script = fileURLToPath(new URL('peak.js', import.meta.url))
const MiB = 2 ** 20

const test = suite('frame peak: memory')

for (const way of ['pushed', 'read']) {
  test(`256 MiB, ${way}: the process grows by 1.1 times that at most`, () => {
    const { stdout, stderr } = spawnSync(process.execPath, [script, way, String(256 * MiB)], {
      encoding: 'utf8',
    })
    assert.is(stderr, '')
    const { ratio } = JSON.parse(stdout)
    assert.ok(ratio > 0.9 && ratio <= 1.1, `${ratio}`)
  })
}

test.run()
