import { getEventListeners, once } from 'node:events'
import { BroadcastChannel, MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Box, box, Point, point } from '../../fixtures/classes.js'
import { values } from '../../fixtures/values.js'
import { isOutbandError, registry } from '../../src/index.js'
import { type WrapOptions, type Wrapped, wrapPort } from '../../src/port/index.js'
import { createRing } from '../../src/ring/index.js'
import { until, upTo } from '../carriers/inbox.js'
import { collect } from '../collect.js'
import { difference } from '../same.js'
import { thrown } from '../thrown.js'

type WrappedPort = MessagePort & Wrapped

interface Pair {
  readonly near: WrappedPort
  readonly far: WrappedPort
}

const types = registry(point, box)

/** Two wrapped ports that have not said a word. */
function pair(options: WrapOptions = {}): Pair {
  const { port1, port2 } = new MessageChannel()
  return { near: wrapPort(port1, { types, ...options }), far: wrapPort(port2, { types, ...options }) }
}

/** Two that know each other: what they post from now on are packets. */
async function acquainted(options: WrapOptions = {}): Promise<Pair> {
  const found = pair(options)
  assert.is(await sent(found, 'hello'), 'hello')
  await turns(5)
  return found
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setTimeout(resolve, 1))
}

async function sent<T>(
  { near, far }: Pair,
  value: T,
  options?: Parameters<Wrapped['postMessage']>[1],
): Promise<T> {
  const arrival = once(far, 'message')
  near.postMessage(value, options)
  return (await arrival)[0] as T
}

/** With the global hidden meanwhile. */
async function withoutMessageChannel(run: () => Promise<void>): Promise<void> {
  const { MessageChannel } = globalThis
  Reflect.deleteProperty(globalThis, 'MessageChannel')
  try {
    await run()
  } finally {
    globalThis.MessageChannel = MessageChannel
  }
}

const fidelity = suite('wrapPort: what arrives')

const stages: [name: string, open: () => Promise<Pair>][] = [
  ['as the first message of strangers', async () => pair()],
  ['between acquaintances', () => acquainted()],
  ['from a port that was told', async () => pair({ peer: 'wrapped' })],
]
for (const [stage, open] of stages) {
  fidelity(`every value of the table, ${stage}`, async () => {
    for (const { name, make, arrives } of values) {
      const { near, far } = await open()
      const value = make()
      const expected = arrives === undefined ? value : arrives(value as never)
      const received = await sent({ near, far }, value)
      assert.is(difference(expected, received), undefined, name)
      near.close()
    }
  })
}

fidelity(
  'classes of the registry, errors with their fields, Buffers, from the first message on',
  async () => {
    for (const value of [
      new Point(1, 2),
      new Box([new Point(3, 4)]),
      Buffer.from('pooled'),
      Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
      Object.assign(Object.create(null), { a: 1 }),
    ]) {
      const strangers = pair()
      assert.is(difference(value, await sent(strangers, value)), undefined)
      assert.is(difference(value, await sent(strangers, value)), undefined)
      strangers.near.close()
    }
  },
)

fidelity('messages keep their order: before and after acquaintance, by ring and by post', async () => {
  const { near, far } = pair()
  const count = 6000
  const got: number[] = []
  const done = new Promise<void>(resolve => {
    far.on('message', (message: number | { n: number }) => {
      got.push(typeof message === 'number' ? message : message.n)
      if (got.length === count) resolve()
    })
  })
  for (let n = 0; n < count; n++) {
    if (n % 7 === 0) near.postMessage({ n, bytes: new Uint8Array(5000) })
    else if (n % 11 === 0) near.postMessage({ n, text: 'x'.repeat(9000) })
    else if (n % 13 === 0) near.postMessage({ n, point: new Point(n, 0) })
    else near.postMessage(n)
    if (n % 500 === 0) await turns(1)
  }
  await done
  assert.equal(
    got,
    Array.from({ length: count }, (_, n) => n),
  )
  near.close()
})

fidelity('both directions at once', async () => {
  const { near, far } = pair()
  const count = 3000
  const counts = { near: 0, far: 0 }
  const ends = (['near', 'far'] as const).map(
    name =>
      new Promise<void>(resolve => {
        const port = name === 'near' ? near : far
        port.on('message', n => {
          assert.is(n, counts[name]++)
          if (n === count - 1) resolve()
        })
      }),
  )
  for (let n = 0; n < count; n++) {
    near.postMessage(n)
    far.postMessage(n)
    if (n % 100 === 0) await turns(1)
  }
  await Promise.all(ends)
  near.close()
})

fidelity('what has no custom type is refused with its path, and the port goes on', async () => {
  const ends = await acquainted()
  const error = thrown(() => ends.near.postMessage({ list: [() => {}] }))
  assert.ok(isOutbandError(error, 'UNSUPPORTED'))
  assert.match(error.message, /value\.list\[0\]/)
  assert.is(await sent(ends, 1), 1)
  ends.near.close()
})

fidelity(
  'where there is no MessageChannel a stranger is sent plain values, and what a clone would harm is refused',
  () =>
    withoutMessageChannel(async () => {
      const { getBuiltinModule } = process
      Reflect.set(process, 'getBuiltinModule', undefined)
      try {
        const { near, far } = pair()
        const arrived = once(far, 'message')
        near.postMessage({ id: 1 })
        assert.equal(await arrived, [{ id: 1 }])
        near.close()
        const { near: mute } = pair()
        const error = thrown(() => mute.postMessage(Buffer.from('a')))
        assert.ok(isOutbandError(error, 'UNSUPPORTED'), String(error))
        assert.match(error.message, /MessageChannel/)
        mute.close()
        assert.match((thrown(() => createRing()) as TypeError).message, /MessageChannel/)
      } finally {
        process.getBuiltinModule = getBuiltinModule
      }
    }),
)

