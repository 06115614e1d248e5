// The demo's way through memory that a child process and this one both see.

import { isOutbandError } from '../errors.js'
import { type ChildChannel, forkChannel } from '../process/index.js'
import { memoryOf, release } from '../shm/index.js'
import { mediansNs } from './clock.js'
import { type Difference, differences } from './compare.js'
import { footprint } from './memory.js'

/** There and back again. The time is a median, in nanoseconds. */
export interface MemoryTrip {
  readonly roundTripNs: number
  readonly equal: boolean
  readonly differences: readonly string[]
}

/** A child with which memory is shared, or why there is none. */
export interface MemoryLeg {
  readonly channel: ChildChannel | undefined
  readonly absent: string | undefined
}

export async function openMemoryLeg(): Promise<MemoryLeg> {
  const channel = forkChannel(new URL('./demo-memory-child.js', import.meta.url), { memory: 'shared' })
  const memory = memoryOf(channel)!
  try {
    // Whoever lacks koffi says so here.
    void memory.arena
    if (await memory.joined) return { channel, absent: undefined }
    channel.kill()
    return { channel: undefined, absent: 'the child cannot open it' }
  } catch (error) {
    channel.kill()
    if (!isOutbandError(error)) throw error
    const isMissing = error.code === 'UNSUPPORTED' && error.message.includes('koffi')
    return {
      channel: undefined,
      absent: isMissing ? 'koffi is not installed (npm install koffi)' : error.message,
    }
  }
}

/**
 * Sends a value to the child and waits for it to come back. Its arrays are copied to the arena, once each way, and given back
 * at once: whoever leaves that to the collector fills new memory each time.
 */
export async function tripByMemory(channel: ChildChannel, value: unknown): Promise<MemoryTrip> {
  const answers = channel[Symbol.asyncIterator]()
  const isLent = footprint(value).views.length > 0
  const trip = async (look: (back: unknown) => void = () => {}) => {
    await channel.send({ value, isLent })
    const { value: back } = await answers.next()
    look(back)
    if (isLent) release(back)
  }
  let found: Difference[] = []
  await trip(back => {
    found = differences(value, back)
  })
  const [roundTripNs] = (await mediansNs([() => trip()])) as [number]
  return {
    roundTripNs,
    equal: found.length === 0,
    differences: found.map(({ path, what }) => `${path}: ${what}`),
  }
}
