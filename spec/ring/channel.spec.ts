/** Channels over rings between threads: values, memory, blocking, and when a thread lives. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { defineType, registry } from '../../src/index.js'
import { type ConnectRingOptions, connectRing, createRing, type RingChannel } from '../../src/ring/index.js'
import { codeOf, turns, upTo, within } from '../carriers/inbox.js'
import { difference } from '../same.js'
import { thrown } from '../thrown.js'
import type { Role } from './thread.js'

interface Setting extends ConnectRingOptions {
  readonly capacity?: number
}

/** A thread in its role, and a channel to it. */
function thread<In = unknown, Out = In>(role: Role, { capacity, ...options }: Setting = {}) {
  const [here, there] = createRing({ capacity })
  const worker = new Worker(new URL('thread.js', import.meta.url), {
    workerData: { end: there, role },
    transferList: [there.port],
  })
  return { worker, channel: connectRing<In, Out>(here, options) }
}

/** A test with a thread, which is ended whatever happens. */
function withThread(
  role: Role,
  run: (channel: RingChannel, worker: Worker) => Promise<void>,
  setting?: Setting,
): () => Promise<void> {
  return async () => {
    const { worker, channel } = thread(role, setting)
    try {
      await run(channel, worker)
    } finally {
      await worker.terminate()
    }
  }
}

const heard = async (worker: Worker): Promise<unknown> => {
  const [message] = await within(once(worker, 'message'), 'a message of the thread', 20_000)
  return message
}

async function next<T>(channel: AsyncIterable<T>): Promise<T> {
  for await (const value of channel) return value
  throw new Error('no value came')
}

const values = suite('ring: values')

const samples: [name: string, make: () => unknown][] = [
  ['a small call', () => ({ id: 1, method: 'add', params: [1, 2] })],
  ['nothing', () => undefined],
  ['an array out of band', () => ({ header: 1, samples: new Float64Array(1000).fill(1.5) })],
  ['views that overlap', () => overlapping()],
  ['empty arrays among others', () => [new Uint8Array(0), new Float32Array(3), new Uint16Array(0)]],
  ['an ArrayBuffer that is larger than the ring', () => new Uint8Array(100_000).fill(3).buffer],
  ['text that is larger than the ring', () => 'ä'.repeat(60_000)],
  [
    'a tree that is larger than the ring',
    () => upTo(3000).map(i => ({ i, text: `number ${i}`, at: new Date(i) })),
  ],
  ['resizable memory', () => new ArrayBuffer(100, { maxByteLength: 200 })],
]
function overlapping(): unknown {
  const memory = new Float32Array(600).fill(2)
  return { all: memory, head: memory.subarray(0, 10), tail: memory.subarray(300) }
}
for (const role of ['echo', 'echo-sync'] as const) {
  values(
    `every kind of value comes back as it was from a thread: ${role}`,
    withThread(
      role,
      async channel => {
        for (const [name, make] of samples) {
          await channel.send(make())
          const came = await within(next(channel), name, 20_000)
          assert.is(difference(came, make()), undefined, name)
        }
      },
      { capacity: 4096 },
    ),
  )
}

values(
  'what is sent may be changed at once: it travels as it was',
  withThread('echo', async channel => {
    for (const length of [10, 1000, 100_000]) {
      const sent = new Uint8Array(length).fill(1)
      void channel.send({ sent })
      sent.fill(2)
      const { sent: came } = (await within(next(channel), 'it', 20_000)) as { sent: Uint8Array<ArrayBuffer> }
      assert.ok(came.every(byte => byte === 1))
      assert.not.instance(came.buffer, SharedArrayBuffer)
      assert.is(came.length, length)
    }
  }),
)

values(
  'a list moves the whole memory of a small view',
  withThread('echo', async channel => {
    const view = new Uint8Array(10_000).fill(7).subarray(10, 20)
    await channel.send(view, { transfer: [view] })
    assert.is(view.buffer.byteLength, 0)
    assert.equal(await next(channel), new Uint8Array(10).fill(7))
    const { outOfBand, transferred } = channel.stats.sent
    assert.equal([outOfBand, transferred], [10, 10_000])
  }),
)

