/**
 * The contract of everything that moves packets. A carrier never sees a value, and a channel never sees how its
 * packets travel. Order is kept; a packet arrives whole or not at all; loss is reported, never silent.
 *
 * Who owns the memory of a packet's buffers once `send` has returned:
 *
 *      carrier    the sender                               the receiver
 *      loopback   keeps it; loses what was transferred     owns a copy, or what was transferred
 *      port       keeps it; loses what was transferred     owns a copy, or what was transferred
 *      stream     lends buffers of 16 KiB or more until    owns a copy
 *                 `send` resolves, and keeps the others;
 *                 loses what was transferred
 *      the same,  shares what lies in its arena; keeps,    sees what was shared; owns the only view of what
 *      by shared  lends or loses the rest, as above        was copied to the sender's arena, or a copy
 *      memory
 *      browser's  keeps it; loses what was transferred     owns a copy
 *      WebSocket
 *      ring       as port
 *      all        shares what is shared, where the carrier stays inside the process; a stream copies it
 *
 * The metadata is the carrier's to keep, where that does not say otherwise. `spec/contract.ts` is this page as a suite that every carrier runs.
 */
import { expectArgument, expectOptions, type OutbandError } from '../errors.js'
import type { Parcel } from '../packet.js'
import { soon } from './turns.js'

/**
 * What becomes of the sender's memory. Default: it is copied, once, and the sender keeps it. `true`: every buffer
 * whose view covers its whole ArrayBuffer, and that can move, is moved. A list: exactly these ArrayBuffers (or those
 * under these views), ports and streams move. What moved is detached for the sender; shared memory is always shared.
 */
export type Transfer = boolean | readonly object[]

/** @throws TypeError for what is no transfer */
export function expectTransfer(transfer: unknown): asserts transfer is Transfer {
  const isList = Array.isArray(transfer) && transfer.every(item => typeof item === 'object' && item !== null)
  expectArgument(isList || typeof transfer === 'boolean', 'transfer', 'a boolean or a list of objects')
}

/** What the options of a send say. @throws TypeError for what are none, or say what is no transfer */
export function transferOf(options: { readonly transfer?: Transfer | undefined } | undefined): Transfer {
  expectOptions(options)
  const transfer = options?.transfer
  if (transfer === undefined) return false
  expectTransfer(transfer)
  return transfer
}

/** Takes what arrives. */
export interface Sink {
  /**
   * The next packet; its buffers are the receiver's (own), and so is its metadata unless it is `lent`. What this throws is
   * thrown apart: the next packet comes.
   */
  parcel(parcel: Parcel): void
  /** Nothing more will come: the peer closed, or, with an error, is gone. Called once. */
  end(error?: OutbandError): void
  /** The peer will send nothing more, though this side may; only with `allowHalfOpen`. */
  finish?(): void
  /** How much of a large packet has come, where the carrier can tell. */
  progress?(progress: Progress): void
}

/** How much of a packet has come, in bytes. */
export interface Progress {
  readonly received: number
  readonly total: number
}

/** Bytes of out-of-band buffers that were sent, by what became of them. */
export interface Counts {
  copied: number
  /** Of whole ArrayBuffers, each once, whatever part of them the value shows; those too that a list names and the value lacks. */
  transferred: number
  shared: number
}

/** Moves packets to a peer and takes its packets in. */
export interface Carrier {
  /** For messages: `port`, `loopback`. */
  readonly name: string
  /**
   * Metadata up to this many bytes may be text; `NO_TEXT`: never. `LENT`: never, and it is only borrowed, since
   * all of it is read when `send` returns.
   */
  readonly textBytes: number
  /** Whether a packet may hold objects that only the platform can move: ports, streams, blobs. */
  readonly takesHosts: boolean
  /** Whether a packet may leave out the shapes of earlier ones; its receiver is the same and has got them all. */
  readonly keepsShapes?: boolean | undefined
  /** Whether shared memory stays shared; else it arrives as a copy. */
  readonly sharesMemory: boolean
  readonly counts: Readonly<Counts>
  /** Bytes sent that the peer has not taken in, as far as is known. */
  readonly queuedBytes: number
  /** Resolves when both sides have closed; rejects when the peer is gone or either side aborted. Never unhandled. */
  readonly closed: Promise<void>
  /** Begins to deliver. Called once. */
  receive(sink: Sink): void
  /**
   * Sends a packet, or throws and sends nothing of it. Returns nothing while under the high-water mark, else a promise
   * for when it is and when memory that it was lent is the sender's again; packets are taken all the same. Now and then it
   * may be one for another turn of the event loop, of which who awaits what never waits would leave none.
   * @throws CLOSED, PEER_GONE or the error of `abort` after the end; DETACHED, UNSUPPORTED, NOT_TRANSFERABLE
   */
  send(parcel: Parcel, transfer?: Transfer): Promise<void> | undefined
  /** Asks the peer to stop; what is under way still arrives, at once or after `resume`. `close` by this side ends an earlier pause. */
  pause(): void
  resume(): void
  /**
   * Whether the process, or the thread, lives as long as this is open: from the beginning it does, and what was said last holds,
   * also before `receive`. A `close` whose time is limited is waited for all the same. Absent where nothing keeps one alive.
   */
  keepAlive?(isKept: boolean): void
  /** Delivers what was sent, then ends both directions. Resolves as `closed` does. */
  close(): Promise<void>
  /** Ends at once; the peer learns that this side is gone. What was under way may be lost. */
  abort(error?: OutbandError): void
}

/** Throws by itself what a sink or a listener threw: neither the carrier nor the next packet suffers. */
export function throwApart(error: unknown): void {
  soon(() => {
    throw error
  })
}

/** Tells a sink of the end. */
export function endSink(sink: Sink, error: OutbandError | undefined): void {
  try {
    sink.end(error)
  } catch (thrown) {
    throwApart(thrown)
  }
}
