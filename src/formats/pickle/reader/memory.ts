/**
 * Bytes of a pickle, in band and out of it.
 *
 * Memory: a buffer that came with the packet is used where it lies (borrow); bytes in band are copied once (own), so that
 * they do not keep the metadata, and lie where any element is aligned.
 */
import { allocateUncleared } from '../../../bytes/text.js'
import { isShared } from '../../../bytes/window.js'
import { forbidden } from '../../../limits.js'
import { isReadonly, markReadonly } from '../../../out-of-band.js'
import { BININT1, POP } from '../ops.js'
import { markBytearray } from '../origins.js'
import type { Machine } from './machine.js'

/** Bytes from which it pays to take memory that nobody has cleared (measured). */
const LONG = 4096

function allocate(byteLength: number): Uint8Array {
  return byteLength < LONG ? new Uint8Array(byteLength) : allocateUncleared(byteLength)
}

/** `bytes` and `bytearray`. Those of Python that never change are marked so. */
export function readBytes(machine: Machine, byteLength: number, readonly: boolean): Uint8Array {
  // In this order: what is not there is no matter of a limit.
  const start = machine.take(byteLength)
  machine.countBuffer(byteLength)
  // All empty ones lie on one empty buffer: of its own, each would take 180 bytes of ours for two of theirs.
  const bytes = byteLength === 0 ? new Uint8Array(machine.noBytes) : allocate(byteLength)
  if (byteLength > 0) bytes.set(machine.bytes.subarray(start, start + byteLength))
  if (readonly) markReadonly(bytes)
  else if (machine.isKeeping) markBytearray(bytes)
  return bytes
}

/**
 * The next buffer that came with the packet, as bytes: where it lies (borrow), or where all of its views are aligned (own), if the
 * writer says behind it where that is. @throws BUFFERS
 */
export function nextBuffer(machine: Machine): Uint8Array {
  const memory = machine.buffers.takeAny()
  machine.countBuffer(memory.byteLength)
  const isView = ArrayBuffer.isView(memory)
  const buffer = isView ? memory.buffer : memory
  if (isShared(buffer) && !machine.limits.shared) {
    throw forbidden('decode', 'shared', { offset: machine.pos })
  }
  const bytes = isView ? new Uint8Array(buffer, memory.byteOffset, memory.byteLength) : new Uint8Array(buffer)
  const home = homeBehind(machine)
  if (home === 0) return bytes
  const size = home < 4 ? 2 : home < 8 ? 4 : 8
  return bytes.byteOffset % size === home - size ? bytes : moved(machine, bytes, home - size)
}

/** `size + phase` of the writer's `homesOf`, a number that is thrown away right behind the buffer; else 0. */
function homeBehind({ bytes, pos }: Machine): number {
  const home = bytes[pos + 1]
  return bytes[pos] === BININT1 && bytes[pos + 2] === POP && home > 1 && home < 16 ? home : 0
}

/** A copy (own) that begins so many bytes into its memory. */
function moved(machine: Machine, memory: Uint8Array, phase: number): Uint8Array {
  machine.copyBuffer(memory.length)
  const copy = new Uint8Array(new ArrayBuffer(phase + memory.length), phase)
  copy.set(memory)
  return copy
}

/** The same memory, marked read-only. */
export function readonlyOf(machine: Machine, value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw machine.malformed('a buffer that is none')
  if (isReadonly(value)) return value
  const view = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  markReadonly(view)
  return view
}

/**
 * The memory where elements of `size` bytes from `offset` on are aligned: as it is, else a copy (own). Of each memory there is
 * one such, which views of any size lie on from then on, so that those that overlap go on sharing it.
 */
export function aligned(machine: Machine, memory: Uint8Array, offset: number, size: number): Uint8Array {
  const known = machine.copies.get(memory)
  if (known !== undefined && (known.byteOffset + offset) % size === 0) return known
  if ((memory.byteOffset + offset) % size === 0) return memory
  const copy = moved(machine, memory, (size - (offset % size)) % size)
  if (isReadonly(memory)) markReadonly(copy)
  machine.copies.set(memory, copy)
  return copy
}
