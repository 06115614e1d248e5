// A process at the other end of a channel that shares memory: what it does is its first argument.

import process from 'node:process'
import type { Channel } from '../../src/channel.js'
import { isReadonly } from '../../src/index.js'
import { connectParent } from '../../src/process/index.js'
import { connectShared, memoryOf, release } from '../../src/shm/index.js'

const [role = '', path] = process.argv.slice(2)

/** Collects, and lets what that leads to happen. */
async function collect(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

interface Sample {
  readonly x: Float64Array
}

const sumOf = (x: Float64Array): number => x.reduce((a, b) => a + b, 0)

async function meet(): Promise<Channel> {
  return path === undefined ? connectParent() : connectShared(path)
}

const roles: Readonly<Record<string, (channel: Channel) => unknown>> = {
  async echo(channel) {
    for await (const value of channel) await channel.send(value)
  },
  /** Reads nothing of memory. */
  async private() {
    const channel = connectParent({ memory: 'private' })
    for await (const value of channel) await channel.send(value)
  },
  /** As another user, for whom this process's parent is none of his business. */
  async stranger() {
    process.setgid!(65_534)
    process.setuid!(65_534)
    await roles.echo!(connectParent())
  },
  /** Keeps each array, says what it holds, and says it again when asked: a second time, or after letting it go. */
  async keep(channel) {
    let kept: Sample | undefined
    for await (const value of channel) {
      if (value === 'release') release(kept)
      else if (value === 'forget') {
        kept = undefined
        await collect()
      } else if (value !== 'again') kept = value as Sample
      const x = kept?.x
      await channel.send(x && { sum: sumOf(x), isReadonly: isReadonly(x) })
    }
  },
  /** Sends an array of its own arena, and changes it when it hears of it. */
  async produce(channel) {
    await memoryOf(channel)!.joined
    const x = memoryOf(channel)!.arena.alloc(Float64Array, 10_000).fill(1)
    await channel.send(x)
    for await (const value of channel) {
      x[0] = Number(value)
      await channel.send(memoryOf(channel)!.arena.stats)
    }
  },
}

if (role === 'private' || role === 'stranger') await roles[role]!(undefined as never)
else await roles[role]!(await meet())
