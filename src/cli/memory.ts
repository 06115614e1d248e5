// Where the bytes of a value lie: every view it reaches and every ArrayBuffer beneath them. From this the
// demo and the bench say how many bytes were copied, by looking at the memory rather than by asking the codec.

import type { Packet } from '../index.js'

/** The views a value reaches, an ArrayBuffer counting as a view of all of it, and the memory beneath them. */
export interface Footprint {
  readonly views: readonly ArrayBufferView[]
  readonly backings: ReadonlySet<ArrayBufferLike>
  /** How often an object was met again: 0 for a tree. */
  readonly revisits: number
}

export function footprint(value: unknown): Footprint {
  const views: ArrayBufferView[] = []
  const backings = new Set<ArrayBufferLike>()
  const seen = new Set<unknown>()
  const stack = [value]
  let revisits = 0
  while (stack.length > 0) {
    const next = stack.pop()
    if (typeof next !== 'object' || next === null) continue
    if (seen.has(next)) {
      revisits++
      continue
    }
    seen.add(next)
    if (ArrayBuffer.isView(next)) {
      views.push(next)
      backings.add(next.buffer)
    } else if (next instanceof ArrayBuffer || next instanceof SharedArrayBuffer) {
      views.push(new Uint8Array(next))
      backings.add(next)
    } else if (next instanceof Map) for (const [key, item] of next) stack.push(key, item)
    else if (next instanceof Set) for (const item of next) stack.push(item)
    else for (const item of Object.values(next)) stack.push(item)
  }
  return { views: views.reverse(), backings, revisits }
}

/** Bytes that at least one of the views covers: an overlap counts once. */
export function coveredBytes(views: Iterable<ArrayBufferView>): number {
  const byBacking = new Map<ArrayBufferLike, ArrayBufferView[]>()
  for (const view of views) {
    const group = byBacking.get(view.buffer)
    if (group) group.push(view)
    else byBacking.set(view.buffer, [view])
  }
  let covered = 0
  for (const group of byBacking.values()) {
    group.sort((a, b) => a.byteOffset - b.byteOffset)
    let end = 0
    for (const { byteOffset, byteLength } of group) {
      covered += Math.max(0, byteOffset + byteLength - Math.max(end, byteOffset))
      end = Math.max(end, byteOffset + byteLength)
    }
  }
  return covered
}

/** Bytes that encode put elsewhere than in the caller's memory, and decode elsewhere than in the packet's. */
export function copiedByCodec(value: unknown, { meta, buffers }: Packet, result: unknown): number {
  const source = footprint(value)
  const borrowed = buffers.filter(({ buffer }) => source.backings.has(buffer))
  const arrived = new Set([meta, ...buffers].map(({ buffer }) => buffer))
  const rebuilt = footprint(result).views.filter(({ buffer }) => !arrived.has(buffer))
  return coveredBytes(source.views) - coveredBytes(borrowed) + coveredBytes(rebuilt)
}
