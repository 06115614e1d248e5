/**
 * What Node lacks of POSIX memory: mmap, memfd, reserving, locks. The only importer of koffi, which is loaded at the
 * first call, so that nothing pays for it, or needs it, that shares no memory. Linux is complete; macOS makes the same
 * calls where it has them (no memfd, no reserving) and is untested; elsewhere everything here is UNSUPPORTED.
 */

import { constants as buffers } from 'node:buffer'
import { closeSync, openSync, readFileSync } from 'node:fs'
import Module from 'node:module'
import { devNull, constants as system } from 'node:os'
import { resolve } from 'node:path'
import { type ErrorCode, OutbandError } from '../errors.js'

/** How memory is mapped: seen by all, copied on write, or not to be written at all (a write is a SIGSEGV). */
export type Access = 'shared' | 'private' | 'readonly'

type Foreign = (...args: unknown[]) => unknown
interface Libc {
  close: Foreign
  mmap: Foreign
  munmap: Foreign
  flock: Foreign
  fcntl: Foreign
  getpagesize: Foreign
  memfd_create: Foreign
  posix_fallocate: Foreign
  shm_open: Foreign
  shm_unlink: Foreign
}
interface Koffi {
  load(library: null): { func(prototype: string): Foreign }
  view(address: unknown, byteLength: number): ArrayBuffer
  errno(): number
}

export const isLinux = process.platform === 'linux'
const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 1
const MAP_PRIVATE = 2
/** Private memory counts when it is written: a file of any size can be mapped. */
const MAP_NORESERVE = isLinux ? 0x4000 : 0x40
/** The page table is filled at once: half a millisecond a MiB that the first copy would take. macOS has no such flag. */
const MAP_POPULATE = isLinux ? 0x8000 : 0
/** (void *)-1, which koffi 3 gives as a BigInt. */
const MAP_FAILED = 2n ** 64n - 1n
/** mmap's offset is a multiple of the page, which is one of 4, 16 or 64 KiB. */
const MAP_ALIGNMENT = 65536

/** Bytes from which on it is worth 30 µs to see whether the machine has them at all. */
const MUCH = 2 ** 20
const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4

const prototypes: Readonly<Record<keyof Libc, string>> = {
  close: 'int close(int fd)',
  mmap: 'void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)',
  munmap: 'int munmap(void *address, size_t length)',
  flock: 'int flock(int fd, int operation)',
  getpagesize: 'int getpagesize()',
  fcntl: 'int fcntl(int fd, int command, ...)',
  memfd_create: 'int memfd_create(const char *name, unsigned int flags)',
  posix_fallocate: 'int posix_fallocate(int fd, int64_t offset, int64_t length)',
  shm_open: 'int shm_open(const char *name, int flags, ...)',
  shm_unlink: 'int shm_unlink(const char *name)',
}

let koffi: Koffi | undefined
let library: ReturnType<Koffi['load']> | undefined
const libc: Partial<Libc> = {}

/** @throws UNSUPPORTED where there is no shared memory: another system, or no koffi; LIMIT when there are no descriptors left */
export function loadPosix(): Koffi {
  if (koffi !== undefined) return koffi
  const where = `${process.platform} ${process.arch}`
  if (!/^(?:linux|darwin) (?:x64|arm64|riscv64|loong64)$/.test(where)) {
    throw new OutbandError('UNSUPPORTED', `memory: wanted Linux or macOS on 64 bits, got ${where}`)
  }
  try {
    const loaded = findKoffi()
    library = loaded.load(null)
    koffi = loaded
    return loaded
  } catch (cause) {
    expectDescriptors()
    const what = isMissing(cause)
      ? 'memory: mapping needs the package koffi; run npm install koffi'
      : 'memory: the package koffi cannot be loaded'
    throw new OutbandError('UNSUPPORTED', what, { cause })
  }
}

