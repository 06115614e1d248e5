/** Run as `node quitter.js PATH`: is killed in the middle of a dump. */
import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { dump } from '../../src/file/index.js'

const path = process.argv[2]!
void dump(path, new Uint8Array(2 ** 24), { sync: false })
const look = (): void => {
  if (readdirSync(dirname(path)).length > 0) process.kill(process.pid, 'SIGKILL')
  setImmediate(look)
}
look()
