/**
 * Names of temporary files, and the files that killed processes have left. A name says whose it is:
 *
 *      .outband-PLACE-PROCESS-RANDOM.tmp      PLACE: the processes that know each other by number, since the machine started
 *
 * Of a process of the same place it is known whether it still writes. One of another place (a container, another host of a
 * network's file system, before the last start) is not to be asked: what nobody has written to for a day is nobody's.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { readdir, stat, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

const NAME = /^\.outband-([0-9a-f]{16})-(\d+)-[0-9a-f]{16}\.tmp$/
const DAY_MS = 86_400_000
/** Folders to remember: in a large one it takes some milliseconds to look. */
const MOST_FOLDERS = 1000

const swept = new Set<string>()
let place: string | undefined

/** No longer than any name may be, however long that of the target is. */
export function temporaryName(): string {
  place ??= placeOf()
  return `.outband-${place}-${process.pid}-${randomBytes(8).toString('hex')}.tmp`
}

/** Removes what killed processes have left in the folder, if this is the first look at it. What cannot be removed stays. */
export async function sweepLeftovers(folder: string): Promise<void> {
  if (swept.has(folder)) return
  if (swept.size === MOST_FOLDERS) swept.clear()
  swept.add(folder)
  const names = await readdir(folder).catch(() => [])
  for (const name of names) {
    const path = join(folder, name)
    if (await isLeft(name, path)) await unlink(path).catch(() => {})
  }
}

async function isLeft(name: string, path: string): Promise<boolean> {
  const [, where, pid] = NAME.exec(name) ?? []
  if (where === undefined) return false
  place ??= placeOf()
  if (where === place) return !isAlive(Number(pid))
  const stats = await stat(path).catch(() => undefined)
  return stats !== undefined && Date.now() - stats.mtimeMs > DAY_MS
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Of another user's process one is only told that it is not ours.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

function placeOf(): string {
  const parts = [hostname()]
  try {
    parts.push(readFileSync('/proc/sys/kernel/random/boot_id', 'latin1'), readlinkSync('/proc/self/ns/pid'))
  } catch {
    // Elsewhere than on Linux all processes of a host know each other.
  }
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16)
}
