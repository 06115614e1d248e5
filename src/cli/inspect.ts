/**
 * What a file holds, as text that people can read. Of a large file no more is in memory than the metadata of a frame, of a pipe
 * all of it.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { isOutbandError } from '../errors.js'
import { PIECE, type Readable, readInto } from '../file/disk.js'
import { type Head, readHead, readMeta } from '../file/head.js'
import { goodRun } from '../file/packets.js'
import { isFrame, partsOf } from '../frame/header.js'
import { readNote } from '../frame/note.js'
import { LIMITS, type OutbandError } from '../index.js'
import { listed } from '../wire/inspect.js'
import { count, Lines, reasonOf } from '../wire/lines.js'

/** Frames of one file that are listed; those behind them are checked and counted. */
const MOST_FRAMES = 100
/** Pieces of a pipe that are kept: 1 GiB. Some never end. */
const MOST_PIECES = 1024
const limits = LIMITS.trusted

/** A file, or a pipe that has been read to its end. */
interface Source {
  readonly file: Readable
  readonly size: number
}

/**
 * Lists a file that holds frames, one after the other, and says where it is torn; or `meta` alone, whose buffers are
 * elsewhere, so that only their lengths are shown. Gives the listing piece by piece.
 * @throws Error for what is no file and has 1 GiB or more; Node's own errors
 */
export async function* inspectFile(path: string): AsyncGenerator<Lines, void, undefined> {
  const file = await open(path)
  try {
    const source = await sourceOf(file, path)
    const start = await bytesAt(source, 0, 4)
    if (isFrame(start)) yield* listFrames(source)
    else yield listed({ meta: await bytesAt(source, 0, limits.metaBytes), buffers: [] })
  } finally {
    await file.close()
  }
}

async function sourceOf(file: FileHandle, path: string): Promise<Source> {
  const stats = await file.stat()
  if (stats.isFile()) return { file, size: stats.size }
  /** From where it has come to. */
  const pipe: Readable = {
    read: (target, offset, length) => file.read(target, offset, length, null),
  }
  const pieces: Buffer[] = []
  let size = 0
  for (let isEnded = false; !isEnded; ) {
    if (pieces.length === MOST_PIECES)
      throw new Error(`${path} is no file, and has 1 GiB or more: save what you want of it first`)
    const piece = Buffer.allocUnsafe(PIECE)
    const byteLength = await readInto(pipe, piece, 0)
    isEnded = byteLength < PIECE
    pieces.push(piece.subarray(0, byteLength))
    size += byteLength
  }
  const read = async (target: Uint8Array, offset: number, length: number, position: number) => {
    const start = position % PIECE
    return {
      bytesRead: pieces[Math.floor(position / PIECE)]?.copy(target, offset, start, start + length) ?? 0,
    }
  }
  return { file: { read }, size }
}

/** So many bytes, or as many as there are. */
async function bytesAt({ file, size }: Source, at: number, most: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.min(most, size - at))
  return bytes.subarray(0, await readInto(file, bytes, at))
}

async function* listFrames(source: Source): AsyncGenerator<Lines, void, undefined> {
  let frames = 0
  for (let at = 0; at < source.size; frames++) {
    if (frames > 0) yield new Lines()
    if (frames === MOST_FRAMES) return yield await countFrames(source, at)
    const head = await headAt(source, at)
    if (isOutbandError(head)) {
      const lines = new Lines()
      lines.title(`outband frame at byte ${at}`)
      lines.problem(`not a frame: ${reasonOf(head)}`)
      return yield lines
    }
    yield await listFrame(source, at, head)
    at += head.layout.frameBytes
  }
}

/** The head, as far as it can be read. */
async function headAt({ file, size }: Source, at: number): Promise<Head | OutbandError> {
  try {
    return await readHead(file, at, size, { limits, isChecked: false })
  } catch (error) {
    if (isOutbandError(error)) return error
    throw error
  }
}

/** What one end of a connection told the other. */
async function listNote(source: Source, at: number, head: Head): Promise<Lines> {
  const lines = new Lines()
  try {
    const { kind = 'of another kind', count } = readNote(await readMeta(source.file, at, source.size, head))
    lines.title(`outband note at byte ${at}: ${kind} ${count}`)
  } catch (error) {
    lines.title(`outband note at byte ${at}`)
    lines.problem(reasonOf(error))
  }
  return lines
}

async function listFrame(source: Source, at: number, head: Head): Promise<Lines> {
  if (head.layout.isNote) return listNote(source, at, head)
  const { headBytes, frameBytes, lengths, checksums } = head.layout
  const lines = new Lines()
  const title = `outband frame at byte ${at}: ${count(frameBytes, 'byte')}, ${count(lengths.length, 'buffer')}`
  lines.title(checksums ? `${title}, checksums` : title)
  lines.part(0, `head, ${count(headBytes, 'byte')}`)
  let part = 0
  for (const [start, byteLength] of partsOf(head.layout)) {
    if (lines.isFull(start, count(lengths.length + 1 - part, 'more part'))) break
    const name = part === 0 ? 'metadata' : `buffer ${part - 1}`
    const checksum = checksums ? `, checksum 0x${checksums[part]!.toString(16).padStart(8, '0')}` : ''
    lines.add(start, 0, `${name}, ${count(byteLength, 'byte')}${checksum}`)
    part++
  }
  lines.add(frameBytes, 0, 'end')
  const { error } = await goodRun(source.file, at, Math.min(at + frameBytes, source.size), limits)
  if (error) lines.problem(reasonOf(error))
  const rest = source.size - at
  if (rest < frameBytes) lines.problem(`torn: ${count(rest, 'byte')} from byte ${at} on are no whole frame`)
  const meta = await readMeta(source.file, at, source.size, head)
  // Only their lengths are shown, and they need not be in memory for that.
  const buffers = lengths.map(byteLength => ({ byteLength }) as ArrayBuffer)
  lines.title('')
  lines.append(listed(error ? meta : { meta, buffers }))
  return lines
}

/** What is behind the frames that were listed. */
async function countFrames(source: Source, start: number): Promise<Lines> {
  const { end, frames, error } = await goodRun(source.file, start, source.size, limits)
  const lines = new Lines()
  if (frames > 0) lines.title(`… ${count(frames, 'more frame')}, ${count(end - start, 'byte')}`)
  if (error) {
    lines.title(`outband frame at byte ${end}`)
    lines.problem(`torn: ${reasonOf(error)}`)
    lines.title(`… ${count(source.size - end, 'more byte')}`)
  }
  return lines
}