fidelity('where the global MessageChannel is hidden, as jsdom does, the one of Node is taken', () =>
  withoutMessageChannel(async () => {
    const ends = pair()
    assert.ok(Buffer.isBuffer(await sent(ends, Buffer.from('a'))))
    ends.near.close()
    const [here] = createRing()
    here.port.close()
  }),
)

fidelity('a message that cannot be decoded is a messageerror with our error', async () => {
  const { port1, port2 } = new MessageChannel()
  const near = wrapPort(port1, { types })
  const far = wrapPort(port2)
  const seen: unknown[] = []
  far.on('message', value => seen.push(value))
  const failed = once(far, 'messageerror')
  near.postMessage(new Point(1, 2))
  near.postMessage('next')
  const [error] = await failed
  assert.ok(isOutbandError(error, 'UNKNOWN_TYPE'))
  await turns(5)
  assert.equal(seen, ['next'])
  near.close()
})

fidelity('a ring or tally of a peer that is none is a messageerror', async () => {
  const { port1, port2 } = new MessageChannel()
  const near = wrapPort(port1)
  const errors: unknown[] = []
  near.on('messageerror', error => errors.push(error))
  const heard = new Promise<MessageEvent>(resolve =>
    port2.addEventListener('message', event => resolve(event as MessageEvent)),
  )
  near.postMessage({ a: 1 })
  // The last of the ports that an introduction brings is the lane.
  const lane = (await heard).ports.at(-1) as unknown as MessagePort
  for (const [kind, memory] of [
    ['tally', new SharedArrayBuffer(16)],
    ['ring', new SharedArrayBuffer(100)],
  ] as const)
    lane.postMessage(['outband lane', kind, memory])
  await until(() => errors.length === 2, 'two errors')
  assert.ok(errors.every(error => isOutbandError(error)))
  near.close()
  lane.close()
})

fidelity('a listener that throws keeps no message from the next listener', async () => {
  const script = `
    import { MessageChannel } from 'node:worker_threads'
    import { wrapPort } from ${JSON.stringify(new URL('../../src/port/index.js', import.meta.url).href)}
    const { port1, port2 } = new MessageChannel()
    const near = wrapPort(port1), far = wrapPort(port2)
    process.on('uncaughtException', error => console.log(error.message))
    far.on('message', () => { throw new Error('mine') })
    far.on('message', value => { console.log(value); if (value === 'second') near.close() })
    near.postMessage('first')
    near.postMessage('second')
  `
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), { stdout: true })
  let output = ''
  worker.stdout.on('data', chunk => {
    output += chunk
  })
  await once(worker, 'exit')
  assert.equal(output.trim().split('\n'), ['first', 'mine', 'second', 'mine'])
})

fidelity.run()

const memory = suite('wrapPort: memory')

const floats = (length = 4096): Float32Array => Float32Array.from({ length }, (_, i) => i)

memory('by default it is copied once, and the sender keeps it', async () => {
  for (const open of [async () => pair(), () => acquainted()]) {
    const ends = await open()
    const array = floats()
    const arrived = await sent(ends, { array })
    assert.is(array.length, 4096)
    assert.is(difference({ array }, arrived), undefined)
    assert.is(ends.near.counts.copied, array.byteLength)
    assert.is(ends.near.counts.transferred, 0)
    ends.near.close()
  }
})

memory('a write after postMessage does not travel', async () => {
  const ends = await acquainted()
  const array = floats()
  const arrival = once(ends.far, 'message')
  ends.near.postMessage(array)
  array.fill(-1)
  assert.is(difference(floats(), (await arrival)[0]), undefined)
  ends.near.close()
})

const moves: [name: string, options: (array: Float32Array) => Parameters<Wrapped['postMessage']>[1]][] = [
  ['transfer: true', () => ({ transfer: true })],
  ['a list, as the platform takes it', ({ buffer }) => [buffer]],
  ['a list in an object', ({ buffer }) => ({ transfer: [buffer] })],
  ['a list with the same buffer twice, and a view of it', array => [array.buffer, array.buffer, array]],
]
for (const [name, options] of moves) {
  memory(`${name} moves it, and the sender's use of it is DETACHED`, async () => {
    for (const open of [async () => pair(), () => acquainted()]) {
      const ends = await open()
      const array = floats()
      const arrived = await sent(ends, { array }, options(array))
      assert.is(array.byteLength, 0)
      assert.is(difference({ array: floats() }, arrived), undefined)
      assert.equal({ ...ends.near.counts }, { copied: 0, transferred: 4 * 4096, shared: 0 })
      assert.ok(
        isOutbandError(
          thrown(() => ends.near.postMessage({ array })),
          'DETACHED',
        ),
      )
      ends.near.close()
    }
  })
}

for (const [stage, open] of [
  ['among strangers', async () => pair()],
  ['between acquaintances', () => acquainted()],
  ['to a plain peer', async () => pair({ peer: 'plain' })],
] as const) {
  memory(`a list moves the whole memory of a small view, ${stage}`, async () => {
    const ends = await open()
    const view = new Uint8Array(10_000).fill(7).subarray(10, 20)
    const arrived = await sent(ends, { view }, [view.buffer])
    assert.equal([view.buffer.byteLength, arrived.view.buffer.byteLength], [0, 10_000])
    assert.equal([...arrived.view], Array(10).fill(7))
    assert.equal({ ...ends.near.counts }, { copied: 0, transferred: 10_000, shared: 0 })
    ends.near.close()
  })
}

