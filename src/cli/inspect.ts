import { readFile } from 'node:fs/promises'
import { inspect } from '../index.js'

/** Lists a file that holds `meta` alone; its buffers are elsewhere, so only their lengths are shown. */
export async function inspectFile(path: string): Promise<string> {
  return inspect({ meta: await readFile(path), buffers: [] })
}
