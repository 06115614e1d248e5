/** How a WebSocket ends: close codes, peers that are gone, sockets that never open, and what the other side is told. */
import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket } from 'ws'
import { packNote } from '../../src/frame/note.js'
import { isOutbandError, type OutbandError } from '../../src/index.js'
import { type ConnectOptions, connectWebSocket } from '../../src/websocket/index.js'
import { settled, within } from '../carriers/inbox.js'
import { endOf, frameOf, hello, KINDS, listening, meeting, next, urlOf } from './kit.js'
import { StandardSocket } from './standard.js'

/** With which code, and what the channel makes of it: nothing, when it is in order. */
const codes: [name: string, close: (peer: WebSocket) => void, message: RegExp | undefined][] = [
  ['1000', peer => peer.close(1000), undefined],
  ['1000 with a reason', peer => peer.close(1000, 'done'), undefined],
  ['no code', peer => peer.close(), undefined],
  ['1001', peer => peer.close(1001), /closed with 1001$/],
  ['1008 with a reason', peer => peer.close(1008, 'not you'), /closed with 1008: not you$/],
  ['1009', peer => peer.close(1009, 'too large'), /closed with 1009: too large$/],
  ['1011', peer => peer.close(1011), /closed with 1011$/],
  ['3000', peer => peer.close(3000), /closed with 3000$/],
  ['4000', peer => peer.close(4000), /closed with 4000$/],
  ['4999', peer => peer.close(4999, 'é'.repeat(61)), /closed with 4999: é{61}$/],
  ['a connection that breaks', peer => peer.terminate(), /closed with 1006$/],
]

for (const kind of KINDS) {
  const ends = suite(`websocket ends, ${kind}`)

  for (const [name, close, message] of codes) {
    ends(`${name}, of a plain peer`, () =>
      meeting(kind, {}, async (channel, peer) => {
        for (const value of [1, 2, 3]) peer.send(frameOf(value))
        close(peer)
        // A connection that breaks may take along what was on its way.
        if (name !== 'a connection that breaks') {
          for (const value of [1, 2, 3]) assert.is(await next(channel), value)
        }
        const end = await endOf(channel)
        if (message === undefined) return assert.is(end, 'closed')
        assert.ok(isOutbandError(end, 'PEER_GONE'), String(end))
        assert.match((end as OutbandError).message, message)
      }),
    )

    ends(`${name}, of a channel that has not said goodbye: the peer is gone`, () =>
      meeting(kind, {}, async (channel, peer) => {
        peer.send(hello())
        peer.send(frameOf(1))
        close(peer)
        const end = await endOf(channel)
        assert.ok(isOutbandError(end, 'PEER_GONE'), String(end))
      }),
    )
  }

  ends('a plain peer gets all that was sent before close, a hello first and a bye last', () =>
    meeting(kind, {}, async (channel, peer, got) => {
      const closed = once(peer, 'close')
      peer.send(frameOf('hi'))
      assert.is(await next(channel), 'hi')
      const large = Buffer.alloc(300_000, 5)
      void channel.send({ large })
      void channel.send('last')
      assert.is(await channel.close(), undefined)
      assert.is((await within(closed, 'the close'))[0], 1000)
      assert.is(got.length, 4)
      assert.ok(got[0]!.equals(packNote('hello', kind === 'ws' ? 30_000 : 90_000)))
      assert.ok(got[1]!.includes(large), 'the array')
      assert.ok(got[2]!.equals(frameOf('last')))
      assert.ok(got[3]!.equals(packNote('bye')))
    }),
  )

  ends('a plain peer that does not read stops the sender', () =>
    meeting(kind, { highWaterMark: 2 ** 20 }, async (channel, peer) => {
      peer.send(frameOf('hi'))
      assert.is(await next(channel), 'hi')
      peer.pause()
      let sent = 0
      const flood = (async () => {
        for (; sent < 64; sent++) await channel.send(new Uint8Array(2 ** 20))
      })()
      const early = await settled(() => sent)
      // What the system takes beside the mark: its buffers for both sides of a local connection.
      assert.ok(early < 20, `${early} MiB were sent to nobody`)
      peer.resume()
      await within(flood, 'the flood')
      assert.is(sent, 64)
    }),
  )

  ends('a socket that was closed before is refused', () =>
    meeting(kind, {}, async (_, peer) => {
      const face = kind === 'ws' ? peer : new StandardSocket(peer)
      peer.close()
      for (const state of [WebSocket.CLOSING, WebSocket.CLOSED]) {
        if (state === WebSocket.CLOSED) await once(peer, 'close')
        assert.is(peer.readyState, state)
        const error = await refusal(connectWebSocket(face))
        assert.ok(isOutbandError(error, 'PEER_GONE'), String(error))
        assert.match((error as Error).message, /closed before/)
      }
    }),
  )

  ends('a connection that is refused, or answered by something else: PEER_GONE with its reason', async () => {
    const web = createHttp((_, response) => response.writeHead(404).end())
    await once(web.listen(0, '127.0.0.1'), 'listening')
    const { port } = web.address() as AddressInfo
    const rows: [url: string, why: RegExp][] = [
      ['ws://127.0.0.1:1', /1006/],
      [`ws://127.0.0.1:${port}`, /1006/],
    ]
    for (const [url, why] of rows) {
      const socket = new WebSocket(url)
      const error = await refusal(connectWebSocket(kind === 'ws' ? socket : new StandardSocket(socket)))
      assert.ok(isOutbandError(error, 'PEER_GONE'), String(error))
      assert.match((error as Error).message, why)
      if (kind === 'ws') assert.instance((error as Error).cause, Error)
    }
    web.close()
  })

  ends('a server that does not answer: TIMEOUT, and the connection is let go', async () => {
    const sockets: Socket[] = []
    const silent = createServer(socket => {
      sockets.push(socket.on('error', () => {}))
      socket.resume()
    })
    await once(silent.listen(0, '127.0.0.1'), 'listening')
    const socket = new WebSocket(`ws://127.0.0.1:${(silent.address() as AddressInfo).port}`)
    const face = kind === 'ws' ? socket : new StandardSocket(socket)
    const error = await refusal(connectWebSocket(face, { connectTimeoutMs: 50 }))
    assert.ok(isOutbandError(error, 'TIMEOUT'), String(error))
    assert.match((error as Error).message, /50 ms/)
    await within(Promise.all(sockets.map(socket => socket.destroyed || once(socket, 'close'))), 'the end')
    silent.close()
  })

  ends.run()
}

