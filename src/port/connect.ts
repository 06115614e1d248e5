/** A port given to a channel. */

import type { PortLike } from '../carriers/port/endpoint.js'
import { PortCarrier, type PortOptions } from '../carriers/port/port.js'
import { Channel, type ChannelOptions } from '../channel.js'
import { expectOptions } from '../errors.js'

/** Options of `connectPort`: the channel's and the port's. */
export type ConnectOptions = ChannelOptions & PortOptions

/**
 * A channel over a Worker, MessagePort, `parentPort`, BroadcastChannel, a worker's own scope, or a Window. The port is
 * the channel's from then on, and the other end must be a channel as well.
 * @throws TypeError for what is no port, one that is another channel's or wrapped, or an option of the wrong type
 */
export function connectPort<In = unknown, Out = In>(
  port: PortLike,
  options: ConnectOptions = {},
): Channel<In, Out> {
  expectOptions(options)
  const { targetOrigin, highWaterMark, closeTimeoutMs, strict, ...rest } = options
  const carrier = new PortCarrier(port, { targetOrigin, highWaterMark, closeTimeoutMs, strict })
  return new Channel<In, Out>(carrier, strict === undefined ? rest : { ...rest, strict })
}
