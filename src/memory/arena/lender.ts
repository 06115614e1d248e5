/**
 * The owner's side of one reader: its leases, and how packets are lent to it. A lease covers one block in one packet. It is
 * given before the handle is sent, so there is no moment at which nobody holds the block.
 */
import { isOutbandError, OutbandError } from '../../errors.js'
import { expectPacket, type Packet } from '../../packet.js'
import { Descriptor } from '../descriptor.js'
import { Mapping } from '../mapping.js'
import { createMemoryFile } from '../memfd.js'
import { lock, reserve } from '../posix.js'
import { roundUp } from './allocator.js'
import type { Block, Blocks } from './blocks.js'
import { readHandle, writeHandle } from './handle.js'
import { expectThere } from './lease.js'
import { ATTACHED, LEFT, LeaseLender, leaseTableBytes } from './lease-table.js'
import { remainingOf, type WaitOptions } from './room.js'

/** What a reader attaches with: plain data, to be sent over any channel. Valid for one reader. */
export interface ArenaTicket {
  /** The owner's process, and the descriptors there: of the blocks, and of this reader's leases. */
  readonly pid: number
  readonly segment: number
  readonly table: number
  /** The arena's random name, 32 hexadecimal digits. */
  readonly arena: string
}

/** One reader, as the owner sees it; made by `SharedArena.lender`. */
export class ArenaLender {
  readonly ticket: ArenaTicket
  readonly #id: Uint8Array
  readonly #blocks: Blocks
  readonly #descriptor: Descriptor
  readonly #mapping: Mapping
  readonly #leases: LeaseLender<Block>
  readonly #onEnd: (lender: ArenaLender) => void
  #isOver = false

  /** @internal */
  constructor(blocks: Blocks, id: Uint8Array, leases: number, onEnd: (lender: ArenaLender) => void) {
    const byteLength = leaseTableBytes(leases)
    this.#descriptor = new Descriptor(createMemoryFile('outband-leases', byteLength))
    const { fd } = this.#descriptor
    try {
      reserve(fd, 0, byteLength)
      this.#mapping = Mapping.open(fd, byteLength)
    } catch (error) {
      this.#descriptor.close()
      throw error
    }
    this.#leases = new LeaseLender(this.#mapping.window(0, byteLength), id, leases)
    this.#blocks = blocks
    this.#id = id
    this.#onEnd = onEnd
    const arena = Buffer.from(id).toString('hex')
    this.ticket = { pid: process.pid, segment: blocks.pages.fd, table: fd, arena }
  }

  /** Leases that the reader has not ended, as far as is known. */
  get leases(): number {
    return this.#leases.active
  }

  /** Whether the reader has left or was given up: nothing is lent any more. */
  get isOver(): boolean {
    return this.#isOver
  }