const strandedPorts: [name: string, make: () => { near: Wrapped & { close(): void }; host: object }][] = [
  [
    'a port for a broadcast channel',
    () => ({
      near: wrapPort(new BroadcastChannel(`strand ${Math.random()}`)),
      host: new MessageChannel().port1,
    }),
  ],
  [
    'the port itself',
    () => {
      const { port1 } = new MessageChannel()
      return { near: wrapPort(port1), host: port1 }
    },
  ],
]
for (const [name, make] of strandedPorts) {
  memory(`${name} is refused with its path`, () => {
    const { near, host } = make()
    const view = new Uint8Array(10_000)
    const error = thrown(() => near.postMessage({ view, deep: [{ host }] }))
    assert.ok(isOutbandError(error, 'UNSUPPORTED'))
    assert.is(error.path, 'value.deep[0].host')
    near.close()
  })
}

memory('a stream that is locked is refused with its path', async () => {
  for (const open of [async () => pair(), () => acquainted()]) {
    const { near } = await open()
    const locked = new ReadableStream({})
    locked.getReader()
    const error = thrown(() => near.postMessage({ q: { locked } }))
    assert.ok(isOutbandError(error, 'UNSUPPORTED'))
    assert.is(error.path, 'value.q.locked')
    near.close()
  }
})

for (const [name, own] of [
  ['a part of a buffer', {}],
  ['a part of a buffer with a byteLength of its own, which is that of the part', { byteLength: 10_000 }],
] as const) {
  memory(`what moves keeps its siblings: ${name} is copied, or refused when strict`, async () => {
    const ends = await acquainted()
    const whole = new Uint8Array(20_000)
    for (const [key, value] of Object.entries(own)) Object.defineProperty(whole.buffer, key, { value })
    const part = whole.subarray(8, 10_008)
    const arrived = await sent(ends, part, { transfer: true })
    assert.is(arrived.length, 10_000)
    assert.is(whole.length, 20_000)
    assert.is(ends.near.counts.copied, 10_000)
    ends.near.close()
    const { near } = await acquainted({ strict: true })
    assert.ok(
      isOutbandError(
        thrown(() => near.postMessage(part, { transfer: true })),
        'NOT_TRANSFERABLE',
      ),
    )
    assert.is(whole.length, 20_000)
    near.close()
  })
}

memory('shared memory stays shared', async () => {
  const ends = await acquainted()
  const shared = new Int32Array(new SharedArrayBuffer(8192))
  const arrived = await sent(ends, { shared }, { transfer: true })
  arrived.shared[3] = 42
  assert.is(shared[3], 42)
  ends.near.close()
})

memory('around a small pooled view nothing of the pool arrives, in any stage', async () => {
  for (const open of [async () => pair(), () => acquainted(), async () => pair({ peer: 'plain' })]) {
    for (const size of [10, 3000]) {
      const ends = await open()
      const pool = Buffer.allocUnsafeSlow(65_536).fill('canary')
      const view = new Uint8Array(pool.buffer, 1001, size).fill(7)
      const { buffer, byteOffset, byteLength } = await sent(ends, view)
      assert.is(byteLength, size)
      const around = new Uint8Array(buffer)
      around.fill(0, byteOffset, byteOffset + byteLength)
      assert.ok(around.length < size + 8)
      assert.ok(around.every(byte => byte === 0))
      ends.near.close()
    }
  }
})

memory('ports, streams and blobs pass as they are, anywhere in the value', async () => {
  for (const open of [async () => pair(), () => acquainted()]) {
    const ends = await open()
    const { port1, port2 } = new MessageChannel()
    const stream = new ReadableStream({ start: controller => controller.close() })
    const value = { deep: [new Map([['port', port2]])], stream, blob: new Blob(['text']), list: [port2] }
    const arrived = await sent(ends, value)
    const port = arrived.deep[0]!.get('port') as MessagePort
    assert.is(arrived.list[0], port)
    const answer = once(port1, 'message')
    port.postMessage('through')
    assert.equal(await answer, ['through'])
    assert.is(await arrived.blob.text(), 'text')
    assert.ok((await arrived.stream.getReader().read()).done)
    port1.close()
    ends.near.close()
  }
})

memory.run()

const strangers = suite('wrapPort: a peer that is not wrapped')

strangers('gets plain values, exact windows of memory, and nothing else', async () => {
  const { port1, port2 } = new MessageChannel()
  const near = wrapPort(port1, { types })
  const seen: unknown[] = []
  port2.on('message', message => seen.push(message))
  const pool = new Uint8Array(1000).fill(1)
  const rows = ['text', { a: [1, , 3] }, new Map([[1, new Date(5)]]), pool.subarray(5, 9), floats()]
  for (const row of rows) near.postMessage(row)
  await turns(10)
  assert.is(seen.length, rows.length)
  for (const [i, row] of rows.entries()) assert.is(difference(row, seen[i]), undefined, String(i))
  // At the alignment it had, for views of larger elements that may lie on it.
  assert.is((seen[3] as Uint8Array).buffer.byteLength, 5 + 4)
  near.close()
})

strangers('is answered plainly once it has spoken: classes arrive as a clone would', async () => {
  const { port1, port2 } = new MessageChannel()
  const near = wrapPort(port1, { types })
  const heard = once(near, 'message')
  port2.postMessage({ plain: [1] })
  assert.equal((await heard)[0], { plain: [1] })
  const answer = once(port2, 'message')
  near.postMessage({ point: new Point(1, 2), buffer: Buffer.from('abc') })
  assert.equal((await answer)[0], { point: { x: 1, y: 2 }, buffer: new Uint8Array([97, 98, 99]) })
  near.close()
})

