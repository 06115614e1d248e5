/** What a process needs beside the value: dump copies nothing, and a log is as long as its disk. */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { packBytes } from '../../src/frame/index.js'
import { encode } from '../../src/index.js'
import { inFolder, script } from './kit.js'

const MIB = 256
const test = suite(`file peak: memory for ${MIB} MiB`)

/** In MiB, the least of up to four times: garbage waits for a collector, which may have to wait for a core. */
function rise(way: string, path: string, most: number): number {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 4 && least >= most; i++) {
    const args = ['--expose-gc', script('peak'), way, path, String(MIB)]
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    assert.is(stderr, '')
    least = Math.min(least, JSON.parse(stdout).rise)
  }
  return least
}

test(
  'a value: dump takes a tenth of it at most, load 1.1 times that',
  inFolder(folder => {
    const path = join(folder, 'value')
    const dumped = rise('dump', path, MIB / 10)
    assert.ok(dumped < MIB / 10, `${dumped} MiB`)
    const loaded = rise('load', path, MIB * 1.1)
    assert.ok(loaded > MIB * 0.9 && loaded < MIB * 1.1, `${loaded} MiB`)
  }),
)

test(
  'a log: a tenth at most to open and to list it, and a third to read it, garbage included',
  inFolder(folder => {
    const path = join(folder, 'log')
    const frame = packBytes(encode(new Uint8Array(2 ** 20).fill(7)), { checksum: true })
    const fd = openSync(path, 'w')
    for (let i = 0; i < MIB; i++) writeSync(fd, frame)
    closeSync(fd)
    for (const [way, most] of [
      ['open', MIB / 10],
      ['inspect', MIB / 10],
      // Buffers that are garbage live until V8 looks, which Node 24's does later (68 MiB on a busy machine).
      ['replay', MIB / 3],
    ] as const) {
      const risen = rise(way, path, most)
      assert.ok(risen < most, `${way}: ${risen} MiB`)
    }
  }),
)

test.run()
