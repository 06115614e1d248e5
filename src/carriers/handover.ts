/**
 * What a carrier inside the process does with the memory of a packet: shares what is shared, moves what the sender
 * gave away, copies the rest: once, the exact window, to memory that then moves itself.
 */
import { allocate, isDetached, isMemory, isShared, maxBytes } from '../bytes/window.js'
import { OutbandError } from '../errors.js'
import type { Counts, Transfer } from './carrier.js'

/** The buffers to post and the list of what moves with them. */
export interface Handover {
  readonly buffers: readonly Uint8Array[]
  readonly list: object[]
  /** ArrayBuffers of the sender's in the list, with their bytes before they moved. */
  readonly moving: readonly (readonly [buffer: ArrayBuffer, byteLength: number])[]
}

const NOTHING: Handover = Object.freeze({
  buffers: Object.freeze([]) as readonly [],
  list: [],
  moving: Object.freeze([]) as readonly [],
})

/** The sender's wishes, looked through before anything is posted. */
interface Wishes {
  /** Memory named by the sender, each once. */
  readonly memory: ReadonlySet<ArrayBuffer>
  /** What else was named: ports, streams. */
  readonly others: readonly object[]
}

/**
 * Readies the memory of a packet for a post. Copies are counted here; what moves is counted by `settle`.
 * @throws DETACHED when memory in the list is gone.
 * @throws NOT_TRANSFERABLE, with `isStrict`, for memory that was to move and cannot.
 */
export function handOver(
  buffers: readonly Uint8Array[],
  transfer: Transfer,
  isStrict: boolean,
  counts: Counts,
): Handover {
  const isListed = Array.isArray(transfer)
  if (buffers.length === 0 && (!isListed || transfer.length === 0)) return NOTHING
  const { memory, others } = wishesOf(isListed ? transfer : [])
  const wanted = (window: Uint8Array) => {
    const buffer = window.buffer as ArrayBuffer
    return transfer === true ? window.byteLength === buffer.byteLength : memory.has(buffer)
  }
  const moving = new Set(memory)
  for (const window of buffers) {
    if (isShared(window.buffer)) continue
    if (wanted(window)) moving.add(window.buffer as ArrayBuffer)
    else if (isStrict && transfer === true) throw notTransferable('part of an ArrayBuffer', window.byteLength)
  }
  if (isStrict) for (const buffer of moving) expectMovable(buffer)
  const list: object[] = [...moving, ...others]
  const posted = buffers.map(window => {
    if (isShared(window.buffer)) {
      counts.shared += window.byteLength
      return window
    }
    if (moving.has(window.buffer as ArrayBuffer)) return window
    counts.copied += window.byteLength
    const copy = copyOf(window)
    list.push(copy.buffer)
    return copy
  })
  return { buffers: posted, list, moving: [...moving].map(buffer => [buffer, buffer.byteLength]) }
}

/** Counts what moved. On Node 20 memory that cannot move is copied without a word: it is still there afterwards. */
export function settle({ moving, buffers }: Handover, counts: Counts): void {
  for (const [buffer, byteLength] of moving) {
    if (buffer.byteLength === 0) counts.transferred += byteLength
    else for (const window of buffers) if (window.buffer === buffer) counts.copied += window.byteLength
  }
}

/** Fresh memory with the bytes of the window, at the alignment they have now: decode need not copy again. */
export function copyOf(window: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = window
  const phase = byteOffset & 7
  const isWhole = byteLength === buffer.byteLength
  const copy = new Uint8Array(
    allocate(phase + byteLength, isWhole ? maxBytes(buffer) : -1),
    phase,
    byteLength,
  )
  copy.set(window)
  return copy
}

function wishesOf(list: readonly object[]): Wishes {
  const memory = new Set<ArrayBuffer>()
  const others: object[] = []
  for (const item of list) {
    const buffer = ArrayBuffer.isView(item) ? item.buffer : item
    if (isShared(buffer)) continue
    if (!isMemory(buffer)) others.push(item)
    else if (isDetached(buffer as ArrayBuffer)) {
      throw new OutbandError('DETACHED', 'send: an ArrayBuffer in the transfer list lost its memory')
    } else memory.add(buffer as ArrayBuffer)
  }
  return { memory, others: [...new Set(others)] }
}

/**
 * Asks without moving anything: an ArrayBuffer twice in a list is refused, but on Node 20 one that cannot move is
 * passed over before that is looked at. Later engines refuse it, for another reason.
 */
function expectMovable(buffer: ArrayBuffer): void {
  try {
    structuredClone(0, { transfer: [buffer, buffer] })
  } catch (error) {
    if (/duplicate/i.test((error as Error).message)) return
  }
  throw notTransferable('memory of a pool, of WebAssembly or mapped', buffer.byteLength)
}

/** The error for memory that was to move and cannot. */
export function notTransferable(what: string, requested: number, cause?: unknown): OutbandError {
  const message = `send: ${what} cannot be transferred; wanted a whole ArrayBuffer of its own, got ${requested} bytes`
  return new OutbandError('NOT_TRANSFERABLE', message, {
    requested,
    ...(cause === undefined ? {} : { cause }),
  })
}