strangers('can be named, and then gets plain values from the first on', async () => {
  const { port1, port2 } = new MessageChannel()
  const near = wrapPort(port1, { peer: 'plain' })
  const answer = once(port2, 'message')
  near.postMessage(Buffer.from('abc'))
  assert.equal((await answer)[0], new Uint8Array([97, 98, 99]))
  near.close()
})

const lookalikes: [name: string, make: (heard: unknown[]) => unknown][] = [
  ['a hello without a port', () => ['outband hello', {}, 'x'.repeat(16), ['x'.repeat(16), 'OB', [], []]]],
  ['a post under an invented brand', () => ['x'.repeat(16), 'OB', [], []]],
  ['a channel post', () => ['outband 1:', 2, 0]],
  ['text with our magic', () => 'outband 1:OB\x10\x01\x01'],
  ['an ASK', () => ['x'.repeat(16), 0, 1e9]],
  ['an offer of a ring', () => ['x'.repeat(16), 4, new SharedArrayBuffer(256)]],
]
for (const [name, make] of lookalikes) {
  strangers(`${name} is a value like any other`, async () => {
    const { port1, port2 } = new MessageChannel()
    const near = wrapPort(port1)
    const heard = once(near, 'message')
    const message = make([])
    port2.postMessage(message)
    assert.is(difference(message, (await heard)[0]), undefined)
    near.close()
  })
}

strangers('and its three ports of its own stay its own when the message mentions them', async () => {
  const { port1, port2 } = new MessageChannel()
  const near = wrapPort(port1)
  const channels = [1, 2, 3].map(() => new MessageChannel())
  const ports = channels.map(channel => channel.port1)
  const arrival = new Promise<{ data: { ports: MessagePort[] }; ports: MessagePort[] }>(resolve =>
    near.addEventListener('message', event => resolve(event as never)),
  )
  port2.postMessage({ ports }, ports)
  const event = await arrival
  assert.is(event.ports.length, 3)
  const answer = once(channels[2]!.port2, 'message')
  event.data.ports[2]!.postMessage('mine')
  assert.equal(await answer, ['mine'])
  for (const channel of channels) channel.port2.close()
  near.close()
})

strangers.run()

const face = suite('wrapPort: the interface of the port')

face('a MessagePort: instance, members, on, once, off, addEventListener, onmessage', async () => {
  const { near, far } = pair()
  assert.instance(far, (await import('node:worker_threads')).MessagePort)
  assert.type(far.ref, 'function')
  assert.type(far.start, 'function')
  assert.not.ok('terminate' in far)
  const seen: string[] = []
  const bare = (value: unknown) => seen.push(`on ${value}`)
  const event = (event: { data?: unknown }) => seen.push(`event ${event.data}`)
  far.on('message', bare)
  far.addEventListener('message', event as never)
  ;(far as { onmessage?: unknown }).onmessage = (event: { data?: unknown }) =>
    seen.push(`property ${event.data}`)
  far.once('message', () => seen.push('once'))
  near.postMessage(1)
  await turns(3)
  far.off('message', bare)
  far.removeEventListener('message', event as never)
  near.postMessage(2)
  await turns(3)
  assert.equal(seen, ['on 1', 'event 1', 'property 1', 'once', 'property 2'])
  near.close()
})

face('a closed port takes posts without a word, as ports do, and closes its peer', async () => {
  const { near, far } = await acquainted()
  const seen: unknown[] = []
  for (const port of [near, far]) port.on('message', value => seen.push(value))
  const closed = Promise.all([once(near, 'close'), once(far, 'close')])
  near.close()
  near.postMessage(1)
  await closed
  near.postMessage(new Uint8Array(5000))
  far.postMessage(2)
  await turns(3)
  assert.equal(seen, [])
})

face('a Worker and its parentPort', async () => {
  const worker = wrapPort(new Worker(new URL('echo-worker.js', import.meta.url)), { types })
  assert.type(worker.threadId, 'number')
  assert.type(worker.terminate, 'function')
  for (let i = 0; i < 200; i++) {
    const answer = once(worker, 'message')
    worker.postMessage({ i, point: new Point(i, 0), bytes: new Uint8Array(i * 50) })
    const [value] = await answer
    assert.is(difference({ i, point: new Point(i, 0), bytes: new Uint8Array(i * 50) }, value), undefined)
  }
  const exit = once(worker, 'exit')
  worker.postMessage('exit')
  assert.equal(await exit, [0])
})

face('addEventListener of a Worker takes a signal for events of its own as well', async () => {
  const worker = wrapPort(new Worker(new URL('echo-worker.js', import.meta.url)))
  const [leaving, staying] = [new AbortController(), new AbortController()]
  const heard: string[] = []
  worker.addEventListener('exit', () => heard.push('gone before'), { signal: AbortSignal.abort() })
  worker.addEventListener('exit', () => heard.push('gone'), { signal: leaving.signal })
  worker.addEventListener('exit', () => heard.push('there'), { signal: staying.signal })
  leaving.abort()
  await worker.terminate()
  assert.equal(heard, ['there'])
  assert.is(getEventListeners(staying.signal, 'abort').length, 0)
})

