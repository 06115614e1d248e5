/**
 * Files that are mapped, and where views of them lie: what is in a file already need not be sent to a process that can
 * open it too. It is told where, and maps it.
 *
 *      view of a mapping  → filePlaceOf → { path, identity, byteOffset, byteLength, access } → openFilePlace →  view
 */
import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { OutbandError } from '../errors.js'
import { Mapping, placeOf } from './mapping.js'
import { identityOf } from './names.js'
import { attempt } from './posix.js'

/** How a file is mapped: pages are copied when they are written, or what is written is in the file. */
export type FileAccess = 'private' | 'shared'

/** Bytes of a file, as another process of the host finds them; plain data. */
export interface FilePlace {
  /** Absolute. */
  readonly path: string
  /** Tells the file from another that has come to have its name. */
  readonly identity: string
  readonly byteOffset: number
  readonly byteLength: number
  /** How it is mapped here, and so what it is to be to whoever gets it: memory of its own, or shared. */
  readonly access: FileAccess
}

interface Source {
  readonly path: string
  readonly identity: string
  /** Where the mapping begins in the file. */
  readonly byteOffset: number
}

const files = new WeakMap<Mapping, Source>()

/**
 * Maps the first bytes of an open file, which stays the caller's.
 * @throws as `Mapping.open` does
 */
export function mapFile(path: string, fd: number, byteLength: number, access: FileAccess): Mapping {
  const mapping = Mapping.open(fd, byteLength, { access })
  files.set(mapping, { path, identity: identityOf(fd), byteOffset: 0 })
  return mapping
}

/**
 * Where in a file the bytes of a view are, if they are in one: undefined for memory that is none of a mapped file's, for pages of a
 * private mapping that were written (or may have been, where the system does not tell), and once the path leads to another file.
 * Looks at the page table: 1 ms a GiB.
 *
 * @throws SHM_STALE when the file is shorter than that by now: whoever reads the bytes, by a copy too, ends by SIGBUS
 */
export function filePlaceOf(view: ArrayBufferView): FilePlace | undefined {
  const place = placeOf(view.buffer)
  const file = place && files.get(place.mapping)
  if (place === undefined || file === undefined) return undefined
  const { mapping } = place
  const inMapping = place.byteOffset + view.byteOffset
  const byteOffset = file.byteOffset + inMapping
  const { byteLength } = view
  const stats = statSync(file.path, { bigint: true, throwIfNoEntry: false })
  if (stats === undefined || `${stats.dev}:${stats.ino}` !== file.identity) return undefined
  expectBytes(file.path, byteOffset + byteLength, Number(stats.size))
  if (!mapping.isAsMapped(inMapping, byteLength)) return undefined
  return { ...file, byteOffset, byteLength, access: mapping.access as FileAccess }
}

/**
 * The bytes of a place that another process told of, mapped as they are there: `'private'` is safe to write, `'shared'` writes to
 * the file. The mapping lives as long as the view. Whoever tells chooses which file of those that this process may open: take
 * places from a peer of the same user alone.
 *
 * @throws SHM_STALE when the path leads elsewhere or the file is shorter by now; SHM_PERM, LIMIT, UNSUPPORTED; MALFORMED for what is
 * no place
 */
export function openFilePlace(place: FilePlace): Uint8Array {
  const { path, identity, byteOffset, byteLength, access } = place
  if (!isFilePlace(place)) throw new OutbandError('MALFORMED', 'memory: a place that is none in a file')
  if (byteLength === 0) return new Uint8Array(0)
  const flags = access === 'shared' ? constants.O_RDWR : constants.O_RDONLY
  // Without O_NONBLOCK a pipe of that name could keep the thread for ever.
  const fd = attempt(`opening ${path}`, () => openSync(path, flags | constants.O_NONBLOCK))
  try {
    if (!fstatSync(fd).isFile() || identityOf(fd) !== identity) {
      throw new OutbandError('SHM_STALE', `memory: ${path} is another file by now`)
    }
    const mapping = Mapping.open(fd, byteLength, { access, byteOffset })
    files.set(mapping, { path, identity, byteOffset })
    return new Uint8Array(mapping.window(0, byteLength))
  } finally {
    closeSync(fd)
  }
}

function isFilePlace({ path, identity, byteOffset, byteLength, access }: FilePlace): boolean {
  const isBytes = (n: unknown): boolean => Number.isSafeInteger(n) && (n as number) >= 0
  return (
    typeof path === 'string' &&
    isAbsolute(path) &&
    !path.includes('\0') &&
    typeof identity === 'string' &&
    isBytes(byteOffset) &&
    isBytes(byteLength) &&
    isBytes(byteOffset + byteLength) &&
    (access === 'private' || access === 'shared')
  )
}

function expectBytes(path: string, requested: number, available: number): void {
  if (requested <= available) return
  const what = `memory: ${path} was cut; wanted ${requested} bytes, got ${available}`
  throw new OutbandError('SHM_STALE', what, { requested, available })
}
