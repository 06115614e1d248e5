/** Ports as carriers: the contract in one thread and between two, and what is particular to ports. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PortCarrier } from '../../src/carriers/port/port.js'
import { ASK, MARK, RING, TALLY } from '../../src/carriers/port/posts.js'
import type { OutbandError } from '../../src/errors.js'
import { connectPort } from '../../src/port/index.js'
import { contract } from '../contract.js'
import { thrown } from '../thrown.js'
import { codeOf, Inbox, numbered, turns, until, upTo, within } from './inbox.js'
import { portPair, workerPair } from './pairs.js'
import { waitsForEver, waitsForTakers } from './patience.js'

const abilities = { transfers: true, shares: true, kills: true }

contract('MessageChannel', portPair, { ...abilities, unattended: 'port' })
contract('Worker', workerPair, { ...abilities, unattended: 'worker' })

const particular = suite('ports: what is particular to them')

for (const port of [undefined, null, 1, 'port', {}, { postMessage: 1 }, { postMessage() {} }, () => 1]) {
  particular(`${String(port)} is no port: a TypeError`, () => {
    assert.instance(
      thrown(() => new PortCarrier(port as never)),
      TypeError,
    )
  })
}

particular(
  'who awaits each of many sends leaves its event loop its turns, though it never has to wait',
  async () => {
    const { port1, port2 } = new MessageChannel()
    const left = new PortCarrier(port1, { highWaterMark: 2 ** 40 })
    const [right, inbox] = [new PortCarrier(port2), new Inbox()]
    left.receive(new Inbox())
    right.receive(inbox)
    let turns = 0
    const count = () => {
      turns++
      immediate = setImmediate(count)
    }
    let immediate = setImmediate(count)
    for (const i of upTo(40_000)) await left.send(numbered(i))
    clearImmediate(immediate)
    assert.ok(turns >= 4, `${turns} turns`)
    await within(left.close(), 'close')
    assert.is(inbox.parcels.length, 40_000)
  },
)

particular('a peer that never answers: close rejects with TIMEOUT, which nobody need handle', async () => {
  const { port1, port2 } = new MessageChannel()
  const carrier = new PortCarrier(port1, { closeTimeoutMs: 30 })
  const inbox = new Inbox()
  carrier.receive(inbox)
  void carrier.close()
  assert.is(await codeOf(() => carrier.closed), 'TIMEOUT')
  assert.is(inbox.error?.code, 'TIMEOUT')
  port2.close()
})

particular('closeTimeoutMs: 0 waits for ever', async () => {
  const { port1 } = new MessageChannel()
  await waitsForEver(new PortCarrier(port1, { closeTimeoutMs: 0 }))
})

particular('close waits for a peer that takes now and then', async () => {
  const { port1, port2 } = new MessageChannel()
  const left = new PortCarrier(port1, { closeTimeoutMs: 600, highWaterMark: 1000 })
  await waitsForTakers(left, new PortCarrier(port2))
})

const gone: [what: string, end: () => Promise<object>][] = [
  [
    'a port that was closed here',
    async () => {
      const { port1 } = new MessageChannel()
      port1.close()
      return port1
    },
  ],
  [
    'a port whose other end was closed',
    async () => {
      const { port1, port2 } = new MessageChannel()
      port2.close()
      return port1
    },
  ],
  [
    'a port whose other end went with its thread',
    async () => {
      const { port1, port2: workerData } = new MessageChannel()
      await once(new Worker('', { eval: true, workerData, transferList: [workerData] }), 'exit')
      return port1
    },
  ],
  [
    'a Worker that has exited',
    async () => {
      const worker = new Worker('', { eval: true })
      await once(worker, 'exit')
      return worker
    },
  ],
]
for (const [what, end] of gone) {
  particular(`${what} before anybody listened: PEER_GONE`, async () => {
    const port = await end()
    await turns(3)
    assert.is(await codeOf(() => connectPort(port as Worker).closed), 'PEER_GONE')
  })
}

particular('what was sent before the other end was closed is there', async () => {
  const { port1, port2 } = new MessageChannel()
  const left = new PortCarrier(port2)
  left.receive(new Inbox())
  for (const i of upTo(3)) void left.send(numbered(i))
  port2.close()
  await turns(5)
  const [right, inbox] = [new PortCarrier(port1), new Inbox()]
  right.receive(inbox)
  assert.is(await codeOf(() => right.closed), 'PEER_GONE')
  assert.equal(inbox.numbers, upTo(3))
})

particular('a port that was closed before is posted to without harm', async () => {
  for (const close of ['port1', 'port2'] as const) {
    const channel = new MessageChannel()
    channel[close].close()
    await turns(3)
    const carrier = new PortCarrier(channel.port1, { closeTimeoutMs: 30 })
    carrier.receive(new Inbox())
    for (const i of upTo(50)) void carrier.send(numbered(i, 10))
    void carrier.send({ meta: 'text', buffers: [] })
    assert.is(await codeOf(() => carrier.close()), 'PEER_GONE')
  }
})

/** Two carriers, of which the left has asked once and knows where the right keeps count, and what the left posts. */
async function tallied(highWaterMark: number) {
  const { port1, port2 } = new MessageChannel()
  const posts: unknown[] = []
  const spied = Object.assign(port1, {
    postMessage: (message: unknown, list: never[]) => {
      posts.push(message)
      MessagePort.prototype.postMessage.call(port1, message, list)
    },
  })
  const left = new PortCarrier(spied, { highWaterMark })
  const right = new PortCarrier(port2)
  const inbox = new Inbox()
  left.receive(new Inbox())
  right.receive(inbox)
  for (const i of upTo(8)) await left.send(numbered(i, highWaterMark / 8))
  await inbox.reach(8)
  await until(() => left.queuedBytes < highWaterMark / 2, 'an answer')
  await turns(3)
  const questions = posts.filter(post => Array.isArray(post) && post[1] === ASK)
  assert.ok(questions.length > 0)
  posts.length = 0
  return { left, right, inbox, posts }
}

