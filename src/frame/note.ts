/**
 * What the two ends of a stream tell each other between packets: a frame flagged as a note. `spec/FORMAT.md`, "Notes".
 *
 *      0      1         8          16
 *      +------+---------+----------+
 *      | kind | 0…      | count    |   the metadata of the frame; it has no buffers
 *      | u8   |         | u64      |
 *      +------+---------+----------+
 */
import { writeU64 } from '../bytes/words.js'
import type { Packet } from '../packet.js'
import { NOTE_BYTES, noteFlagged, readLength, unpackFailure } from './header.js'
import { packBytes } from './pack.js'

/** Kinds by number; 0 is none. A reader passes over what it does not know. */
const KINDS = ['', 'hello', 'alive', 'ask', 'taken', 'bye', 'memory', 'handles'] as const

/**
 * `hello`: the first of a channel, which ends with a goodbye and gives up on a peer that is silent for `count`
 * milliseconds (0: never). `alive`: nothing. `ask`: say when you have taken in what came before, `count` bytes of packets
 * in all. `taken`: the answer, with the same count. `bye`: no more packets. `memory`: a word about memory that both see.
 * `handles`: the next packet is not all there, and its last buffer says what is elsewhere.
 */
export interface Note {
  readonly kind: Exclude<(typeof KINDS)[number], ''> | undefined
  readonly count: number
}

/** What a stream of frames consists of. */
export type Item = Packet | Note

/** Whether it is a note and not a packet. */
export function isNote(item: Item): item is Note {
  return 'kind' in item
}

/** The frame of a note (own). `count`: 0 ≤ count < 2**53. */
export function packNote(kind: NonNullable<Note['kind']>, count = 0): Uint8Array {
  const meta = new Uint8Array(NOTE_BYTES)
  meta[0] = KINDS.indexOf(kind)
  writeU64(meta, 8, count)
  return noteFlagged(packBytes({ meta, buffers: [] }))
}

/** The note that the metadata is; its kind is `undefined` when it is not known here. @throws MALFORMED */
export function readNote(meta: Uint8Array): Note {
  if (meta.subarray(1, 8).some(byte => byte !== 0))
    throw unpackFailure('MALFORMED', 'a note of no known form')
  return { kind: KINDS[meta[0]!] || undefined, count: readLength(meta, 8, 8) }
}
