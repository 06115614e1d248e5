/** Where channels over sockets lead, what they do with memory, and how a connection fails. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectSocket, createServer, type LookupFunction, type Socket } from 'node:net'
import { Duplex, type DuplexOptions, duplexPair } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls, createServer as createTlsServer, TLSSocket } from 'node:tls'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { values } from '../../fixtures/values.js'
import type { Channel } from '../../src/channel.js'
import { isOutbandError } from '../../src/index.js'
import { type Address, type ChannelServer, connect, SocketCarrier, serve } from '../../src/socket/index.js'
import { codeOf, turns, within } from '../carriers/inbox.js'
import { somePath } from '../carriers/path.js'
import { difference } from '../same.js'
import { outcomeOf, served } from './raw.js'

const ways = suite('sockets: where to')

const pem = (name: string) => readFileSync(new URL(`../../../fixtures/tls/${name}.pem`, import.meta.url))

interface Way {
  readonly name: string
  /** Serves an echo and says how it is reached. */
  readonly open: () => Promise<{ to: Address; close(): Promise<void> }>
}

const echo = (channel: Channel) => {
  channel.on('message', value => void channel.send(value))
}
const portOf = (address: unknown): number => (address as { port: number }).port

const identity = { key: pem('key'), cert: pem('cert') }
const trusted = { host: '127.0.0.1', ca: identity.cert, servername: 'localhost' }

async function servedByTls(): Promise<{ port: number; server: ChannelServer }> {
  const own = createTlsServer(identity).listen(0, '127.0.0.1')
  await once(own, 'listening')
  return { port: portOf(own.address()), server: await serve(own, echo, { limits: 'trusted' }) }
}

const rows: Way[] = [
  {
    name: 'the path of a Unix socket',
    open: async () => {
      const path = somePath()
      const server = await serve(path, echo, { limits: 'trusted' })
      return { to: path, close: () => server.close() }
    },
  },
  {
    name: 'a path in options',
    open: async () => {
      const path = somePath()
      const server = await serve({ path }, echo, { limits: 'trusted' })
      return { to: { path }, close: () => server.close() }
    },
  },
  {
    name: 'a port of TCP',
    open: async () => {
      const server = await serve({ port: 0, host: '127.0.0.1' }, echo, { limits: 'trusted' })
      return { to: { port: portOf(server.address), host: '127.0.0.1' }, close: () => server.close() }
    },
  },
  {
    name: 'a socket that is connected',
    open: async () => {
      const path = somePath()
      const server = await serve(path, echo, { limits: 'trusted' })
      const socket = connectSocket(path)
      await once(socket, 'connect')
      return { to: socket, close: () => server.close() }
    },
  },
  {
    name: 'a socket that still connects',
    open: async () => {
      const path = somePath()
      const server = await serve(path, echo, { limits: 'trusted' })
      return { to: connectSocket(path), close: () => server.close() }
    },
  },
  {
    name: "a server of one's own",
    open: async () => {
      const path = somePath()
      const own = createServer()
      const server = await serve(own, echo, { limits: 'trusted' })
      own.listen(path)
      await once(own, 'listening')
      return { to: path, close: () => server.close() }
    },
  },
  {
    name: 'TLS',
    open: async () => {
      const { port, server } = await servedByTls()
      const socket = connectTls({ ...trusted, port })
      await once(socket, 'secureConnect')
      return { to: socket, close: () => server.close() }
    },
  },
  {
    name: 'TLS that still connects',
    open: async () => {
      const { port, server } = await servedByTls()
      return { to: connectTls({ ...trusted, port }), close: () => server.close() }
    },
  },
  {
    name: 'TLS over a socket that is there, before and after they have shaken hands',
    open: async () => {
      const { key, cert } = identity
      const relay = createServer(async raw => {
        const socket = new TLSSocket(raw, { isServer: true, key, cert })
        await once(socket, 'secure')
        echo(await connect(socket, { limits: 'trusted' }))
      }).listen(0, '127.0.0.1')
      await once(relay, 'listening')
      const raw = connectSocket(portOf(relay.address()), '127.0.0.1')
      await once(raw, 'connect')
      return { to: new TLSSocket(raw), close: async () => void relay.close() }
    },
  },
]
for (const { name, open } of rows) {
  ways(`${name}: every value, and 8 MB, come back`, async () => {
    const { to, close } = await open()
    const channel = await connect(to, { limits: 'trusted' })
    const sent = values.filter(({ isShared }) => !isShared).map(row => ({ row, value: row.make() }))
    const large = new Float64Array(1_000_000).map((_, i) => i)
    for (const { value } of sent) void channel.send(value)
    void channel.send(large)
    let at = 0
    for await (const copy of channel) {
      if (at === sent.length) {
        assert.equal(copy, large)
        break
      }
      const { row, value } = sent[at++]!
      const found = difference(row.arrives?.(value as never) ?? value, copy)
      assert.is(found, undefined, `${row.name}: ${found}`)
    }
    await within(Promise.all([channel.close(), close()]), 'the end of both')
  })
}