  /**
   * The packet with a handle in place of each buffer, for this reader alone and to be opened once. Arrays of the arena are
   * lent where they lie (share), everything else is copied into it, once. All of it is lent, or nothing. SharedArrayBuffers do
   * not pass: `encode` with `shared: 'copy'`.
   *
   * @throws SHM_NOSPACE when there is no room for a copy, or no lease left; LIMIT when there never will be room
   * @throws SHM_STALE for an array that was released, DETACHED for one that lost its memory; PEER_GONE, CLOSED
   */
  lend(packet: Packet): Packet {
    expectPacket(packet)
    this.#blocks.expectOpen()
    // An array that is lent again and again asks for no room, and so for no sweep.
    if (!this.#isOver) this.sweep(false)
    if (this.#isOver) throw gone()
    const lent = new Map<Block, { lease: number; tag: number }>()
    try {
      for (const buffer of packet.buffers) expectThere(buffer)
      return { meta: packet.meta, buffers: packet.buffers.map(buffer => this.#lend(buffer, lent)) }
    } catch (error) {
      for (const { lease, tag } of lent.values()) this.#recall(lease, tag, false)
      if (isOutbandError(error, 'SHM_NOSPACE')) this.#blocks.expectPossible(this.#copiedBytes(packet))
      throw error
    }
  }

  /**
   * As `lend`, waiting while there is no room: back-pressure in place of growth. Arrays that are copied are borrowed until
   * it resolves. Rejects as `lend` throws, and with TIMEOUT or the signal's reason.
   */
  async lendWhenRoom(packet: Packet, options: WaitOptions = {}): Promise<Packet> {
    const remaining = remainingOf(options)
    for (;;) {
      try {
        return this.lend(packet)
      } catch (error) {
        // What the system refuses has no `available`: to wait for it might be for ever.
        if (!isOutbandError(error, 'SHM_NOSPACE') || error.available === undefined) throw error
      }
      await this.#blocks.room.changes(remaining())
    }
  }

  /** Takes back what was lent but certainly never reached the reader: after a failed send. */
  recall(packet: Packet): void {
    for (const bytes of packet.buffers) {
      const handle = readHandle(bytes, this.#id, this.#blocks.pages.byteLength)
      if (handle !== undefined) this.#recall(handle.lease, handle.tag, true)
    }
  }

  /** Ends all the reader's leases: it is gone, or must lose them. Idempotent. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#drop(this.#leases.end())
    this.#mapping.close()
    this.#descriptor.close()
    this.#onEnd(this)
  }

  /** @internal Ends the leases that are over; thoroughly: whatever the reader says, and all of them if it is dead. */
  sweep(isThorough: boolean): void {
    this.#drop(this.#leases.sweep(isThorough))
    const { presence } = this.#leases
    if (presence === LEFT) this.end()
    // An attached reader holds the lock for as long as it lives.
    else if (isThorough && presence === ATTACHED && lock(this.#descriptor.fd, 'exclusive')) this.end()
  }

  /** A lease that is over is news, too: there may be who waits for one. */
  #drop(blocks: readonly Block[]): void {
    for (const block of blocks) this.#blocks.drop(block)
    if (blocks.length > 0) this.#blocks.room.changed()
  }

  #recall(lease: number, tag: number, isNews: boolean): void {
    const block = this.#leases.recall(lease, tag)
    if (block !== undefined) this.#blocks.drop(block, isNews)
  }

  /** Bytes of the blocks that a packet needs room for. */
  #copiedBytes({ buffers }: Packet): number {
    let sum = 0
    for (const buffer of buffers) {
      if (this.#blocks.blockOf(buffer) === undefined) sum += roundUp((buffer.byteOffset & 7) + buffer.length)
    }
    return sum
  }

  #lend(buffer: Uint8Array, lent: Map<Block, { lease: number; tag: number }>): Uint8Array {
    const { byteLength } = buffer
    if (byteLength === 0) return writeHandle(this.#id, undefined)
    const own = this.#blocks.blockOf(buffer)
    const { block, byteOffset } =
      own === undefined ? this.#blocks.place(buffer) : { block: own, byteOffset: buffer.byteOffset }
    let given = lent.get(block)
    if (given === undefined) {
      given = this.#leases.lend(block)
      if (given === undefined) {
        if (own === undefined) this.#blocks.drop(block, false)
        // To look for room may have been to find that the reader has left.
        throw this.#isOver ? gone() : this.#exhausted(lent.size)
      }
      if (own !== undefined) own.holds++
      lent.set(block, given)
    }
    const { isReadonly, run, byteLength: blockBytes } = block
    const blockOffset = run.byteOffset
    return writeHandle(this.#id, { isReadonly, ...given, blockOffset, blockBytes, byteOffset, byteLength })
  }

  /** All leases are out, so many of them to the packet itself. */
  #exhausted(own: number): OutbandError {
    const available = this.#leases.leases
    const code = own === available ? 'LIMIT' : 'SHM_NOSPACE'
    const what = `arena: leases of one reader; wanted more, got ${available}`
    return new OutbandError(code, what, { requested: available + 1, available })
  }
}

function gone(): OutbandError {
  return new OutbandError('PEER_GONE', 'arena: the reader is gone')
}
