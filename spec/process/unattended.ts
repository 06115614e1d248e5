// Children that fail while nobody listens, in a process that must live, say so, and end by itself.

import { fileURLToPath } from 'node:url'
import { asyncDispose } from '../../src/dispose.js'
import { type ChildChannel, forkChannel, spawnChannel } from '../../src/process/index.js'
import { errorOf } from './kit.js'

const script = fileURLToPath(new URL('child.js', import.meta.url))
const quiet = ['ignore', 'ignore', 'ignore'] as const
const child = (...args: string[]) => forkChannel(script, args, { stdio: [...quiet], graceMs: 50 })

const faults: [start: () => ChildChannel, happens: (channel: ChildChannel) => unknown][] = [
  [() => spawnChannel('outband-has-no-such-command'), () => {}],
  [() => child('garbage'), () => {}],
  // Before the end is told.
  [
    () => child('spoilt'),
    channel => channel.on('message', value => process.nextTick(() => void channel.send(value))),
  ],
  [() => child('exit', '3'), () => {}],
  // It would live on.
  [() => child('shut'), channel => channel.closed.catch(() => channel.kill('SIGKILL'))],
  [() => child('flood'), channel => setTimeout(() => channel.kill('SIGKILL'), 200)],
  [() => child('stubborn'), channel => setTimeout(() => channel.abort(), 200)],
  [() => child('echo'), channel => channel.close()],
]

const runs: Readonly<Record<string, () => Promise<void> | void>> = {
  faults() {
    for (const [start, happens] of faults) {
      const channel = start()
      void channel.send(new Uint8Array(100_000))
      happens(channel)
    }
  },
  async missing() {
    const ends: ((channel: ChildChannel) => unknown)[] = [
      channel => channel.kill(),
      channel => channel.abort(),
      channel => channel[asyncDispose]().catch(() => {}),
    ]
    for (const end of ends) {
      const channel = spawnChannel('outband-has-no-such-command', { graceMs: 20 })
      const ended = end(channel)
      await channel.closed.catch(() => {})
      await ended
    }
  },
  /** Until the system has no more, and on with those that are there. */
  async descriptors() {
    const children: ChildChannel[] = []
    let refused: unknown
    while (refused === undefined && children.length < 100) {
      try {
        // A program that gives frames and notes back is a channel to itself, and starts faster than any other.
        children.push(spawnChannel('cat', { over: 'stdio' }))
      } catch (error) {
        refused = error
      }
    }
    const { code } = await errorOf(Promise.reject(refused))
    if (code !== 'PEER_GONE') throw refused
    for (const channel of children) {
      await channel.send('ready')
      for await (const value of channel) if (value === 'ready') break
      void channel.close()
    }
  },
}
await runs[process.argv[2]!]!()
console.log('alive')
