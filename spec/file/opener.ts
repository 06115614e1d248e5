/** Run as `node opener.js PATH [hold]`, or in a thread: opens a log to write, and says how that went. */
import { openLog } from '../../src/file/index.js'
import { isOutbandError } from '../../src/index.js'

const [path, hold] = process.argv.slice(2)
try {
  const log = await openLog(path!)
  console.log('open')
  if (hold === undefined) await log.close()
  else setInterval(() => {}, 1000)
} catch (error) {
  if (!isOutbandError(error)) throw error
  console.log(error.code)
}
