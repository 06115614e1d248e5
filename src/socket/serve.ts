/** A server of channels: one for each connection, none of which is any other's concern. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type ListenOptions, Server, type Socket } from 'node:net'
import type { Carrier } from '../carriers/carrier.js'
import type { Quota } from '../carriers/stream/quota.js'
import type { Channel } from '../channel.js'
import { Clients, type ClientsOptions } from '../connection/clients.js'
import { asyncDispose } from '../dispose.js'
import { expectArgument } from '../errors.js'
import { accepted, type SocketOptions } from './connect.js'
import { listen } from './listen.js'

/** Options of `serve`, for all connections. */
export type ServeOptions = SocketOptions & ClientsOptions

/** Where to listen: a path, a port, what `server.listen` takes, or a server (of `net` or `tls`) that listens or will. */
export type Place = string | number | ListenOptions | Server

/**
 * Takes a channel; when it, or the promise that it returns, fails, that channel is aborted. An error that is no `OutbandError`
 * is the handler's own bug: it is rethrown, uncaught, and ends a process that does not listen for it. Peers can send any
 * value, whatever `In` says: check it before use.
 */
export type Handler<In, Out> = (channel: Channel<In, Out>, socket: Socket) => unknown

/** Makes a carrier of a socket; the one that it has from then on may be another. */
export type Accepted = (
  socket: Socket,
  options: SocketOptions,
  quota: Quota,
) => { readonly carrier: Carrier; readonly socket: Socket }

/** What Node has in a TLSSocket and does not say: the socket below. */
interface Encrypted {
  readonly _parent?: Socket | null
}

/** A server that listens. */
export class ChannelServer<In = unknown, Out = In> {
  readonly #server: Server
  readonly #options: SocketOptions
  readonly #clients: Clients<In, Out, [socket: Socket]>
  readonly #accepted: Accepted
  /** Connections of a TLS server whose handshake is not over: they have no channel yet. */
  readonly #strangers = new Set<Socket>()
  #isClosed = false

  /** @internal */
  constructor(server: Server, handler: Handler<In, Out>, options: ServeOptions, makeCarrier: Accepted) {
    this.#accepted = makeCarrier
    this.#clients = new Clients(handler, options)
    this.#server = server
    this.#options = options
    // What was said of a server that was given holds.
    server.maxConnections = options.maxConnections ?? server.maxConnections ?? this.#clients.maxConnections
    const isEncrypted = 'setSecureContext' in server
    if (isEncrypted) server.on('connection', socket => this.#meet(socket))
    server.on(isEncrypted ? 'secureConnection' : 'connection', socket => this.#accept(socket))
    // A client that fails before it is one is nobody's concern.
    server.on('tlsClientError', () => {})
  }

  /** The path, or the address and port that the system gave. */
  get address(): string | AddressInfo | null {
    return this.#server.address()
  }

  /** The channels that have not ended. */
  get channels(): ReadonlySet<Channel<In, Out>> {
    return this.#clients.channels
  }

  /** Bytes of incoming, incomplete frames. */
  get bytesUnderWay(): number {
    return this.#clients.quota.used
  }

  /**
   * Accepts no more connections, closes every channel, and resolves when all have ended, however. A connection whose TLS
   * handshake is not over is destroyed.
   */
  async close(): Promise<void> {
    const isDown = this.#server.listening ? once(this.#server, 'close') : undefined
    this.#shut()
    await this.#clients.close()
    await isDown
  }

  /** Accepts no more connections, and aborts every channel. */
  abort(): void {
    this.#shut()
    this.#clients.abort()
  }

  [asyncDispose](): Promise<void> {
    return this.close()
  }

  #shut(): void {
    this.#isClosed = true
    this.#server.close()
    for (const socket of this.#strangers) socket.destroy()
  }

  #meet(socket: Socket): void {
    this.#strangers.add(socket)
    socket.once('close', () => this.#strangers.delete(socket))
  }

  #accept(stranger: Socket): void {
    // One that came before the server closed, and was met before this server of channels was made, say.
    if (this.#isClosed) return void stranger.destroy()
    const { _parent: raw } = stranger as Encrypted
    if (raw) this.#strangers.delete(raw)
    const { carrier, socket } = this.#accepted(stranger, this.#options, this.#clients.quota)
    this.#clients.add(carrier, socket)
  }
}

/**
 * A server that gives each connection to `handler` as a channel, with limits for peers that are not trusted. A peer that
 * breaks them, or falls silent, loses its channel with an error; others are not affected.
 *
 * A Unix socket that a process left behind at its death is taken over, by one of those who try. Rejects with the system's
 * error when it cannot listen (EADDRINUSE …), or with the reason of a `signal` of the place that aborts before it does.
 * @throws TypeError for an option of the wrong type
 */
export async function serve<In = unknown, Out = In>(
  at: Place,
  handler: Handler<In, Out>,
  options: ServeOptions = {},
): Promise<ChannelServer<In, Out>> {
  return serveBy(at, handler, options, accepted)
}

/** The same with carriers of another kind. */
export async function serveBy<In, Out>(
  at: Place,
  handler: Handler<In, Out>,
  options: ServeOptions,
  makeCarrier: Accepted,
): Promise<ChannelServer<In, Out>> {
  // `undefined` of a setting that is not there, say, which Node takes for any port.
  const isPlace = typeof at === 'string' || typeof at === 'number' || (typeof at === 'object' && at !== null)
  expectArgument(isPlace, 'at', 'a path, a port, options of server.listen or a server')
  const server = at instanceof Server ? at : createServer({ allowHalfOpen: true, pauseOnConnect: true })
  const channels = new ChannelServer<In, Out>(server, handler, options, makeCarrier)
  // A server that was given is the caller's to listen to, and its errors are the caller's to hear.
  if (at instanceof Server) return channels
  // Those that `listen` does not hear of are of single connections: the system has no more descriptors, say.
  server.on('error', () => {})
  await listen(server, typeof at === 'string' ? { path: at } : typeof at === 'number' ? { port: at } : at)
  return channels
}
