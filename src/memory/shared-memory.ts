/**
 * Memory that the processes of one user on one host share, after Python's `multiprocessing.shared_memory`: a segment with a
 * name, which Python opens too, or one without, which is passed by its descriptor. It holds what is written to it and
 * nothing else: no head, no trailer, no length. On Linux a segment is as long as it was made; macOS rounds up to
 * pages, so there whoever attaches says how many bytes it wants.
 */
import { closeSync, fstatSync, ftruncateSync } from 'node:fs'
import { dispose } from '../dispose.js'
import { expectArgument, expectObject, expectOptions, OutbandError } from '../errors.js'
import { Descriptor } from './descriptor.js'
import { Mapping } from './mapping.js'
import { createMemoryFile, openOf } from './memfd.js'
import { expectName, identityOf, openName, PREFIX } from './names.js'
import { disown, own } from './owned.js'
import { attempt, reserve } from './posix.js'

/** Options of `SharedMemory.create`. */
export interface CreateOptions {
  /** Bytes, above 0. */
  size: number
  /** What others attach by; must not begin with `outband-`. Default: `outband-` and 128 random bits. Python's are `psm_…`. */
  name?: string | undefined
  /** No name at all: others attach by `handle`, and nobody can change its length. Linux. */
  anonymous?: boolean | undefined
}

/** Where a segment without a name is found; plain data, to be sent to a process that attaches. */
export interface SharedMemoryHandle {
  /** The process that holds the descriptor; the attaching one itself when left out, for a descriptor that it inherited. */
  readonly pid?: number
  readonly fd: number
  /** Bytes; default: all. */
  readonly size?: number
  /** Tells the segment from a later one with the same number. */
  readonly identity?: string
}

/** What a descriptor was found to be. */
interface Found {
  readonly fd: number
  readonly identity: string
  readonly size: number
}

/**
 * A segment of shared memory.
 *
 * Memory: `buffer` is shared: all who attach see what is written, at once and without order but that of `Atomics`. It can
 * be neither detached nor transferred (`postMessage` copies it), and `close` does not end it: views of it, and its pages, stay valid
 * as long as they are reachable.
 *
 * Owner: the thread that made a named segment. Its name goes with `unlink`, or with that thread, however it ends
 * (within 2 s when it is killed); those who have attached keep the memory.
 */
export class SharedMemory {
  /** Bytes that were asked for. */
  readonly size: number
  /** What others attach by, without a slash; undefined for a segment without one. */
  readonly name: string | undefined
  readonly #identity: string
  readonly #isMaker: boolean
  readonly #mapping: Mapping
  #buffer: ArrayBuffer | undefined
  /** Of a segment without a name that was made here: what others find it by. */
  #descriptor: Descriptor | undefined

  private constructor(name: string | undefined, found: Found, isMaker: boolean) {
    this.name = name
    this.size = found.size
    this.#identity = found.identity
    this.#isMaker = isMaker
    this.#mapping = Mapping.open(found.fd, found.size, { populate: isMaker })
  }

  /**
   * Makes a segment of zeros. Its pages are reserved first, about 0.5 s a GiB, so that writing never fails for want of room
   * and the first copy is as fast as the next.
   *
   * @throws SHM_EXISTS when the name is taken, SHM_NOSPACE, LIMIT when there are no descriptors left, UNSUPPORTED without
   * koffi or on another system; TypeError for an invalid size or name
   */
  static create(options: CreateOptions): SharedMemory {
    expectObject(options, 'options')
    const { size, name, anonymous = false } = options
    expectArgument(Number.isSafeInteger(size) && size > 0, 'size', 'a number of bytes above 0')
    expectArgument(typeof anonymous === 'boolean', 'anonymous', 'a boolean')
    expectArgument(!anonymous || name === undefined, 'name', 'none for an anonymous segment')
    return anonymous ? SharedMemory.#unnamed(size) : SharedMemory.#named(size, given(name))
  }

