/**
 * A packet as a frame. Nothing but the head is made: metadata and buffers are written from where they lie.
 *
 *      chunks   [ head ][ metadata ][ 0… ][ buffer ][ 0… ][ buffer ][ 0… ]
 *      memory     own     borrow      own   borrow    own   borrow    own
 */
import { crc32c } from '../bytes/crc32c.js'
import { isBytes, isGone, isMemory } from '../bytes/window.js'
import { expectArgument, expectOptions, failure } from '../errors.js'
import { checkLimit, type Limits, type LimitsOption, type Measure, resolveLimits } from '../limits.js'
import { expectPacket, type PacketLike } from '../packet.js'
import { type Layout, layOut, MOST_PADDING, paddingBefore, paddingBehind, writeHead } from './header.js'

/** Options of `pack` and `packBytes`. */
export interface PackOptions {
  /** Adds a CRC-32C of the head, of the metadata and of every buffer. */
  checksum?: boolean | undefined
  /** What the frame may hold, as its reader would count it. Default `'trusted'`. */
  limits?: LimitsOption | undefined
}

/** A frame before it is written. */
interface Plan {
  readonly meta: Uint8Array
  readonly windows: readonly Uint8Array[]
  readonly layout: Layout
}

/**
 * The frame of a packet, in chunks for one vectored write. No buffer and no metadata is copied: their chunks are the
 * very views of the packet (borrow, until they are written). Chunks are never empty.
 * @throws DETACHED when memory of the packet is gone; LIMIT.
 */
export function pack(packet: PacketLike, options?: PackOptions): Uint8Array[] {
  const { meta, windows, layout } = plan(packet, options)
  const { headBytes } = layout
  const own = new Uint8Array(headBytes + MOST_PADDING)
  writeHead(own, layout)
  const chunks: Uint8Array[] = []
  let position = 0
  const add = (chunk: Uint8Array): void => {
    position += chunk.length
    if (chunk.length > 0) chunks.push(chunk)
  }
  const pad = (byteLength: number): void => add(own.subarray(headBytes, headBytes + byteLength))
  add(own.subarray(0, headBytes))
  add(meta)
  for (const window of windows) {
    pad(paddingBefore(position, window.length))
    add(window)
  }
  pad(paddingBehind(position))
  return chunks
}

/**
 * The frame of a packet in one piece (own): every byte is copied once. Best for small frames, for which a vectored
 * write costs more than the copy: up to about 128 KiB.
 * @throws DETACHED when memory of the packet is gone; LIMIT.
 */
export function packBytes(packet: PacketLike, options?: PackOptions): Uint8Array<ArrayBuffer> {
  return packInto(packet, options, allocateFrame)
}

/** As `packBytes`, in memory that is given for it: so many bytes, all 0. */
export function packInto<Memory extends ArrayBufferLike>(
  packet: PacketLike,
  options: PackOptions | undefined,
  allocate: (byteLength: number) => Uint8Array<Memory>,
): Uint8Array<Memory> {
  const { meta, windows, layout } = plan(packet, options)
  const { headBytes, frameBytes } = layout
  const frame = allocate(frameBytes)
  writeHead(frame, layout)
  frame.set(meta, headBytes)
  let position = headBytes + meta.length
  for (const window of windows) {
    position += paddingBefore(position, window.length)
    frame.set(window, position)
    position += window.length
  }
  return frame
}

function plan(packet: PacketLike, options: PackOptions = {}): Plan {
  expectPacket(packet)
  expectOptions(options)
  const { meta, buffers } = packet
  const { checksum = false, limits } = options
  expectArgument(typeof checksum === 'boolean', 'checksum', 'a boolean')
  if (isGone(meta)) throw failure('pack', 'DETACHED', 'the metadata lost its memory', {})
  const windows: Uint8Array[] = []
  for (const memory of buffers) windows.push(windowOf(memory, windows.length))
  const lengths = windows.map(window => window.length)
  checkLimits(meta.length, lengths, resolveLimits(limits))
  const checksums = checksum ? [meta, ...windows].map(part => crc32c(part)) : undefined
  return { meta, windows, layout: layOut(meta.length, lengths, checksums) }
}

/** The bytes of a buffer where they lie: a Uint8Array is its own window. @throws DETACHED */
function windowOf(memory: ArrayBufferView | ArrayBufferLike, buffer: number): Uint8Array {
  const isView = ArrayBuffer.isView(memory)
  expectArgument(isView || isMemory(memory), `packet.buffers[${buffer}]`, 'memory')
  if (isGone(memory)) throw failure('pack', 'DETACHED', `buffer ${buffer} lost its memory`, { buffer })
  if (!isView) return new Uint8Array(memory)
  return isBytes(memory) ? memory : new Uint8Array(memory.buffer, memory.byteOffset, memory.byteLength)
}

function checkLimits(metaBytes: number, lengths: readonly number[], limits: Readonly<Limits>): void {
  const check = (limit: Measure, requested: number): void => {
    checkLimit(limit, limits[limit], requested, undefined, 'pack')
  }
  check('metaBytes', metaBytes)
  check('buffers', lengths.length)
  let total = 0
  for (const byteLength of lengths) {
    check('bufferBytes', byteLength)
    total += byteLength
  }
  check('totalBytes', total)
}

/** @throws LIMIT past what the engine has in one piece (4 GiB on Node 20) */
function allocateFrame(byteLength: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(byteLength)
  } catch (cause) {
    throw failure('pack', 'LIMIT', `no memory for ${byteLength} bytes in one piece`, {
      requested: byteLength,
      cause,
    })
  }
}
