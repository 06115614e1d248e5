/**
 * Memory that frames on their way may take, all connections of a server together. A small part each has in any case, so
 * that short messages always pass. Larger frames are read as they come while they take half of the quota at most; then
 * they stand in line:
 *
 *      in line, not read ──→ in turn: as many as there is room for ──→ whole, or too slow
 *
 * The first in turn goes on even without room, lest all wait for each other. Who is not read is never too slow; who is read
 * while others stand in line must keep the pace of a frame that is whole in its time, or is given up. The longer the line
 * the sooner, so that many who stall do not hold it up longer than a few.
 */
import { expectBytes } from '../../errors.js'
import { keepAlive } from '../keep-alive.js'

/** What each may have beside the common part. */
const OWN = 65_536
/** So often it is looked who is too slow. */
const LOOK_MS = 50
/** A line in which all stall is through in about this part of the time of one frame … */
const LINE_PART = 1 / 6
/** … but so long anybody may be silent: for the way to the peer and back, or a packet that was lost. */
const SILENT_MS = 250

/** Who has a share. */
export interface Tenant {
  /** Whether it may be read from. */
  tell(isRoom: boolean): void
  /** It was too slow while others stood in line. */
  late(): void
}

/** One connection's part of a quota. */
export interface Share {
  /** So many bytes of a frame are there, of `total`, where that is known. */
  use(received: number, total: number | undefined): void
  /** Whether the connection is read from, as far as that is not for the quota to say; else others go first. */
  read(isRead: boolean): void
  leave(): void
}

export class Quota {
  readonly #max: number
  readonly #holders = new Set<Holder>()
  #used = 0
  #lastPlace = 0
  /** The most that stood in line since there is one. */
  #longest = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @throws TypeError for what is no number of bytes */
  constructor(max: number) {
    expectBytes(max, 'maxBytes')
    this.#max = max
  }

  /** Bytes of frames that are on their way. */
  get used(): number {
    return this.#used
  }

  /** A part for another connection, which has so much time for a frame; 0: no limit. */
  share(tenant: Tenant, frameTimeoutMs: number): Share {
    const holder = new Holder(tenant, frameTimeoutMs)
    this.#holders.add(holder)
    return {
      use: (received, total) => this.#use(holder, received, total),
      read: isRead => this.#read(holder, isRead),
      leave: () => {
        this.#holders.delete(holder)
        this.#use(holder, 0, 0)
      },
    }
  }

  #use(holder: Holder, received: number, total: number | undefined): void {
    const before = holder.bytes
    holder.received = received
    holder.total = total
    const more = holder.bytes - before
    if (more === 0) return
    this.#used += more
    if (more < 0) holder.begin()
    if (holder.bytes > 0 && !holder.isWaiting && !this.#mayGrow(holder)) this.#line(holder)
    if (more < 0) this.#admit()
  }

  /** (The clock runs while there is a line.) */
  #mayGrow(holder: Holder): boolean {
    if (holder.place === 0) return this.#used <= this.#max / 2 && this.#timer === undefined
    return this.#used <= this.#max || this.#first(isInTurn) === holder
  }

  /** Where there is room its turn comes at once, and it need not be told. */
  #line(holder: Holder): void {
    holder.place ||= ++this.#lastPlace
    holder.isWaiting = true
    this.#admit(holder)
    if (holder.isWaiting) holder.tenant.tell(false)
    this.#watch()
  }

  #read(holder: Holder, isRead: boolean): void {
    if (holder.isRead === isRead) return
    const wasInTurn = isInTurn(holder)
    holder.isRead = isRead
    holder.forgive()
    // It keeps its place.
    if (wasInTurn) this.#line(holder)
    else this.#admit()
    this.#watch()
  }

  #first(is: (holder: Holder) => boolean): Holder | undefined {
    let first: Holder | undefined
    for (const holder of this.#holders) {
      if (is(holder) && (first === undefined || holder.place < first.place)) first = holder
    }
    return first
  }

  /** Gives a turn to who is first in line while there is room for all that is missing, and to one in any case. */
  #admit(untold?: Holder): void {
    for (;;) {
      const next = this.#first(isInLine)
      if (next === undefined) return
      let wanted = this.#used + next.missing
      let isAlone = true
      for (const holder of this.#holders) {
        if (!isInTurn(holder)) continue
        isAlone = false
        wanted += holder.missing
      }
      if (!isAlone && wanted > this.#max) return
      next.isWaiting = false
      next.forgive()
      if (next !== untold) next.tenant.tell(true)
    }
  }

  /** While somebody stands in line. */
  #watch(): void {
    if (this.#timer !== undefined || this.#first(isInLine) === undefined) return
    for (const holder of this.#holders) holder.forgive()
    this.#longest = 0
    const look = (): void => {
      this.#timer = setTimeout(() => {
        this.#timer = undefined
        if (this.#first(isInLine) === undefined) return
        look()
        this.#look()
      }, LOOK_MS)
      // A clock is no reason for a process to live.
      keepAlive(this.#timer, false)
    }
    look()
  }

  /** Between two looks sockets are read, so looks are counted: a thread that is busy for long has not heard its peers. */
  #look(): void {
    let length = 0
    for (const holder of this.#holders) if (isInLine(holder)) length++
    this.#longest = Math.max(this.#longest, length)
    const late = [...this.#holders].filter(holder => {
      if (holder.bytes === 0 || holder.isWaiting || !holder.isRead) return false
      return holder.isLate(LOOK_MS, this.#longest)
    })
    for (const holder of late) if (this.#holders.has(holder)) holder.tenant.late()
  }
}

class Holder {
  readonly tenant: Tenant
  readonly #frameTimeoutMs: number
  received = 0
  total: number | undefined
  /** In line; of a frame that never stood there 0. One that has had its turn keeps it, though it may have to wait again. */
  place = 0
  isWaiting = false
  isRead = true
  /** By how much it is behind its pace, and what there was when that was looked at. */
  #behindMs = 0
  #seen = 0

  constructor(tenant: Tenant, frameTimeoutMs: number) {
    this.tenant = tenant
    this.#frameTimeoutMs = frameTimeoutMs
  }

  /** What it has of the common part. */
  get bytes(): number {
    return Math.max(0, this.received - OWN)
  }

  /** Of a frame of unknown size, as much again. */
  get missing(): number {
    return this.total === undefined ? this.received : this.total - this.received
  }

  /** Another frame. */
  begin(): void {
    this.place = 0
    this.isWaiting = false
    this.forgive()
  }

  forgive(): void {
    this.#behindMs = 0
    this.#seen = this.received
  }

  /** Whether it is too slow, now that it was read for so long more while so many stood in line. */
  isLate(ms: number, length: number): boolean {
    if (this.#frameTimeoutMs === 0) return false
    const { received, total = received } = this
    const earnedMs = ((received - this.#seen) / total) * this.#frameTimeoutMs
    this.#behindMs = Math.max(0, this.#behindMs + ms - earnedMs)
    this.#seen = received
    return this.#behindMs > Math.max((this.#frameTimeoutMs * LINE_PART) / (length + 1), SILENT_MS)
  }
}

function isInLine({ isWaiting, isRead }: Holder): boolean {
  return isWaiting && isRead
}

function isInTurn({ place, isWaiting, isRead }: Holder): boolean {
  return place > 0 && !isWaiting && isRead
}