face(
  'a listener of a Worker that is added again stays when the signal of the first time aborts',
  async () => {
    const worker = wrapPort(new Worker(new URL('echo-worker.js', import.meta.url)))
    const leaving = new AbortController()
    const heard: number[] = []
    const listener = (code: number) => heard.push(code)
    worker.addEventListener('exit', listener, { signal: leaving.signal })
    worker.removeEventListener('exit', listener)
    assert.is(worker.listenerCount('exit'), 0)
    worker.addEventListener('exit', listener)
    leaving.abort()
    worker.postMessage('exit')
    await once(worker, 'exit')
    assert.equal(heard, [0])
  },
)

face('nothing is kept on the signal of a listener of a Worker that has had its one call', async () => {
  const worker = wrapPort(new Worker(new URL('echo-worker.js', import.meta.url)))
  const { signal } = new AbortController()
  const online = new Promise<void>(resolve =>
    worker.addEventListener('online', () => resolve(), { once: true, signal }),
  )
  assert.is(getEventListeners(signal, 'abort').length, 1)
  await online
  assert.is(getEventListeners(signal, 'abort').length, 0)
  await worker.terminate()
})

face('what a thread posted before it exits arrives before its exit, by ring too', async () => {
  const worker = wrapPort(new Worker(new URL('echo-worker.js', import.meta.url)), { types })
  const seen: unknown[] = []
  worker.on('message', value => seen.push(value))
  for (let i = 0; i < 100; i++) {
    worker.postMessage(i)
    if (i % 10 === 0) await turns(1)
  }
  while (seen.length < 100) await turns(1)
  const exit = once(worker, 'exit')
  worker.postMessage({ burst: 500 })
  await exit
  assert.is(seen.length, 600)
})

face('a thread that blocks right after its posts has sent them all', async () => {
  const worker = wrapPort(new Worker(new URL('echo-worker.js', import.meta.url)), { types })
  for (const round of [1, 2]) {
    const gate = new Int32Array(new SharedArrayBuffer(4))
    let count = 0
    worker.on('message', () => {
      if (++count < 300) return
      Atomics.store(gate, 0, 1)
      Atomics.notify(gate, 0)
    })
    worker.postMessage({ gate, posts: 300 })
    while (count < 301) await turns(1)
    worker.removeAllListeners('message')
    assert.ok(round)
  }
  await worker.terminate()
})

face('a BroadcastChannel carries plain values, for wrapped and other listeners alike', async () => {
  const name = `outband plain ${process.pid}`
  const near = wrapPort(new BroadcastChannel(name), { types })
  const far = wrapPort(new BroadcastChannel(name), { types })
  const other = new BroadcastChannel(name)
  const seen: unknown[][] = [[], []]
  for (const [i, channel] of [far, other].entries()) {
    channel.onmessage = (event: unknown) => seen[i]!.push((event as { data: unknown }).data)
  }
  near.postMessage({ plain: 1 })
  near.postMessage(new Point(1, 2))
  near.postMessage(new Uint8Array(new ArrayBuffer(1000), 10, 5))
  while (seen[0]!.length < 3 || seen[1]!.length < 3) await turns(1)
  for (const heard of seen) {
    assert.is(difference([{ plain: 1 }, { x: 1, y: 2 }, new Uint8Array(5)], heard), undefined)
    assert.is((heard[2] as Uint8Array).buffer.byteLength, (10 % 8) + 5)
  }
  await near.drained()
  for (const channel of [near, far, other]) channel.close()
})

face('a BroadcastChannel of peers that were told of each other carries packets', async () => {
  const name = `outband told ${process.pid}`
  const [near, far] = [1, 2].map(() => wrapPort(new BroadcastChannel(name), { types, peer: 'wrapped' }))
  const arrival = new Promise(resolve => {
    far!.onmessage = (event: unknown) => resolve((event as { data: unknown }).data)
  })
  near!.postMessage([new Point(1, 2), Buffer.from('a')])
  assert.is(difference([new Point(1, 2), Buffer.from('a')], await arrival), undefined)
  for (const channel of [near, far]) channel!.close()
})

face('a port without a listener keeps its messages, and keeps no thread alive', async () => {
  const { near, far } = pair()
  near.postMessage('waiting')
  await turns(3)
  const [value] = await once(far, 'message')
  assert.is(value, 'waiting')
  near.close()
  const worker = new Worker(new URL('echo-worker.js', import.meta.url), { workerData: 'silent' })
  const wrapped = wrapPort(worker)
  wrapped.postMessage(1)
  assert.equal(await once(worker, 'exit'), [0])
})

face('a stopped reader shows in bufferedAmount, and drained waits for it', async () => {
  const ends = await acquainted({ highWaterMark: 100_000 })
  assert.is(ends.near.bufferedAmount < 1000, true)
  await ends.near.drained()
  for (let i = 0; i < 20; i++) ends.near.postMessage(new Uint8Array(10_000))
  assert.ok(ends.near.bufferedAmount >= 200_000)
  let isDrained = false
  const drained = ends.near.drained().then(() => {
    isDrained = true
  })
  await Promise.resolve()
  assert.not.ok(isDrained)
  ends.far.on('message', () => {})
  await drained
  assert.ok(ends.near.bufferedAmount <= 100_000)
  await until(() => ends.near.bufferedAmount === 0, 'nothing buffered')
  ends.near.close()
})

