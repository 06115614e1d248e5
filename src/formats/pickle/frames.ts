/**
 * A packet as a list of frames, metadata first, as Python's world passes pickles on: in one run of bytes, as dask writes it,
 *
 *      +--------+----------------------+----------------------+
 *      | u64 n  | n × u64 length       | the frames, as they are, one after the other
 *      +--------+----------------------+----------------------+    (little-endian)
 *
 * or as the parts of a message (ZeroMQ's multipart, Jupyter's buffers), which are a list already.
 */
import { isBytes, isGone, isMemory } from '../../bytes/window.js'
import { expectArgument, expectOptions, failure, type OutbandError } from '../../errors.js'
import { checkLimit, type LimitsOption, type Measure, resolveLimits } from '../../limits.js'
import { expectPacket, type Packet, type PacketLike } from '../../packet.js'

const WORD = 8

/**
 * Chunks for one vectored write: the lengths, then metadata and buffers as they are (borrow). For transports with multipart
 * messages send `[packet.meta, ...packet.buffers]` instead.
 * @throws DETACHED when memory of the packet is gone
 */
export function packFrames(packet: PacketLike & { readonly buffers: Iterable<Uint8Array> }): Uint8Array[] {
  expectPacket(packet)
  const { meta, buffers } = packet
  const frames = [meta, ...buffers]
  expectArgument(frames.every(isBytes), 'packet', 'metadata and buffers that are Uint8Arrays')
  expectThere(frames, 'pack')
  const prelude = new Uint8Array(WORD * (1 + frames.length))
  const view = new DataView(prelude.buffer)
  view.setBigUint64(0, BigInt(frames.length), true)
  for (const [i, { length }] of frames.entries()) view.setBigUint64(WORD * (i + 1), BigInt(length), true)
  return [prelude, ...frames]
}

/** Options of `unpackFrames`. */
export interface FramesOptions {
  /** `'trusted'` (default), `'untrusted'`, or single limits over `trusted`: of metadata and buffers. */
  limits?: LimitsOption | undefined
}

/**
 * The packet of what `packFrames` or dask wrote, or of the parts of a message. Its metadata is a copy (own), its buffers are
 * windows on what is given (borrow).
 * @throws TRUNCATED, TRAILING, MALFORMED when the bytes are no list of frames; LIMIT when it asks for more than `limits` allow
 * @throws DETACHED when memory of a frame is gone
 * @throws TypeError for what is no memory, or a list with anything else in it
 */
export function unpackFrames(
  frames: Uint8Array | readonly (ArrayBufferView | ArrayBufferLike)[],
  options: FramesOptions = {},
): Packet {
  expectOptions(options)
  const isList = Array.isArray(frames)
  const isRight = isList ? everyMemory(frames) : isBytes(frames)
  expectArgument(isRight, 'frames', 'a Uint8Array, or a list of memory')
  expectThere(isList ? frames : [frames as Uint8Array], 'unpack')
  const allowed = resolveLimits(options.limits)
  const sizes = isList
    ? frames.map(({ byteLength }) => byteLength)
    : lengths(frames as Uint8Array, allowed.buffers)
  if (sizes.length === 0) throw wrong('MALFORMED', 'no frame, not even metadata')
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const [metaBytes, ...buffers] = sizes
  check('metaBytes', allowed.metaBytes, metaBytes)
  check('buffers', allowed.buffers, buffers.length)
  for (const size of buffers) check('bufferBytes', allowed.bufferBytes, size)
  check('totalBytes', allowed.totalBytes, total - metaBytes)
  const [meta, ...rest] = isList ? frames.map(window) : cut(frames as Uint8Array, sizes, total)
  return { meta: new Uint8Array(meta), buffers: rest }
}

function wrong(
  code: 'MALFORMED' | 'TRUNCATED' | 'TRAILING',
  what: string,
  requested = 0,
  available?: number,
): OutbandError {
  return failure('unpack', code, what, available === undefined ? {} : { requested, available })
}

function check(limit: Measure, max: number, requested: number): void {
  checkLimit(limit, max, requested, undefined, 'unpack')
}

function everyMemory(frames: readonly unknown[]): boolean {
  // `every` would leave out what is missing.
  for (const frame of frames) if (!isFrame(frame)) return false
  return true
}

/** Whether it is memory, and not only looks like it (a proxy). */
function isFrame(frame: unknown): boolean {
  try {
    return ArrayBuffer.isView(frame) || (isMemory(frame) && frame.byteLength >= 0)
  } catch {
    return false
  }
}

/** Memory that is gone has no bytes, which is no reason to pass an empty frame on. @throws DETACHED */
function expectThere(frames: readonly (ArrayBufferView | ArrayBufferLike)[], stage: string): void {
  for (const [i, frame] of frames.entries()) {
    if (isGone(frame)) throw failure(stage, 'DETACHED', `frame ${i} lost its memory`, {})
  }
}

function window(memory: ArrayBufferView | ArrayBufferLike): Uint8Array {
  return ArrayBuffer.isView(memory)
    ? new Uint8Array(memory.buffer, memory.byteOffset, memory.byteLength)
    : new Uint8Array(memory)
}

/** The lengths in front of the frames. */
function lengths(bytes: Uint8Array, most: number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < WORD) throw wrong('TRUNCATED', 'a list of frames ends', WORD, bytes.length)
  const count = Number(view.getBigUint64(0, true))
  check('buffers', most, count - 1)
  const needed = WORD * (1 + count)
  if (needed > bytes.length) throw wrong('TRUNCATED', 'a list of frames ends', needed, bytes.length)
  return Array.from({ length: count }, (_, i) => Number(view.getBigUint64(WORD * (i + 1), true)))
}

function cut(bytes: Uint8Array, sizes: readonly number[], total: number): Uint8Array[] {
  let at = WORD * (1 + sizes.length)
  const available = bytes.length - at
  if (total > available) throw wrong('TRUNCATED', 'a list of frames ends', total, available)
  if (total < available) throw wrong('TRAILING', 'bytes behind the frames', total, available)
  return sizes.map(size => {
    const frame = new Uint8Array(bytes.buffer, bytes.byteOffset + at, size)
    at += size
    return frame
  })
}
