/**
 * Run in a process of its own: `node --expose-gc peak.js WAY PATH MIB`. Prints how far the memory of the process rose, in
 * MiB, while a value of so many MiB was dumped or loaded, or a log of as many frames of a MiB was opened, read or listed.
 */
import { inspectFile } from '../../src/cli/inspect.js'
import { dump, load, openLog } from '../../src/file/index.js'
import { peakBytes } from '../peak-bytes.js'

const MiB = 2 ** 20
const [way, path, size] = process.argv.slice(2) as [string, string, string]
const count = Number(size)

/** Makes ready, and gives what is to be measured, which says how many values or bytes it saw. */
const ways: Record<string, () => () => Promise<number>> = {
  dump: () => {
    const value = new Uint8Array(count * MiB).fill(7)
    return async () => {
      await dump(path, value, { sync: false })
      return value.length / MiB
    }
  },
  load: () => async () => {
    const value = await load<Uint8Array>(path, { limits: 'trusted' })
    return value.at(-1) === 7 ? value.length / MiB : 0
  },
  open: () => async () => {
    const log = await openLog(path, { readOnly: true })
    await log.close()
    return log.recovered.frames
  },
  replay: () => async () => {
    const log = await openLog<Uint8Array>(path, { readOnly: true })
    let seen = 0
    for await (const value of log) seen += Number(value.at(-1) === 7)
    await log.close()
    return seen
  },
  inspect: () => async () => {
    let text = ''
    for await (const lines of inspectFile(path)) text = lines.toString()
    return 100 + Number(/… (\d+) more frames/.exec(text)![1])
  },
}

const run = ways[way]!()
gc?.()
const before = process.memoryUsage().rss
const seen = await run()
if (seen !== count) throw new Error(`${seen} of ${count}`)
console.log(JSON.stringify({ rise: (peakBytes() - before) / MiB }))
