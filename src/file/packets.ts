/**
 * The packets of a part of a file, one after the other, in bounded memory. Short parts are cut from blocks; long ones are
 * read to where they stay:
 *
 *      file      [ head | meta | small | small ][ large ………………… ][ head | …
 *      read      [ block ...................... ][ into its place   ][ block …
 *
 * A Deframer is never given more than the part that it waits for, so that where a frame ends is known to the byte.
 */
import { isOutbandError, type OutbandError } from '../errors.js'
import { Deframer, type DeframerOptions } from '../frame/index.js'
import { truncated } from '../frame/unpack.js'
import type { Limits } from '../limits.js'
import type { Packet } from '../packet.js'
import { PIECE, type Readable, readInto } from './disk.js'
import { readHead } from './head.js'

/** Bytes of a block. */
const BLOCK = 65_536
/** A part that has so many bytes to come is read without a block. */
const LONG = 32_768

/** What frames are held against, limits resolved. */
export interface PacketsOptions extends DeframerOptions {
  readonly limits: Readonly<Limits>
}

/** A packet, and where its frame ends. */
export interface Arrival {
  readonly packet: Packet
  readonly end: number
}

/**
 * The packets of the frames from `start` to `end`, each the reader's own.
 * @throws as a `Deframer` does, and TRUNCATED where the file ends inside a frame; Node's own errors
 */
export async function* packetsIn(
  file: Readable,
  start: number,
  end: number,
  options: PacketsOptions,
): AsyncGenerator<Arrival, void, undefined> {
  const deframer = new Deframer(options)
  const memory = new Uint8Array(Math.min(BLOCK, end - start))
  let block = memory.subarray(0, 0)
  let frameStart = start
  try {
    for (let at = start; at < end; ) {
      const { wanted } = deframer
      if (deframer.progress === undefined) frameStart = at
      let byteLength: number
      let found: Iterable<Packet>
      if (block.length === 0 && wanted >= LONG) {
        const target = deframer.target()
        const most = Math.min(target.length, wanted, end - at, PIECE)
        byteLength = (await file.read(target, 0, most, at)).bytesRead
        found = deframer.filled(byteLength)
      } else {
        if (block.length === 0) {
          const target = memory.subarray(0, end - at)
          block = target.subarray(0, await readInto(file, target, at))
        }
        const piece = block.subarray(0, wanted)
        block = block.subarray(piece.length)
        byteLength = piece.length
        found = deframer.push(piece)
      }
      if (byteLength === 0) throw truncated(end - start, at - start)
      at += byteLength
      for (const packet of found) yield { packet, end: at }
    }
    deframer.end()
  } catch (error) {
    const { limits, checksum } = options
    // A stream has no end that a length could be compared with: here it may turn out to be damage.
    if (isOutbandError(error, 'LIMIT'))
      await readHead(file, frameStart, end, { limits, isChecked: checksum !== false })
    throw error
  }
}

/** Good frames one after the other. */
export interface GoodRun {
  readonly frames: number
  /** Where the last of them ends. */
  readonly end: number
  /** Why no more of them follow; nothing at the end of the file. */
  readonly error: OutbandError | undefined
}

/** How far frames are good: read for their checksums and padding, and not kept. @throws Node's own errors */
export async function goodRun(
  file: Readable,
  start: number,
  end: number,
  limits: Readonly<Limits>,
): Promise<GoodRun> {
  let good = { frames: 0, end: start, error: undefined }
  try {
    for await (const arrival of packetsIn(file, start, end, { limits, destination: () => () => {} })) {
      good = { frames: good.frames + 1, end: arrival.end, error: undefined }
    }
    return good
  } catch (error) {
    if (isOutbandError(error)) return { ...good, error }
    throw error
  }
}
