/**
 * A file that holds one frame, open for reading: all of it, or the metadata or a buffer alone.
 *
 *      openFile reads    [ head ][ metadata ]
 *      buffer(1) reads                                       [ buffer 1 ]
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { crc32c } from '../bytes/crc32c.js'
import { Codec, type DecodeOptions } from '../codec.js'
import { asyncDispose } from '../dispose.js'
import { expectArgument, expectOptions, failure } from '../errors.js'
import { checkPart, expectChecksums, type Layout, partsOf } from '../frame/header.js'
import { Part } from '../frame/part.js'
import { trailing, truncated } from '../frame/unpack.js'
import { type Limits, resolveLimits } from '../limits.js'
import { type FileAccess, mapFile } from '../memory/mapped-file.js'
import type { Mapping } from '../memory/mapping.js'
import type { Packet } from '../packet.js'
import { PIECE } from './disk.js'
import { readHead, readMeta } from './head.js'
import { packetsIn } from './packets.js'
import { type FilePath, fileError, pathOf } from './path.js'

/** Options of `load` and `openFile`. */
export interface LoadOptions extends Omit<DecodeOptions, 'limits'> {
  /** Checksums are compared when the frame has them. `true`: one without them is refused. `false`: they are not looked at. */
  checksum?: boolean | undefined
  /**
   * Buffers are not read but mapped, through koffi: a file of any size is open at once, and a page is read when it is first used.
   * `'private'`: a page that is written becomes a copy, and the file stays as it is. `'shared'`: what is written is in the file, which
   * must be writable; arrays below the `threshold` of `dump` are in the metadata, and never mapped. Left out: buffers are read.
   * Checksums of mapped buffers are compared only when `checksum` is `true`, which reads them.
   */
  mmap?: 'private' | 'shared' | undefined
  /** `'untrusted'` (default), `'trusted'` for your own files, or single limits over `untrusted`. */
  limits?: DecodeOptions['limits']
  /** The same as for `dump`: a file does not say which format its value has. */
  format?: DecodeOptions['format']
}

/** What an open file was asked for. */
interface Settings {
  readonly codec: Codec
  readonly limits: Readonly<Limits>
  readonly checksum: boolean | undefined
  readonly mmap: FileAccess | undefined
}

/** A frame in a file, of which the head and the metadata have been read. Calls may run concurrently. */
export class FrameFile {
  /** Bytes of the frame, which is all of the file. */
  readonly byteLength: number
  /** Bytes of each buffer. */
  readonly lengths: readonly number[]
  readonly hasChecksums: boolean
  /** The metadata (own), for `inspect`, say. */
  readonly meta: Uint8Array<ArrayBuffer>
  readonly #path: string
  readonly #file: FileHandle
  readonly #layout: Layout
  readonly #settings: Settings
  readonly #mapping: Mapping | undefined
  /** Where each part lies: the metadata, then the buffers. */
  readonly #places: readonly (readonly [start: number, byteLength: number])[]
  #closing: Promise<void> | undefined

  /** @internal Made by `openFile`. */
  constructor(
    path: string,
    file: FileHandle,
    layout: Layout,
    meta: Uint8Array<ArrayBuffer>,
    settings: Settings,
    mapping: Mapping | undefined,
  ) {
    this.byteLength = layout.frameBytes
    this.lengths = layout.lengths
    this.hasChecksums = layout.hasChecksums
    this.meta = meta
    this.#path = path
    this.#file = file
    this.#layout = layout
    this.#settings = settings
    this.#mapping = mapping
    this.#places = [...partsOf(layout)]
  }

  /**
   * Reads one buffer (own) and nothing else of the file; with `mmap` it is a view of the file (share), in an ArrayBuffer of its own.
   * @throws TypeError unless there is a buffer with that index; TORN, LIMIT, CLOSED; Node's own errors
   */
  buffer(index: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#reading(() => this.#buffer(index))
  }

  /** Reads all: the packet, to be forwarded without decoding (own). @throws TORN, LIMIT, CLOSED; Node's own errors */
  packet(): Promise<Packet> {
    return this.#reading(() => this.#packet())
  }

  /** Reads all: the value, whose memory is the caller's own. @throws as `packet` and `decode` do */
  async decode<T = unknown>(): Promise<T> {
    return this.#settings.codec.decode<T>(await this.packet())
  }

  /** Closes the file; calls under way end with CLOSED. Mapped buffers stay good: the mapping lives as long as they do. */
  close(): Promise<void> {
    this.#mapping?.close()
    this.#closing ??= this.#file.close()
    return this.#closing
  }

