/**
 * The named segments that this thread made and nobody has unlinked: none outlives it. Three see to that:
 *
 *      the thread ends                 it removes them itself
 *      it is killed, or terminated     its watcher, a process at the other end of a pipe, notices at once
 *      the watcher is killed as well   whoever makes a segment next: `sweep.ts`
 */
import { closeSync } from 'node:fs'
import { OutbandError } from '../errors.js'
import { changeName, createName, identityOf, isNamed, randomName, removeName } from './names.js'
import { isLinux, loadPosix, lock } from './posix.js'
import { sweep } from './sweep.js'
import { Watcher } from './watcher.js'

/** What is kept of a segment until its name is gone. */
export interface Owned {
  readonly name: string
  readonly identity: string
  /** Holds the lock that says that the owner lives. Not inherited. */
  readonly fd: number
}

/** By identity. */
const owned = new Map<string, Owned>()
let watcher: Watcher | undefined

/** How often a segment may be taken for a dead owner's before its lock is: each time a sweep fell between the two calls. */
const TRIES = 100

/**
 * Makes a segment of no bytes, and answers for it from then on. Without a name it gets a random one.
 * @throws SHM_EXISTS, SHM_PERM, LIMIT, UNSUPPORTED
 */
export function own(name: string | undefined): Owned {
  // Without it neither a watcher is started nor a name made.
  loadPosix()
  watcher = watched()
  // On macOS nothing can be listed, and so nothing is swept.
  if (!isLinux && name !== undefined) return make(name) as Owned
  for (let left = TRIES; left > 0; left--) {
    // Never a name twice: who removes it looks first and then acts, and would take the next segment for the last.
    const segment = make(randomName())
    if (segment !== undefined) return name === undefined ? segment : renamed(segment, name)
  }
  throw new OutbandError('LOCKED', `memory: ${name ?? 'a segment'} was locked by another process at once`)
}

/**
 * The segment with the name that was asked for, of which the watcher hears first: an owner that is killed now leaves one
 * name that the watcher knows, or one that a sweep finds.
 */
function renamed(segment: Owned, name: string): Owned {
  const next = { ...segment, name }
  watcher?.add(next)
  try {
    changeName(segment.name, name)
  } catch (error) {
    disown(segment)
    throw error
  }
  owned.set(next.identity, next)
  return next
}

/**
 * A segment with its lock; undefined, and none, when somebody else has that. The watcher hears of it last: while its pipe is full that
 * takes as long as it likes, and any sweep would have the name meanwhile.
 */
function make(name: string): Owned | undefined {
  const fd = createName(name)
  const segment = { name, identity: identityOf(fd), fd }
  owned.set(segment.identity, segment)
  try {
    if (!isLinux || (lock(fd, 'exclusive') && isNamed(name, segment.identity))) {
      watcher?.add(segment)
      return segment
    }
  } catch (error) {
    disown(segment)
    throw error
  }
  disown(segment)
  return undefined
}

/** Removes a segment's name, if it is that one's still, and what is kept of it here. false when it was gone. @throws SHM_PERM */
export function disown({ name, identity }: Pick<Owned, 'name' | 'identity'>): boolean {
  const isRemoved = removeName(name, identity)
  const segment = owned.get(identity)
  if (segment !== undefined) {
    owned.delete(identity)
    closeSync(segment.fd)
    watcher?.delete(segment)
  }
  return isRemoved
}

/** The watcher; a new one, told of everything, when it has ended. */
function watched(): Watcher {
  if (watcher?.isAlive) return watcher
  if (watcher === undefined) {
    process.on('exit', disownAll)
    sweep()
  }
  const next = new Watcher()
  for (const segment of owned.values()) next.add(segment)
  return next
}

function disownAll(): void {
  for (const segment of owned.values()) {
    try {
      disown(segment)
    } catch {
      // One that cannot be removed keeps none of the others.
    }
  }
}
