/**
 * A way for bytes in both directions, as the system has it: a socket, a pipe, a WebSocket. `StreamCarrier` makes packets
 * of what comes through it.
 */
import type { OutbandError } from '../../errors.js'

/** What came. None of these throws. */
export interface Inlet {
  /** Memory for the next bytes (borrow, until `filled` or `push`). */
  target(): Uint8Array
  /** So many bytes of the last `target` are there. */
  filled(byteLength: number): void
  /** Some bytes, which are taken or copied before this returns. */
  push(chunk: Uint8Array): void
  /** A message ends here, where the transport has messages: so must a frame. */
  boundary(): void
  /** So many bytes are there of a message that the transport keeps to itself until it is whole. */
  underway(byteLength: number): void
  /** The peer will send nothing more; this side may. */
  ended(): void
  /** Nothing goes either way any more; with an error unless the end was in order. Called once, last. */
  gone(error?: OutbandError): void
}

export interface Link {
  /** For messages: `socket`, `websocket`. */
  readonly name: string
  /** Whether `pause` reaches the sender: else what comes must be kept. */
  readonly canPause: boolean
  /** Whether `write` has copied the chunks when it returns: nothing is lent then. */
  readonly isCopying?: boolean
  /** How long a peer that has said nothing may be a channel that is still starting. */
  readonly patienceMs?: number | undefined
  /** Whether a message on its way cannot be told from silence, since `underway` is never called. */
  readonly isBlind?: boolean
  /** Begins to read, and to call the inlet, though not before this returns. */
  open(inlet: Inlet): void
  /** Writes the chunks as one run (borrow, until `done`), which is called once and later: they are out, or lost. */
  write(chunks: readonly Uint8Array[], done?: (isOut: boolean) => void): void
  pause(): void
  resume(): void
  /** Whether the link is a reason for this process to live; absent where it is none. */
  keepAlive?(isKept: boolean): void
  /** Says that nothing more will be written; what was, still goes out. */
  finish(): void
  /** Lets go of everything; what is under way may be lost. Harmless after the end. */
  destroy(): void
}
