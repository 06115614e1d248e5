/**
 * Anonymous segments: memory that has a length for ever and no name, and that whoever holds a descriptor of it can map.
 *
 * Descriptors are such as `fs.openSync` gives: close them with `fs.closeSync`. What libc makes is opened anew through
 * Node, which closes what a terminated worker leaves open and warns of what it does not know.
 */
import { randomBytes } from 'node:crypto'
import { constants, existsSync, fchmodSync, fstatSync, ftruncateSync, openSync, readlinkSync } from 'node:fs'
import { expectArgument, isOutbandError, OutbandError } from '../errors.js'
import { prepared } from './descriptor.js'
import { attempt, call, failed, isLinux } from './posix.js'

const MFD_CLOEXEC = 1
const MFD_ALLOW_SEALING = 2
const MFD_NOEXEC_SEAL = 8
const F_ADD_SEALS = 1033
const F_GET_SEALS = 1034
const F_SEAL_SEAL = 1
const F_SEAL_SHRINK = 2
const F_SEAL_GROW = 4

/**
 * An anonymous segment of zeros, its length fixed for ever by seals (a peer's `ftruncate` is EPERM), for its user alone;
 * gone with the last descriptor and mapping. The pages are not reserved yet: see `reserve`. The caller owns the
 * descriptor, which is not inherited. macOS has no seals: a peer that shrinks it there is trusted not to.
 *
 * @param label up to 200 characters for /proc/PID/maps; names nothing
 * @throws SHM_NOSPACE, UNSUPPORTED, LIMIT when there are no descriptors left
 */
export function createMemoryFile(label: string, byteLength: number): number {
  expectArgument(
    Number.isSafeInteger(byteLength) && byteLength > 0,
    'byteLength',
    'a number of bytes above 0',
  )
  if (!isLinux) return createUnnamed(byteLength)
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING
  let made = call('memfd_create', label, flags | MFD_NOEXEC_SEAL) as number
  // Linux before 6.3 does not know the flag, later ones may insist on it.
  if (made < 0) made = call('memfd_create', label, flags) as number
  if (made < 0) throw failed('memfd_create')
  return attempt(`a segment of ${byteLength} bytes`, () => {
    const fd = reopen(made)
    return prepared(fd, () => {
      fchmodSync(fd, 0o600)
      ftruncateSync(fd, byteLength)
      seal(fd)
    })
  })
}

/** A descriptor of Node's for one of libc's, which is closed. */
function reopen(foreign: number): number {
  try {
    return openSync(`/proc/self/fd/${foreign}`, constants.O_RDWR)
  } finally {
    call('close', foreign)
  }
}

function seal(fd: number): void {
  const done = call('fcntl', fd, F_ADD_SEALS, 'int', F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) as number
  if (done < 0) throw failed('sealing a segment')
}

/** What comes nearest on macOS: an object whose random name is gone at once. */
function createUnnamed(byteLength: number): number {
  const name = `/outband-${randomBytes(8).toString('hex')}`
  const { O_RDWR, O_CREAT, O_EXCL } = constants
  const fd = call('shm_open', name, O_RDWR | O_CREAT | O_EXCL, 'int', 0o600) as number
  if (fd < 0) throw failed('shm_open')
  call('shm_unlink', name)
  return attempt(`a segment of ${byteLength} bytes`, () => prepared(fd, () => ftruncateSync(fd, byteLength)))
}

/** Whether nobody can change the length of what the descriptor names, so that mapping it is safe whoever holds it too. */
export function isSealed(fd: number): boolean {
  if (!isLinux) return false
  const seals = call('fcntl', fd, F_GET_SEALS, 'int', 0) as number
  const wanted = F_SEAL_SHRINK | F_SEAL_GROW
  return seals >= 0 && (seals & wanted) === wanted
}

/**
 * A descriptor of one's own for the anonymous segment that process `pid` holds as `fd`, by /proc: the two run as the same
 * user and see the same processes. The caller owns it. The number may be of another process by now; then what is found there
 * is refused, unless it is such a segment too: what it means is for the caller to check.
 *
 * @throws PEER_GONE when there is no such process, SHM_STALE when it holds no sealed segment there, SHM_PERM when it
 * belongs to somebody else, UNSUPPORTED without /proc
 */
export function openOf(pid: number, fd: number): number {
  if (!isLinux) throw new OutbandError('UNSUPPORTED', 'memory: descriptors of other processes need /proc')
  const path = `/proc/${pid}/fd/${fd}`
  // Nothing else is opened: of a pipe the far end would take notice, and a terminal could wait.
  const target = peerAttempt(pid, () => readlinkSync(path))
  if (!target.startsWith('/memfd:')) throw staleOf(pid, fd)
  const own = peerAttempt(pid, () => openSync(path, constants.O_RDWR | constants.O_NONBLOCK))
  return prepared(own, () => {
    if (fstatSync(own).uid !== process.geteuid!()) {
      throw new OutbandError('SHM_PERM', `memory: descriptor ${fd} of process ${pid} is of another user`)
    }
    if (!isSealed(own)) throw staleOf(pid, fd)
  })
}

function staleOf(pid: number, fd: number): OutbandError {
  return new OutbandError('SHM_STALE', `memory: descriptor ${fd} of process ${pid} is not a sealed segment`)
}

function peerAttempt<T>(pid: number, run: () => T): T {
  try {
    return attempt(`a descriptor of process ${pid}`, run)
  } catch (error) {
    if (!isOutbandError(error, 'SHM_STALE') || existsSync(`/proc/${pid}/fd`)) throw error
    throw new OutbandError('PEER_GONE', `memory: there is no process ${pid}`, { cause: error })
  }
}