/** @throws LIMIT when there are no descriptors left: then no package is found, whatever is said of it */
function expectDescriptors(): void {
  try {
    closeSync(openSync(devNull, 'r'))
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException
    if (codes[code] === 'LIMIT') throw systemFailure('loading koffi', code, cause)
  }
}

/** @throws what `require` does */
function findKoffi(): Koffi {
  let missing: unknown
  for (const place of ownPlaces()) {
    try {
      // Not by a named import, which webpack takes away.
      return Module.createRequire(place)('koffi')
    } catch (error) {
      if (!isMissing(error)) throw error
      missing = error
    }
  }
  throw missing
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND'
}

/**
 * Where koffi is looked for from. A bundle of CommonJS has no `import.meta.url`, but a file; what webpack puts for it is where
 * this was on the machine that made the bundle; code from a string has neither.
 */
function ownPlaces(): string[] {
  const url = import.meta.url as string | undefined
  const [, program = resolve('outband')] = process.argv
  return [url, ownFile(), program].filter(place => place !== undefined)
}

function ownFile(): string | undefined {
  try {
    return __filename
  } catch {
    // Asked by `typeof`, webpack would say that there is one in modules too.
    return undefined
  }
}

/** Calls libc; they are bound one by one, for not every system has them all. What is negative has its reason in `failed`. */
export function call(name: keyof Libc, ...args: unknown[]): unknown {
  loadPosix()
  libc[name] ??= library!.func(prototypes[name])
  return libc[name](...args)
}

const codes: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'SHM_PERM',
  EPERM: 'SHM_PERM',
  ELOOP: 'SHM_PERM',
  EISDIR: 'SHM_PERM',
  ENXIO: 'SHM_PERM',
  EEXIST: 'SHM_EXISTS',
  ENOENT: 'SHM_STALE',
  ENOMEM: 'SHM_NOSPACE',
  ENOSPC: 'SHM_NOSPACE',
  EDQUOT: 'SHM_NOSPACE',
  EFBIG: 'SHM_NOSPACE',
  EMFILE: 'LIMIT',
  ENFILE: 'LIMIT',
}

/** The error of a system call: `what` says which and at what, `cause` is what Node threw if it was Node's. */
function systemFailure(what: string, errno: string, cause?: unknown): OutbandError {
  const fields = cause === undefined ? {} : { cause }
  return new OutbandError(codes[errno] ?? 'UNSUPPORTED', `memory: ${what}: ${errno}`, fields)
}

/** The error of the call of libc just made. */
export function failed(what: string, errno = loadPosix().errno()): OutbandError {
  const name = Object.entries(system.errno).find(([, number]) => number === errno)?.[0]
  return systemFailure(what, name ?? `errno ${errno}`)
}

/** Runs calls of Node's and turns what they throw. */
export function attempt<T>(what: string, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    // What is not of the system is ours already, or a mistake in an argument.
    const isSystem = code !== undefined && code in system.errno
    throw isSystem ? systemFailure(what, code, cause) : cause
  }
}

/** Where a piece of a file begins in the address space, and the whole that munmap wants back. */
export interface MappedRun {
  readonly address: bigint
  readonly start: bigint
  readonly byteLength: number
}

/** Maps bytes of a descriptor; they must be there, or touching them is a SIGBUS: see `Mapping.open`. @throws SHM_NOSPACE, SHM_PERM, UNSUPPORTED */
export function map(
  fd: number,
  byteOffset: number,
  byteLength: number,
  access: Access,
  isPopulated: boolean,
): MappedRun {
  const lead = byteOffset % MAP_ALIGNMENT
  const protection = access === 'readonly' ? PROT_READ : PROT_READ | PROT_WRITE
  const kind = access === 'private' ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED
  const flags = isPopulated ? kind | MAP_POPULATE : kind
  const start = call('mmap', null, byteLength + lead, protection, flags, fd, byteOffset - lead)
  if (start === MAP_FAILED || typeof start !== 'bigint') throw failed(`mmap of ${byteLength} bytes`)
  return { address: start + BigInt(lead), start, byteLength: byteLength + lead }
}