ways.run()

const failures = suite('sockets: a connection that fails')

const nobody = { port: 1, host: '127.0.0.1' }
const twoOf: LookupFunction = (_, _options, found) =>
  found(
    null,
    ['127.0.0.1', '127.0.0.2'].map(address => ({ address, family: 4 })),
  )
const addresses: [name: string, to: () => Address, cause: string][] = [
  ['a path that nobody has', somePath, 'ENOENT'],
  ['a port that nobody has', () => nobody, 'ECONNREFUSED'],
  [
    'a host of two addresses that nobody has',
    () => ({ ...nobody, host: 'two', lookup: twoOf }),
    'ECONNREFUSED',
  ],
  ['a socket to a port that nobody has', () => connectSocket(nobody), 'ECONNREFUSED'],
  ['TLS to a port that nobody has', () => connectTls(nobody), 'ECONNREFUSED'],
]
for (const [name, to, cause] of addresses) {
  failures(`${name}: PEER_GONE, because of ${cause}`, () => isRefused(to(), cause))
}

async function isRefused(to: Address, cause: string): Promise<void> {
  const error = await connect(to).catch(error => error)
  assert.ok(isOutbandError(error, 'PEER_GONE'), String(error))
  assert.match(error.message, /the peer is gone: \S/)
  assert.is((error.cause as NodeJS.ErrnoException).code, cause)
}

failures('a certificate that is not trusted: PEER_GONE, because of it', async () => {
  const { port, server } = await servedByTls()
  await isRefused(connectTls({ port, host: '127.0.0.1' }), 'DEPTH_ZERO_SELF_SIGNED_CERT')
  await server.close()
})

failures('a handshake that never ends: TIMEOUT, and the socket is let go', async () => {
  const mute = createServer(socket => socket.resume()).listen(0, '127.0.0.1')
  await once(mute, 'listening')
  const socket = connectTls({ port: portOf(mute.address()), host: '127.0.0.1' })
  assert.is(await codeOf(() => connect(socket, { connectTimeoutMs: 50 })), 'TIMEOUT')
  assert.ok(socket.destroyed)
  mute.close()
})

failures('a socket that its owner destroys while it connects: PEER_GONE', async () => {
  const socket = connectSocket(nobody)
  const connecting = codeOf(() => connect(socket))
  socket.destroy()
  assert.is(await connecting, 'PEER_GONE')
})

failures('a connection that takes too long: TIMEOUT, and the socket is let go', async () => {
  let asked = false
  const lookup = () => {
    asked = true
  }
  assert.is(
    await codeOf(() => connect({ host: 'nowhere.invalid', port: 1, lookup }, { connectTimeoutMs: 20 })),
    'TIMEOUT',
  )
  assert.ok(asked)
})

failures('a channel that gives up before it is connected tells of that', async () => {
  const lookup = () => {}
  const clocks = { connectTimeoutMs: 0, idleTimeoutMs: 20 }
  const error = await within(
    connect({ host: 'nowhere.invalid', port: 1, lookup }, clocks).catch(error => error),
    'a rejection',
  )
  assert.ok(isOutbandError(error, 'TIMEOUT'), String(error))
  assert.match(error.message, /silent for 20 ms/)
})

failures('times that no timer takes, and no hello, are as long as they can be', async () => {
  const { path, dispose } = await served({})
  try {
    for (const ms of [2 ** 31, 2 ** 54, Number.POSITIVE_INFINITY]) {
      const channel = await connect(path, { connectTimeoutMs: ms, idleTimeoutMs: ms, closeTimeoutMs: ms })
      await within(channel.close(), 'close')
    }
    const lookup = () => {}
    const late = connect({ host: 'nowhere.invalid', port: 1, lookup }, { connectTimeoutMs: 2 ** 31 })
    assert.is(await Promise.race([late.catch(error => error), sleep(20).then(() => 'waiting')]), 'waiting')
  } finally {
    await dispose()
  }
})

const emptyDuplex = (options: DuplexOptions = { autoDestroy: false }) =>
  new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(), ...options })

