/**
 * Names of shared memory, as `shm_open` has them and Python's `multiprocessing.shared_memory`: on Linux, files of
 * /dev/shm, which Node opens itself; on macOS, names of the kernel's that nobody can list (untested).
 */
import { randomBytes } from 'node:crypto'
import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  unlinkSync,
} from 'node:fs'
import { expectArgument, isOutbandError, OutbandError } from '../errors.js'
import { prepared } from './descriptor.js'
import { attempt, call, failed, isLinux } from './posix.js'

/** Where Linux keeps them. */
export const FOLDER = '/dev/shm/'
/** What our own names begin with: a segment of such a name, whose owner has let go of its lock, belongs to nobody. */
export const PREFIX = 'outband-'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants

/** A name that nobody can guess: 128 random bits, and as long as macOS takes them (31 bytes, the slash included). */
export function randomName(): string {
  return PREFIX + randomBytes(16).toString('base64url')
}

/** The name without the slash that Python puts before it. @throws TypeError for what cannot be one */
export function expectName(name: string): string {
  expectArgument(typeof name === 'string', 'name', 'a string')
  const bare = name.startsWith('/') ? name.slice(1) : name
  // A line break would end the name where the watcher reads it.
  const isName = bare !== '' && bare !== '.' && bare !== '..' && !/[/\0\r\n\u2028\u2029]/.test(bare)
  expectArgument(
    isName && Buffer.byteLength(bare) <= 255,
    'name',
    'a file name without a slash, at most 255 bytes',
  )
  return bare
}

/**
 * Makes a segment of no bytes, for its user alone. Nobody else's is ever opened: a name that is taken, even by a link that leads
 * nowhere, is an error.
 * @throws SHM_EXISTS, SHM_PERM, UNSUPPORTED where there are no names
 */
export function createName(name: string): number {
  return attempt(`creating ${name}`, () => {
    const fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
    // Whatever the umask took away.
    return isLinux ? prepared(fd, () => fchmodSync(fd, 0o600)) : fd
  })
}

/**
 * Opens a segment that somebody made, if it is what one of this user's own is: a file, theirs, and nobody else's to open.
 * @throws SHM_STALE when there is none of the name, SHM_PERM when it is a link, a folder, another user's or open to others
 */
export function openName(name: string): number {
  return attempt(`opening ${name}`, () => {
    // Without O_NONBLOCK a pipe of that name could keep the thread for ever.
    const fd = open(name, O_RDWR | O_NOFOLLOW | O_NONBLOCK)
    return prepared(fd, () => expectPrivate(name, fstatSync(fd, { bigint: true })))
  })
}

/**
 * Gives a segment a name in place of the one that it was made with, on Linux. Nobody else's is replaced.
 * @throws SHM_EXISTS, SHM_PERM
 */
export function changeName(from: string, to: string): void {
  attempt(`creating ${to}`, () => {
    linkSync(FOLDER + from, FOLDER + to)
    unlinkSync(FOLDER + from)
  })
}

function open(name: string, flags: number): number {
  if (isLinux) return openSync(FOLDER + name, flags, 0o600)
  const fd = call('shm_open', `/${name}`, flags & (O_RDWR | O_CREAT | O_EXCL), 'int', 0o600) as number
  if (fd < 0) throw failed(`opening ${name}`)
  return fd
}

function expectPrivate(name: string, stats: BigIntStats): void {
  const what = !(stats.isFile() || !isLinux)
    ? 'is not a file'
    : stats.uid !== BigInt(process.geteuid!())
      ? `is of user ${stats.uid}`
      : (stats.mode & 0o77n) !== 0n
        ? 'can be opened by other users'
        : undefined
  if (what !== undefined) throw new OutbandError('SHM_PERM', `memory: ${name} ${what}`)
}

/** What tells a segment from a later one of the same name. */
export function identityOf(fd: number): string {
  const { dev, ino } = fstatSync(fd, { bigint: true })
  return `${dev}:${ino}`
}

/** Whether the name is that segment's, not gone nor another's by now. */
export function isNamed(name: string, identity: string): boolean {
  if (isLinux) {
    // A look by name takes no descriptor: there may be none left when a process ends for that reason.
    const stats = lstatSync(FOLDER + name, { bigint: true, throwIfNoEntry: false })
    return stats !== undefined && `${stats.dev}:${stats.ino}` === identity
  }
  const fd = call('shm_open', `/${name}`, O_RDWR, 'int', 0) as number
  if (fd < 0) return false
  try {
    return identityOf(fd) === identity
  } finally {
    closeSync(fd)
  }
}

/**
 * Takes the name away if it is still that segment's; whoever has mapped the segment keeps it. false when the name is gone,
 * or another's by now.
 * @throws SHM_PERM
 */
export function removeName(name: string, identity: string): boolean {
  if (!isNamed(name, identity)) return false
  try {
    if (isLinux) attempt(`removing ${name}`, () => unlinkSync(FOLDER + name))
    else if ((call('shm_unlink', `/${name}`) as number) < 0) throw failed(`removing ${name}`)
    return true
  } catch (error) {
    // Somebody else has just done so.
    if (isOutbandError(error, 'SHM_STALE')) return false
    throw error
  }
}