export function unmap(run: MappedRun): void {
  call('munmap', run.start, run.byteLength)
}

/**
 * A fresh ArrayBuffer on mapped bytes. koffi neither frees the memory nor touches it, and two may lie on the same bytes.
 * V8 counts its length as memory of the heap's: 0.8 µs for 64 KiB, but 180 µs for 1 MiB and 0.8 ms for 256 MiB, which are
 * the collections that this hastens. Many small arrays on one large view cost less than many large views.
 *
 * @throws UNSUPPORTED past the longest ArrayBuffer of the engine (4 GiB in Node 20), or where it makes none of mapped memory
 */
export function viewOf(address: bigint, byteLength: number): ArrayBuffer {
  // Past what the engine has koffi ends the process.
  if (byteLength > buffers.MAX_LENGTH) {
    const fields = { requested: byteLength, available: buffers.MAX_LENGTH }
    const what = `memory: a window; wanted at most ${fields.available} bytes, got ${byteLength}`
    throw new OutbandError('UNSUPPORTED', what, fields)
  }
  try {
    return loadPosix().view(address, byteLength)
  } catch (cause) {
    // An engine that keeps all ArrayBuffers in a cage, such as Electron's, has none for memory of others.
    const what = 'memory: this engine makes no ArrayBuffer of mapped memory'
    throw cause instanceof OutbandError ? cause : new OutbandError('UNSUPPORTED', what, { cause })
  }
}

/**
 * Gives the bytes their pages now: touching a page that finds no room later is a SIGBUS. Takes time as writing zeros does
 * (about 0.3 s a GiB). What was reserved stays so until the segment is gone. On macOS the swap is the limit, and there is
 * nothing to reserve.
 *
 * @throws SHM_NOSPACE when the file system, or the process's memory limit, has no room; some pages may be taken then
 */
export function reserve(fd: number, byteOffset: number, byteLength: number): void {
  if (!isLinux || byteLength === 0) return
  expectMemory(byteLength)
  let errno = call('posix_fallocate', fd, byteOffset, byteLength) as number
  // A signal cuts it short; what was done by then is not done again.
  for (let left = 100; errno === system.errno.EINTR && left > 0; left--) {
    errno = call('posix_fallocate', fd, byteOffset, byteLength) as number
  }
  if (errno !== 0) throw failed(`reserving ${byteLength} bytes`, errno)
}

/** Anonymous segments know no limit but the memory itself: who asks for more is not refused, but killed for it. */
function expectMemory(requested: number): void {
  if (requested < MUCH) return
  let text: string
  try {
    text = readFileSync('/proc/meminfo', 'latin1')
  } catch {
    // A sandbox may show no such file.
    return
  }
  const available = bytesOf(text, 'MemAvailable') + bytesOf(text, 'SwapFree')
  if (requested <= available) return
  const what = `memory: reserving; wanted ${requested} bytes, got ${available}`
  throw new OutbandError('SHM_NOSPACE', what, { requested, available })
}

function bytesOf(text: string, name: string): number {
  const found = new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)
  return found === null ? 0 : Number(found[1]) * 1024
}

/**
 * Takes the lock of an open file, for itself or together with others, without waiting; false when somebody else has it. It
 * belongs to the descriptor and is free once that is closed, however its process ends.
 */
export function lock(fd: number, kind: 'exclusive' | 'shared'): boolean {
  const operation = (kind === 'exclusive' ? LOCK_EX : LOCK_SH) | LOCK_NB
  if ((call('flock', fd, operation) as number) === 0) return true
  const errno = loadPosix().errno()
  if (errno === system.errno.EWOULDBLOCK) return false
  throw failed('flock', errno)
}