async function refusal(promise: Promise<unknown>): Promise<unknown> {
  return within(
    promise.then(
      () => assert.unreachable('it connected'),
      error => error,
    ),
    'a refusal',
  )
}

const mistakes = suite('websocket ends: mistakes of the caller')

const wrong: [name: string, to: unknown, options: object][] = [
  ['no socket', {}, {}],
  ['nothing', undefined, {}],
  ['a URL where there is no global WebSocket', 'ws://127.0.0.1:1', {}],
  ['a time below 0', 'socket', { connectTimeoutMs: -1 }],
  ['limits of no profile', 'socket', { limits: 'some' }],
  ['an option of the channel', 'socket', { maxWaiting: 0 }],
  ['an option of the stream', 'socket', { idleTimeoutMs: '1' }],
]
for (const [name, to, options] of wrong) {
  mistakes(`${name}: a TypeError, and the socket is left alone`, async () => {
    const server = await listening()
    const socket = new WebSocket(urlOf(server))
    await once(socket, 'open')
    const { WebSocket: found } = globalThis as { WebSocket?: unknown }
    Object.assign(globalThis, { WebSocket: undefined })
    const error = await refusal(
      connectWebSocket((to === 'socket' ? socket : to) as WebSocket, options as ConnectOptions),
    )
    Object.assign(globalThis, { WebSocket: found })
    assert.instance(error, TypeError)
    assert.is(socket.readyState, WebSocket.OPEN)
    assert.is(socket.listenerCount('message'), 0)
    socket.terminate()
    server.close()
  })
}

mistakes('after its end a channel listens to nothing of the socket but errors', () =>
  meeting('ws', {}, async (_, peer) => {
    const channel = await connectWebSocket(peer)
    const before = peer.listenerCount('message')
    channel.abort()
    assert.is(peer.listenerCount('message'), before - 1)
    for (const name of ['open', 'close', 'ping', 'pong']) assert.is(peer.listenerCount(name), 0, name)
    assert.ok(peer.listenerCount('error') > 0)
  }),
)

mistakes.run()
