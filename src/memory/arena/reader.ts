/**
 * A reader of an arena, in whatever process: handles become windows on the owner's memory. Each window has a lease, which
 * ends when it is released or when no view of it is left; the process's death ends them all.
 */
import { closeSync, fstatSync } from 'node:fs'
import { dispose } from '../../dispose.js'
import { expectArgument, expectOptions, OutbandError } from '../../errors.js'
import { markReadonlyMemory } from '../../out-of-band.js'
import { expectPacket, type Packet } from '../../packet.js'
import { Descriptor } from '../descriptor.js'
import { Mapping } from '../mapping.js'
import { openOf } from '../memfd.js'
import { lock } from '../posix.js'
import { ALIGNMENT } from './allocator.js'
import { ARENA_MAGIC } from './blocks.js'
import { type Handle, readHandle } from './handle.js'
import { hold, type Lease } from './lease.js'
import { LeaseHolder, usedBefore } from './lease-table.js'
import type { ArenaTicket } from './lender.js'
import { Windows } from './windows.js'

const NO_BYTES = new Uint8Array(0)

export interface ReaderOptions {
  /**
   * Whether a released ArrayBuffer may be reused for the next block at its place, so that large blocks cost nothing
   * to open. `true` (default): keep no view of a released array, since it would keep a later lease alive.
   */
  reuse?: boolean | undefined
}

interface Opened {
  readonly handle: Handle
  readonly window: ArrayBuffer
  readonly lease: Lease
}

/** What a reader has of its own at the owner's. Every lease keeps it, since with its lock all of them would end. */
interface Attachment {
  readonly table: LeaseHolder
  readonly descriptor: Descriptor
}

/** Opens what an arena's owner lends; made by `ArenaReader.attach`. */
export class ArenaReader {
  readonly #id: Uint8Array
  readonly #attachment: Attachment
  readonly #mapping: Mapping
  readonly #windows: Windows
  /** Windows whose leases have not ended. */
  #leases = 0
  #isRetired = false
  #isClosed = false

  private constructor(id: Uint8Array, attachment: Attachment, mapping: Mapping, isReusing: boolean) {
    this.#id = id
    this.#attachment = attachment
    this.#mapping = mapping
    this.#windows = new Windows(mapping, isReusing)
  }

  /**
   * Attaches to the arena of a ticket, which works once. The owner must still run, as the same user, and
   * be visible in /proc.
   *
   * @throws PEER_GONE, SHM_STALE when what the ticket names is gone or is something else, SHM_PERM, LOCKED when another
   * has attached by it, MALFORMED for what is not a ticket, UNSUPPORTED; TypeError for an option of the wrong type
   */
  static attach(ticket: ArenaTicket, options: ReaderOptions = {}): ArenaReader {
    expectOptions(options)
    const { reuse = true } = options
    expectArgument(typeof reuse === 'boolean', 'reuse', 'a boolean')
    const { pid, segment, table, arena } = expectTicket(ticket)
    const id = new Uint8Array(Buffer.from(arena, 'hex'))
    const descriptor = new Descriptor(openOf(pid, table))
    try {
      const holder = new LeaseHolder(tableOf(pid, table), id)
      const mapping = segmentOf(pid, segment, id)
      if (!lock(descriptor.fd, 'exclusive')) throw usedBefore()
      holder.attach()
      return new ArenaReader(id, { table: holder, descriptor }, mapping, reuse)
    } catch (error) {
      descriptor.close()
      throw error
    }
  }

