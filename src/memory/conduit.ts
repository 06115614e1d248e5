/**
 * Two pipes in one sealed segment without a name, one each way, between the process that made it and one that opens it.
 *
 *      ┌─ magic · capacity · key ─┬───────────────┬───────────────┐
 *      │ u32      u32        16 B │ maker's pipe  │ opener's pipe │
 *      └──────────────────────────┴───────────────┴───────────────┘
 *      0                          64
 *
 * The segment is found by a process and a descriptor there, numbers that may mean something else to who reads them: on
 * another host, among other processes, a moment too late. So it is only taken if it holds the random key that was told with
 * them: this says more than any name of a host or its boot does.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fstatSync } from 'node:fs'
import { OutbandError } from '../errors.js'
import { Mapping } from './mapping.js'
import { createMemoryFile, openOf } from './memfd.js'
import { PipeReader, PipeWriter, pipeBytes } from './pipe.js'
import { reserve } from './posix.js'

const MAGIC = 0x50424f01
const HEAD_BYTES = 64
const KEY_AT = 8
const KEY_BYTES = 16
/** What a pipe may hold. */
export const LEAST_CAPACITY = 4096
export const MOST_CAPACITY = 2 ** 28

/** What a conduit is opened by: numbers, to be told to one other process. */
export interface ConduitTicket {
  readonly pid: number
  readonly fd: number
  /** 32 hexadecimal digits. */
  readonly key: string
}

/** One process's ends of the two pipes. */
export class Conduit {
  readonly writer: PipeWriter
  readonly reader: PipeReader
  readonly #mapping: Mapping
  #fd: number

  private constructor(mapping: Mapping, fd: number, capacity: number, isMaker: boolean) {
    const memory = mapping.window(0, mapping.byteLength)
    const places = [HEAD_BYTES, HEAD_BYTES + pipeBytes(capacity)] as const
    const [own, other] = isMaker ? places : ([places[1], places[0]] as const)
    this.writer = new PipeWriter(memory, own, capacity)
    this.reader = new PipeReader(memory, other, capacity)
    this.#mapping = mapping
    this.#fd = fd
  }

  /**
   * Makes the segment, with pipes of `capacity` bytes each, a power of two, and the ticket for it.
   * @throws SHM_NOSPACE, UNSUPPORTED without Linux or the package koffi, LIMIT when there are no descriptors left
   */
  static create(capacity: number): { conduit: Conduit; ticket: ConduitTicket } {
    const byteLength = bytesFor(capacity)
    const fd = createMemoryFile('outband-pipes', byteLength)
    try {
      reserve(fd, 0, byteLength)
      const mapping = Mapping.open(fd, byteLength)
      const key = randomBytes(KEY_BYTES)
      const head = new DataView(mapping.window(0, HEAD_BYTES))
      new Uint8Array(head.buffer).set(key, KEY_AT)
      head.setUint32(4, capacity, true)
      head.setUint32(0, MAGIC, true)
      const conduit = new Conduit(mapping, fd, capacity, true)
      return { conduit, ticket: { pid: process.pid, fd, key: key.toString('hex') } }
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }

  /**
   * Opens what another process has made, which it must still have; it is to be opened once.
   * @throws SHM_STALE when that is something else, PEER_GONE, SHM_PERM, SHM_NOSPACE, UNSUPPORTED, LIMIT
   */
  static open({ pid, fd, key }: ConduitTicket): Conduit {
    const own = openOf(pid, fd)
    try {
      const { size } = fstatSync(own)
      if (size < HEAD_BYTES) throw stale()
      const mapping = Mapping.open(own, size)
      const capacity = capacityOf(mapping.window(0, HEAD_BYTES), size, key)
      if (capacity !== undefined) return new Conduit(mapping, -1, capacity, false)
      mapping.close()
      throw stale()
    } finally {
      closeSync(own)
    }
  }

  /** The other side has it open: nobody else can open it from now on. */
  seal(): void {
    if (this.#fd >= 0) closeSync(this.#fd)
    this.#fd = -1
  }

  /** Lets go of it. Whoever still holds one of its ends can use it, and harms nobody. */
  close(): void {
    this.seal()
    this.#mapping.close()
  }
}

function bytesFor(capacity: number): number {
  return HEAD_BYTES + 2 * pipeBytes(capacity)
}

function capacityOf(memory: ArrayBuffer, byteLength: number, key: string): number | undefined {
  // A copy: the maker can write there while we look.
  const head = Buffer.from(new Uint8Array(memory))
  const capacity = head.readUInt32LE(4)
  const isKey = head.toString('hex', KEY_AT, KEY_AT + KEY_BYTES) === key
  const isPower = capacity >= LEAST_CAPACITY && capacity <= MOST_CAPACITY && (capacity & (capacity - 1)) === 0
  const isConduit = head.readUInt32LE(0) === MAGIC && isKey && isPower && byteLength === bytesFor(capacity)
  return isConduit ? capacity : undefined
}

function stale(): OutbandError {
  return new OutbandError('SHM_STALE', 'memory: the descriptor is not that of these pipes')
}
