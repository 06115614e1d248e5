/** Sockets given to channels: the side that connects, and what both sides share. */
import type { NetConnectOpts, Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { lost, SocketLink } from '../carriers/socket/link.js'
import { SocketCarrier } from '../carriers/socket/socket.js'
import type { Quota } from '../carriers/stream/quota.js'
import type { Channel } from '../channel.js'
import {
  channelOver,
  expectStreamOptions,
  type StreamChannelOptions,
  streamOptions,
} from '../connection/channel.js'
import { type OpeningOptions, openedWithin } from '../connection/opening.js'
import { expectOptions, expectTime } from '../errors.js'

/** Options of a channel over a socket. Limits default to `'untrusted'`, which single limits override. */
export type SocketOptions = StreamChannelOptions

/** Options of `connect`. */
export type ConnectOptions = SocketOptions & OpeningOptions

/** Where to connect: the path of a Unix socket or Windows pipe, what `net.connect` takes, or an open stream. */
export type Address = string | NetConnectOpts | Duplex

/**
 * A channel over a socket that it makes, and reads straight to where the bytes stay, or over any duplex stream (a
 * TLSSocket, a pipe), which is the channel's from then on. Resolves when connected; the other side may be `serve`, or any
 * program that speaks frames (`spec/FORMAT.md`).
 *
 * Memory: `send` lends buffers of 16 KiB or more until it resolves, and copies shorter ones; what arrives is the reader's.
 *
 * Rejects with PEER_GONE, the system's error as its cause, also for a destroyed stream, or with TIMEOUT. A stream
 * that has ended already is a peer that has closed.
 * @throws TypeError for an option of the wrong type
 */
export async function connect<In = unknown, Out = In>(
  to: Address,
  options: ConnectOptions = {},
): Promise<Channel<In, Out>> {
  expectOptions(options)
  const { connectTimeoutMs = 10_000, ...rest } = options
  expectTime(connectTimeoutMs, 'connectTimeoutMs')
  expectStreamOptions(rest)
  if (to instanceof Duplex) {
    const carrier = new SocketCarrier(to, streamOptions(rest))
    if (to.destroyed) await carrier.closed
    return channelOver<In, Out>(carrier, rest)
  }
  const make = (link: SocketLink) => channelOver<In, Out>(new SocketCarrier(link, streamOptions(rest)), rest)
  return connected(typeof to === 'string' ? { path: to } : to, connectTimeoutMs, make)
}

/** A channel over a socket that is made for it: `make` is asked before there is a connection. */
export async function connected<In, Out>(
  to: NetConnectOpts,
  connectTimeoutMs: number,
  make: (link: SocketLink) => Channel<In, Out>,
): Promise<Channel<In, Out>> {
  const link = SocketLink.to(to)
  const socket = link.socket as Socket
  try {
    settle(socket)
    const opened = openedWithin(connection(socket), connectTimeoutMs, 'connect')
    // Of a failure this promise tells, and no other.
    opened.catch(() => {})
    const channel = make(link)
    // A channel that gives up first, by its own clocks, destroys the socket, which then says neither.
    await Promise.race([opened, channel.closed])
    return channel
  } catch (error) {
    link.destroy()
    throw error
  }
}

function connection(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', error => reject(lost(error)))
  })
}

/** What a TCP socket is told: writes are gathered already, and a peer that is gone should be found out. */
export function settle(socket: Socket): void {
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 60_000)
}

/**
 * A socket that a server accepted, as a carrier: read straight to where the bytes stay, unless it is encrypted. The
 * socket that it has from then on may be another one.
 */
export function accepted(
  socket: Socket,
  options: SocketOptions,
  quota: Quota,
): { readonly carrier: SocketCarrier; readonly socket: Socket } {
  settle(socket)
  const isPlain = (socket as { encrypted?: boolean }).encrypted !== true
  const link = isPlain ? SocketLink.adopting(socket) : SocketLink.over(socket)
  return {
    carrier: new SocketCarrier(link, streamOptions(options), quota),
    socket: link.socket as Socket,
  }
}
