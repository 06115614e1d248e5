/**
 * What a carrier inside the process does with the memory of a packet: shares what is shared, moves what the sender
 * gave away, copies the rest: once, the exact window, to memory that then moves itself.
 */
import { allocateUncleared } from '../bytes/text.js'
import { allocate, isGone, isMemory, isShared, maxBytes, memoryBytes } from '../bytes/window.js'
import { isOutbandError, OutbandError } from '../errors.js'
import type { Parcel } from '../packet.js'
import type { Counts, Transfer } from './carrier.js'
import { isMovedPort, isRefused, isTelling, mustMove, obstacleOf, refusalOf } from './platform.js'

/** Copies move, up to so many: V8 compares each entry of the list with all before it (65 536 of them: 900 ms). */
const LONG_LIST = 1024
/** A copy of so many bytes or more is worth another way to memory. */
const LONG_COPY = 131_072
const POOLED = 'memory of a pool, of WebAssembly or mapped'

/** Memory up to so many ArrayBuffers is searched, which for the one of most messages costs less than a Set. */
const FEW = 16

/** ArrayBuffers, each once, in the order of their coming. */
class Memory {
  readonly list: ArrayBuffer[] = []
  #set: Set<ArrayBufferLike> | undefined

  has(buffer: ArrayBufferLike): boolean {
    return this.#set === undefined ? this.list.includes(buffer as ArrayBuffer) : this.#set.has(buffer)
  }

