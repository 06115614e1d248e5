import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let folder: string | undefined

/** A path that nobody has, for a socket: short, as the system wants it. It is removed with the process. */
export function somePath(): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'outband-'))
    process.once('exit', () => rmSync(made, { recursive: true, force: true }))
    folder = made
  }
  return join(folder, randomUUID().slice(0, 8))
}
