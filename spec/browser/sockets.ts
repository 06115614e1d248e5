/** The WebSockets of the pages' server: a channel server, or something else, for every role. */
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Channel } from '../../src/channel.js'
import { packBytes } from '../../src/frame/index.js'
import { encode } from '../../src/index.js'
import type { Parcel } from '../../src/packet.js'
import { type ServeOptions, serveWebSocket, WebSocketCarrier } from '../../src/websocket/index.js'
import {
  FLOOD_BYTES,
  FLOOD_VALUES,
  type FloodValue,
  HIGH_WATER_MARK,
  LATE_MS,
  ROLES,
  type Role,
  SMALL_BYTES,
} from './page/roles.js'
import { types } from './page/types.js'

/** How the channels ended that named themselves (`?id=`): 'closed' or the code of the error. */
const endings = new Map<string, Promise<string>>()

const idOf = ({ url = '' }: IncomingMessage): string =>
  new URL(url, 'http://localhost').searchParams.get('id') ?? ''

const echo = async (channel: Channel): Promise<void> => {
  for await (const value of channel) await channel.send(value)
}

/** What a channel server does, by role. */
const handlers: Partial<Record<Role, (channel: Channel, request: IncomingMessage) => unknown>> = {
  echo,
  small: echo,
  late: async channel => {
    await new Promise(resolve => setTimeout(resolve, LATE_MS))
    for await (const bytes of channel) await channel.send((bytes as Uint8Array).length)
  },
  flood: async channel => {
    for (let i = 0; i < FLOOD_VALUES; i++) {
      await channel.send({ i, at: Date.now(), bytes: new Uint8Array(FLOOD_BYTES) } satisfies FloodValue)
    }
  },
  close: async channel => {
    const { value } = await channel[Symbol.asyncIterator]().next()
    void channel.send(value)
    await channel.close()
  },
  abort: async channel => {
    await channel[Symbol.asyncIterator]().next()
    channel.abort()
  },
  kill: async (channel, { socket }) => {
    await channel[Symbol.asyncIterator]().next()
    await channel.send('whole')
    const before = socket.bytesWritten
    void channel.send(new Uint8Array(2 ** 25)).catch(() => {})
    // As soon as some of it is out, and long before all is.
    while (socket.bytesWritten < before + 2 ** 16 && !socket.destroyed) {
      await new Promise(resolve => setImmediate(resolve))
    }
    socket.destroy()
  },
  ended: async (channel, request) => {
    await channel.send(await endings.get(idOf(request)))
    await channel.close()
  },
}

/** What sockets do that are given to no channel. */
const strangers: Partial<Record<Role, (socket: WebSocket) => void>> = {
  relay: socket => {
    const carrier = new WebSocketCarrier(socket, { limits: 'trusted' })
    const parcel = (parcel: Parcel) => void carrier.send(parcel)
    carrier.receive({ parcel, end: () => {} })
  },
  plain: socket => {
    for (const value of [1, { two: new Float64Array(20_000).fill(2) }, 'three'])
      socket.send(packBytes(encode(value)))
    socket.close(1000)
  },
  text: socket => socket.send('hello'),
}

const optionsOf = (role: Role): ServeOptions => ({
  types,
  highWaterMark: HIGH_WATER_MARK,
  ...(role === 'late' ? { maxWaiting: 4 } : {}),
  ...(role === 'small' ? { limits: { totalBytes: SMALL_BYTES, metaBytes: 1000, buffers: 10 } } : {}),
})

/** Takes the upgrades of a server, at `/sockets/<role>`; the function that it returns ends all of them. */
export async function serveSockets(server: Server): Promise<() => void> {
  const servers = new Map<string, WebSocketServer>()
  for (const role of ROLES) {
    const ws = new WebSocketServer({ noServer: true, maxPayload: 0 })
    servers.set(`/sockets/${role}`, ws)
    const handler = handlers[role]
    if (handler === undefined) ws.on('connection', strangers[role]!)
    else {
      const noted = (channel: Channel, request: IncomingMessage) => {
        const id = idOf(request)
        const ending = channel.closed.then(
          () => 'closed',
          error => error.code as string,
        )
        if (id !== '' && role !== 'ended') endings.set(id, ending)
        return handler(channel, request)
      }
      await serveWebSocket(ws, noted, optionsOf(role))
    }
  }
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const ws = servers.get(new URL(request.url ?? '/', 'http://localhost').pathname)
    if (ws === undefined) socket.destroy()
    else ws.handleUpgrade(request, socket, head, accepted => ws.emit('connection', accepted, request))
  })
  return () => {
    for (const { clients } of servers.values()) for (const client of clients) client.terminate()
  }
}