particular('who sees the tally of its peer asks no more, and knows as much', async () => {
  const { left, inbox, posts } = await tallied(80_000)
  const marks: number[] = []
  for (const i of upTo(400)) {
    await left.send(numbered(8 + i, 10_000))
    const mark = (posts.at(-1) as unknown[]).at(-1)
    if (typeof mark === 'number') marks.push(mark)
    await inbox.reach(9 + i)
    // Once: who looks again after 10 ms, as on a busy machine, has the peer asked.
    const { queuedBytes } = left
    assert.ok(queuedBytes <= 80_000, `${queuedBytes} bytes`)
  }
  assert.is(posts.length, 400)
  assert.ok(marks.length >= 70 && marks.length <= 100, `${marks.length} marks`)
  await within(left.close(), 'closed')
  assert.is(inbox.parcels.length, 408)
})

particular('who sees the tally of its peer waits for it all the same', async () => {
  const { left, right, inbox, posts } = await tallied(80_000)
  right.pause()
  let sent = 8
  while (left.queuedBytes <= 80_000) void left.send(numbered(sent++, 10_000))
  assert.ok(sent < 30, `${sent} sent`)
  let isFree = false
  const free = Promise.resolve(left.send(numbered(sent++, 10_000))).then(() => {
    isFree = true
  })
  await turns(50)
  assert.not(isFree)
  assert.ok(left.queuedBytes > 80_000)
  right.resume()
  await within(free, 'room')
  assert.ok(posts.some(post => Array.isArray(post) && post[1] === ASK))
  await within(left.close(), 'closed')
  assert.is(inbox.parcels.length, sent)
})

particular('a tally that is none: MALFORMED', async () => {
  for (const memory of [undefined, 8, new ArrayBuffer(8), new SharedArrayBuffer(4)]) {
    const { port1, port2 } = new MessageChannel()
    const carrier = new PortCarrier(port1)
    const inbox = new Inbox()
    carrier.receive(inbox)
    port2.postMessage(['outband 1:', TALLY, memory])
    assert.is(await codeOf(() => carrier.closed), 'MALFORMED')
    port2.close()
  }
})

