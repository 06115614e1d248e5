import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket, WebSocketServer } from 'ws'
import { loopback } from '../src/carriers/loopback.js'
import { Channel } from '../src/channel.js'
import { packNote } from '../src/frame/note.js'
import type { OutbandError } from '../src/index.js'
import { forkChannel } from '../src/process/index.js'
import { serveShared } from '../src/shm/index.js'
import { connect, serve } from '../src/socket/index.js'
import { connectWebSocket, serveWebSocket } from '../src/websocket/index.js'
import { until, within } from './carriers/inbox.js'
import { somePath } from './carriers/path.js'
import { answer } from './living.js'
import { isLinux } from './shm/kit.js'

const script = fileURLToPath(new URL('living.js', import.meta.url))
const pem = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url))

/** Who is here at the other end of the process's channel, until `close`. */
interface Peer {
  /** What the process is told. */
  readonly address?: string
  /** Called with the first line of a process that waits for this side to connect. */
  come?(line: string): unknown
  close?(): unknown
  /** How the channel to the process has ended. */
  readonly ends: string[]
}

const ended = async (channel: Channel, ends: string[]): Promise<void> => {
  await answer(channel).catch(() => {})
  ends.push(await channel.closed.then(() => 'closed').catch((error: OutbandError) => error.code))
}

async function servedBy(
  start: (handler: (channel: Channel) => unknown) => Promise<{ address: string; close(): unknown }>,
): Promise<Peer> {
  const ends: string[] = []
  return { ends, ...(await start(channel => ended(channel, ends))) }
}

const peers: Readonly<Record<string, () => Promise<Peer> | Peer>> = {
  nobody: () => ({ ends: [] }),
  'a server': () =>
    servedBy(async handler => {
      const path = somePath()
      const server = await serve(path, handler)
      return { address: path, close: () => server.abort() }
    }),
  'a TLS server': () =>
    servedBy(async handler => {
      const tls = createTlsServer({ key: pem('key'), cert: pem('cert') }).listen(0, '127.0.0.1')
      await once(tls, 'listening')
      const server = await serve(tls, handler)
      return { address: String((tls.address() as AddressInfo).port), close: () => server.abort() }
    }),
  'a server of WebSockets': () =>
    servedBy(async handler => {
      const ws = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
      const server = await serveWebSocket(ws, handler)
      const { port } = ws.address() as AddressInfo
      return { address: `ws://127.0.0.1:${port}`, close: () => server.abort() }
    }),
  'a server that shares memory': () =>
    servedBy(async handler => {
      const path = somePath()
      const server = await serveShared(path, handler)
      return { address: path, close: () => server.abort() }
    }),
  'a client': () => {
    const [path, ends] = [somePath(), [] as string[]]
    return { address: path, ends, come: async () => ended(await connect(path), ends) }
  },
  'a client of WebSockets': () => {
    const ends: string[] = []
    return { ends, come: async line => ended(await connectWebSocket(new WebSocket(line)), ends) }
  },
  'a server that says nothing': () => silentServer(),
  'a server that says hello': () => silentServer(packNote('hello', 0)),
}

/** It takes what comes. */
async function silentServer(first?: Uint8Array): Promise<Peer> {
  const path = somePath()
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}).resume())
    if (first !== undefined) socket.write(first)
  }).listen(path)
  await once(server, 'listening')
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { address: path, close, ends: [] }
}

/** What such a process prints, and how it ends. */
async function lifeOf(way: string, hand: string, { address = '', come }: Peer) {
  const child = spawn(process.execPath, [script, way, hand, address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return seen(child, come)
}

async function seen(child: ChildProcess, come?: (line: string) => unknown) {
  let output = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    if (output === '') void come?.(text.trim())
    output += text
  })
  try {
    const [code] = await within(once(child, 'close'), 'the end of the process')
    const lines = output.trim().split('\n')
    return { lines: come === undefined ? lines : lines.slice(1), code }
  } finally {
    child.kill('SIGKILL')
  }
}

const ENDS = ['open']
const CLOSES = ['open', 'a timer', 'TIMEOUT']
const LIVES = ['open', 'heard']
const ALIVE = ['nothing', 'unref, ref']
const LET_GO = ['unref', 'ref, unref', 'unref, listen']

interface Row {
  readonly way: string
  readonly peer?: string
  readonly isSkipped?: boolean
  /** Also with nothing said, with both in the other order, and with a listener that comes later. */
  readonly isWhole?: boolean
}

