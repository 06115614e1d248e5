/** Servers of channels over `ws`: who is let in, what one handler's failure is to others, how a server ends. */
import { once } from 'node:events'
import { createServer as createHttp, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect as connectSocket } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket, WebSocketServer } from 'ws'
import type { Channel } from '../../src/channel.js'
import { isOutbandError, LIMITS, OutbandError } from '../../src/index.js'
import { connectWebSocket, serveWebSocket, type WebSocketServerLike } from '../../src/websocket/index.js'
import { codeOf, turns, until, upTo, within } from '../carriers/inbox.js'
import { endOf, later, listening, next, serving, urlOf } from './kit.js'

const echo = async (channel: Channel): Promise<void> => {
  for await (const value of channel) await channel.send(value)
}

const servers = suite('websocket servers')

servers('the handler is given the request, and the type of it', async () => {
  const ws = await listening({ path: '/room' })
  const seen: unknown[] = []
  const server = await serveWebSocket(ws, (channel, request) => {
    const typed: IncomingMessage = request
    seen.push(typed.url, request.headers.origin)
    return echo(channel)
  })
  const channel = await connectWebSocket(new WebSocket(`${urlOf(ws)}/room?id=7`, { origin: 'http://here' }))
  await channel.send(1)
  assert.is(await next(channel), 1)
  assert.equal(seen, ['/room?id=7', 'http://here'])
  assert.equal(server.address, ws.address())
  assert.is(server.channels.size, 1)
  await server.close()
  assert.is(await endOf(channel), 'closed')
  assert.is(server.channels.size, 0)
  await within(server.close(), 'closing twice')
})

