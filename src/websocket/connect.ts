/** A WebSocket given to a channel. */

import { WebSocketLink } from '../carriers/websocket/link.js'
import { expectWebSocket, type WebSocketLike } from '../carriers/websocket/shape.js'
import { WebSocketCarrier } from '../carriers/websocket/websocket.js'
import type { Channel } from '../channel.js'
import {
  channelOver,
  expectStreamOptions,
  type StreamChannelOptions,
  streamOptions,
} from '../connection/channel.js'
import { type OpeningOptions, openedWithin } from '../connection/opening.js'
import { expectOptions, expectTime, type OutbandError } from '../errors.js'

/** Options of a channel over a WebSocket. Limits default to `'untrusted'`, which single limits override. */
export type WebSocketOptions = StreamChannelOptions

/** Options of `connectWebSocket`. */
export type ConnectOptions = WebSocketOptions &
  OpeningOptions & {
    /** Subprotocols to offer, for a URL. */
    readonly protocols?: string | readonly string[] | undefined
  }

/** What makes a WebSocket in browsers, and in Node from 22 on. */
type Maker = new (url: string | URL, protocols?: string | readonly string[]) => WebSocketLike

/**
 * A channel over a WebSocket: of a URL, where there is a global `WebSocket`, or any that is open or about to be, of a
 * browser, of Node or of the `ws` library, whichever side of the connection it is. The socket is the channel's from
 * then on. Resolves when it is open; the other side may be `serveWebSocket`, or any program that speaks frames, each a
 * binary message (`spec/FORMAT.md`).
 *
 * Memory: a socket of `ws` is lent buffers of 16 KiB or more until `send` resolves; any other copies them. What arrives is
 * the reader's.
 *
 * A message is not noticed before it is complete: a peer is silent after `idleTimeoutMs` plus `frameTimeoutMs`.
 * Give a `ws` client a larger `maxPayload` (default 100 MiB) if larger frames may come.
 *
 * Rejects with PEER_GONE, also for a closed socket, or with TIMEOUT.
 * @throws TypeError for an option of the wrong type, what is no WebSocket, or an invalid URL
 */
export async function connectWebSocket<In = unknown, Out = In>(
  to: string | URL | WebSocketLike,
  options: ConnectOptions = {},
): Promise<Channel<In, Out>> {
  expectOptions(options)
  const { connectTimeoutMs = 10_000, protocols, ...rest } = options
  expectTime(connectTimeoutMs, 'connectTimeoutMs')
  expectStreamOptions(rest)
  const link = new WebSocketLink(
    typeof to === 'string' || to instanceof URL ? made(to, protocols) : expectWebSocket(to),
  )
  const carrier = new WebSocketCarrier(link, streamOptions(rest))
  try {
    await openedWithin(link.opened, connectTimeoutMs, 'connectWebSocket')
  } catch (error) {
    carrier.abort(error as OutbandError)
    throw error
  }
  return channelOver<In, Out>(carrier, rest)
}

function made(url: string | URL, protocols: string | readonly string[] = []): WebSocketLike {
  const { WebSocket } = globalThis as unknown as { readonly WebSocket?: Maker }
  if (WebSocket === undefined) {
    throw new TypeError('to: wanted a WebSocket, since there is no global one to make it of a URL')
  }
  try {
    return new WebSocket(url, protocols)
  } catch (cause) {
    throw new TypeError(`to: wanted the URL of a WebSocket: ${(cause as Error).message}`, { cause })
  }
}