const dead: [name: string, end: (stream: Duplex) => unknown, cause: RegExp][] = [
  [
    'destroyed',
    async stream => {
      const closed = once(stream, 'close')
      stream.destroy()
      await closed
    },
    /destroyed before/,
  ],
  ['destroyed just now', stream => stream.destroy(), /destroyed before/],
  ['destroyed just now, with an error', stream => stream.destroy(new Error('a reason')), /a reason/],
]
for (const [name, end, cause] of dead) {
  failures(`a stream that was ${name}: PEER_GONE`, async () => {
    for (const limits of ['trusted', 'untrusted'] as const) {
      const stream = emptyDuplex()
      await end(stream)
      const error = await within(
        connect(stream, { limits }).catch(error => error),
        'a rejection',
      )
      assert.ok(isOutbandError(error, 'PEER_GONE'), String(error))
      assert.match((error.cause as Error).message, cause)
      // A carrier by itself as well.
      assert.is(await codeOf(() => new SocketCarrier(stream).closed), 'PEER_GONE')
    }
  })
}

const quiet: [name: string, options: DuplexOptions][] = [
  ['lives on', { autoDestroy: false }],
  ['tells nothing of its close', { emitClose: false }],
]
for (const [name, options] of quiet) {
  failures(`a stream that fails and ${name}: PEER_GONE, and it is destroyed`, async () => {
    const stream = emptyDuplex(options)
    const channel = await connect(stream)
    if (options.emitClose === false) stream.destroy(new Error('a reason'))
    else stream.emit('error', new Error('a reason'))
    const outcome = await within(outcomeOf(channel), 'the end')
    assert.ok(isOutbandError(outcome, 'PEER_GONE'), String(outcome))
    assert.match((outcome.cause as Error).message, /a reason/)
    assert.ok(stream.destroyed)
  })

  failures(`a stream that ${name} at its end: both close in order, and it is destroyed`, async () => {
    const streams = duplexPair(options)
    const [left, right] = await Promise.all([connect(streams[0]), connect(streams[1])])
    void left.send('hi')
    void left.close()
    for (const channel of [right, left]) assert.is(await within(outcomeOf(channel), 'the end'), 'closed')
    assert.equal(
      streams.map(({ destroyed }) => destroyed),
      [true, true],
    )
  })
}

failures('a stream that ended before: the end', async () => {
  const peer = createServer({ allowHalfOpen: true }, socket => socket.end().resume())
  const ended = somePath()
  await once(peer.listen(ended), 'listening')
  const socket = connectSocket({ path: ended, allowHalfOpen: true })
  await once(socket.resume(), 'end')
  const channel = await connect(socket)
  for await (const value of channel) assert.unreachable(String(value))
  assert.is(await within(outcomeOf(channel), 'the end'), 'closed')
  assert.is(await codeOf(() => channel.send(1)), 'CLOSED')
  peer.close()
})

for (const [name, value] of [
  ['connectTimeoutMs', -1],
  ['closeTimeoutMs', 'soon'],
  ['frameTimeoutMs', Number.NaN],
  ['idleTimeoutMs', -1],
  ['strict', 'no'],
  ['allowHalfOpen', 1],
  ['highWaterMark', 0],
  ['limits', 'none'],
  ['maxWaiting', 0],
  ['maxWaitingBytes', -1],
] as const) {
  failures(`${name}: ${String(value)}: a TypeError, before anything connects`, async () => {
    const error = await connect('/nobody/listens/here', { [name]: value }).catch(error => error)
    assert.instance(error, TypeError)
    assert.match(error.message, new RegExp(`^${name}`))
  })
}

failures.run()

const memory = suite('sockets: memory')

memory('a long buffer is lent until send resolves, a short one is copied', async () => {
  const { path, values, dispose } = await served({ limits: 'trusted' })
  try {
    const channel = await connect(path, { limits: 'trusted', highWaterMark: 2 ** 28 })
    const long = new Uint8Array(2 ** 26).fill(1)
    const short = new Uint8Array(10_000).fill(1)
    let isWritten = false
    const sent = channel.send(long).then(() => {
      isWritten = true
    })
    await channel.send(short)
    short.fill(2)
    assert.not.ok(isWritten, 'the system does not take 64 MiB at once')
    await within(sent, 'all written')
    long.fill(2)
    await channel.close()
    for (const value of values[0] as Uint8Array[]) assert.ok(value.every(byte => byte === 1))
  } finally {
    await dispose()
  }
})

memory('what is changed after send has resolved does not travel', async () => {
  const { path, values, outcomes, dispose } = await served()
  try {
    const channel = await connect(path)
    const samples = new Float64Array(1_000_000)
    for (let i = 0; i < 5; i++) {
      samples.fill(i)
      await channel.send(samples)
    }
    samples.fill(99)
    await channel.close()
    assert.is(await outcomes[0], 'closed')
    for (const [i, value] of (values[0] as Float64Array[]).entries()) {
      assert.ok(
        value.every(sample => sample === i),
        `message ${i}`,
      )
    }
  } finally {
    await dispose()
  }
})