  /**
   * The packet with windows in place of its handles (share): what `decode` takes. Each block has a lease of its own, which
   * ends by `release`, or when no view of it is left. Windows that the owner shares with others are declared read-only.
   *
   * @throws MALFORMED for what is no handle, SHM_STALE for one that was opened before or was not lent here; CLOSED.
   * Nothing is left open then.
   */
  open(packet: Packet): Packet {
    expectPacket(packet)
    if (this.#isRetired) throw new OutbandError('CLOSED', 'arena: the reader is closed')
    const opened = new Map<number, Opened>()
    try {
      return { meta: packet.meta, buffers: packet.buffers.map(bytes => this.#open(bytes, opened)) }
    } catch (error) {
      for (const { lease, window } of opened.values()) lease.end(window)
      throw error
    }
  }

  /** Opens nothing more, and closes when the last lease has ended. */
  retire(): void {
    this.#isRetired = true
    if (this.#leases === 0) this.close()
  }

  /** Opens nothing more and ends all leases. What was opened can still be read, but shows whatever is there by then. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = this.#isRetired = true
    this.#attachment.table.leave()
    this.#windows.clear()
    this.#mapping.close()
    this.#attachment.descriptor.close()
  }

  [dispose](): void {
    this.close()
  }

  #open(bytes: Uint8Array, opened: Map<number, Opened>): Uint8Array {
    const handle = readHandle(bytes, this.#id, this.#mapping.byteLength)
    if (handle === undefined) return NO_BYTES
    let found = opened.get(handle.lease)
    if (found === undefined) {
      found = this.#take(handle)
      opened.set(handle.lease, found)
    }
    const { blockOffset, blockBytes, tag } = found.handle
    if (tag !== handle.tag || blockOffset !== handle.blockOffset || blockBytes !== handle.blockBytes) {
      throw new OutbandError('MALFORMED', `arena: lease ${handle.lease} is on two blocks`)
    }
    return new Uint8Array(found.window, handle.byteOffset, handle.byteLength)
  }

  #take(handle: Handle): Opened {
    const { lease, tag, blockOffset, blockBytes, isReadonly } = handle
    const attachment = this.#attachment
    const windows = this.#windows
    const window = windows.take(blockOffset, blockBytes)
    attachment.table.take(lease, tag)
    markReadonlyMemory(window, isReadonly)
    this.#leases++
    const end = (released?: ArrayBuffer): void => {
      windows.give(blockOffset, released)
      attachment.table.give(lease, tag)
      this.#leases--
      if (this.#isRetired && this.#leases === 0) this.close()
    }
    return { handle, window, lease: hold(window, end) }
  }
}

function expectTicket(ticket: ArenaTicket): ArenaTicket {
  const { pid, segment, table, arena } = ticket ?? {}
  const isTicket = [pid, segment, table].every(number => Number.isSafeInteger(number) && number >= 0)
  if (isTicket && typeof arena === 'string' && /^[0-9a-f]{32}$/.test(arena)) return ticket
  throw new OutbandError('MALFORMED', 'arena: not a ticket')
}

/** The memory of the table. */
function tableOf(pid: number, table: number): ArrayBuffer {
  const mapping = mappingOf(pid, table)
  return mapping.window(0, mapping.byteLength)
}

/** The owner's segment, mapped. The number may be of something else by now, so what is there must say that it is it. */
function segmentOf(pid: number, segment: number, id: Uint8Array): Mapping {
  const mapping = mappingOf(pid, segment)
  const head = new DataView(mapping.window(0, ALIGNMENT))
  const isArena = head.getUint32(0, true) === ARENA_MAGIC
  if (isArena && id.every((byte, i) => byte === head.getUint8(4 + i))) return mapping
  mapping.close()
  throw stale()
}

/**
 * A segment of the owner's, mapped by a descriptor of its own: a mapping keeps the lock of what it was made by, and that of
 * a thread which was terminated is never unmapped.
 */
function mappingOf(pid: number, segment: number): Mapping {
  const fd = openOf(pid, segment)
  try {
    const { size } = fstatSync(fd)
    // Less than either head; and nothing at all cannot be mapped.
    if (size < ALIGNMENT) throw stale()
    return Mapping.open(fd, size)
  } finally {
    closeSync(fd)
  }
}

function stale(): OutbandError {
  return new OutbandError('SHM_STALE', 'arena: the descriptor is not that of this arena')
}
