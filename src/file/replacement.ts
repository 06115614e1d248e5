/**
 * A file replaced as a whole: whoever opens it, and whatever fails, finds the old bytes or the new ones.
 *
 *      .outband-….tmp   made, written, fsync ──rename──→ path ──→ fsync of the folder
 *
 * A process that is killed leaves its temporary file behind, for the next one to remove.
 */
import type { Stats } from 'node:fs'
import { type FileHandle, open, realpath, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expectArgument } from '../errors.js'
import { sweepLeftovers, temporaryName } from './leftovers.js'

const PERMISSIONS = 0o777

/**
 * Replaces the file, or makes it: `write` fills a new one in the same folder, which then takes its name, and its
 * permissions and owner as far as they may be given. A symbolic link stays, and what it names is replaced, if it is
 * there.
 * @throws TypeError for a folder, device or pipe; Node's own errors
 */
export async function replaceFile(
  path: string,
  isSynced: boolean,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const { target, before } = await settle(path)
  const folder = isSynced ? await openFolder(dirname(target)) : undefined
  try {
    await sweepLeftovers(dirname(target))
    const temp = join(dirname(target), temporaryName())
    const file = await open(temp, 'wx', before ? before.mode & PERMISSIONS : 0o666)
    try {
      await fill(file, before, write)
      await rename(temp, target)
    } catch (error) {
      await unlink(temp).catch(() => {})
      throw error
    }
    await syncFolder(folder)
  } finally {
    await folder?.close()
  }
}

/** Where the file really lies, and what is there. */
async function settle(path: string): Promise<{ target: string; before: Stats | undefined }> {
  try {
    const target = await realpath(path)
    const before = await stat(target)
    expectArgument(before.isFile(), 'path', 'a file or nothing')
    return { target, before }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { target: path, before: undefined }
    throw error
  }
}

async function fill(
  file: FileHandle,
  before: Stats | undefined,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  try {
    if (before !== undefined) await become(file, before)
    await write(file)
  } catch (error) {
    await file.close().catch(() => {})
    throw error
  }
  // Where a disk is far away, this is the call that says that it is full.
  await file.close()
}

async function become(file: FileHandle, before: Stats): Promise<void> {
  const now = await file.stat()
  if (now.uid !== before.uid || now.gid !== before.gid) {
    // Only root may give files away.
    await file.chown(before.uid, before.gid).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPERM') throw error
    })
  }
  const mode = before.mode & PERMISSIONS
  if ((now.mode & PERMISSIONS) !== mode) await file.chmod(mode)
}

/** For a call of `syncFolder`; nothing where folders cannot be opened. */
export function openFolder(path: string): Promise<FileHandle> | undefined {
  return process.platform === 'win32' ? undefined : open(path)
}

/** Makes names in the folder outlast a power cut, where its file system can. */
export async function syncFolder(folder: FileHandle | undefined): Promise<void> {
  await folder?.sync().catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EINVAL' && error.code !== 'ENOTSUP') throw error
  })
}