servers('a server within a server of HTTP, and one without a server', async () => {
  const http = createHttp((_, response) => response.end('hello'))
  const inside = new WebSocketServer({ server: http })
  const apart = new WebSocketServer({ noServer: true })
  http.on('upgrade', (request, socket, head) => {
    if (request.url === '/apart')
      apart.handleUpgrade(request, socket, head, ws => apart.emit('connection', ws, request))
  })
  // Before it listens: whose server it is says when.
  const first = await within(serveWebSocket(inside, echo), 'a server')
  http.removeAllListeners('upgrade')
  const second = await within(serveWebSocket(apart, echo), 'a server')
  http.on('upgrade', (request, socket, head) => {
    const server = request.url === '/apart' ? apart : inside
    server.handleUpgrade(request, socket, head, ws => server.emit('connection', ws, request))
  })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  assert.is(second.address, null)
  for (const path of ['', '/apart']) {
    const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}${path}`
    const channel = await connectWebSocket(new WebSocket(url))
    await channel.send(path)
    assert.is(await next(channel), path)
  }
  assert.equal([first.channels.size, second.channels.size], [1, 1])
  await within(Promise.all([first.close(), second.close()]), 'both closed')
  assert.ok(http.listening)
  http.close()
})

servers('more than maxConnections are refused with 1013, until one has gone', () =>
  serving(echo, { maxConnections: 2 }, async ({ server, url }) => {
    const channels = await Promise.all(upTo(2).map(() => connectWebSocket(new WebSocket(url))))
    for (const channel of channels) {
      await channel.send('in')
      assert.is(await next(channel), 'in')
    }
    for (const _ of upTo(5)) {
      const refused = await connectWebSocket(new WebSocket(url))
      const end = await endOf(refused)
      assert.ok(isOutbandError(end, 'PEER_GONE'), String(end))
      assert.match((end as OutbandError).message, /1013: too many connections/)
    }
    assert.is(server.channels.size, 2)
    await channels[0]!.close()
    const late = await connectWebSocket(new WebSocket(url))
    await late.send('in')
    assert.is(await next(late), 'in')
    assert.is(await pinged(channels[1]!), 'still')
  }),
)

async function pinged(channel: Channel): Promise<unknown> {
  await channel.send('still')
  return next(channel)
}

/** How a handler may fail, and what is thrown apart for it. */
const failures: [name: string, fail: () => unknown, thrown: string[]][] = [
  [
    'throws',
    () => {
      throw new Error('from the handler')
    },
    ['from the handler'],
  ],
  ['rejects', () => Promise.reject(new Error('from the handler')), ['from the handler']],
  ['fails with an error of ours', () => Promise.reject(new OutbandError('LIMIT', 'spec: enough')), []],
]
for (const [name, fail, wanted] of failures) {
  servers(`a handler that ${name} loses its channel, and no other`, async () => {
    const thrown: string[] = []
    const note = (error: Error) => thrown.push(error.message)
    let count = 0
    process.on('uncaughtException', note)
    try {
      await serving(
        channel => (count++ === 1 ? fail() : echo(channel)),
        {},
        async ({ server, url }) => {
          const [first, second, third] = [
            await connectWebSocket(new WebSocket(url)),
            await connectWebSocket(new WebSocket(url)),
            await connectWebSocket(new WebSocket(url)),
          ]
          assert.ok(isOutbandError(await endOf(second), 'PEER_GONE'))
          for (const channel of [first, third]) assert.is(await pinged(channel), 'still')
          assert.is(server.channels.size, 2)
        },
      )
      await turns(2)
      assert.equal(thrown, wanted)
    } finally {
      process.off('uncaughtException', note)
    }
  })
}

servers('faults with nobody who listens end no process', () =>
  serving(
    () => {},
    { idleTimeoutMs: 100, limits: { totalBytes: 1000, metaBytes: 1000, buffers: 2 } },
    async ({ server, url }) => {
      const clients = upTo(30).map(() => new WebSocket(url))
      await Promise.all(clients.map(client => once(client, 'open')))
      for (const [i, client] of clients.entries()) {
        client.on('error', () => {})
        if (i % 6 === 0) client.terminate()
        else if (i % 6 === 1) client.send('text')
        else if (i % 6 === 2) client.send(new Uint8Array(100_000))
        else if (i % 6 === 3) client.send(new Uint8Array(100))
        else if (i % 6 === 4) client.close(4321)
      }
      await until(() => server.channels.size === 0, 'all of them gone')
    },
  ),
)

servers('close delivers what was sent, and waits for who still reads', () =>
  serving(
    async channel => {
      for (const i of upTo(50)) void channel.send({ i, bytes: new Uint8Array(100_000) })
    },
    {},
    async ({ server, url }) => {
      const channels = await Promise.all(
        upTo(3).map(() => connectWebSocket<{ i: number }>(new WebSocket(url))),
      )
      await later(20)
      const closed = server.close()
      for (const channel of channels) {
        let count = 0
        for await (const { i } of channel) assert.is(i, count++)
        assert.is(count, 50)
      }
      await within(closed, 'the server')
      const late = await connectWebSocket(new WebSocket(url)).catch(error => error)
      assert.ok(isOutbandError(late, 'PEER_GONE'))
    },
  ),
)

for (const [what, bytes] of [
  ['says nothing', ''],
  ['says half a request', 'GET / HTTP/1.1\r\nHost: x\r\n'],
] as const) {
  servers(`close and abort end a connection that ${what}`, async () => {
    for (const way of ['close', 'abort'] as const) {
      await serving(echo, {}, async ({ server, url }) => {
        const channel = await connectWebSocket(new WebSocket(url))
        const { port, hostname } = new URL(url)
        const socket = connectSocket(Number(port), hostname).on('error', () => {})
        await once(socket, 'connect')
        socket.write(bytes)
        // What was accepted behind it tells that it was.
        assert.is(await pinged(await connectWebSocket(new WebSocket(url))), 'still')
        const gone = once(socket.resume(), 'close')
        const closed = server[way]()
        await within(gone, 'the end of the stranger')
        await within(closed, 'the server')
        const outcome = await endOf(channel)
        assert.is(outcome === 'closed' ? outcome : outcome.code, way === 'close' ? 'closed' : 'PEER_GONE')
      })
    }
  })
}

servers('abort ends all at once', () =>
  serving(echo, {}, async ({ server, url }) => {
    const channels = await Promise.all(upTo(3).map(() => connectWebSocket(new WebSocket(url))))
    for (const channel of channels) assert.is(await pinged(channel), 'still')
    server.abort()
    for (const channel of channels) assert.ok(isOutbandError(await endOf(channel), 'PEER_GONE'))
    assert.is(server.channels.size, 0)
  }),
)

servers('a port that is taken: the error of the system', async () => {
  const taken = await listening()
  const { port } = taken.address() as AddressInfo
  const error = await serveWebSocket(new WebSocketServer({ host: '127.0.0.1', port }), echo).catch(
    error => error,
  )
  assert.is(error.code, 'EADDRINUSE')
  taken.close()
})

servers('one that was closed before: CLOSED', async () => {
  const closed = await listening()
  await new Promise(resolve => closed.close(resolve))
  assert.is(await codeOf(() => serveWebSocket(closed, echo)), 'CLOSED')
})

servers('one that is closed while its host is looked up: CLOSED', async () => {
  const server = new WebSocketServer({ host: 'localhost', port: 0, perMessageDeflate: false })
  const { _server: http } = server as unknown as { readonly _server: Server }
  // Node may listen all the same.
  http.on('listening', () => http.close())
  const served = serveWebSocket(server, echo)
  server.close()
  assert.is(await codeOf(() => served), 'CLOSED')
})

const { metaBytes, totalBytes } = LIMITS.untrusted

/** What `ws` was told, the limits, and what it is told by them. */
const payloads: [
  set: number | undefined,
  limits: object | 'trusted' | undefined,
  least: number,
  most: number,
][] = [
  [undefined, undefined, 100 * 2 ** 20, 100 * 2 ** 20],
  [0, undefined, metaBytes + totalBytes, metaBytes + totalBytes + 2 ** 20],
  [2 ** 30, 'untrusted' as never, metaBytes + totalBytes, metaBytes + totalBytes + 2 ** 20],
  [1000, undefined, 1000, 1000],
  [0, 'trusted', 0, 0],
  [0, { metaBytes: 1000, totalBytes: 5000, buffers: 3 }, 6000, 7000],
  [0, { totalBytes: 5000 }, metaBytes + 5000, metaBytes + 5000 + 2 ** 20],
]
for (const [set, limits, least, most] of payloads) {
  servers(`maxPayload of ${set} with limits ${JSON.stringify(limits)}`, async () => {
    const ws = new WebSocketServer({ noServer: true, ...(set === undefined ? {} : { maxPayload: set }) })
    await serveWebSocket(ws, echo, { limits: limits as 'trusted' })
    const { maxPayload = -1 } = ws.options
    assert.ok(maxPayload >= least && maxPayload <= most, `${maxPayload}`)
  })
}

servers('a frame as large as the limits allow passes', () =>
  serving(
    echo,
    { limits: { metaBytes: 1000, totalBytes: 50_000, buffers: 10 } },
    async ({ url }) => {
      const channel = await connectWebSocket(new WebSocket(url))
      const value = upTo(10).map(i => new Uint8Array(5000).fill(i))
      await channel.send(value)
      assert.equal(await next(channel), value)
    },
    { maxPayload: 0 },
  ),
)

/** Mistakes of the caller: a TypeError, before anybody can connect. */
const wrong: [name: string, server: () => unknown, handler: unknown, options: object][] = [
  ['no server', () => undefined, echo, {}],
  ['a server of HTTP', () => createHttp(), echo, {}],
  ['one that compresses', () => new WebSocketServer({ noServer: true, perMessageDeflate: true }), echo, {}],
  ['no handler', () => new WebSocketServer({ noServer: true }), undefined, {}],
  ...Object.entries({
    maxConnections: 0,
    maxBytes: -1,
    limits: 'none',
    highWaterMark: 0,
    maxWaiting: 0,
    closeTimeoutMs: -1,
    frameTimeoutMs: 'a',
  }).map(([name, value]): [string, () => unknown, unknown, object] => [
    `${name}: ${value}`,
    () => new WebSocketServer({ noServer: true }),
    echo,
    { [name]: value },
  ]),
]
for (const [name, make, handler, options] of wrong) {
  servers(`${name}: a TypeError`, async () => {
    const server = make() as WebSocketServer
    const error = await serveWebSocket(server as WebSocketServerLike, handler as typeof echo, options).catch(
      error => error,
    )
    assert.instance(error, TypeError)
    if (server instanceof WebSocketServer) assert.is(server.listenerCount('connection'), 0)
  })
}

servers.run()
