/** What the server of the pages does with a WebSocket: the last part of its path. Known to both sides. */

/**
 * `echo` sends all back, `relay` packets as they are, `late` begins to read after a while and answers lengths, `flood` sends all it can, `close` ends after the first
 * value and `abort` in its own way, `kill` dies in the middle of a message, `small` takes little, `plain` knows frames
 * and nothing of channels, `text` speaks text, `ended` tells how another one ended.
 */
export const ROLES = [
  'echo',
  'relay',
  'late',
  'flood',
  'close',
  'abort',
  'kill',
  'small',
  'plain',
  'text',
  'ended',
] as const
export type Role = (typeof ROLES)[number]

/** How long `late` does not read, in milliseconds. */
export const LATE_MS = 300
/** What `flood` sends: so many values of so many bytes, and when. */
export const FLOOD_VALUES = 100
export const FLOOD_BYTES = 65_536
export interface FloodValue {
  readonly i: number
  /** `Date.now()` when it was sent. */
  readonly at: number
  readonly bytes: Uint8Array
}
/** Of every WebSocket of these servers, in bytes. */
export const HIGH_WATER_MARK = 2 ** 18
/** The `totalBytes` of `small`. */
export const SMALL_BYTES = 100_000
