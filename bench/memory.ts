// What copying into shared memory costs, beside memory of one's own: the same `set`, the same pages over and over, and fresh
// ones every time, made and given back.

import { dispose } from '../src/dispose.js'
import { decode, encode } from '../src/index.js'
import { SharedMemory } from '../src/shm/index.js'
import { type Contestant, loop, type Session, type Traits } from './contestant.js'

interface Place {
  readonly buffer: ArrayBuffer
  giveBack(): void
}

/** Buffers of an encoded value, one after the other, each at a multiple of 64. */
function copyInto(memory: ArrayBuffer, buffers: readonly Uint8Array[]): Uint8Array[] {
  let end = 0
  return buffers.map(buffer => {
    const copy = new Uint8Array(memory, end, buffer.length)
    copy.set(buffer)
    end += (buffer.length + 63) & ~63
    return copy
  })
}

function memory(
  name: string,
  about: string,
  traits: Traits,
  make: (byteLength: number) => Place,
): Contestant {
  const start = (value: unknown): Session => {
    const { meta, buffers } = encode(value)
    const byteLength = Math.max(
      buffers.reduce((sum, { length }) => sum + length + 64, 0),
      1,
    )
    const place = make(byteLength)
    return {
      ops: {
        copy: loop(() => copyInto(place.buffer, buffers)),
        'fresh copy': loop(() => {
          const fresh = make(byteLength)
          copyInto(fresh.buffer, buffers)
          fresh.giveBack()
        }),
      },
      result: () => decode({ meta, buffers: copyInto(place.buffer, buffers) }),
      close: () => place.giveBack(),
    }
  }
  return { name, about, family: traits.ours ? 'outband' : name, on: 'memory', ...traits, open: start }
}

function segment(byteLength: number, anonymous: boolean): Place {
  const shared = SharedMemory.create({ size: byteLength, anonymous })
  return { buffer: shared.buffer, giveBack: () => shared[dispose]() }
}

export const memoryContestants: readonly Contestant[] = [
  memory('outband shm', 'SharedMemory.create({ size }), set', { ours: true }, byteLength =>
    segment(byteLength, false),
  ),
  memory('outband unnamed', 'the same with anonymous: true', { ours: true }, byteLength =>
    segment(byteLength, true),
  ),
  memory('memcpy', 'new ArrayBuffer(size), set', { limit: true }, byteLength => ({
    buffer: new ArrayBuffer(byteLength),
    giveBack: () => {},
  })),
]
