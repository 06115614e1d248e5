/** The door of `outband/websocket`: exports only. */
export type { Counts, Transfer } from '../carriers/carrier.js'
export type { StreamOptions } from '../carriers/stream/stream.js'
export type { RawSocket, WebSocketEvents, WebSocketLike } from '../carriers/websocket/shape.js'
export { WebSocketCarrier } from '../carriers/websocket/websocket.js'
export type { Channel } from '../channel.js'
export { type ConnectOptions, connectWebSocket, type WebSocketOptions } from './connect.js'
export {
  type Handler,
  type ServeOptions,
  serveWebSocket,
  type UpgradeRequest,
  WebSocketChannelServer,
  type WebSocketServerLike,
} from './serve.js'
