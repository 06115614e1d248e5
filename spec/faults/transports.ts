/**
 * Ways from this process to a peer that is one of its own. A row says how this side waits for the peer that it starts,
 * and how the peer finds it.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect as connectSocket, type Socket } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import type { Channel } from '../../src/channel.js'
import { connectParent, spawnChannel } from '../../src/process/index.js'
import type { SharedArena } from '../../src/shm/index.js'
import { type ChannelServer, connect, type Place, type SocketOptions, serve } from '../../src/socket/index.js'
import { connectWebSocket, serveWebSocket } from '../../src/websocket/index.js'
import { within } from '../carriers/inbox.js'
import { somePath } from '../carriers/path.js'

/** What is under way before a sender waits; of both sides, with checksums of the values. */
export const MARK = 2 ** 22
export const options = { highWaterMark: MARK, checksum: true } as const satisfies SocketOptions

/** Where a peer finds this side. */
export type Address = string | { readonly port: number; readonly host: string }

/** A peer that has come. */
export interface Meeting {
  readonly channel: Channel
  readonly child: ChildProcess
}

/** Starts the peer: as any process, or as `make` does. */
export type Start = (address?: Address, make?: typeof spawnPeer) => Promise<ChildProcess>

export const spawnPeer = (command: string, args: string[], options: { stdio: StdioOptions }): ChildProcess =>
  spawn(command, args, options)

export interface Transport {
  readonly name: string
  /** Whether a peer can be only a socket, and a proxy stand between. */
  readonly isRaw: boolean
  /** Whether both sides see some memory. */
  readonly isShared?: boolean
  /** Starts the peer, and resolves when its channel is there; `leave` takes what is to be done at the end. */
  meet(start: Start, options: SocketOptions, leave: (end: () => void) => void): Promise<Meeting>
  /** The peer's side. */
  join(address: Address | undefined, options: SocketOptions): Promise<Channel>
}

export const unix = ofSockets('unix', somePath)
export const tcp = ofSockets('tcp', () => ({ port: 0, host: '127.0.0.1' }))

const websocket: Transport = {
  name: 'websocket',
  isRaw: false,
  meet: async (start, options, leave) => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    await once(server, 'listening')
    const { came, coming } = arrival()
    const channels = await serveWebSocket(server, came, options)
    leave(() => channels.abort())
    const { port } = server.address() as AddressInfo
    const child = await start({ port, host: '127.0.0.1' })
    return { child, channel: await within(coming, 'the peer') }
  },
  join: (address, options) => {
    const { host, port } = address as { host: string; port: number }
    const socket = new WebSocket(`ws://${host}:${port}`, { perMessageDeflate: false })
    return connectWebSocket(socket, options)
  },
}

/** Loaded where it is wanted: a peer with few descriptors has none left for modules. */
const loadShared = () => import('../../src/shm/index.js')

/** Little, so that it is full now and then, and pieces that a pipe does not hold. */
const memoryOf = (arena: SharedArena) => ({ arena, threshold: 16_384, pipeBytes: 2 ** 17 })

function ofPipes(name: string, isSharing: boolean): Transport {
  return {
    name,
    isRaw: false,
    isShared: isSharing,
    meet: async (start, options, leave) => {
      const { came, coming } = arrival()
      const arena = isSharing ? (await loadShared()).SharedArena.create({ byteLength: 2 ** 22 }) : undefined
      const memory = arena && memoryOf(arena)
      const child = await start(undefined, (command, args, { stdio }) => {
        const channel = spawnChannel(command, args, { ...options, stdio, memory })
        leave(() => channel.abort())
        leave(() => arena?.close())
        came(channel)
        return channel.child
      })
      return { child, channel: await coming }
    },
    join: async (_, options) => connectParent(options),
  }
}

/** A Unix socket, and memory that both ends see. */
const memory: Transport = {
  name: 'memory',
  isRaw: false,
  isShared: true,
  meet: async (start, options, leave) => {
    const { came, coming } = arrival()
    const path = somePath()
    const { SharedArena, serveShared } = await loadShared()
    const arena = SharedArena.create({ byteLength: 2 ** 22 })
    const server = await serveShared(path, came, { ...options, memory: memoryOf(arena) })
    leave(() => server.abort())
    leave(() => arena.close())
    const child = await start(path)
    return { child, channel: await within(coming, 'the peer', 20_000) }
  },
  join: async (address, options) => (await loadShared()).connectShared(address as string, options),
}

const pipe = ofPipes('pipe', false)
const memoryPipe = ofPipes('memory-pipe', true)

/** Where they can be. */
const shared = process.platform === 'linux' ? [memory, memoryPipe] : []

export const transports: readonly Transport[] = [unix, tcp, websocket, pipe, ...shared]

/** What raw peers, proxies and servers need of a transport of sockets. */
export interface Sockets extends Transport {
  place(): Place
}

function ofSockets(name: string, place: () => Place): Sockets {
  return {
    name,
    isRaw: true,
    place,
    meet: async (start, options, leave) => {
      const { came, coming } = arrival()
      const server = await serve(place(), came, options)
      leave(() => server.abort())
      const child = await start(addressOf(server))
      return { child, channel: await within(coming, 'the peer') }
    },
    join: (address, options) => connect(address!, options),
  }
}

/** A handler, and the channel that it is given first. */
function arrival(): { came(channel: Channel): void; coming: Promise<Channel> } {
  let came: (channel: Channel) => void = () => {}
  const coming = new Promise<Channel>(resolve => {
    came = resolve
  })
  return { came: channel => came(channel), coming }
}

/** Where a server is reached. */
export function addressOf(server: ChannelServer): Address {
  const { address } = server
  return typeof address === 'string' ? address : { port: (address as AddressInfo).port, host: '127.0.0.1' }
}

/** A peer that is only a socket, whose errors are nobody's. */
export async function rawTo(address: Address): Promise<Socket> {
  const to = typeof address === 'string' ? { path: address } : address
  const socket = connectSocket({ ...to, allowHalfOpen: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}