for (const role of ['echo', 'echo-sync'] as const) {
  values(
    `who may have nothing under way gets room after every move (${role})`,
    withThread(
      role,
      async channel => {
        for (const i of upTo(50)) {
          const sent = channel.send({ i, array: new Uint8Array(1000) }, { transfer: true })
          const { i: came } = (await within(next(channel), 'it', 20_000)) as { i: number }
          await within(sent, 'room', 20_000)
          assert.is(came, i)
        }
      },
      { highWaterMark: 1, spinMs: 0 },
    ),
  )
}

values(
  'what moves, what is shared and what is copied keep their order',
  withThread('echo', async channel => {
    const shared = new Int32Array(new SharedArrayBuffer(64))
    const { port1, port2 } = new MessageChannel()
    for (const i of upTo(40)) {
      const array = new Float64Array(2000).fill(i)
      if (i % 4 === 0) void channel.send({ i, array }, { transfer: true })
      else if (i % 4 === 1) void channel.send({ i, array, shared })
      else if (i % 4 === 2 && i === 2) void channel.send({ i, port: port2 })
      else void channel.send({ i, array })
      assert.is(array.byteLength, i % 4 === 0 ? 0 : 16_000)
    }
    let i = 0
    for await (const value of channel) {
      const {
        i: number,
        array,
        shared: came,
      } = value as { i: number; array?: Float64Array; shared?: Int32Array }
      assert.is(number, i)
      if (array !== undefined) assert.ok(array.length === 2000 && array[1999] === i)
      if (came !== undefined) {
        came[3] = i
        assert.is(shared[3], i)
      }
      if (++i === 40) break
    }
    port1.close()
  }),
)

values.run()

const blocking = suite('ring: without the event loop')

blocking(
  'a thread that blocks wakes for each message of 1 000, one at a time',
  withThread('echo-sync', async channel => {
    for (const i of upTo(1000)) {
      await channel.send({ i })
      assert.equal(await within(next(channel), `answer ${i}`, 20_000), { i })
    }
  }),
)

blocking(
  'two threads that block: 1 000 messages there and back',
  withThread('echo-sync', async channel => {
    for (const i of upTo(1000)) {
      channel.sendSync({ i, text: 'x'.repeat(i) })
      assert.equal(channel.receiveSync({ timeoutMs: 20_000 }), { i, text: 'x'.repeat(i) })
    }
  }),
)

blocking(
  'what is long or moves is taken by a thread that blocks, too',
  withThread('echo-sync', async channel => {
    for (const length of [10_000, 60_000, 1_000_000]) {
      const array = new Uint8Array(length).fill(length)
      channel.sendSync({ array }, { transfer: length !== 60_000 })
      assert.is(array.length, length === 60_000 ? length : 0)
      const { array: came } = channel.receiveSync({ timeoutMs: 20_000 }) as { array: Uint8Array }
      assert.ok(came.length === length && came.every(byte => byte === length % 256))
    }
  }),
)

blocking(
  'a writer that blocks waits for a reader that takes its time',
  withThread(
    'flood-sync',
    async channel => {
      let expected = 0
      for await (const value of channel) {
        const { i, text } = value as { i: number; text: string }
        if (i < 0) break
        assert.is(i, expected)
        assert.is(text.length, i % 50)
        if (++expected % 1000 === 0) await new Promise(resolve => setTimeout(resolve, 1))
      }
      assert.is(expected, 20_000)
    },
    { capacity: 4096 },
  ),
)

blocking(
  'after some time without it the event loop goes on',
  withThread('sync-then-loop', async channel => {
    for (const i of upTo(30)) {
      await channel.send(i)
      assert.is(await within(next(channel), `answer ${i}`, 20_000), i)
    }
  }),
)

blocking(
  'receiveSync: TIMEOUT when nothing comes, at once when it is 0; what comes later is not lost',
  withThread('idle', async channel => {
    for (const timeoutMs of [0, 1, 120]) {
      assert.is(await codeOf(async () => channel.receiveSync({ timeoutMs })), 'TIMEOUT')
    }
    for (const timeoutMs of [-1, Number.NaN, '1']) {
      assert.instance(
        thrown(() => channel.receiveSync({ timeoutMs: timeoutMs as number })),
        TypeError,
      )
    }
  }),
)

