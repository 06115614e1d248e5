/**
 * Run as `node filler.js FOLDER` where a file of some MiB does not fit: writes over a small file and to a log what is too
 * large, and says what became of them, as JSON.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { dump, load, openLog } from '../../src/file/index.js'

const folder = process.argv[2]!
const [path, logPath] = [join(folder, 'value'), join(folder, 'log')]
const large = (): Uint8Array[] => Array.from({ length: 40 }, (_, i) => new Uint8Array(100_000).fill(i))
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    error => error.code,
  )

await dump(path, 'old')
const dumped = [await codeOf(dump(path, large())), await codeOf(dump(path, large(), { sync: false }))]
const log = await openLog<unknown>(logPath)
await log.append('first')
const appended = await Promise.all(['second', large(), 'third'].map(value => codeOf(log.append(value))))
const alone = await codeOf(log.append(large()))
await log.append('last')
await log.close()
const again = await openLog<string>(logPath, { repair: false })
const values: string[] = []
for await (const value of again) values.push(value)
await again.close()
console.log(
  JSON.stringify({
    dumped,
    value: await load(path),
    appended,
    alone,
    values,
    names: readdirSync(folder).sort(),
  }),
)
