/** A port is one channel's: of two that hear it, both would get all that comes. */
import { BroadcastChannel, MessageChannel, Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Channel } from '../../src/channel.js'
import { connectPort, wrapPort } from '../../src/port/index.js'
import { connectRing, createRing } from '../../src/ring/index.js'
import { thrown } from '../thrown.js'

const echo = `
  const { parentPort } = require('node:worker_threads')
  import(${JSON.stringify(new URL('../../src/port/index.js', import.meta.url).href)}).then(async ({ connectPort }) => {
    for (let i = 0; i < 2; i++) {
      const channel = connectPort(parentPort)
      for await (const value of channel) void channel.send(value)
    }
  })
`

interface Taken {
  /** The call once more, on what it has already; and others that it excludes. */
  readonly again: readonly (() => unknown)[]
  drop(): void
}
const rows: [name: string, take: () => Taken][] = [
  [
    'a port that a channel has',
    () => {
      const { port1 } = new MessageChannel()
      const channel = connectPort(port1)
      return { again: [() => connectPort(port1), () => wrapPort(port1)], drop: () => channel.abort() }
    },
  ],
  [
    'a port that is wrapped',
    () => {
      const { port1 } = new MessageChannel()
      wrapPort(port1)
      return { again: [() => connectPort(port1)], drop: () => port1.close() }
    },
  ],
  [
    'a BroadcastChannel that a channel has',
    () => {
      const broadcast = new BroadcastChannel('claims')
      const channel = connectPort(broadcast)
      return { again: [() => connectPort(broadcast)], drop: () => channel.abort() }
    },
  ],
  [
    'an end that a channel has',
    () => {
      const [end, other] = createRing()
      const channel = connectRing(end)
      const again = [() => connectRing(end), () => connectRing({ ...end }), () => connectPort(end.port)]
      return {
        again,
        drop: () => {
          channel.abort()
          other.port.close()
        },
      }
    },
  ],
]

const test = suite('carriers: whose a port is')

for (const [name, take] of rows) {
  test(`${name} is nobody else's: a TypeError`, () => {
    const { again, drop } = take()
    for (const connect of again) {
      const error = thrown(connect)
      assert.instance(error, TypeError)
      assert.match(
        (error as Error).message,
        /^(?:port|end): wanted one that no other channel or wrapped port has$/,
      )
    }
    drop()
  })
}

test('who was refused did not touch it: each value comes once', async () => {
  const [left, right] = createRing()
  const [a, b] = [connectRing(left), connectRing(right)]
  thrown(() => connectRing(right))
  const got: unknown[] = []
  b.on('message', value => got.push(value))
  await a.send('once')
  await a.close()
  assert.equal(got, ['once'])
})

test('a call that failed for its options takes nothing', () => {
  const { port1 } = new MessageChannel()
  for (const options of [{ closeTimeoutMs: -1 }, { maxWaiting: 0 }, { types: 5 }]) {
    assert.instance(
      thrown(() => connectPort(port1, options as object)),
      TypeError,
    )
    assert.instance(
      thrown(() => wrapPort(port1, { peer: 'none', ...options } as object)),
      TypeError,
    )
  }
  connectPort(port1).abort()
})

test('a Worker may have a channel after its last one has ended', async () => {
  const worker = new Worker(echo, { eval: true })
  for (let i = 0; i < 2; i++) {
    const channel: Channel<number> = connectPort<number>(worker)
    void channel.send(i)
    for await (const value of channel) {
      assert.is(value, i)
      break
    }
    await channel.close()
  }
  await worker.terminate()
})

test.run()