particular('a ring that is none: MALFORMED or RING_CORRUPT', async () => {
  for (const [memory, code] of [
    [null, 'MALFORMED'],
    [8, 'MALFORMED'],
    [new ArrayBuffer(192 + 2 ** 18), 'MALFORMED'],
    [new SharedArrayBuffer(4), 'RING_CORRUPT'],
  ] as const) {
    const { port1, port2 } = new MessageChannel()
    const carrier = new PortCarrier(port1)
    carrier.receive(new Inbox())
    port2.postMessage(['outband 1:', RING, memory])
    assert.is(await codeOf(() => carrier.closed), code)
    port2.close()
  }
})

particular('a mark that is no count: MALFORMED', async () => {
  const counts = [Number.NaN, 1.5, Number.POSITIVE_INFINITY, 2 ** 60]
  for (const mark of counts.flatMap(count => [
    ['outband 1:', MARK, count],
    ['outband 1:', new Uint8Array(8), count],
  ])) {
    const { port1, port2 } = new MessageChannel()
    const carrier = new PortCarrier(port1)
    carrier.receive(new Inbox())
    // Only who was asked keeps a tally.
    for (const post of [['outband 1:', ASK, 1], mark]) port2.postMessage(post)
    assert.is(await codeOf(() => carrier.closed), 'MALFORMED')
    port2.close()
  }
})

particular('close and abort close a port of its own', async () => {
  for (const end of ['close', 'abort'] as const) {
    const { port1, port2 } = new MessageChannel()
    const [left, right] = [connectPort(port1), connectPort(port2)]
    const gone = Promise.all([port1, port2].map(port => once(port, 'close')))
    void left[end]()
    await within(gone, 'both ports closed')
    await right.closed.catch(() => {})
  }
})

/** A worker of one line. */
const workerOf = (code: string): Worker => new Worker(code, { eval: true })

const deaths: [name: string, code: string, message: RegExp][] = [
  ['throws', "throw new Error('from the worker')", /from the worker/],
  ['throws text', "throw 'from the worker'", /gone: from the worker$/],
  ['throws a symbol', "throw Symbol('odd')", /gone: Symbol\(odd\)$/],
  ['throws fields', 'throw { status: 500 }', /gone$/],
  ['throws null', 'throw null', /exit code 1$/],
  ['exits', 'process.exit(3)', /exit code 3/],
  ['ends', '', /gone$/],
]
for (const [name, code, message] of deaths) {
  particular(`a worker that ${name}: PEER_GONE that says so, and this thread lives`, async () => {
    const channel = connectPort(workerOf(code))
    let error: OutbandError | undefined
    channel.on('error', found => {
      error = found
    })
    assert.is(await codeOf(() => channel.closed), 'PEER_GONE')
    assert.match(error!.message, message)
    assert.is(await codeOf(() => channel.send(1)), 'PEER_GONE')
  })
}

const own = new URL('../../src/port/index.js', import.meta.url).href

particular(
  'values through a Worker and its parentPort, until the worker has nothing more to do',
  async () => {
    const worker = workerOf(`
    const { parentPort } = require('node:worker_threads')
    import(${JSON.stringify(own)}).then(async ({ connectPort }) => {
      const channel = connectPort(parentPort)
      for await (const value of channel) {
        value.fill(value[0] + 1)
        void channel.send(value, { transfer: true })
      }
    })
  `)
    const exit = once(worker, 'exit')
    const channel = connectPort<Float64Array>(worker)
    const sent = new Float64Array(10_000).fill(1)
    void channel.send(sent, { transfer: true })
    assert.is(sent.byteLength, 0)
    for await (const value of channel) {
      assert.is(value[9999], 2)
      break
    }
    await channel.close()
    assert.equal(await within(exit, 'the end of the worker'), [0])
  },
)

particular.run()