  [asyncDispose](): Promise<void> {
    return this.close()
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    try {
      if (this.#closing === undefined) return await read()
    } catch (error) {
      if (this.#closing === undefined) throw fileError(this.#path, error)
    }
    throw failure('file', 'CLOSED', `${this.#path} was closed`, {})
  }

  async #buffer(index: number): Promise<Uint8Array<ArrayBuffer>> {
    const isThere = Number.isInteger(index) && index >= 0 && index < this.lengths.length
    expectArgument(isThere, 'index', `that of one of ${this.lengths.length} buffers`)
    if (this.#mapping !== undefined) return this.#mapped(this.#mapping, index)
    const [start, byteLength] = this.#places[index + 1]
    const isChecked = this.hasChecksums && this.#settings.checksum !== false
    const part = new Part(byteLength, 0, 'bufferBytes', isChecked)
    while (part.missing > 0) {
      const most = Math.min(part.missing, PIECE)
      const room = part.room(most) as Uint8Array
      const { bytesRead } = await this.#file.read(room, 0, most, start + part.at)
      if (bytesRead === 0) throw truncated(this.byteLength, start + part.at)
      part.filled(bytesRead)
    }
    if (isChecked) checkPart(this.#layout, index, part.checksum)
    return part.bytes as Uint8Array<ArrayBuffer>
  }

  /** A buffer on the mapping, read only when its checksum is asked for. */
  async #mapped(mapping: Mapping, index: number): Promise<Uint8Array<ArrayBuffer>> {
    const [start, byteLength] = this.#places[index + 1]
    const buffer = new Uint8Array(mapping.window(start, byteLength))
    if (this.#settings.checksum !== true) return buffer
    let checksum = 0
    for (let at = 0; at < byteLength; at += PIECE) {
      checksum = crc32c(buffer.subarray(at, at + PIECE), checksum)
      // As between two reads: no checksum keeps the thread for long.
      await setImmediate()
    }
    checkPart(this.#layout, index, checksum)
    return buffer
  }

  async #packet(): Promise<Packet> {
    const { limits, checksum } = this.#settings
    const mapping = this.#mapping
    if (mapping !== undefined) {
      const buffers: Uint8Array[] = []
      for (const index of this.lengths.keys()) buffers.push(await this.#mapped(mapping, index))
      return { meta: this.meta.slice(), buffers }
    }
    for await (const { packet } of packetsIn(this.#file, 0, this.byteLength, { limits, checksum }))
      return packet
    // A frame that ends without an error has been one.
    throw truncated(this.byteLength, 0)
  }
}

/**
 * Opens a file that holds one frame, and reads its head and metadata.
 * @throws TORN when the file ends early, goes on too long, or its checksums do not fit: `cause` says what was found;
 * MALFORMED when it does not begin as a frame does, VERSION, LIMIT; CHECKSUM when checksums are demanded of a frame without.
 * With `mmap`: UNSUPPORTED without koffi or on another system, SHM_NOSPACE when there is no room in the address space.
 * @throws TypeError for an option of the wrong type; Node's own errors, unchanged: ENOENT when there is no such file.
 */
export async function openFile(path: FilePath, options: LoadOptions = {}): Promise<FrameFile> {
  expectOptions(options)
  const { types, format, checksum, mmap } = options
  const limits = resolveLimits(options.limits, 'untrusted')
  const codec = new Codec({ types, format, limits })
  expectArgument(checksum === undefined || typeof checksum === 'boolean', 'checksum', 'a boolean')
  expectArgument(
    mmap === undefined || mmap === 'private' || mmap === 'shared',
    'mmap',
    "'private' or 'shared'",
  )
  const settings = { codec, limits, checksum, mmap }
  const absolute = pathOf(path)
  const file = await openToRead(absolute, mmap === 'shared')
  try {
    return await read(absolute, file, settings)
  } catch (error) {
    await file.close().catch(() => {})
    throw error
  }
}

async function read(path: string, file: FileHandle, settings: Settings): Promise<FrameFile> {
  const { size } = await file.stat()
  const { layout, meta } = await readStart(file, size, settings).catch(error => {
    throw fileError(path, error)
  })
  expectChecksums(layout, settings.checksum)
  const { mmap } = settings
  const mapping = mmap && mapFile(path, file.fd, layout.frameBytes, mmap)
  return new FrameFile(path, file, layout, meta, settings, mapping)
}

/** The head and the metadata of a file that is as long as its frame. */
async function readStart(
  file: FileHandle,
  size: number,
  { limits, checksum }: Settings,
): Promise<{ layout: Layout; meta: Uint8Array<ArrayBuffer> }> {
  const isChecked = checksum !== false
  const head = await readHead(file, 0, size, { limits, isChecked })
  const { layout } = head
  const { frameBytes, headBytes, metaBytes } = layout
  if (size < frameBytes) throw truncated(frameBytes, size)
  if (size > frameBytes) throw trailing(frameBytes, size)
  const meta = await readMeta(file, 0, size, head)
  if (meta.length < metaBytes) throw truncated(frameBytes, headBytes + meta.length)
  if (isChecked && layout.hasChecksums) checkPart(layout, -1, crc32c(meta))
  return { layout, meta }
}

/** Opens for reading, or for both. A pipe is opened at once, though nobody writes to it, and then refused by the first read. */
export function openToRead(path: string, isWritten = false): Promise<FileHandle> {
  return open(path, (isWritten ? constants.O_RDWR : constants.O_RDONLY) | (constants.O_NONBLOCK ?? 0))
}

/**
 * Reads the value that `dump` wrote. Limits are checked on the head, and `'untrusted'` unless said otherwise: a buffer
 * over 64 MiB wants `{ limits: 'trusted' }`, or its own limit raised; the error names it.
 *
 * Memory: the value's own. Each buffer of 4096 bytes or more is read straight into an allocation of its own. With `mmap` each is
 * an ArrayBuffer on the file (share), which is in memory as far as it is used; the metadata is read and checked either way. A
 * file that somebody cuts shorter meanwhile, in place, ends the process that touches what is gone (SIGBUS): `dump` never does,
 * it replaces the file, and what is mapped stays the old one.
 *
 * @throws as `openFile` and `decode` do
 */
export async function load<T = unknown>(path: FilePath, options?: LoadOptions): Promise<T> {
  const file = await openFile(path, options)
  try {
    return await file.decode<T>()
  } finally {
    await file.close()
  }
}
