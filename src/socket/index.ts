/** The door of `outband/socket`: exports only. */
export type { Counts, Transfer } from '../carriers/carrier.js'
export { SocketCarrier } from '../carriers/socket/socket.js'
export type { StreamOptions } from '../carriers/stream/stream.js'
export type { Channel } from '../channel.js'
export { type Address, type ConnectOptions, connect, type SocketOptions } from './connect.js'
export { ChannelServer, type Handler, type Place, type ServeOptions, serve } from './serve.js'
