/** Writers that are killed at random moments: the file is whole, and has everything that they said was in it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../fixtures/random.js'
import { dump, load, openLog } from '../../src/file/index.js'
import { all, inFolder, namesIn, script } from './kit.js'
import { type Numbered, numbered, numberOf } from './numbered.js'

const SEED = 574
const DUMPS = 22
const LOGS = 12
const test = suite(`file: killed writers, seed ${SEED}`)

/** The numbers that a writer said before it was killed, so many milliseconds after the first of them. */
async function killed(way: 'dump' | 'append', path: string, ms: number): Promise<number[]> {
  const child = spawn(process.execPath, [script('writer'), way, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    said += text
  })
  const ended = once(child, 'close')
  await once(child.stdout, 'data')
  await new Promise(resolve => setTimeout(resolve, ms))
  child.kill('SIGKILL')
  const [code, signal] = await ended
  assert.equal([code, signal], [null, 'SIGKILL'])
  return said.trim().split('\n').map(Number)
}

test(
  'dump: always the old value or the new one, complete',
  inFolder(async folder => {
    const random = new Random(SEED)
    const path = join(folder, 'value')
    await dump(path, numbered(0))
    for (let kills = 0; kills < DUMPS; kills++) {
      const said = await killed('dump', path, random.int(0, 20) + random.next())
      const found = numberOf(await load<Numbered>(path))
      // The last that it said, or the one after that, of which it could not say so any more.
      assert.ok([0, 1].includes(found - said.at(-1)!), `${found} after ${said}`)
    }
    const left = namesIn(folder).filter(name => name !== 'value')
    for (const name of left) assert.match(name, /^\.outband-[0-9a-f]{16}-\d+-[0-9a-f]{16}\.tmp$/)
    // Each writer has removed what those before it left.
    assert.ok(left.length <= 1, left.join())
  }),
)

test(
  'dump: what a killed process has left goes with the first dump to its folder, and nothing else does',
  inFolder(async folder => {
    const path = join(folder, 'value')
    const child = spawn(process.execPath, [script('quitter'), path], { stdio: 'inherit' })
    assert.equal(await once(child, 'close'), [null, 'SIGKILL'])
    const [left] = namesIn(folder)
    const kept = [
      left!.replace(`-${child.pid}-`, `-${process.pid}-`),
      left!.replace(/outband-.{16}/, `outband-${'0'.repeat(16)}`),
      '.outband-mine.tmp',
    ]
    const old = left!.replace(/outband-.{16}/, `outband-${'1'.repeat(16)}`)
    for (const name of [...kept, old]) writeFileSync(join(folder, name), '')
    const twoDaysAgo = Date.now() / 1000 - 172_800
    for (const name of [kept[2]!, old]) utimesSync(join(folder, name), twoDaysAgo, twoDaysAgo)
    await dump(path, 1, { sync: false })
    assert.equal(namesIn(folder), [...kept, 'value'].sort())
  }),
)

test(
  'a log: everything acknowledged is there, in order and once, and nothing that is not whole',
  inFolder(async folder => {
    const random = new Random(SEED + 1)
    const path = join(folder, 'log')
    for (let kills = 0; kills < LOGS; kills++) {
      const said = await killed('append', path, random.int(0, 20) + random.next())
      const log = await openLog<Numbered>(path)
      const numbers = (await all(log)).map(numberOf)
      assert.equal(
        numbers,
        numbers.map((_, i) => i),
      )
      assert.ok(numbers.length > Math.max(...said), `${numbers.length} after ${said}`)
      await log.close()
    }
  }),
)

test.run()
