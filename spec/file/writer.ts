/** Run as `node writer.js dump|append PATH`: writes numbered values until it is killed, and says each that is in the file. */
import { writeSync } from 'node:fs'
import { dump, load, openLog } from '../../src/file/index.js'
import { type Numbered, numbered } from './numbered.js'

const [way, path] = process.argv.slice(2)
const say = (n: number): unknown => writeSync(1, `${n}\n`)

if (way === 'dump') {
  for (let n = (await load<Numbered>(path!)).n + 1; ; n++) {
    await dump(path!, numbered(n))
    say(n)
  }
} else {
  const log = await openLog<Numbered>(path!)
  for (let n = log.length; ; n += 3) {
    await Promise.all([n, n + 1, n + 2].map(i => log.append(numbered(i)).then(() => say(i))))
  }
}
