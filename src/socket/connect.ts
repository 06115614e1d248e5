/** Sockets given to channels: the side that connects, and what both sides share. */
import type { NetConnectOpts, Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { SocketLink } from '../carriers/socket/link.js'
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

/** Where to connect: the path of a Unix socket or Windows pipe, what `net.connect` takes, or a stream that is open or about to be. */
export type Address = string | NetConnectOpts | Duplex

/**
 * A channel over a socket that it makes, and reads straight to where the bytes stay, or over any duplex stream (a
 * TLSSocket, a pipe), which is the channel's from then on. Resolves when connected, and encrypted if it will be; the other
 * side may be `serve`, or any program that speaks frames (`spec/FORMAT.md`).
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
  const make = (link: SocketLink) => channelOver<In, Out>(new SocketCarrier(link, streamOptions(rest)), rest)
  if (to instanceof Duplex) return opened(SocketLink.over(to), connectTimeoutMs, make)
  return connected(typeof to === 'string' ? { path: to } : to, connectTimeoutMs, make)
}

/** A channel over a socket that is made for it: `make` is asked before there is a connection. */
export async function connected<In, Out>(
  to: NetConnectOpts,
  connectTimeoutMs: number,
  make: (link: SocketLink) => Channel<In, Out>,
): Promise<Channel<In, Out>> {
  const link = SocketLink.to(to)
  settle(link.socket as Socket)
  return opened(link, connectTimeoutMs, make)
}

async function opened<In, Out>(
  link: SocketLink,
  connectTimeoutMs: number,
  make: (link: SocketLink) => Channel<In, Out>,
): Promise<Channel<In, Out>> {
  try {
    // Before the channel writes anything: that may fail as soon as there is a connection.
    const isThere = connection(link.socket)
    const channel = make(link)
    // A connection that fails is the end of its channel, which knows why, as it does when its own clock rings first.
    await openedWithin(Promise.race([isThere, channel.closed]), connectTimeoutMs, 'connect')
    return channel
  } catch (error) {
    link.destroy()
    throw error
  }
}

/** What a stream may have that is not connected yet; Node's types do not say all of it. */
interface Connecting extends Duplex {
  readonly connecting?: boolean
  readonly secureConnecting?: boolean
  getPeerFinished?(): unknown
}

/** Resolves when the stream is connected, and encrypted if it will be; at once where there is nothing to wait for. */
async function connection(socket: Connecting): Promise<void> {
  // Of a socket that `new TLSSocket` made `secureConnecting` stays, and 'secureConnect' never comes.
  const isShakingHands = socket.secureConnecting === true && socket.getPeerFinished?.() === undefined
  // Of one that was destroyed before, the channel tells.
  if (!isShakingHands && socket.connecting !== true && !socket.destroyed) return
  return new Promise(resolve => {
    socket.once(isShakingHands ? 'secure' : 'connect', () => {
      // One whose certificate is not trusted was destroyed.
      if (!socket.destroyed) resolve()
    })
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