blocking(
  'receiveSync takes what waits already, in its order, and what came by the loop is not passed over',
  async () => {
    const [a, b] = createRing()
    const [left, right] = [connectRing<number>(a), connectRing<number>(b)]
    for (const i of upTo(3)) left.sendSync(i)
    assert.is(right.receiveSync(), 0)
    await new Promise(resolve => setTimeout(resolve, 5))
    assert.is(right.stats.queueLength, 2)
    left.sendSync(3)
    assert.equal([right.receiveSync(), right.receiveSync(), right.receiveSync()], [1, 2, 3])
    const listener = () => {}
    right.on('message', listener)
    assert.instance(
      thrown(() => right.receiveSync({ timeoutMs: 0 })),
      TypeError,
    )
    right.off('message', listener)
    await Promise.all([left.close(), right.close()])
    assert.is(await codeOf(async () => right.receiveSync()), 'CLOSED')
    assert.is(await codeOf(async () => right.sendSync(1)), 'CLOSED')
  },
)

blocking(
  'a packet that is still being read stays what it is while its `rebuild` blocks for the next',
  async () => {
    class Pair {}
    const [a, b] = createRing()
    const inner = { other: 'nothing like the one before', x: 1.5, list: ['a', 'b'] }
    let came: unknown
    const type = defineType({
      class: Pair,
      tag: 'pair',
      reduce: () => 'its part',
      rebuild: () => {
        came = right.receiveSync({ timeoutMs: 5000 })
        return new Pair()
      },
    })
    const types = registry(type)
    const left = connectRing(a, { types })
    const right = connectRing(b, { types })
    const outer = { before: 'text', pair: new Pair(), after: 'more text', n: 12_345, f: 0.25 }
    // The shapes are known from the second time on.
    for (const _ of upTo(3)) {
      left.sendSync(outer)
      left.sendSync(inner)
      assert.equal(right.receiveSync({ timeoutMs: 5000 }), outer)
      assert.equal(came, inner)
    }
    await Promise.all([left.close(), right.close()])
  },
)

blocking('who blocked in vain, and sleeps in its event loop, is woken there', async () => {
  const [a, b] = createRing()
  const left = connectRing<string>(a)
  left.sendSync('unread')
  assert.is(await codeOf(async () => left.receiveSync({ timeoutMs: 1 })), 'TIMEOUT')
  await new Promise(resolve => setTimeout(resolve, 5))
  // Which reads, and tells whoever waits for room in the way that it asked for.
  const right = connectRing<string>(b)
  assert.is(await within(next(right), 'a message', 20_000), 'unread')
  await turns(5)
  await right.send('an answer')
  assert.is(await within(next(left), 'an answer', 20_000), 'an answer')
  await Promise.all([left.close(), right.close()])
})

blocking('sendSync: TIMEOUT when there is no room, and nothing of the value is sent', async () => {
  const [a, b] = createRing({ capacity: 4096 })
  const [left, right] = [connectRing<number>(a), connectRing<number>(b)]
  let sent = 0
  const fill = async () => {
    for (; ; sent++) left.sendSync(sent, { timeoutMs: 20 })
  }
  assert.is(await codeOf(fill), 'TIMEOUT')
  assert.ok(sent > 100)
  // The last of them waits in this thread, which must not block for it.
  for (let i = 0; i < sent; i++) assert.is(await next(right), i)
  assert.is(await codeOf(async () => right.receiveSync({ timeoutMs: 20 })), 'TIMEOUT')
  await Promise.all([left.close(), right.close()])
})

const ends: [name: string, happens: (channel: RingChannel, worker: Worker) => unknown, code: string][] = [
  ['is closed', channel => channel.close(), 'CLOSED'],
  ['is aborted', channel => channel.abort(), 'PEER_GONE'],
]
for (const [name, happens, code] of ends) {
  blocking(
    `a thread that blocks learns that its channel ${name}: ${code}`,
    withThread('wait-sync', async (channel, worker) => {
      assert.is(await heard(worker), 'waiting')
      const told = heard(worker)
      void happens(channel, worker)
      assert.is(await told, code)
    }),
  )
}

