/** The door of `outband/port`: exports only. */
export type { Counts, Transfer } from '../carriers/carrier.js'
export type { PortLike, WindowOptions } from '../carriers/port/endpoint.js'
export { PortCarrier, type PortOptions } from '../carriers/port/port.js'
export type { Channel } from '../channel.js'
export { type ConnectOptions, connectPort } from './connect.js'
export type { MessageName } from './listeners.js'
export {
  type ListenerOptions,
  type MessageListener,
  type PostOptions,
  type WrapOptions,
  type Wrapped,
  wrapPort,
} from './wrap.js'