const rows: readonly Row[] = [
  { way: 'socket', peer: 'a server', isWhole: true },
  { way: 'a socket that connects', peer: 'a server' },
  { way: 'TLS', peer: 'a TLS server' },
  { way: 'a socket that was accepted', peer: 'a client' },
  { way: 'a WebSocket of ws', peer: 'a server of WebSockets' },
  { way: 'a WebSocket that connects', peer: 'a server of WebSockets' },
  { way: 'a WebSocket that was accepted', peer: 'a client of WebSockets' },
  { way: 'shared memory', peer: 'a server that shares memory', isSkipped: !isLinux },
  { way: 'a port', isWhole: true },
  { way: 'a broadcast channel' },
  { way: 'a Worker' },
  { way: "a worker's parentPort" },
  { way: 'a ring' },
]

const test = suite('alive: processes')

async function told(ends: readonly string[]): Promise<readonly string[]> {
  await until(() => ends.length > 0, 'the end of the channel')
  return ends
}

for (const { way, peer: name = 'nobody', isSkipped = false, isWhole = false } of rows) {
  if (isSkipped) continue
  const letGo = isWhole ? LET_GO : ['unref']
  const kept = isWhole ? ALIVE : ['unref, ref']
  test(`${way}: with unref the process ends, and with ref after it lives`, async () => {
    const outcomes = [...letGo, ...kept].map(async hand => {
      const peer = await peers[name]!()
      try {
        const { lines, code } = await lifeOf(way, hand, peer)
        return { hand, lines, code, ends: name === 'nobody' ? [] : await told(peer.ends) }
      } finally {
        await peer.close?.()
      }
    })
    const expected = (hand: string, lines: readonly string[], end: string) => {
      // The other thread of that process hears of the end of this one.
      if (way === "a worker's parentPort")
        return { hand, lines: lines === ENDS ? [...lines, end] : lines, code: 0, ends: [] }
      return { hand, lines, code: 0, ends: name === 'nobody' ? [] : [end] }
    }
    assert.equal(await Promise.all(outcomes), [
      ...letGo.map(hand => expected(hand, ENDS, 'PEER_GONE')),
      ...kept.map(hand => expected(hand, LIVES, 'closed')),
    ])
  })
}

const inPipe: [way: string, hand: string, lines: string[], end: string][] = [
  ['the pipe to the parent', 'unref', ENDS, 'PEER_GONE'],
  ['the pipe to the parent', 'unref, ref', LIVES, 'closed'],
  ['a parent that is held back', 'unref', ENDS, 'PEER_GONE'],
]
for (const [way, hand, expected, end] of inPipe) {
  test(`${way}, ${hand}: ${expected.join(', ')}`, async () => {
    const channel = forkChannel(script, [way, hand], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ends: string[] = []
    const over = ended(channel, ends)
    if (way === 'a parent that is held back') {
      for (let i = 0; i < 4; i++) void channel.send(new Uint8Array(100_000)).catch(() => {})
    }
    const { lines, code } = await seen(channel.child)
    assert.equal([lines.filter(line => line.length < 100), code], [expected, 0])
    await within(over, 'the end of the channel')
    assert.equal(ends, [end])
  })
}

/** Nothing is said there, and nobody answers. */
const silent: [way: string, hand: string, lines: string[]][] = [
  ['a socket to who says nothing', 'unref', ENDS],
  ['a socket to who says nothing', 'unref, a send that waits', ENDS],
  ['a socket to who says nothing', 'unref, close', CLOSES],
  ['a socket to who says nothing', 'close, unref', ['open', 'a timer']],
  ['a socket to who says nothing', 'abort, ref', ENDS],
  ['a socket to who says nothing, for ever', 'unref, close', ENDS],
  ['a socket to who says nothing, for ever', 'close, unref', ENDS],
  // The farewell waits for a hello no more: it is the socket that lives.
  ['a socket to who says hello', 'unref, close', CLOSES],
  ['a port to nobody', 'unref', ENDS],
  ['a port to nobody', 'unref, close', CLOSES],
  ['a port to nobody', 'abort, ref', ENDS],
  ['a ring to nobody', 'unref', ENDS],
  ['a ring to nobody', 'unref, close', CLOSES],
  ['a ring to nobody', 'abort, ref', ENDS],
]
for (const [way, hand, expected] of silent) {
  test(`${way}, ${hand}: ${expected.join(', ')}`, async () => {
    const peerName = Object.keys(peers).find(peer => way.includes(peer.replace('a server that', 'who')))
    const peer = await peers[peerName!]!()
    try {
      assert.equal(await lifeOf(way, hand, peer), { lines: expected, code: 0 })
    } finally {
      await peer.close?.()
    }
  })
}

test('a carrier that keeps nothing alive: nothing happens', async () => {
  const [left, right] = loopback()
  const [here, there] = [new Channel(left), new Channel(right)]
  assert.is(here.unref(), here)
  assert.is(here.ref(), here)
  await here.send('still there')
  for await (const value of there) {
    assert.is(value, 'still there')
    break
  }
  await Promise.all([here.close(), there.close()])
})

test.run()