memory('transfer: the array is gone at once, and arrives as it was', async () => {
  const { path, values, dispose } = await served()
  try {
    const channel = await connect(path)
    const samples = new Float64Array(1_000_000).fill(7)
    const sent = channel.send({ samples }, { transfer: true })
    assert.is(samples.length, 0)
    assert.is(channel.stats.sent.transferred, 8_000_000)
    await sent
    await channel.close()
    assert.equal(values[0], [{ samples: new Float64Array(1_000_000).fill(7) }])
  } finally {
    await dispose()
  }
})

memory('two arrays of one message land in different memory', async () => {
  const { path, values, dispose } = await served()
  try {
    const channel = await connect(path)
    await channel.send([new Float64Array(1000), new Float64Array(100_000)])
    await channel.close()
    const [first, second] = values[0]![0] as Float64Array[]
    assert.is.not(first!.buffer, second!.buffer)
    assert.is(second!.buffer.byteLength, 800_000)
  } finally {
    await dispose()
  }
})

memory('shared memory arrives as a copy', async () => {
  const { path, values, dispose } = await served()
  try {
    const channel = await connect(path)
    for (const length of [10, 100_000]) {
      const shared = new Uint8Array(new SharedArrayBuffer(length)).fill(3)
      await channel.send(shared)
    }
    await channel.close()
    for (const value of values[0] as Uint8Array[]) {
      assert.instance(value.buffer, ArrayBuffer)
      assert.ok(value.every(byte => byte === 3))
    }
  } finally {
    await dispose()
  }
})

memory('a host object cannot go by socket: UNSUPPORTED, and the channel goes on', async () => {
  const { path, values, dispose } = await served()
  try {
    const channel = await connect(path)
    const { port1 } = new MessageChannel()
    assert.is(await codeOf(() => channel.send({ port1 })), 'UNSUPPORTED')
    assert.is(await codeOf(() => channel.send(1, { transfer: [port1] })), 'UNSUPPORTED')
    port1.postMessage('still mine')
    port1.close()
    await channel.send(2)
    await channel.close()
    assert.equal(values[0], [2])
  } finally {
    await dispose()
  }
})

memory.run()

const events = suite('sockets: progress')

events('a large message is told of while it comes: bytes received of the total', async () => {
  const told: { received: number; total: number }[] = []
  const { path, values, dispose } = await served({}, channel => {
    channel.on('progress', progress => told.push(progress))
  })
  try {
    const channel = await connect(path)
    await channel.send('small')
    await channel.send(new Uint8Array(20_000_000))
    await channel.close()
    assert.is(values[0]!.length, 2)
    assert.ok(told.length > 10, `${told.length} times`)
    assert.is(new Set(told.map(({ total }) => total)).size, 1)
    assert.ok(told[0]!.total > 20_000_000 && told[0]!.total < 20_001_000)
    for (const [i, { received, total }] of told.entries()) {
      assert.ok(received < total && received > (told[i - 1]?.received ?? 0))
    }
  } finally {
    await dispose()
  }
})

events.run()

const closing = suite('sockets: the end')

closing('the process is not kept by a channel that has ended, nor a path by its server', async () => {
  const { path, server, outcomes } = await served()
  const channel = await connect(path)
  await channel.send(1)
  await within(server.close(), 'close')
  assert.is(await outcomes[0], 'closed')
  assert.is(await outcomeOf(channel), 'closed')
  assert.is(server.channels.size, 0)
  const again = await serve(path, () => {})
  await again.close()
})

closing(
  'over a stream that hands on at once, the answer to the last question ends nothing early',
  async () => {
    const [left, right] = await Promise.all(
      duplexPair().map(stream => connect<string>(stream, { allowHalfOpen: true })),
    )
    void right!.send('hi')
    void left!.close()
    for await (const value of right!) assert.unreachable(value)
    await turns(2)
    void right!.close()
    for (const channel of [right!, left!]) assert.is(await within(outcomeOf(channel), 'the end'), 'closed')
  },
)

closing('half-closed: who has closed still reads what the peer says', async () => {
  const path = somePath()
  const server = await serve<number, number>(
    path,
    async channel => {
      let sum = 0
      for await (const n of channel) sum += n
      // The peer has closed: it has said all, and waits.
      await turns(3)
      await channel.send(sum)
      await channel.close()
    },
    { allowHalfOpen: true },
  )
  const channel = await connect<number>(path)
  for (const n of [1, 2, 3]) await channel.send(n)
  const closed = channel.close()
  const answers: number[] = []
  for await (const answer of channel) answers.push(answer)
  assert.equal(answers, [6])
  await within(closed, 'closed')
  await server.close()
})

closing('a socket that is given: its end is seen by its other listeners too', async () => {
  const { path, dispose } = await served()
  try {
    const socket: Socket = connectSocket(path)
    const gone = once(socket, 'close')
    const channel = await connect(socket)
    await channel.close()
    await within(gone, 'close')
  } finally {
    await dispose()
  }
})

closing.run()
