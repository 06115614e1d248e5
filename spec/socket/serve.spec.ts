/** A server: what one peer does is no other's concern, and what all may take is bounded. */
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import {
  type AddressInfo,
  connect as connectSocket,
  createServer,
  type ListenOptions,
  type Socket,
} from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { asyncDispose } from '../../src/dispose.js'
import { packBytes } from '../../src/frame/index.js'
import { packNote } from '../../src/frame/note.js'
import { isOutbandError } from '../../src/index.js'
import { connect, serve } from '../../src/socket/index.js'
import { codeOf, turns, until, upTo, within } from '../carriers/inbox.js'
import { somePath } from '../carriers/path.js'
import { frameOf, outcomeOf, rawPeer, served } from './raw.js'

const apart = suite('serve: one peer and the others')

const MiB = 2 ** 20
const good = frameOf({ id: 1 })
const headOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, 32)

const bad: [name: string, bytes: Uint8Array, code: string, limit?: string][] = [
  ['the start of HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'MALFORMED'],
  ['one byte of nonsense', Uint8Array.of(0), 'MALFORMED'],
  ['another version', Uint8Array.from(good, (byte, at) => (at === 4 ? 9 : byte)), 'VERSION'],
  ['a packet that cannot be decoded', packBytes({ meta: new Uint8Array(8), buffers: [] }), 'MALFORMED'],
  [
    'the head of a frame with a buffer past the limit, and nothing of it',
    headOf(packBytes({ meta: new Uint8Array(1), buffers: [new Uint8Array(65 * MiB)] })),
    'LIMIT',
    'bufferBytes',
  ],
  [
    'the head of a frame with too much metadata',
    headOf(packBytes({ meta: new Uint8Array(2 * MiB), buffers: [] })),
    'LIMIT',
    'metaBytes',
  ],
  ['a RegExp', frameOf(/(a+)+b/), 'UNSUPPORTED'],
]
for (const [name, bytes, code, limit] of bad) {
  apart(`${name}: ${code}, for that peer alone`, async () => {
    const { path, outcomes, values, server, dispose } = await served()
    try {
      const fine = await connect<unknown, number>(path)
      await fine.send(1)
      const peer = await rawPeer(path)
      peer.write(good)
      peer.write(bytes)
      const gone = new Promise(resolve => peer.resume().once('end', resolve).once('close', resolve))
      await within(gone, 'the end of the bad one')
      const outcome = await outcomes[1]!
      assert.ok(isOutbandError(outcome, code as never), String(outcome))
      if (limit !== undefined) assert.is(outcome.limit, limit)
      assert.equal(values[1], [{ id: 1 }], 'what came before is delivered')
      await fine.send(2)
      await fine.close()
      assert.is(await outcomes[0], 'closed')
      assert.equal(values[0], [1, 2])
      assert.is(server.channels.size, 0)
      peer.destroy()
    } finally {
      await dispose()
    }
  })
}

const handlers: [name: string, fail: () => unknown][] = [
  [
    'throws',
    () => {
      throw new RangeError('from the handler')
    },
  ],
  ['rejects', () => Promise.reject(new RangeError('from the handler'))],
]
for (const [name, fail] of handlers) {
  apart(`a handler that ${name}: its channel is aborted, its error thrown apart`, async () => {
    const path = somePath()
    const errors: unknown[] = []
    const note = (error: unknown) => errors.push(error)
    process.on('uncaughtException', note)
    const server = await serve(path, fail)
    try {
      const channel = await connect(path)
      assert.is(await codeOf(() => channel.closed), 'PEER_GONE')
      await turns(2)
      assert.match(String(errors), /^RangeError: from the handler$/)
      server.abort()
    } finally {
      process.off('uncaughtException', note)
    }
  })
}

apart('a peer that dies under a handler that reads: nothing is thrown', async () => {
  const { path, outcomes, server, dispose } = await served()
  try {
    const peer = await rawPeer(path)
    peer.write(good.subarray(0, 30))
    await until(() => outcomes.length > 0, 'the connection')
    await turns(3)
    peer.destroy()
    const outcome = await within(outcomes[0]!, 'the end')
    assert.ok(isOutbandError(outcome, 'PEER_GONE'), String(outcome))
    assert.is((outcome.cause as { code: string }).code, 'TRUNCATED')
    assert.is(server.channels.size, 0)
  } finally {
    await dispose()
  }
})

apart('a handler is given the socket that carries its channel', async () => {
  const sockets: Socket[] = []
  const server = await serve({ port: 0, host: '127.0.0.1' }, (_, socket) => sockets.push(socket))
  try {
    const { port } = server.address as AddressInfo
    const channel = await connect({ port, host: '127.0.0.1' })
    await until(() => sockets.length > 0, 'the connection')
    const [socket] = sockets
    assert.is(socket!.remoteAddress, '127.0.0.1')
    assert.is(socket!.localPort, port)
    socket!.destroy()
    assert.is(await codeOf(() => channel.closed), 'PEER_GONE')
  } finally {
    server.abort()
  }
})

apart("errors of a server that was given are the caller's", async () => {
  const taken = createServer().listen(0)
  await once(taken, 'listening')
  const own = createServer()
  await serve(own, () => {})
  const failed = once(own, 'error')
  own.listen((taken.address() as AddressInfo).port)
  assert.is((await within(failed, 'the error'))[0].code, 'EADDRINUSE')
  taken.close()
})

apart('wrong options are told when it is made, and not to the first who comes', async () => {
  for (const options of [
    { limits: 'none' },
    { maxBytes: 0 },
    { maxConnections: -1 },
    { highWaterMark: -1 },
    { maxWaiting: 0 },
    { idleTimeoutMs: -1 },
  ]) {
    const error = await serve(somePath(), () => {}, options as never).catch(error => error)
    assert.instance(error, TypeError, JSON.stringify(options))
  }
  const error = await serve(somePath(), 'handler' as never).catch(error => error)
  assert.instance(error, TypeError)
  for (const nowhere of [undefined, null, true, () => {}]) {
    const error = await serve(nowhere as never, () => {}).catch(error => error)
    assert.instance(error, TypeError)
    assert.match(error.message, /^at: wanted a path/, String(nowhere))
  }
})

apart('a place that is taken: the error of the system', async () => {
  const { path, dispose } = await served()
  try {
    const error = await serve(path, () => {}).catch(error => error)
    assert.is(error.code, 'EADDRINUSE')
  } finally {
    await dispose()
  }
})

const places: [name: string, place: () => ListenOptions][] = [
  ['a port', () => ({ port: 0 })],
  ['a host that is looked up', () => ({ port: 0, host: 'localhost' })],
  ['a path', () => ({ path: somePath() })],
  ['a path that a dead process left', () => ({ path: leftBehind() })],
]
for (const [name, place] of places) {
  apart(`${name}, and a signal that aborts before it listens: its reason, and nobody does`, async () => {
    const at = place()
    for (const when of ['before', 'in the same tick']) {
      const gone = new AbortController()
      if (when === 'before') gone.abort('no more')
      const serving = serve({ ...at, signal: gone.signal }, () => {}).catch(reason => reason)
      gone.abort('no more')
      assert.is(await within(serving, when), 'no more')
    }
  })
}

/** A Unix socket whose process is dead. */
function leftBehind(): string {
  const path = somePath()
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', script])
  assert.ok(existsSync(path))
  return path
}

apart('a path that a dead process left is taken over, and a file that is no socket is not', async () => {
  const path = leftBehind()
  const server = await serve(path, () => {})
  await (await connect(path)).close()
  await server.close()
  writeFileSync(path, 'precious')
  const error = await serve(path, () => {}).catch(error => error)
  assert.is(error.code, 'EADDRINUSE')
  assert.is(readFileSync(path, 'utf8'), 'precious')
})

/** How it ends for each of four who serve a path at once, and the end of them all. */
type Rivalry = (path: string) => Promise<{ outcomes: string[]; end(): void }>

const calls: Rivalry = async path => {
  const settled = await Promise.allSettled(upTo(4).map(() => serve(path, () => {})))
  return {
    outcomes: settled.map(it => (it.status === 'fulfilled' ? 'listening' : it.reason.code)),
    end: () => {
      for (const it of settled) if (it.status === 'fulfilled') it.value.abort()
    },
  }
}

const processes: Rivalry = async path => {
  const children = upTo(4).map(() => fork(fileURLToPath(new URL('rival.js', import.meta.url))))
  const words = () => Promise.all(children.map(async child => (await once(child, 'message'))[0] as string))
  await words()
  const outcomes = words()
  for (const child of children) child.send(path)
  return {
    outcomes: await outcomes,
    end: () => {
      for (const child of children) child.kill('SIGKILL')
    },
  }
}

for (const [name, rivalry] of Object.entries({ calls, processes })) {
  apart(`four ${name} that take over a path at once: one has it, to the others it is taken`, async () => {
    const path = leftBehind()
    const { outcomes, end } = await within(rivalry(path), 'all of them')
    try {
      assert.equal(outcomes.sort(), ['EADDRINUSE', 'EADDRINUSE', 'EADDRINUSE', 'listening'])
      // It can be reached.
      const channel = await connect(path)
      channel.abort()
    } finally {
      end()
    }
  })
}

apart.run()

const bounds = suite('serve: bounds')

bounds('more connections than allowed are refused, and those that are there go on', async () => {
  const { path, values, outcomes, dispose } = await served({ maxConnections: 2 })
  try {
    const first = await connect<unknown, number>(path)
    const second = await connect<unknown, number>(path)
    await first.send(1)
    const third = await connect(path)
    void third.send(3)
    assert.is(await codeOf(() => third.closed), 'PEER_GONE')
    await second.send(2)
    await Promise.all([first.close(), second.close()])
    assert.equal(await Promise.all(outcomes), ['closed', 'closed'])
    assert.equal(values, [[1], [2]])
  } finally {
    await dispose()
  }
})

bounds('maxConnections of a server that is given holds, unless another is asked for', async () => {
  for (const [own, options, wanted] of [
    [undefined, {}, 1024],
    [2, {}, 2],
    [2, { maxConnections: 3 }, 3],
  ] as const) {
    const server = createServer()
    if (own !== undefined) server.maxConnections = own
    await serve(server, () => {}, options)
    assert.is(server.maxConnections, wanted)
  }
})

bounds('frames on their way take no more than maxBytes, and one more; all of them arrive', async () => {
  const maxBytes = 4 * MiB
  const size = 3 * MiB
  // Each may have read once more when it is stopped.
  const bound = maxBytes + size + 8 * 2 ** 18
  const { path, values, server, dispose } = await served({ maxBytes })
  try {
    let most = 0
    const frame = frameOf(new Uint8Array(size).fill(7))
    const peers = await Promise.all(upTo(8).map(() => rawPeer(path)))
    // All but the last byte of each.
    for (const peer of peers) peer.write(frame.subarray(0, -1))
    const looks = (): boolean => {
      most = Math.max(most, server.bytesUnderWay)
      return most > size
    }
    await until(looks, 'a frame that is under way')
    for (const _ of upTo(200)) {
      await turns(1)
      looks()
    }
    assert.ok(most > size, `${most} bytes were on their way`)
    assert.ok(most < bound, `${most} bytes were on their way`)
    // Short messages pass all the same.
    const small = await connect<unknown, string>(path)
    await small.send('small')
    await small.close()
    for (const peer of peers) peer.end(frame.subarray(-1))
    await within(
      (async () => {
        while (values.flat().length < 9) {
          await turns(1)
          most = Math.max(most, server.bytesUnderWay)
        }
      })(),
      'all of them',
    )
    assert.ok(most < bound, `${most} bytes were on their way`)
    assert.is(server.bytesUnderWay, 0)
    for (const value of values.flat()) {
      if (value !== 'small') assert.is((value as Uint8Array).length, size)
    }
  } finally {
    await dispose()
  }
})

bounds('who holds much and stalls keeps others waiting no longer than its deadline', async () => {
  const { path, values, outcomes, server, dispose } = await served({ maxBytes: MiB, frameTimeoutMs: 1000 })
  try {
    const frame = frameOf(new Uint8Array(3 * MiB).fill(7))
    const stalled = await rawPeer(path)
    stalled.write(frame.subarray(0, -1))
    await until(() => server.bytesUnderWay >= 2 * MiB, 'most of the frame')
    const channel = await connect(path)
    await channel.send(new Uint8Array(3 * MiB))
    await channel.close()
    const outcome = await outcomes[0]!
    assert.ok(isOutbandError(outcome, 'TIMEOUT'), String(outcome))
    assert.is(values[1]!.length, 1)
    assert.is(server.bytesUnderWay, 0)
  } finally {
    await dispose()
  }
})

bounds('whose channel is aborted as a frame of theirs comes takes nothing of maxBytes any more', async () => {
  const { path, outcomes, server, dispose } = await served({}, channel => {
    channel.on('progress', ({ received }) => {
      if (received > MiB) channel.abort()
    })
  })
  try {
    for (const at of upTo(2)) {
      const peer = await rawPeer(path)
      peer.write(huge.subarray(0, -1))
      await until(() => outcomes.length > at, 'a channel')
      assert.ok(isOutbandError(await within(outcomes[at]!, 'the end'), 'CLOSED'))
      peer.destroy()
      assert.is(server.bytesUnderWay, 0)
    }
  } finally {
    await dispose()
  }
})

const huge = frameOf(new Uint8Array(3 * MiB).fill(7))
const everyMs = async (ms: number, peer: Socket, does: (at: number) => unknown) => {
  for (let at = 0; !peer.destroyed && !peer.readableEnded; at++) {
    does(at)
    await new Promise(resolve => setTimeout(resolve, ms))
  }
}
/** Each is a peer that would keep the others waiting; one that is dropped comes again where that is said. */
const holders: [name: string, does: (peer: Socket) => unknown, comesAgain?: boolean][] = [
  ['all but the last byte', peer => peer.write(huge.subarray(0, -1))],
  ['a part', peer => peer.write(huge.subarray(0, 2 * MiB))],
  [
    'nearly all, and then a byte at a time',
    peer => {
      peer.write(huge.subarray(0, -1000))
      void everyMs(20, peer, at => peer.write(huge.subarray(at, at + 1)))
    },
  ],
  [
    'a part, and then a byte at a time',
    peer => {
      peer.write(huge.subarray(0, 2 * MiB))
      void everyMs(20, peer, at => peer.write(huge.subarray(at, at + 1)))
    },
  ],
  ['all but the last byte, and come again,', peer => peer.write(huge.subarray(0, -1)), true],
]
for (const [name, does, comesAgain = false] of holders) {
  bounds(`many who send ${name} keep the others waiting for less than the time of one frame`, async () => {
    const { path, values, outcomes, server, dispose } = await served({
      maxBytes: MiB,
      frameTimeoutMs: 5000,
    })
    let isOver = false
    const attack = async (): Promise<void> => {
      const peer = await rawPeer(path)
      const end = new Promise(resolve => peer.resume().once('end', resolve).once('close', resolve))
      does(peer)
      void end.then(() => {
        peer.destroy()
        if (comesAgain && !isOver) void attack()
      })
    }
    try {
      for (const _ of upTo(3)) await attack()
      await until(() => server.bytesUnderWay > MiB, 'more than there is room for')
      await new Promise(resolve => setTimeout(resolve, 100))
      const start = performance.now()
      const good = await Promise.all(upTo(2).map(() => connect<unknown, Uint8Array>(path)))
      await Promise.all(
        good.map(async channel => {
          await channel.send(new Uint8Array(2 * MiB))
          await channel.close()
        }),
      )
      assert.ok(performance.now() - start < 4000, `${performance.now() - start} ms`)
      assert.is(values.flat().length, 2)
      for (const outcome of await Promise.all(outcomes.slice(0, comesAgain ? 3 : 2))) {
        assert.ok(isOutbandError(outcome, 'TIMEOUT'), String(outcome))
        assert.match(outcome.message, /too slow while others waited/)
      }
    } finally {
      isOver = true
      await dispose()
    }
  })
}

bounds('who keeps the pace of its frame is waited for, however many stand in line', async () => {
  const { path, values, outcomes, dispose } = await served({ maxBytes: MiB, frameTimeoutMs: 1500 })
  try {
    const part = huge.length / 32
    // Together they take longer than one frame may.
    for (const _ of upTo(6)) {
      const peer = await rawPeer(path)
      peer.resume()
      void everyMs(15, peer, at => {
        if (at < 32) peer.write(huge.subarray(Math.floor(at * part), Math.floor((at + 1) * part)))
        else if (at === 32) peer.end()
      })
    }
    await until(() => outcomes.length === 6, 'six connections')
    assert.equal(
      await within(Promise.all(outcomes), 'all of them'),
      upTo(6).map(() => 'closed'),
    )
    assert.is(values.flat().length, 6)
  } finally {
    await dispose()
  }
})

bounds('whose handler does not read loses neither its channel nor the turn of others', async () => {
  let goOn = () => {}
  const isRead = new Promise<void>(resolve => {
    goOn = resolve
  })
  const path = somePath()
  const values: Uint8Array[] = []
  const server = await serve<Uint8Array>(
    path,
    async channel => {
      const isFirst = server.channels.size === 1
      for await (const value of channel) {
        values.push(value)
        if (isFirst) await isRead
      }
    },
    { maxBytes: MiB, frameTimeoutMs: 600, maxWaiting: 1 },
  )
  try {
    const peer = await rawPeer(path)
    for (const _ of upTo(4)) peer.write(huge)
    await until(() => values.length === 1, 'the first value')
    const others = await Promise.all(upTo(2).map(() => connect<unknown, Uint8Array>(path)))
    for (const _ of upTo(2)) {
      await Promise.all(others.map(channel => channel.send(new Uint8Array(2 * MiB))))
      await new Promise(resolve => setTimeout(resolve, 350))
    }
    await Promise.all(others.map(channel => channel.close()))
    assert.is(values.length, 5)
    const [first] = server.channels
    goOn()
    peer.end()
    await within(first!.closed, 'the first')
    assert.is(values.length, 8)
  } finally {
    server.abort()
  }
})

bounds('a reader that is slow keeps no more than maxWaitingBytes, and one more', async () => {
  const path = somePath()
  let most = 0
  let read = 0
  const server = await serve<Uint8Array>(
    path,
    async channel => {
      for await (const value of channel) {
        read++
        most = Math.max(most, channel.stats.queueLength * value.length)
        if (read < 5) await new Promise(resolve => setTimeout(resolve, 20))
      }
    },
    { maxWaitingBytes: 4 * MiB },
  )
  const channel = await connect(path, { highWaterMark: 2 ** 30 })
  for (const _ of upTo(50)) void channel.send(new Uint8Array(MiB))
  await within(channel.close(), 'closed')
  assert.is(read, 50)
  assert.ok(most <= 6 * MiB, `${most} bytes waited`)
  await server.close()
})

bounds('a peer that asks without end and reads nothing does not fill our memory', async () => {
  const { path, server, dispose } = await served()
  try {
    const peer = await rawPeer(path)
    const asks = Buffer.concat(upTo(20_000).map(i => packNote('ask', i)))
    for (const _ of upTo(20)) {
      if (!peer.write(asks)) await once(peer, 'drain')
    }
    assert.is(server.channels.size, 1)
    // What was kept for it comes when it reads at last: what the system holds, and one answer.
    let bytes = 0
    peer.on('data', chunk => {
      bytes += chunk.length
    })
    peer.end()
    await within(once(peer, 'end'), 'the end')
    assert.ok(bytes < 4 * MiB, `${bytes} bytes for ${20 * asks.length} of questions`)
    peer.destroy()
  } finally {
    await dispose()
  }
})

bounds.run()

const end = suite('serve: the end')

const pem = (name: string) => readFileSync(new URL(`../../../fixtures/tls/${name}.pem`, import.meta.url))

for (const way of ['close', 'abort'] as const) {
  for (const met of ['after', 'before'] as const) {
    end(
      `${way}: a connection, met ${met} serve, whose TLS handshake is not over gets no channel`,
      async () => {
        const own = createTlsServer({ key: pem('key'), cert: pem('cert') })
        own.listen(0, '127.0.0.1')
        await once(own, 'listening')
        const { port } = own.address() as AddressInfo
        const stranger = async () => {
          const accepted = once(own, 'connection')
          const socket = connectSocket(port, '127.0.0.1').on('error', () => {})
          await within(accepted, 'a connection')
          return socket
        }
        const early = met === 'before' ? await stranger() : undefined
        let count = 0
        const server = await serve(own, channel => {
          count++
          channel.on('message', value => void channel.send(value))
        })
        const channel = await connect(connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }))
        await channel.send(new Uint8Array(100_000))
        for await (const _ of channel) break
        const socket = early ?? (await stranger())
        const gone = once(socket.resume(), 'close')
        const closed = way === 'close' ? server.close() : server.abort()
        if (early !== undefined)
          connectTls({ socket: early, rejectUnauthorized: false }).on('error', () => {})
        await within(gone, 'the end of the stranger')
        await within(closed, 'the server')
        const outcome = await outcomeOf(channel)
        assert.is(outcome === 'closed' ? outcome : outcome.code, way === 'close' ? 'closed' : 'PEER_GONE')
        assert.is(count, 1)
      },
    )
  }
}

end('close delivers what was sent, on every channel', async () => {
  const path = somePath()
  const server = await serve(path, channel => {
    for (const i of upTo(100)) void channel.send(i)
  })
  const clients = await Promise.all(upTo(5).map(() => connect<number>(path)))
  await until(() => server.channels.size === 5, 'five connections')
  const closed = server.close()
  for (const client of clients) {
    const read: number[] = []
    for await (const n of client) read.push(n)
    assert.equal(read, upTo(100))
    assert.is(await outcomeOf(client), 'closed')
  }
  await within(closed, 'close')
})

end('abort is PEER_GONE for every client', async () => {
  const { path, server, dispose } = await served()
  const clients = await Promise.all(upTo(3).map(() => connect(path)))
  await turns(3)
  server.abort()
  for (const client of clients) assert.is(await codeOf(() => client.closed), 'PEER_GONE')
  await dispose()
})

end('await using closes it', async () => {
  const path = somePath()
  const server = await serve(path, () => {})
  await server[asyncDispose]()
  assert.is(await codeOf(() => connect(path)), 'PEER_GONE')
})

end.run()
