/** WebSockets by their shape, so that nothing of Node is imported, and no library. */
import { expectArgument } from '../../errors.js'

/** States of the standard's `readyState`. */
export const CONNECTING = 0
export const OPEN = 1

/** The standard's events, as far as they are used. */
export interface WebSocketEvents {
  open: unknown
  /** Bytes in the form that `binaryType` names, or text. */
  message: { readonly data: unknown }
  close: { readonly code: number; readonly reason: string }
  /** Browsers tell nobody what the error is. */
  error: { readonly error?: unknown }
}

/** The interface of the standard, as far as it is used: browsers, Node, Deno, Bun, the `ws` library. */
export interface WebSocketLike {
  readonly readyState: number
  readonly bufferedAmount: number
  binaryType: string
  send(bytes: Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
  addEventListener<Name extends keyof WebSocketEvents>(
    name: Name,
    listener: (event: WebSocketEvents[Name]) => void,
  ): void
  removeEventListener<Name extends keyof WebSocketEvents>(
    name: Name,
    listener: (event: WebSocketEvents[Name]) => void,
  ): void
}

/** What a ping or pong brings along: at most 125 bytes. */
export type Payload = { readonly length: number }

/** Tells a client that the server has agreed, and by which socket. */
type Upgraded = (response: { readonly socket: object }) => void

/** What `ws` has beyond the standard. */
export interface WsSocket extends WebSocketLike {
  send(bytes: Uint8Array, options?: SendOptions, done?: (error?: Error) => void): void
  on(name: 'ping' | 'pong', listener: (payload: Payload) => void): unknown
  on(name: 'upgrade', listener: Upgraded): unknown
  off(name: 'ping' | 'pong', listener: (payload: Payload) => void): unknown
  off(name: 'upgrade', listener: Upgraded): unknown
  pong(payload: Payload, isMasked: boolean, done: () => void): void
  pause(): void
  resume(): void
  terminate(): void
}

interface SendOptions {
  readonly binary: true
  readonly compress: false
  /** Whether it is the last fragment of its message. */
  readonly fin: boolean
}

/** The socket below one of `ws`'s, of which a server tells (`request.socket`). */
export interface RawSocket {
  on(name: 'data', listener: (chunk: { readonly length: number }) => void): unknown
  off(name: 'data', listener: (chunk: { readonly length: number }) => void): unknown
}

const has = (socket: object, ...names: string[]): boolean =>
  names.every(name => typeof (socket as Record<string, unknown>)[name] === 'function')

export function isWs(socket: WebSocketLike): socket is WsSocket {
  return has(socket, 'terminate', 'pause', 'resume', 'on', 'off')
}

/** @throws TypeError for what is no WebSocket */
export function expectWebSocket(socket: WebSocketLike): WebSocketLike {
  const isObject = typeof socket === 'object' && socket !== null
  const isSocket = isObject && has(socket, 'send', 'close', 'addEventListener', 'removeEventListener')
  expectArgument(isSocket && typeof socket.readyState === 'number', 'socket', 'a WebSocket')
  return socket
}
