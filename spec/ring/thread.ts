// A thread with an end of a ring, for the specs of channels: does what its role says.

import { parentPort, workerData } from 'node:worker_threads'
import { isOutbandError } from '../../src/index.js'
import { connectRing, type RingChannel, type RingEnd } from '../../src/ring/index.js'

export type Role =
  | 'echo'
  | 'echo-sync'
  | 'sync-then-loop'
  | 'count'
  | 'flood-sync'
  | 'wait-sync'
  | 'close'
  | 'idle'
  | 'unref'

const { end, role } = workerData as { end: RingEnd; role: Role }
const channel = connectRing(end)
channel.closed.catch(() => {})

const roles: Record<Role, (channel: RingChannel) => Promise<void> | void> = {
  /** Sends back what comes, by its event loop. */
  echo: async channel => {
    for await (const value of channel) await channel.send(value)
  },
  /** Sends back what comes, and never lets its event loop go on. */
  'echo-sync': channel => {
    try {
      for (;;) channel.sendSync(channel.receiveSync())
    } catch (error) {
      parentPort!.postMessage(isOutbandError(error) ? error.code : String(error))
    }
  },
  /** The first ten values by force, the others as they come. */
  'sync-then-loop': async channel => {
    for (let i = 0; i < 10; i++) channel.sendSync(channel.receiveSync())
    for await (const value of channel) await channel.send(value)
  },
  /** Says how many values came before the end, and how that was. */
  count: async channel => {
    let count = 0
    channel.on('message', () => count++)
    const end = await channel.closed.then(() => 'closed').catch(error => error.code)
    parentPort!.postMessage({ count, end })
  },
  /** Sends numbers as fast as there is room for them. */
  'flood-sync': channel => {
    for (let i = 0; i < 20_000; i++) channel.sendSync({ i, text: 'x'.repeat(i % 50) })
    channel.sendSync({ i: -1, text: '' })
  },
  /** Waits for what never comes. */
  'wait-sync': channel => {
    parentPort!.postMessage('waiting')
    try {
      channel.receiveSync()
    } catch (error) {
      parentPort!.postMessage(isOutbandError(error) ? error.code : String(error))
    }
  },
  /** Closes when a value has come, and says how that ended. */
  close: async channel => {
    for await (const _ of channel) break
    const end = await channel.close().catch(error => error.code)
    parentPort!.postMessage(end ?? 'closed')
  },
  idle: () => {},
  /** Has a channel open, and ends all the same. */
  unref: channel => {
    channel.unref()
  },
}
await roles[role](channel)
