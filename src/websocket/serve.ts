/** A server of channels over WebSockets, for a `WebSocketServer` of the `ws` library, which the caller imports. */
import { hangUp, WebSocketLink } from '../carriers/websocket/link.js'
import { isWs, type RawSocket, type WebSocketLike } from '../carriers/websocket/shape.js'
import { WebSocketCarrier } from '../carriers/websocket/websocket.js'
import type { Channel } from '../channel.js'
import { streamOptions } from '../connection/channel.js'
import { Clients, type ClientsOptions } from '../connection/clients.js'
import { asyncDispose } from '../dispose.js'
import { expectArgument, OutbandError } from '../errors.js'
import { type Limits, type LimitsOption, resolveLimits } from '../limits.js'
import type { WebSocketOptions } from './connect.js'

/** Options of `serveWebSocket`, for all connections. */
export type ServeOptions = WebSocketOptions & ClientsOptions

/** The upgrade request of a connection: in Node an `IncomingMessage`. */
export interface UpgradeRequest {
  readonly socket: RawSocket
  readonly url?: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** A `WebSocketServer` of `ws`, as far as it is used. */
export interface WebSocketServerLike<Request extends UpgradeRequest = UpgradeRequest> {
  readonly options: {
    maxPayload?: number | undefined
    autoPong?: boolean | undefined
    readonly perMessageDeflate?: unknown
    readonly noServer?: boolean | undefined
    readonly port?: number | null | undefined
  }
  on(name: string, listener: (...args: never[]) => void): unknown
  once(name: string, listener: (...args: never[]) => void): unknown
  off(name: string, listener: (...args: never[]) => void): unknown
  address(): string | object | null
  /** Only to infer the type of a request. */
  shouldHandle(request: Request): unknown
  close(done?: () => void): void
}

/**
 * Takes a channel; when it, or the promise that it returns, fails, that channel is aborted. An error that is no `OutbandError`
 * is the handler's own bug: it is rethrown, uncaught, and ends a process that does not listen for it. Peers can send any
 * value, whatever `In` says: check it before use.
 */
export type Handler<In, Out, Request> = (channel: Channel<In, Out>, request: Request) => unknown

/** Try again later. */
const REFUSED = 1013
/** Head, table, checksums and padding of a frame: so many bytes for each buffer, at most, and for the metadata. */
const PART_BYTES = 128

/** A server of channels that accepts connections, or will. */
export class WebSocketChannelServer<In = unknown, Out = In> {
  readonly #server: WebSocketServerLike<never>
  readonly #options: WebSocketOptions
  /** What a request is beyond its socket only the handler knows. */
  readonly #clients: Clients<In, Out, [request: never]>

  /** @internal */
  constructor(server: WebSocketServerLike<never>, handler: Handler<In, Out, never>, options: ServeOptions) {
    expectServer(server)
    this.#clients = new Clients(handler, options)
    this.#server = server
    this.#options = options
    bound(server, options.limits)
    // It would give an answer to each ping, of a peer that reads none as well.
    server.options.autoPong = false
    server.on('connection', (socket: WebSocketLike, request: UpgradeRequest) => this.#accept(socket, request))
  }

  /** What the `WebSocketServer` says; null for one that has no server of its own. */
  get address(): string | object | null {
    return this.#server.options.noServer === true ? null : this.#server.address()
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
   * Accepts no more connections, closes every channel, and resolves when all have ended, however. A connection that is no
   * WebSocket yet is destroyed if `ws` made its HTTP server, and left alone otherwise.
   */
  async close(): Promise<void> {
    const isDown = new Promise<void>(resolve => this.#shut(resolve))
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

  #shut(done?: () => void): void {
    const server = this.#server
    // Before it is closed, when `ws` lets go of it.
    const http = isOwn(server) ? (server as Owner)._server : undefined
    server.close(done)
    http?.closeAllConnections?.()
  }

  #accept(socket: WebSocketLike, request: UpgradeRequest): void {
    const { channels, maxConnections, quota } = this.#clients
    if (channels.size >= maxConnections) return refuse(socket)
    const link = new WebSocketLink(socket, request.socket)
    this.#clients.add(new WebSocketCarrier(link, streamOptions(this.#options), quota), request as never)
  }
}

/**
 * A server of channels that gives each connection of a `WebSocketServer` to `handler`, with limits for peers that are not
 * trusted. A peer that breaks them, or falls silent, loses its channel with an error; others are not affected.
 *
 * The `WebSocketServer` is the channel server's from then on. Its `maxPayload` is lowered to what a frame within `limits`
 * can be; where it is less, as the 100 MiB of `ws` may be, it is the limit. Pings are answered by the channels, one at a
 * time. The caller decides who may connect (`verifyClient`, the header `origin`).
 *
 * Resolves when it listens, or at once if the HTTP server is the caller's; rejects with the system's error (EADDRINUSE …), or
 * with CLOSED when it is closed before.
 * @throws TypeError for what is no `WebSocketServer`, one that compresses, or an option of the wrong type
 */
export async function serveWebSocket<In = unknown, Out = In, Request extends UpgradeRequest = UpgradeRequest>(
  server: WebSocketServerLike<Request>,
  handler: Handler<In, Out, Request>,
  options: ServeOptions = {},
): Promise<WebSocketChannelServer<In, Out>> {
  const channels = new WebSocketChannelServer<In, Out>(server, handler, options)
  // A server that was given to `ws` is the caller's to listen to.
  if (!isOwn(server)) return channels
  if (server.address() === null) await listening(server)
  // Later errors are of single connections: the system has no more descriptors, say.
  server.on('error', () => {})
  return channels
}

/** What `ws` does not say: the server that it has made, or was given. */
interface Owner {
  readonly _server?: { closeAllConnections?(): void } | null
}

/** Whether `ws` has made a server of its own. */
function isOwn({ options: { noServer, port } }: WebSocketServerLike<never>): boolean {
  return noServer !== true && typeof port === 'number'
}

async function listening(server: WebSocketServerLike<never>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const close = () => reject(new OutbandError('CLOSED', 'serve: the server is closed'))
    // Of one that was closed, which lets go of it, no event comes any more.
    if ((server as Owner)._server === null) return close()
    server.once('error', reject)
    server.once('close', close)
    server.once('listening', () => {
      server.off('error', reject)
      server.off('close', close)
      resolve()
    })
  })
}

function expectServer(server: WebSocketServerLike<never>): void {
  const { options, on, close } = server ?? {}
  const isServer = typeof options === 'object' && typeof on === 'function' && typeof close === 'function'
  expectArgument(isServer, 'server', 'a WebSocketServer of ws')
  // Bombs apart: what is compressed is counted when it is not any more, and typed arrays gain little.
  expectArgument(!options.perMessageDeflate, 'server', 'a WebSocketServer with perMessageDeflate: false')
}

/** So that `ws` keeps no more of a message than may become a frame. */
function bound({ options }: WebSocketServerLike<never>, limits: LimitsOption | undefined): void {
  const { metaBytes, totalBytes, buffers }: Limits = resolveLimits(limits, 'untrusted')
  const most = metaBytes + totalBytes + PART_BYTES * (buffers + 1)
  const { maxPayload = 0 } = options
  // 0 is none, and `ws` counts to 2**31.
  if (most < 2 ** 31 && (maxPayload === 0 || maxPayload > most)) options.maxPayload = most
}

function refuse(socket: WebSocketLike): void {
  socket.addEventListener('error', () => {})
  socket.close(REFUSED, 'too many connections')
  if (isWs(socket)) hangUp(socket)
}