/** Both kinds of port with a peer, raw and wrapped: what the raw one does the wrapped one does too. */
const kinds: [
  name: string,
  open: (isWrapped: boolean) => {
    near: MessagePort | Worker
    post: (value: unknown) => void
    close: () => void
  },
][] = [
  [
    'a MessagePort',
    isWrapped => {
      const { port1, port2 } = new MessageChannel()
      const [near, far] = isWrapped ? [wrapPort(port1), wrapPort(port2)] : [port1, port2]
      return { near, post: value => far.postMessage(value), close: () => far.close() }
    },
  ],
  [
    'a Worker',
    isWrapped => {
      const worker = new Worker(new URL('echo-worker.js', import.meta.url), {
        workerData: isWrapped ? null : 'raw',
      })
      const near = isWrapped ? wrapPort(worker) : worker
      return { near, post: value => near.postMessage(value), close: () => void near.terminate() }
    },
  ],
]
for (const [kind, open] of kinds) {
  for (const isWrapped of [false, true]) {
    const title = `${isWrapped ? 'wrapped, ' : ''}${kind}`
    face(`${title}: a loop that awaits each message with once misses none`, async () => {
      const { near, post, close } = open(isWrapped)
      const got: unknown[] = []
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 60; i++) post(round * 60 + i)
        for (let i = 0; i < 60; i++) got.push((await once(near as MessagePort, 'message'))[0])
        await turns(3)
      }
      assert.equal(
        got,
        Array.from({ length: 180 }, (_, i) => i),
      )
      close()
    })

    face(`${title}: promises of one message are settled before the next`, async () => {
      const { near, post, close } = open(isWrapped)
      const order: unknown[] = []
      const done = new Promise<void>(resolve => {
        ;(near as MessagePort).on('message', async n => {
          order.push(n)
          await null
          await null
          order.push(n)
          if (n === 119) resolve()
        })
      })
      for (let n = 0; n < 120; n++) {
        post(n)
        if (n === 50) await turns(5)
      }
      await done
      assert.equal(
        order,
        Array.from({ length: 240 }, (_, i) => i >> 1),
      )
      close()
    })
  }
}

face('messages wait while the last listener is gone, and the thread is let go', async () => {
  const { near, far } = await acquainted()
  const first = once(far, 'message')
  near.postMessage('first')
  assert.equal(await first, ['first'])
  assert.not.ok((far as unknown as { hasRef(): boolean }).hasRef())
  near.postMessage('second')
  await turns(5)
  const got: unknown[] = []
  far.on('message', value => got.push(value))
  near.postMessage('third')
  await turns(5)
  assert.equal(got, ['second', 'third'])
  near.close()
})

face("the user's ports are the event's, whoever hears it", async () => {
  for (const isWrapped of [false, true]) {
    const { port1, port2 } = new MessageChannel()
    const near = wrapPort(port1)
    const far = isWrapped ? wrapPort(port2) : port2
    for (const text of ['init', 'later', 'again']) {
      const { port1: mine, port2: theirs } = new MessageChannel()
      const arrival = new Promise<{ data: unknown; ports: MessagePort[] }>(resolve =>
        (far as WrappedPort).addEventListener('message', event => resolve(event as never), { once: true }),
      )
      near.postMessage(text, [theirs])
      const event = await arrival
      assert.is(event.data, text)
      // Behind it, once, those by which a wrapped port introduces itself to a peer that it does not know.
      assert.is(event.ports.length, !isWrapped && text === 'init' ? 6 : 1)
      const answer = once(mine, 'message')
      event.ports[0]!.postMessage('hello')
      assert.equal(await answer, ['hello'])
      mine.close()
    }
    near.close()
  }
})

face('removeAllListeners removes those of the user, and new ones are heard', async () => {
  const { near, far } = await acquainted()
  const got: unknown[] = []
  far.on('message', value => got.push(['old', value]))
  far.removeAllListeners()
  far.on('message', value => got.push(['new', value]))
  near.postMessage(1)
  await turns(5)
  assert.equal(got, [['new', 1]])
  near.close()
})

face('removing the listeners of one name, however often, adds none of ours', async () => {
  const { near, far } = await acquainted()
  const port = far as unknown as { listenerCount(name: string): number }
  const counts = () => ['close', 'messageerror'].map(name => port.listenerCount(name))
  const before = counts()
  for (let i = 0; i < 3; i++) far.removeAllListeners('close')
  far.removeAllListeners()
  assert.equal(counts(), before)
  near.close()
})

face('what is no listener neither removes others nor is called', async () => {
  const { near, far } = await acquainted()
  const got: unknown[] = []
  far.on('message', value => got.push(value))
  far.off('message', undefined as never)
  far.removeEventListener('message', undefined as never)
  far.addEventListener('message', null as never)
  near.postMessage(1)
  await turns(5)
  assert.equal(got, [1])
  near.close()
})

face('an event has the wrapped port as its target, and its listener goes with its signal', async () => {
  const { near, far } = await acquainted()
  const leaving = new AbortController()
  const targets: unknown[] = []
  far.addEventListener('message', event => targets.push(event.target), { signal: leaving.signal })
  near.postMessage(1)
  await turns(5)
  leaving.abort()
  near.postMessage(2)
  await turns(5)
  assert.is(targets.length, 1)
  assert.is(targets[0], far)
  near.close()
})

face(
  'a listener that is gone leaves nothing on its signal, and a message that was heard is let go of',
  async () => {
    const { near, far } = await acquainted()
    const { signal } = new AbortController()
    const listening = () => getEventListeners(signal, 'abort').length
    const listener = () => {}
    far.addEventListener('message', listener, { signal })
    far.addEventListener('message', listener, { signal })
    assert.is(listening(), 1)
    far.removeEventListener('message', listener)
    assert.is(listening(), 0)
    far.addEventListener('message', listener, { signal, once: true })
    // What the platform's event holds is the memory: the value is made by us.
    const memory = await new Promise<WeakRef<object>>(resolve => {
      const hear = (event: Event) =>
        resolve(new WeakRef(((event as MessageEvent).data as { big: Uint8Array }).big.buffer))
      far.addEventListener('message', hear, { signal, once: true })
      near.postMessage({ big: new Uint8Array(100_000) })
    })
    assert.is(listening(), 0)
    await turns(5)
    collect()
    assert.is(memory.deref(), undefined)
    near.close()
  },
)