const senders: [name: string, send: (channel: RingChannel, value: unknown) => Promise<void> | void][] = [
  ['sendSync', (channel, value) => channel.sendSync(value, { timeoutMs: 20_000 })],
  ['send, awaited', (channel, value) => channel.send(value)],
]
for (const [name, send] of senders) {
  blocking(
    `a thread that only sends (${name}), while its event loop has no turn, learns that its peer has closed`,
    withThread('close', async (channel, worker) => {
      const told = heard(worker)
      const value = new Uint8Array(8000)
      const flood = async () => {
        for (let sent = 0; sent < 2 ** 29; sent += value.length) await send(channel, value)
      }
      assert.is(await codeOf(flood), 'CLOSED')
      await channel.closed
      assert.is(await told, 'closed')
    }),
  )
}

blocking(
  'who awaits each of many sends leaves its event loop its turns, though it never has to wait',
  withThread('count', async channel => {
    let turns = 0
    const count = () => {
      turns++
      immediate = setImmediate(count)
    }
    let immediate = setImmediate(count)
    const value = new Uint8Array(8000)
    for (let sent = 0; sent < 2 ** 23; sent += value.length) await channel.send(value)
    clearImmediate(immediate)
    assert.ok(turns >= 4, `${turns} turns`)
    await channel.close()
  }),
)

blocking(
  'an answer to who has closed arrives, though nothing but its goodbye was there to be read',
  withThread('echo-sync', async channel => {
    await channel.send(new Uint8Array(2 ** 20))
    void channel.close()
    assert.is(((await next(channel)) as Uint8Array).length, 2 ** 20)
  }),
)

blocking(
  'who blocks while its peer is terminated: PEER_GONE, after all that was written',
  withThread('flood-sync', async (channel, worker) => {
    const { i } = channel.receiveSync() as { i: number }
    assert.is(i, 0)
    void worker.terminate()
    let last = 0
    const read = async () => {
      for (;;) {
        const { i } = channel.receiveSync({ timeoutMs: 20_000 }) as { i: number }
        if (i < 0) continue
        assert.is(i, ++last)
      }
    }
    assert.is(await codeOf(read), 'PEER_GONE')
    assert.is(await codeOf(async () => channel.sendSync(1)), 'PEER_GONE')
  }),
)

blocking.run()

const living = suite('ring: threads that live and end')

living(
  'a thread lives while its channel is open, and ends when that is closed',
  withThread('echo', async (channel, worker) => {
    const exit = once(worker, 'exit')
    await channel.send(1)
    assert.is(await within(next(channel), 'an answer', 20_000), 1)
    await channel.close()
    assert.equal(await within(exit, 'the end of the thread', 20_000), [0])
  }),
)

living(
  'with unref it ends all the same, and its peer is told: PEER_GONE',
  withThread('unref', async (channel, worker) => {
    const exit = once(worker, 'exit')
    assert.is(await codeOf(() => channel.closed), 'PEER_GONE')
    assert.equal(await within(exit, 'the end of the thread', 20_000), [0])
  }),
)

for (const role of ['echo', 'echo-sync', 'flood-sync'] as const) {
  living(
    `a thread that is terminated in the midst of its work: PEER_GONE, and what came is whole (${role})`,
    async () => {
      for (const after of [0, 1, 5]) {
        const { worker, channel } = thread<{ i: number }>(role, { capacity: 4096 })
        let expected = 0
        channel.on('message', ({ i }) => {
          if (i >= 0) assert.is(i, expected++)
        })
        const flood = async () => {
          for (let i = 0; role !== 'flood-sync'; i++) {
            await channel.send({ i })
            if (i % 100 === 99) await turns(1)
          }
        }
        const outcome = codeOf(flood)
        outcome.catch(() => {})
        await once(worker, 'online')
        await new Promise(resolve => setTimeout(resolve, after))
        await worker.terminate()
        assert.is(await codeOf(() => channel.closed), 'PEER_GONE')
        if (role !== 'flood-sync') assert.is(await outcome, 'PEER_GONE')
      }
    },
  )
}

living(
  'everything that was sent before close arrives, and nothing is sent after it',
  withThread('count', async (channel, worker) => {
    const told = heard(worker)
    for (const i of upTo(5000)) void channel.send({ i })
    await channel.close()
    assert.equal(await told, { count: 5000, end: 'closed' })
    assert.is(await codeOf(() => channel.send({ i: 0 })), 'CLOSED')
  }),
)

living.run()