  add(buffer: ArrayBuffer): void {
    if (this.has(buffer)) return
    this.list.push(buffer)
    if (this.#set !== undefined) this.#set.add(buffer)
    else if (this.list.length > FEW) this.#set = new Set(this.list)
  }

  without(others: ReadonlySet<ArrayBuffer>): Memory {
    const rest = new Memory()
    for (const buffer of this.list) if (!others.has(buffer)) rest.add(buffer)
    return rest
  }
}

/** The sender's wishes, looked through before anything is posted. */
interface Wishes {
  /** Memory that moves. */
  readonly memory: Memory
  /** What else was named: ports, streams. */
  readonly others: readonly object[]
}

const NO_MEMORY = new Memory()
const NO_OBJECTS: readonly object[] = []

/** What is posted: each buffer as it is or as a copy, and the list of what moves. */
interface Plan {
  readonly buffers: readonly Uint8Array[]
  /** The sender's memory first. */
  readonly list: object[]
  /** How much of the list is the sender's memory, and its bytes before it moves. */
  readonly moving: number
  readonly movingBytes: number
  readonly copied: number
  readonly shared: number
}

/**
 * Hands the buffers of a packet to `post`, with the list of what moves. Memory that the engine refuses to move is
 * posted again as a copy; Node 20 copies it without a word. What was posted is counted. `isLent`: `post` copies what does
 * not move, and gets it where it lies.
 * @throws DETACHED when memory of the packet or in the list is gone.
 * @throws NOT_TRANSFERABLE, with `isStrict`, for memory that was to move and cannot.
 * @throws UNSUPPORTED for whatever else the engine refuses.
 */
export function handOver<Posted>(
  { buffers, hosts }: Parcel,
  transfer: Transfer,
  isStrict: boolean,
  counts: Counts,
  post: (buffers: readonly Uint8Array[], list: object[]) => Posted,
  isLent = false,
): Posted {
  const { memory, others } = wishesOf(buffers, transfer, isStrict)
  const rest = restOf(others, hosts)
  // V8 asks such an object last, when it has already emptied the memory that was to move with it.
  for (const item of rest) expectFree(item)
  if (memory.list.length > 0 && rest.some(isMovedPort))
    throw refusal(new Error('a port has moved already'), transfer)
  let plan = planOf(buffers, memory, rest, isLent)
  let posted: Posted
  try {
    posted = post(plan.buffers, plan.list)
  } catch (error) {
    if (isOutbandError(error)) throw error
    // What else does not want to move is noticed when the memory has gone: there is nothing left to copy.
    if (memory.list.length === 0 || movingOf(plan).some(isGone)) throw refusal(error, transfer)
    if (isStrict) throw isTelling() ? refusal(error, transfer) : notTransferable(POOLED, 0, error)
    plan = planOf(buffers, NO_MEMORY, rest, isLent)
    try {
      posted = post(plan.buffers, plan.list)
    } catch (again) {
      throw refusal(again, transfer)
    }
  }
  settle(plan, counts)
  return posted
}

/** What moves beside memory, each once. */
function restOf(others: readonly object[], hosts: readonly object[] = NO_OBJECTS): readonly object[] {
  if (others.length === 0 && hosts.length === 0) return NO_OBJECTS
  return [...new Set([...others, ...hosts.filter(mustMove)])]
}

function planOf(
  buffers: readonly Uint8Array[],
  memory: Memory,
  rest: readonly object[],
  isLent: boolean,
): Plan {
  const list: object[] = [...memory.list, ...rest]
  const posted: Uint8Array[] = []
  let movingBytes = 0
  for (const { byteLength } of memory.list) movingBytes += byteLength
  let copied = 0
  let shared = 0
  for (const window of buffers) {
    const { buffer, byteLength } = window
    let out = window
    if (!memory.has(buffer)) {
      if (isLent) copied += byteLength
      else if (isShared(buffer)) shared += byteLength
      else {
        copied += byteLength
        out = copyOf(window)
        if (list.length < LONG_LIST) list.push(out.buffer)
      }
    }
    posted.push(out)
  }
  return { buffers: posted, list, moving: memory.list.length, movingBytes, copied, shared }
}

function movingOf({ list, moving }: Plan): ArrayBuffer[] {
  return list.slice(0, moving) as ArrayBuffer[]
}

/** Counts what became of the memory. What should have moved and is still there was copied. */
function settle(plan: Plan, counts: Counts): void {
  counts.copied += plan.copied
  counts.shared += plan.shared
  let stayedBytes = 0
  for (let i = 0; i < plan.moving; i++) stayedBytes += (plan.list[i] as ArrayBuffer).byteLength
  counts.transferred += plan.movingBytes - stayedBytes
  if (stayedBytes === 0) return
  const stayed = new Set<object>(movingOf(plan))
  // The bytes of what did move are none by now.
  for (const { buffer, byteLength } of plan.buffers) if (stayed.has(buffer)) counts.copied += byteLength
}

/** Fresh memory with the bytes of the window, at the alignment they have now: decode need not copy again. */
function copyOf(window: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = window
  const phase = byteOffset & 7
  const max = byteLength === memoryBytes(buffer) ? maxBytes(buffer) : -1
  // Long memory that is written over at once need not be cleared before.
  const isLong = max < 0 && byteLength >= LONG_COPY
  const memory = isLong ? allocateUncleared(phase + byteLength).buffer : allocate(phase + byteLength, max)
  const copy = new Uint8Array(memory as ArrayBuffer, phase, byteLength)
  if (isLong) new Uint8Array(memory, 0, phase).fill(0)
  copy.set(window)
  return copy
}

function wishesOf(buffers: readonly Uint8Array[], transfer: Transfer, isStrict: boolean): Wishes {
  const isListed = typeof transfer === 'object'
  const wishes = isListed
    ? listed(transfer)
    : { memory: transfer ? new Memory() : NO_MEMORY, others: NO_OBJECTS }
  const { memory } = wishes
  const parts = isListed ? new Memory() : NO_MEMORY
  for (const window of buffers) {
    const buffer = window.buffer as ArrayBuffer
    const { byteLength } = window
    if (byteLength === 0 && isGone(window)) {
      throw new OutbandError('DETACHED', 'send: a buffer of the packet lost its memory')
    }
    const isWhole = byteLength === memoryBytes(buffer)
    if (isListed && !isWhole && memory.has(buffer)) parts.add(buffer)
    if (transfer !== true || isShared(buffer)) continue
    if (isWhole) memory.add(buffer)
    else if (isStrict) throw notTransferable('part of an ArrayBuffer', byteLength)
  }
  if (isStrict) {
    const held = memory.list.find(buffer => !isMovable(buffer))
    if (held !== undefined) throw notTransferable(POOLED, held.byteLength)
  }
  if (parts.list.length === 0) return wishes
  // Node 20 would copy all of it, and what no view covers is not the peer's to see: the pool of Buffer, say.
  const pools = new Set(parts.list.filter(buffer => !isMovable(buffer)))
  return { ...wishes, memory: memory.without(pools) }
}

function listed(list: readonly object[]): Wishes {
  const memory = new Memory()
  const others: object[] = []
  for (const [i, item] of list.entries()) {
    const buffer = ArrayBuffer.isView(item) ? item.buffer : item
    if (isShared(buffer)) continue
    if (!isMemory(buffer)) others.push(expectFree(item, placeIn(i)))
    else if (isGone(buffer)) {
      const path = placeIn(i)
      throw new OutbandError('DETACHED', `send: an ArrayBuffer lost its memory at ${path}`, { path })
    } else memory.add(buffer as ArrayBuffer)
  }
  return { memory, others }
}

function placeIn(i: number): string {
  return `transfer[${i}]`
}

/** The error for a list that the engine refuses, with the place of what does not move, where it can be told: it does not say. */
function refusal(cause: unknown, transfer: Transfer): OutbandError {
  const list = typeof transfer === 'object' ? transfer : NO_OBJECTS
  const at = list.findIndex(item => !ArrayBuffer.isView(item) && !isMemory(item) && isRefused(item))
  return unsupported(cause, at < 0 ? undefined : placeIn(at))
}

/** @throws UNSUPPORTED for what says that it cannot move */
function expectFree(item: object, path?: string): object {
  const obstacle = obstacleOf(item)
  if (obstacle === undefined) return item
  throw unsupported(new Error(obstacle), path)
}

/**
 * Asks without moving anything: an ArrayBuffer twice in a list is refused, but on Node 20 one that cannot move is
 * passed over before that is looked at; later versions refuse it for another reason. Where both reasons sound alike
 * the answer is yes, and where to be asked takes memory away (Deno).
 */
export function isMovable(buffer: ArrayBuffer): boolean {
  const fresh = new ArrayBuffer(1)
  const refusal = refusalOf([fresh, fresh])
  return isGone(fresh) || refusalOf([buffer, buffer]) === refusal
}

/** The error for memory that was to move and cannot. */
export function notTransferable(what: string, requested: number, cause?: unknown): OutbandError {
  const message = `send: ${what} cannot be transferred; wanted a whole ArrayBuffer of its own, got ${requested} bytes`
  return new OutbandError('NOT_TRANSFERABLE', message, {
    requested,
    ...(cause === undefined ? {} : { cause }),
  })
}

/** What a port said of what it will not take, as an error of ours. */
export function unsupported(cause: unknown, path?: string): OutbandError {
  const message = `send: the port refuses the value: ${(cause as Error).message}`
  if (path === undefined) return new OutbandError('UNSUPPORTED', message, { cause })
  return new OutbandError('UNSUPPORTED', `${message} at ${path}`, { cause, path })
}