face('a refused first message leaves no trace: the next arrives', async () => {
  const { near, far } = pair()
  const gone = new MessageChannel().port1
  new MessageChannel().port1.postMessage(gone, [gone])
  for (const bait of [{ bytes: Buffer.from('x'), gone }, { gone }]) {
    assert.ok(
      isOutbandError(
        thrown(() => near.postMessage(bait)),
        'UNSUPPORTED',
      ),
    )
  }
  const value = { text: 'hello', bytes: Buffer.from('x') }
  assert.is(difference(value, await sent({ near, far }, value)), undefined)
  near.close()
})

face('a value that this side would not decode is refused with the limit it passes', () => {
  const { near } = pair({ limits: { numberKeys: 3 } })
  const error = thrown(() => near.postMessage(new Set([1, 2, 3, 4])))
  assert.ok(isOutbandError(error, 'LIMIT'))
  near.close()
})

face('drained waits for nobody who will not answer', async () => {
  const { port1 } = new MessageChannel()
  const near = wrapPort(port1, { highWaterMark: 1000 })
  for (let i = 0; i < 5; i++) near.postMessage(new Uint8Array(5000))
  near.postMessage(Buffer.alloc(5000))
  await near.drained()
  assert.is(near.bufferedAmount, 0)
  near.close()
  await near.drained()
  const worker = wrapPort(new Worker(new URL('echo-worker.js', import.meta.url), { workerData: 'silent' }), {
    peer: 'wrapped',
    highWaterMark: 1000,
  })
  for (let i = 0; i < 5; i++) worker.postMessage(new Uint8Array(5000))
  await worker.drained()
})

face('an unwrapped peer that echoes our packets is not taken for a wrapped one', async () => {
  const { port1, port2 } = new MessageChannel()
  const near = wrapPort(port1)
  port2.on('message', message => {
    const copy = Array.isArray(message)
      ? message.filter(part => !(part instanceof port2.constructor))
      : message
    port2.postMessage(copy)
  })
  near.on('message', () => {})
  near.postMessage(Buffer.from('x'))
  near.postMessage(Buffer.from('y'))
  await turns(5)
  const heard = once(port2, 'message')
  near.postMessage({ hello: 1 })
  assert.equal(await heard, [{ hello: 1 }])
  near.close()
})

for (const warm of [3, 100]) {
  face(`a port that is passed on after ${warm} messages is met anew where it is wrapped again`, async () => {
    const { port1, port2 } = new MessageChannel()
    const [near, far] = [wrapPort(port1), wrapPort(port2)]
    let count = 0
    far.on('message', () => count++)
    for (let i = 0; i < warm; i++) {
      near.postMessage({ i })
      if (i % 10 === 0) await turns(1)
    }
    while (count < warm) await turns(1)
    const mover = new MessageChannel()
    const moved = once(mover.port2, 'message')
    mover.port1.postMessage(port2, [port2])
    const again = wrapPort((await moved)[0] as MessagePort)
    const got: unknown[] = []
    again.on('message', value => got.push(value))
    await turns(5)
    for (let i = 0; i < 10; i++) near.postMessage({ later: i })
    while (got.length < 10) await turns(1)
    assert.equal(
      got,
      Array.from({ length: 10 }, (_, later) => ({ later })),
    )
    near.close()
    mover.port1.close()
  })
}

face('a port is wrapped once', () => {
  const { port1 } = new MessageChannel()
  const near = wrapPort(port1)
  assert.is(wrapPort(port1), near)
  assert.is(wrapPort(near), near)
  near.close()
})

face('a class that has the name of one of the platform is a class like any other', async () => {
  class File {
    data = Buffer.from('tiny')
  }
  const ends = await acquainted()
  const { data } = await sent(ends, new File())
  assert.ok(data.buffer.byteLength < 16)
  const named = { __proto__: null, constructor: { name: 'MessagePort' } }
  assert.is(difference(named, await sent(ends, named)), undefined)
  ends.near.close()
})

const wrong: [name: string, port: unknown, options?: unknown][] = [
  ['null', null],
  ['an object that cannot post', {}],
  ['an object that cannot be heard', { postMessage() {} }],
  [
    'a window without targetOrigin',
    Object.defineProperty({ postMessage() {}, addEventListener() {} }, 'window', {
      get() {
        return this
      },
    }),
  ],
  ['a peer of another kind', new MessageChannel().port1, { peer: 'strange' }],
  ['types that are no registry', new MessageChannel().port1, { types: [] }],
]
for (const [name, port, options] of wrong) {
  face(`${name} is a TypeError`, () => {
    assert.instance(
      thrown(() => wrapPort(port as never, options as never)),
      TypeError,
    )
  })
}

/** Ways to hear that come and go. Each gives what it heard of posts whose numbers `post` makes known one by one. */
type Hearing = (port: MessagePort, post: () => void) => Promise<number[]>

/** Every 7th is too large for a ring, and pushes those before it. */
const numbered = (i: number): object => ({ i, bytes: new Uint8Array(i % 7 === 6 ? 5000 : 10) })
const numberOf = (value: unknown): number => (value as { i: number }).i

