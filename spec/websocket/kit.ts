/** What the specs of WebSockets share: a side that is ours, of either kind, and peers that know nothing of channels. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import * as assert from 'uvu/assert'
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws'
import type { Channel } from '../../src/channel.js'
import { packBytes } from '../../src/frame/index.js'
import { packNote } from '../../src/frame/note.js'
import { type ErrorCode, encode, isOutbandError, type OutbandError } from '../../src/index.js'
import {
  connectWebSocket,
  type ServeOptions,
  serveWebSocket,
  type WebSocketChannelServer,
} from '../../src/websocket/index.js'
import { within } from '../carriers/inbox.js'
import { StandardSocket } from './standard.js'

/** Whose socket it is: `ws` with all that it has, or the interface of the standard alone. */
export const KINDS = ['ws', 'standard'] as const
export type Kind = (typeof KINDS)[number]

export const urlOf = (server: WebSocketServer): string =>
  `ws://127.0.0.1:${(server.address() as AddressInfo).port}`

export async function listening(options: ServerOptions = {}): Promise<WebSocketServer> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options })
  await once(server, 'listening')
  return server
}

export interface Serving {
  readonly server: WebSocketChannelServer
  readonly url: string
}

/** A channel server, which ends with the test. */
export async function serving(
  handler: (channel: Channel) => unknown,
  options: ServeOptions,
  run: (serving: Serving) => Promise<void>,
  wsOptions: ServerOptions = {},
): Promise<void> {
  const ws = await listening(wsOptions)
  const server = await serveWebSocket(ws, handler, options)
  try {
    await run({ server, url: urlOf(ws) })
  } finally {
    server.abort()
    for (const client of ws.clients) client.terminate()
  }
}

/** Our side of one connection, a plain socket of `ws` at the other end, and what that has heard; both end with the test. */
export async function meeting(
  kind: Kind,
  options: ServeOptions,
  run: (channel: Channel, peer: WebSocket, heard: readonly Buffer[]) => Promise<void>,
): Promise<void> {
  const ws = await listening({ maxPayload: 2 ** 30 })
  const accepted = new Promise<Channel>((resolve, reject) => {
    if (kind === 'ws') serveWebSocket(ws, resolve, options).catch(reject)
    else {
      ws.once('connection', socket => {
        connectWebSocket(new StandardSocket(socket), options).then(resolve, reject)
      })
    }
  })
  const peer = new WebSocket(urlOf(ws), { perMessageDeflate: false })
  peer.on('error', () => {})
  const heard: Buffer[] = []
  peer.on('message', (message: Buffer) => heard.push(message))
  try {
    const [channel] = await within(Promise.all([accepted, once(peer, 'open')]), 'a connection')
    await run(channel, peer, heard)
  } finally {
    peer.terminate()
    for (const client of ws.clients) client.terminate()
    ws.close()
  }
}

/** A value as a frame. */
export const frameOf = (value: unknown): Uint8Array => packBytes(encode(value, { shared: 'copy' }))
export const hello = (): Uint8Array => packNote('hello', 0)

/** How a channel ends. */
export async function endOf(channel: Channel, ms?: number): Promise<OutbandError | 'closed'> {
  const end = channel.closed.then(
    () => 'closed' as const,
    (error: OutbandError) => error,
  )
  return within(end, 'the end', ms)
}

/** An error of ours with this code. */
export function isCode(error: unknown, code: ErrorCode): asserts error is OutbandError {
  assert.ok(isOutbandError(error, code), String(error))
}

/** The next value. */
export async function next(channel: Channel): Promise<unknown> {
  const { value, done } = await within(channel[Symbol.asyncIterator]().next(), 'a value')
  if (done) throw new Error('the channel has ended')
  return value
}

export const later = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