  static #named(size: number, name: string | undefined): SharedMemory {
    const segment = own(name)
    try {
      attempt(`a segment of ${size} bytes`, () => ftruncateSync(segment.fd, size))
      reserve(segment.fd, 0, size)
      return new SharedMemory(segment.name, { ...segment, size }, true)
    } catch (error) {
      disown(segment)
      throw error
    }
  }

  static #unnamed(size: number): SharedMemory {
    const descriptor = new Descriptor(createMemoryFile('outband', size))
    const { fd } = descriptor
    try {
      reserve(fd, 0, size)
      const memory = new SharedMemory(undefined, { fd, size, identity: identityOf(fd) }, true)
      memory.#descriptor = descriptor
      return memory
    } catch (error) {
      descriptor.close()
      throw error
    }
  }

  /**
   * Opens a segment that another made, Python too, by its name or its handle. Nothing is opened but a file of this
   * user's that nobody else can open. Whoever holds a named segment can cut it shorter, and touching what is gone then is
   * a SIGBUS, as it is in Python; one without a name is sealed against that.
   *
   * @param options `size`: bytes wanted; default: all
   * @throws SHM_STALE when it is not there, has been replaced, or is too short; SHM_PERM when others than this user
   * can open it; PEER_GONE when the process of a handle has ended; LIMIT, UNSUPPORTED; TypeError
   */
  static attach(
    target: string | SharedMemoryHandle,
    options: { size?: number | undefined } = {},
  ): SharedMemory {
    expectOptions(options)
    const isName = typeof target === 'string'
    const name = isName ? expectName(target) : undefined
    const fd = isName ? openName(name!) : openHandle(target)
    try {
      const found = measured(fd, options.size ?? (isName ? undefined : target.size))
      if (!isName && target.identity !== undefined && target.identity !== found.identity) {
        throw new OutbandError('SHM_STALE', `memory: descriptor ${target.fd} is another segment by now`)
      }
      return new SharedMemory(name, found, false)
    } finally {
      closeSync(fd)
    }
  }

  /**
   * All bytes (share), always the same ArrayBuffer. What nobody has asked for is given back by `close` at once.
   * @throws CLOSED after `close`; UNSUPPORTED in an engine without ArrayBuffers on external memory, such as Electron
   */
  get buffer(): ArrayBuffer {
    this.#buffer ??= this.#mapping.window(0, this.size)
    return this.#buffer
  }

  /**
   * What another process attaches by, while this one lives and has not closed it.
   * @throws UNSUPPORTED for a segment that has a name or was attached to, CLOSED
   */
  get handle(): Required<SharedMemoryHandle> {
    if (this.name !== undefined || !this.#isMaker) {
      throw new OutbandError('UNSUPPORTED', 'memory: wanted a segment that was made here without a name')
    }
    if (this.#descriptor === undefined) throw new OutbandError('CLOSED', 'memory: the segment is closed')
    return { pid: process.pid, fd: this.#descriptor.fd, size: this.size, identity: this.#identity }
  }

  /**
   * Ends the use of it here: no `buffer` any more, and no `handle`. Views that were made before stay good; the memory goes
   * when the last of them is collected. The name stays. Idempotent.
   */
  close(): void {
    this.#buffer = undefined
    this.#mapping.close()
    this.#descriptor?.close()
    this.#descriptor = undefined
  }

  /**
   * Removes the name, as anyone attached may: nobody can attach any more, and the memory goes when all have
   * closed. A segment without a name has none to lose.
   * @throws SHM_STALE when it is gone already, or is another segment's by now, which then stays; SHM_PERM
   */
  unlink(): void {
    if (this.name === undefined) return
    if (disown({ name: this.name, identity: this.#identity })) return
    throw new OutbandError('SHM_STALE', `memory: the name ${this.name} is gone`)
  }

  /** What `using` calls: closes and, where it was made, unlinks; a name that is gone already is no error. */
  [dispose](): void {
    this.close()
    if (this.#isMaker && this.name !== undefined) disown({ name: this.name, identity: this.#identity })
  }
}

/** A name that a segment may be given: those of our own would be swept, and be another's the moment after. */
function given(name: string | undefined): string | undefined {
  const bare = name === undefined ? undefined : expectName(name)
  expectArgument(!bare?.startsWith(PREFIX), 'name', `one that does not begin with ${PREFIX}`)
  return bare
}

function openHandle(handle: SharedMemoryHandle): number {
  expectObject(handle, 'handle')
  const { pid = process.pid, fd, size, identity } = handle
  const isNumber = (n: number): boolean => Number.isSafeInteger(n) && n >= 0
  expectArgument(isNumber(pid) && isNumber(fd), 'handle', 'the numbers of a process and a descriptor')
  expectArgument(size === undefined || isNumber(size), 'handle.size', 'a number of bytes')
  expectArgument(identity === undefined || typeof identity === 'string', 'handle.identity', 'a string')
  return openOf(pid, fd)
}

/** What is found behind a descriptor, cut to the bytes that are wanted. @throws SHM_STALE */
function measured(fd: number, wanted: number | undefined): Found {
  const available = attempt('a segment', () => fstatSync(fd)).size
  const isWanted = wanted === undefined || (Number.isSafeInteger(wanted) && wanted > 0)
  expectArgument(isWanted, 'size', 'a number of bytes above 0')
  const size = wanted ?? available
  if (size <= available && size > 0) return { fd, size, identity: identityOf(fd) }
  const fields = { requested: Math.max(size, 1), available }
  const what = `memory: a segment is too short; wanted ${fields.requested} bytes, got ${available}`
  throw new OutbandError('SHM_STALE', what, fields)
}
