// A process that opens a channel, in one way, and lets go of it, in one manner; then it lives or ends by itself. It prints
// what comes. With a Worker it is also the thread at the other end, or the one that has the channel.

import { once } from 'node:events'
import { readFileSync, writeSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect as connectSocket, createServer } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { isMainThread, parentPort, type TransferListItem, Worker, workerData } from 'node:worker_threads'
import { WebSocket, WebSocketServer } from 'ws'
import { SocketCarrier } from '../src/carriers/socket/socket.js'
import { WebSocketCarrier } from '../src/carriers/websocket/websocket.js'
import { Channel } from '../src/channel.js'
import { isOutbandError } from '../src/index.js'
import { connectPort, type PortLike } from '../src/port/index.js'
import { connectParent } from '../src/process/index.js'
import { connectRing, createRing, type RingEnd } from '../src/ring/index.js'
import { connectShared, memoryOf } from '../src/shm/index.js'
import { connect, serve } from '../src/socket/index.js'
import { connectWebSocket, serveWebSocket } from '../src/websocket/index.js'

export const CALL = 'call me'
export const ANSWER = 'heard'
/** Who is alive is so for a while. */
const WHILE_MS = 300

/** Who is at the other end: calls, after a while, who wants to be called. */
export async function answer(channel: Channel): Promise<void> {
  for await (const value of channel) {
    if (value !== CALL) continue
    await new Promise(resolve => setTimeout(resolve, WHILE_MS))
    await channel.send(ANSWER)
  }
}

type Hand = (channel: Channel) => unknown

/** What is done with a channel as soon as it is there; then it is read. */
const hands: Readonly<Record<string, Hand>> = {
  nothing: () => {},
  unref: channel => channel.unref(),
  'unref, ref': channel => channel.unref().ref(),
  'ref, unref': channel => channel.ref().unref(),
  'unref, listen': channel => channel.unref().on('message', say),
  'unref, a send that waits': channel => void channel.unref().send(new Uint8Array(100_000)),
  'unref, close': async channel => {
    const end = await channel
      .unref()
      .close()
      .catch(error => error)
    say(isOutbandError(end) ? end.code : 'closed')
  },
  'close, unref': channel => {
    void channel.close()
    channel.unref()
  },
  'abort, ref': channel => {
    channel.abort()
    channel.ref()
  },
}

const say = (line: unknown): void => void writeSync(1, `${line}\n`)

const [, , way = '', hand = '', address = ''] = process.argv
const pem = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url))

/** A thread that runs this module, and is itself no reason to live. */
async function thread(workerData: unknown, ...transferList: TransferListItem[]): Promise<Worker> {
  const worker = new Worker(new URL(import.meta.url), { workerData, transferList, argv: [way, hand] })
  await once(worker, 'message')
  worker.unref()
  return worker
}

/** Lives until somebody has come. */
async function visited<T>(listen: (come: (visitor: T) => void) => unknown): Promise<T> {
  const timer = setInterval(() => {}, 1000)
  const visitor = await new Promise<T>(listen)
  clearInterval(timer)
  return visitor
}

const quick = { closeTimeoutMs: WHILE_MS }

/** The ways, in the main thread. */
const ways: Readonly<Record<string, () => Promise<Channel> | Channel | undefined>> = {
  socket: () => connect(address),
  'a socket that connects': () => new Channel(new SocketCarrier(connectSocket(address))),
  TLS: async () => {
    const socket = connectTls({
      port: Number(address),
      ca: pem('cert'),
      checkServerIdentity: () => undefined,
    })
    return connect(socket)
  },
  'a socket that was accepted': async () => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(address)
    await once(server, 'listening')
    server.unref()
    say('listening')
    return visited(come => serve(server, come))
  },
  'a WebSocket of ws': () => connectWebSocket(new WebSocket(address)),
  'a WebSocket that connects': () => new Channel(new WebSocketCarrier(new WebSocket(address))),
  'a WebSocket that was accepted': async () => {
    const http = createHttpServer().listen(0, '127.0.0.1')
    await once(http, 'listening')
    http.unref()
    const server = new WebSocketServer({ server: http, perMessageDeflate: false })
    say(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`)
    return visited(come => serveWebSocket(server, come))
  },
  'shared memory': async () => {
    const channel = await connectShared(address)
    if (!(await memoryOf(channel)!.joined)) say('no memory')
    return channel
  },
  'the pipe to the parent': () => connectParent(),
  'a parent that is held back': async () => {
    const channel = connectParent({ maxWaiting: 1 }).unref()
    // Until there is more than is read.
    await new Promise(resolve => setTimeout(resolve, WHILE_MS))
    return channel
  },
  'a port': async () => {
    const { port1, port2 } = new MessageChannel()
    await thread(port2, port2 as unknown as TransferListItem)
    return connectPort(port1)
  },
  'a broadcast channel': async () => {
    await thread(undefined)
    return connectPort(new BroadcastChannel('outband'))
  },
  'a Worker': () => connectPort(new Worker(new URL(import.meta.url), { argv: [way, hand] })),
  "a worker's parentPort": () => {
    const worker = new Worker(new URL(import.meta.url), { argv: [way, hand] })
    const channel = connectPort(worker)
    void answer(channel).catch(error => say(error.code))
    return undefined
  },
  'a ring': async () => {
    const [here, there] = createRing()
    await thread(there, there.port as unknown as TransferListItem)
    return connectRing(here)
  },
  'a socket to who says nothing': () => connect(address, { ...quick, highWaterMark: 1 }),
  'a socket to who says nothing, for ever': () => connect(address, { closeTimeoutMs: 0 }),
  'a socket to who says hello': () => connect(address, quick),
  'a port to nobody': () => connectPort(new MessageChannel().port1, quick),
  'a ring to nobody': () => connectRing(createRing()[0], quick),
}

/** The same, in the thread. */
const threads: Readonly<Record<string, () => unknown>> = {
  'a port': () => answer(connectPort(workerData as PortLike)),
  'a broadcast channel': () => answer(connectPort(new BroadcastChannel('outband'))),
  'a Worker': () => answer(connectPort(parentPort!)),
  "a worker's parentPort": () => live(connectPort(parentPort!)),
  'a ring': () => answer(connectRing(workerData as RingEnd)),
}

async function live(channel: Channel): Promise<void> {
  channel.closed.catch(() => {})
  const isKept = hand === 'nothing' || hand === 'unref, ref'
  if (!hand.includes('send')) void channel.send(isKept ? CALL : 'nothing')
  const done = hands[hand]!(channel)
  say('open')
  if (!isKept && process.getActiveResourcesInfo().includes('Timeout')) say('a timer')
  await done
  if (hand === 'unref, listen') return
  for await (const value of channel) {
    say(value)
    if (value === ANSWER) await channel.close()
  }
}

async function run(): Promise<void> {
  if (!isMainThread) {
    const over = threads[way]!()
    // Not before: who posts to a broadcast channel is heard by those who are there.
    if (!way.includes('orker')) parentPort!.postMessage('ready')
    return void (await over)
  }
  const channel = await ways[way]!()
  if (channel !== undefined) await live(channel)
}

// The spec has what is above.
if (process.argv[1]?.endsWith('living.js') || !isMainThread) void run().catch(() => {})
