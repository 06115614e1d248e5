/** Channels between processes of one host that know each other by the path of a Unix socket. */
import type { Socket } from 'node:net'
import { ownPeer } from '../carriers/process/process.js'
import { type MemoryOption, sharingOf } from '../carriers/shm/sharing.js'
import { keepAnnex, type SharedWay, sharedWay } from '../carriers/shm/way.js'
import { SocketLink } from '../carriers/socket/link.js'
import type { Quota } from '../carriers/stream/quota.js'
import { StreamCarrier, type StreamOptions } from '../carriers/stream/stream.js'
import type { Channel } from '../channel.js'
import {
  channelOver,
  expectStreamOptions,
  type StreamChannelOptions,
  streamOptions,
} from '../connection/channel.js'
import type { ClientsOptions } from '../connection/clients.js'
import type { OpeningOptions } from '../connection/opening.js'
import { expectArgument, expectOptions, expectTime } from '../errors.js'
import { connected } from '../socket/connect.js'
import { type ChannelServer, type Handler, serveBy } from '../socket/serve.js'

/** Options of a channel by shared memory. `limits` default to `'trusted'`, and no time is limited. */
export type SharedOptions = StreamChannelOptions & {
  /** The memory this side sends from. Default `'shared'`; `'private'`: all goes by the socket. */
  readonly memory?: MemoryOption | undefined
}

/** Options of `connectShared`. */
export type SharedConnectOptions = SharedOptions & OpeningOptions

/** Options of `serveShared`, for all connections. */
export type SharedServeOptions = SharedOptions & ClientsOptions

/**
 * A channel to a process of the same user on the same host, which serves the path: all goes by memory that both have mapped as
 * soon as both do, and by the socket until then, or if either cannot. Resolves when connected. The other side is
 * `serveShared`, or `serve`, which knows of no memory.
 *
 * Memory: arrays of the arena (`memoryOf(channel).arena`) are shared; other buffers are copied, long ones to the arena, or lent
 * until `send` resolves while all goes by the socket. What arrives may lie in the peer's arena, until `release` or the collector.
 *
 * Rejects with PEER_GONE, the system's error as its cause, or TIMEOUT.
 * @throws TypeError for an option of the wrong type
 */
export async function connectShared<In = unknown, Out = In>(
  path: string,
  options: SharedConnectOptions = {},
): Promise<Channel<In, Out>> {
  expectPath(path)
  expectOptions(options)
  const { connectTimeoutMs = 10_000, memory = 'shared', ...rest } = options
  expectTime(connectTimeoutMs, 'connectTimeoutMs')
  const sharing = sharingOf(memory)
  const all = trusting(rest)
  expectStreamOptions(all)
  return connected({ path }, connectTimeoutMs, link => {
    const { carrier, way } = carrierOn(link, all, sharing && sharedWay(link, 'asks', sharing))
    return keepAnnex(channelOver<In, Out>(carrier, all), way?.annex)
  })
}

/**
 * A server that gives each connection to `handler` as a channel by shared memory, or, where the peer knows or has none, by the
 * socket alone. Peers are of the same user, who owns the path, and trusted unless `limits` say otherwise.
 *
 * A Unix socket that a process left behind at its death is taken over. Rejects with the system's error when it cannot listen
 * (EADDRINUSE …).
 * @throws TypeError for an option of the wrong type
 */
export async function serveShared<In = unknown, Out = In>(
  path: string,
  handler: Handler<In, Out>,
  options: SharedServeOptions = {},
): Promise<ChannelServer<In, Out>> {
  expectPath(path)
  expectOptions(options)
  const { memory = 'shared', ...rest } = options
  const sharing = sharingOf(memory)
  return serveBy(path, handler, trusting(rest), (socket, all, quota) => {
    const link = SocketLink.adopting(socket)
    const { carrier, way } = carrierOn(link, all, sharing && sharedWay(link, 'waits', sharing), quota)
    return { carrier: keepAnnex(carrier, way?.annex), socket: link.socket as Socket }
  })
}

function carrierOn(link: SocketLink, options: SharedOptions, way: SharedWay | undefined, quota?: Quota) {
  const carrier = new StreamCarrier(way?.link ?? link, streamOptions(options), quota, way?.annex)
  return { carrier, way }
}

/** The options of a peer that is one of the user's own processes. */
function trusting<Options extends StreamOptions>(options: Options): Options {
  return { ...options, ...ownPeer(options) }
}

function expectPath(path: unknown): asserts path is string {
  expectArgument(typeof path === 'string' && path !== '', 'path', 'the path of a Unix socket')
}
