/**
 * Removes what a dead owner left, and its watcher with it. The lock tells life from death (flock, on a descriptor that the
 * owner keeps): it ends with the process, though not with a mere stop, and needs no number of a process that may have
 * become another's.
 */
import { closeSync, readdirSync } from 'node:fs'
import { FOLDER, identityOf, openName, PREFIX, removeName } from './names.js'
import { isLinux, lock } from './posix.js'

/** Removes the segments of this user with names of our own whose owner has died. Returns their names. */
export function sweep(): string[] {
  return namesOfOurs().filter(name => {
    try {
      return sweepOne(name)
    } catch {
      // Gone meanwhile, or of another user's.
      return false
    }
  })
}

function namesOfOurs(): string[] {
  if (!isLinux) return []
  try {
    return readdirSync(FOLDER).filter(name => name.startsWith(PREFIX))
  } catch {
    // A sandbox may have no such folder.
    return []
  }
}

function sweepOne(name: string): boolean {
  const fd = openName(name)
  try {
    return lock(fd, 'exclusive') && removeName(name, identityOf(fd))
  } finally {
    closeSync(fd)
  }
}
