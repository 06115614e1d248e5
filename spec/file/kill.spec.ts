/** Writers that are killed at random moments: the file is whole, and has everything that they said was in it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../fixtures/random.js'
import { dump, load, openLog } from '../../src/file/index.js'
import { canEval } from '../eval.js'
import { all, inFolder, namesIn, script } from './kit.js'
import { type Numbered, numbered, numberOf } from './numbered.js'

const SEED = 574
/** Fewer in the run that is to be short, and all where code generation is forbidden. */
const [DUMPS, LOGS] = canEval() ? [10, 6] : [22, 12]
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
    for (const name of namesIn(folder)) assert.match(name, /^(value|\.outband-[0-9a-f]{16}\.tmp)$/)
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
