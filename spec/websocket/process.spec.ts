/** Clients in processes of their own: killed in the middle of a message, and by the WebSocket that Node itself has. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { values } from '../../fixtures/values.js'
import type { Channel } from '../../src/channel.js'
import { isOutbandError } from '../../src/index.js'
import { within } from '../carriers/inbox.js'
import { difference } from '../same.js'
import { endOf, later, next, serving } from './kit.js'

/** Node 20 has a WebSocket for who asks for it, later versions in any case. */
const FLAG = '--experimental-websocket'
const hasGlobal = 'WebSocket' in globalThis || process.allowedNodeEnvironmentFlags.has(FLAG)
const flags = 'WebSocket' in globalThis ? [] : [FLAG]

function start(kind: string, url: string): { child: ChildProcess; printed: () => string } {
  const script = fileURLToPath(new URL('child.js', import.meta.url))
  const args = kind === 'ws' ? [script, kind, url] : [...flags, '--no-warnings', script, kind, url]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout!.on('data', chunk => {
    text += chunk
  })
  return { child, printed: () => text }
}

const processes = suite('websocket: other processes')
const withGlobal = hasGlobal ? processes : processes.skip

for (const kind of ['ws', 'flood']) {
  for (const afterMs of [0, 5, 30]) {
    const test = kind === 'ws' ? processes : withGlobal
    test(`a client of ${kind === 'ws' ? 'ws' : 'Node'} that is killed ${afterMs} ms after its first value: PEER_GONE, nothing partial`, async () => {
      const accepted: Channel[] = []
      let first: (channel: Channel) => void
      const connected = new Promise<Channel>(resolve => {
        first = resolve
      })
      await serving(
        channel => {
          accepted.push(channel)
          first(channel)
        },
        {},
        async ({ server, url }) => {
          const { child } = start(kind, url)
          const exit = once(child, 'exit')
          try {
            const channel = await within(connected, 'a connection')
            let count = 0
            const check = (value: unknown) => {
              const { i, bytes } = value as { i: number; bytes: Uint8Array }
              assert.is(i, count++)
              assert.is(bytes.length, i % 3 === 0 ? 10 : 3_000_000)
              assert.ok(Buffer.compare(bytes, Buffer.alloc(bytes.length, i)) === 0)
            }
            check(await next(channel))
            const reading = (async () => {
              for await (const value of channel) check(value)
            })().catch(error => error)
            await later(afterMs)
            child.kill('SIGKILL')
            const end = await endOf(channel)
            assert.ok(isOutbandError(end, 'PEER_GONE'), String(end))
            assert.is(await reading, end)
            assert.equal([server.channels.size, server.bytesUnderWay], [0, 0])
          } finally {
            child.kill('SIGKILL')
            await exit
          }
        },
      )
    })
  }
}

withGlobal(
  'values come back equal from the WebSocket that Node has, by a URL, and it closes in order',
  async () => {
    let take: (channel: Channel) => void
    const connected = new Promise<Channel>(resolve => {
      take = resolve
    })
    await serving(
      channel => take(channel),
      { limits: 'trusted' },
      async ({ url }) => {
        const { child, printed } = start('echo', url)
        const exit = once(child, 'exit')
        try {
          const channel = await within(connected, 'a connection')
          for (const row of values.filter(({ isShared }) => isShared !== true)) {
            const sent = row.make()
            await channel.send(sent)
            const found = difference(row.arrives?.(sent as never) ?? sent, await next(channel))
            assert.is(found, undefined, `${row.name}: ${found}`)
          }
          const large = new Float64Array(2_000_000).map((_, i) => i)
          await channel.send(large)
          assert.is(difference(large, await next(channel)), undefined)
          await channel.close()
          assert.equal(await within(exit, 'the end of the process'), [0, null])
          assert.match(printed(), /closed in order/)
        } finally {
          child.kill('SIGKILL')
        }
      },
    )
  },
)

processes.run()
