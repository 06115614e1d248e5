/**
 * Files that are mapped, and where views of them lie: what is in a file already need not be sent to a process that can
 * open it too. It is told by which descriptor of whom, so that a file that is replaced meanwhile is still the one that
 * was meant; it opens that file for itself, and maps it.
 *
 *      view of a mapping  → lentFileOf → { pid, fd, identity, byteOffset, byteLength, access } → openFilePlace →  view
 */
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readlinkSync, statSync } from 'node:fs'
import { OutbandError } from '../errors.js'
import { Descriptor } from './descriptor.js'
import { Mapping, placeOf } from './mapping.js'
import { identityOf } from './names.js'
import { attempt, isLinux } from './posix.js'

/** How a file is mapped: pages are copied when they are written, or what is written is in the file. */
export type FileAccess = 'private' | 'shared'

/** Bytes of a file, as another process of the host finds them; plain data. */
export interface FilePlace {
  /** Who has the file open, and as what. */
  readonly pid: number
  readonly fd: number
  /** Tells the file from another that the descriptor has come to be of: `DEVICE:INODE`. */
  readonly identity: string
  readonly byteOffset: number
  readonly byteLength: number
  /** How it is mapped here, and so what it is to be to whoever gets it: memory of its own, or shared. */
  readonly access: FileAccess
}

/** A place, and what it is good by: as long as this is reachable, or anything of the mapping. */
export interface LentFile {
  readonly place: FilePlace
  readonly descriptor: Descriptor
}

interface Source {
  readonly path: string
  readonly identity: string
  /** Where the mapping begins in the file. */
  readonly byteOffset: number
  /** For others to open it by, once somebody has asked. */
  descriptor: Descriptor | undefined
}

const files = new WeakMap<Mapping, Source>()

/**
 * Maps the first bytes of an open file, which stays the caller's.
 * @throws as `Mapping.open` does
 */
export function mapFile(path: string, fd: number, byteLength: number, access: FileAccess): Mapping {
  const mapping = Mapping.open(fd, byteLength, { access })
  files.set(mapping, { path, identity: identityOf(fd), byteOffset: 0, descriptor: undefined })
  return mapping
}

/** Whether memory is a mapped file's. */
export function isOfFile(memory: ArrayBufferLike): boolean {
  const place = placeOf(memory)
  return place !== undefined && files.has(place.mapping)
}

/**
 * Where in a file the bytes of a view are, if they are in one: undefined for memory that is none of a mapped file's, for pages of a
 * private mapping that were written (or may have been, where the system does not tell), and where the file cannot be opened once
 * more, as when its name is another's by now. Looks at the page table: 1 ms a GiB. From the first time on the file stays open.
 *
 * @throws SHM_STALE when the file is shorter than that by now: whoever reads the bytes, by a copy too, ends by SIGBUS
 */
export function lentFileOf(view: ArrayBufferView): LentFile | undefined {
  const place = placeOf(view.buffer)
  const file = place && files.get(place.mapping)
  if (place === undefined || file === undefined || !isLinux) return undefined
  const { mapping } = place
  const access = mapping.access as FileAccess
  file.descriptor ??= reopened(file, access)
  const { descriptor, identity } = file
  if (descriptor === undefined) return undefined
  const inMapping = place.byteOffset + view.byteOffset
  const byteOffset = file.byteOffset + inMapping
  const { byteLength } = view
  expectBytes(file.path, byteOffset + byteLength, fstatSync(descriptor.fd).size)
  if (!mapping.isAsMapped(inMapping, byteLength)) return undefined
  return {
    place: { pid: process.pid, fd: descriptor.fd, identity, byteOffset, byteLength, access },
    descriptor,
  }
}

/** Nothing, where the path leads elsewhere by now, or nowhere, or there are no descriptors left. */
function reopened({ path, identity }: Source, access: FileAccess): Descriptor | undefined {
  try {
    const descriptor = new Descriptor(openSync(path, flagsFor(access)))
    if (identityOf(descriptor.fd) === identity) return descriptor
    descriptor.close()
  } catch {
    // The bytes are here all the same, and can be copied.
  }
  return undefined
}

/**
 * The bytes of a place that another process told of, mapped as they are there: `'private'` is safe to write, `'shared'` writes to
 * the file. The mapping lives as long as the view. Whoever tells has the file open: take places from a peer of the same user.
 *
 * @throws SHM_STALE when the file is shorter by now, or the descriptor or its process is another or gone; SHM_PERM, LIMIT,
 * UNSUPPORTED; MALFORMED for what is no place
 */
export function openFilePlace(place: FilePlace): Uint8Array {
  if (!isFilePlace(place)) throw new OutbandError('MALFORMED', 'memory: not a place in a file')
  const { pid, fd, identity, byteOffset, byteLength, access } = place
  if (byteLength === 0) return new Uint8Array(0)
  const path = `/proc/${pid}/fd/${fd}`
  const what = `descriptor ${fd} of process ${pid}`
  // Looked at first: of a pipe that is opened the far end would take notice.
  expectFile(
    what,
    attempt(what, () => statSync(path, { bigint: true })),
    identity,
  )
  const own = attempt(what, () => openSync(path, flagsFor(access)))
  try {
    expectFile(what, fstatSync(own, { bigint: true }), identity)
    const mapping = Mapping.open(own, byteLength, { access, byteOffset })
    const name = readlinkSync(`/proc/self/fd/${own}`)
    files.set(mapping, { path: name, identity, byteOffset, descriptor: undefined })
    return new Uint8Array(mapping.window(0, byteLength))
  } finally {
    closeSync(own)
  }
}

/** Without O_NONBLOCK a pipe that has come to be there could keep the thread for ever. */
const flagsFor = (access: FileAccess): number =>
  (access === 'shared' ? constants.O_RDWR : constants.O_RDONLY) | constants.O_NONBLOCK

/** @throws SHM_STALE for what is no file, or another one */
function expectFile(what: string, stats: BigIntStats, identity: string): void {
  if (stats.isFile() && `${stats.dev}:${stats.ino}` === identity) return
  throw new OutbandError('SHM_STALE', `memory: ${what} is not the file that was told of`)
}

function isFilePlace({ pid, fd, identity, byteOffset, byteLength, access }: FilePlace): boolean {
  const isNumber = (n: unknown): boolean => Number.isSafeInteger(n) && (n as number) >= 0
  return (
    isNumber(pid) &&
    isNumber(fd) &&
    typeof identity === 'string' &&
    isNumber(byteOffset) &&
    isNumber(byteLength) &&
    isNumber(byteOffset + byteLength) &&
    (access === 'private' || access === 'shared')
  )
}

function expectBytes(path: string, requested: number, available: number): void {
  if (requested <= available) return
  const what = `memory: ${path} was cut; wanted ${requested} bytes, got ${available}`
  throw new OutbandError('SHM_STALE', what, { requested, available })
}