const hearings: [name: string, hear: Hearing][] = [
  [
    'once, again and again',
    async (port, post) => {
      const heard: number[] = []
      for (let i = 0; i < 100; i++) post()
      while (heard.length < 100) {
        const [value] = await once(port, 'message', { signal: AbortSignal.timeout(500) })
        heard.push(numberOf(value))
        await turns(heard.length % 3)
      }
      return heard
    },
  ],
  [
    'a listener that goes before they come, and one behind them',
    async (port, post) => {
      const heard: number[] = []
      const listener = (value: unknown) => void heard.push(numberOf(value))
      port.on('message', listener)
      for (let round = 0; round < 10; round++) {
        port.off('message', listener)
        for (let i = 0; i < 10; i++) post()
        await turns(2)
        port.on('message', listener)
        await turns(2)
      }
      return heard
    },
  ],
  [
    'onmessage, null in between',
    async (port, post) => {
      const heard: number[] = []
      const property = port as unknown as { onmessage: ((event: { data: unknown }) => void) | null }
      for (let round = 0; round < 10; round++) {
        property.onmessage = ({ data }) => void heard.push(numberOf(data))
        for (let i = 0; i < 5; i++) post()
        await turns(2)
        property.onmessage = null
        for (let i = 0; i < 5; i++) post()
        await turns(2)
      }
      property.onmessage = ({ data }) => void heard.push(numberOf(data))
      await turns(3)
      return heard
    },
  ],
  [
    'messageerror before message',
    async (port, post) => {
      const heard: number[] = []
      port.on('messageerror', () => {})
      ;(port as unknown as { onmessageerror: unknown }).onmessageerror = () => {}
      for (let i = 0; i < 100; i++) post()
      await turns(3)
      port.on('message', value => void heard.push(numberOf(value)))
      await turns(5)
      return heard
    },
  ],
]
const states: [name: string, open: () => Promise<{ near: MessagePort; far: MessagePort }>][] = [
  [
    'as they are',
    async () => {
      const { port1, port2 } = new MessageChannel()
      return { near: port1, far: port2 }
    },
  ],
  ['of strangers', async () => pair()],
  ['of acquaintances', () => acquainted()],
  ['with a ring', ringed],
]

/** Two whose small packets go by a ring. */
async function ringed(): Promise<Pair> {
  const found = await acquainted()
  const listener = () => {}
  found.far.on('message', listener)
  for (let i = 0; i < 60; i++) {
    found.near.postMessage(i)
    if (i % 10 === 0) await turns(1)
  }
  await turns(5)
  found.far.off('message', listener)
  return found
}

for (const [state, open] of states) {
  for (const [name, hear] of hearings) {
    face(`ports ${state} keep what comes while nobody listens: ${name}`, async () => {
      const { near, far } = await open()
      let posted = 0
      const heard = await hear(far, () => near.postMessage(numbered(posted++))).finally(() => near.close())
      assert.equal(heard, upTo(posted))
    })
  }
}

for (const [state, open] of states) {
  face(
    `ports ${state}: what was posted before a close arrives, though nobody listened when it came`,
    async () => {
      const { near, far } = await open()
      for (let i = 0; i < 20; i++) near.postMessage(numbered(i))
      near.close()
      await turns(5)
      const heard: number[] = []
      far.on('message', value => void heard.push(numberOf(value)))
      await turns(5)
      assert.equal(heard, upTo(20))
    },
  )

  face(`ports ${state}: what was posted before a close arrives at a listener that is slow`, async () => {
    const { near, far } = await open()
    const heard: number[] = []
    far.on('message', value => {
      heard.push(numberOf(value))
      for (const end = performance.now() + 0.02; performance.now() < end; );
    })
    for (let i = 0; i < 3000; i++) near.postMessage(numbered(i))
    near.close()
    const deadline = performance.now() + 10_000
    while (heard.length < 3000 && performance.now() < deadline) await turns(5)
    assert.equal(heard, upTo(3000))
  })

  // Raw ports lose what comes then.
  if (state === 'as they are') continue
  for (const [way, leave] of Object.entries({
    removeAllListeners: (port: MessagePort) => void port.removeAllListeners(),
    'off and start': (port: MessagePort, listener: () => void) => {
      port.off('message', listener)
      port.start()
    },
  })) {
    face(`ports ${state} keep the order after ${way}`, async () => {
      const { near, far } = await open()
      const listener = () => {}
      far.on('message', listener)
      leave(far, listener)
      for (let i = 0; i < 10; i++) near.postMessage(numbered(i))
      await turns(3)
      const heard: number[] = []
      far.on('message', value => void heard.push(numberOf(value)))
      for (let i = 10; i < 20; i++) near.postMessage(numbered(i))
      await turns(5)
      near.close()
      assert.equal(heard, upTo(20))
    })
  }
}

face('a Worker after removeAllListeners: each message comes once', async () => {
  const worker = wrapPort(new Worker(new URL('echo-worker.js', import.meta.url)), { types })
  const heard: unknown[] = []
  for (let round = 0; round < 3; round++) {
    worker.removeAllListeners()
    worker.on('message', value => void heard.push(value))
    const answer = once(worker, 'message')
    worker.postMessage(round)
    await answer
  }
  assert.equal(heard, [0, 1, 2])
  await worker.terminate()
})

face('a closed BroadcastChannel throws, as the raw one does', () => {
  const name = `closed ${Math.random()}`
  for (const channel of [new BroadcastChannel(name), wrapPort(new BroadcastChannel(name))]) {
    channel.close()
    assert.is((thrown(() => channel.postMessage(1)) as DOMException).name, 'InvalidStateError')
  }
})

face.run()
