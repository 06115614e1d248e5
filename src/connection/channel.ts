/** A channel over a stream of bytes: what sockets and WebSockets share. */
import type { Carrier } from '../carriers/carrier.js'
import type { Link } from '../carriers/stream/link.js'
import { StreamCarrier, type StreamOptions } from '../carriers/stream/stream.js'
import { Channel, type ChannelOptions } from '../channel.js'
import { expectOptions } from '../errors.js'
import { resolveLimits } from '../limits.js'

/** Options of a channel over bytes. Limits are those of `'untrusted'`, over which single numbers go. */
export type StreamChannelOptions = ChannelOptions & StreamOptions

/** The stream's options among all. */
export function streamOptions(options: StreamChannelOptions): StreamOptions {
  expectOptions(options)
  const { limits, highWaterMark, strict, closeTimeoutMs, allowHalfOpen, frameTimeoutMs, idleTimeoutMs } =
    options
  return { limits, highWaterMark, strict, closeTimeoutMs, allowHalfOpen, frameTimeoutMs, idleTimeoutMs }
}

/** A channel with the options that are not the stream's alone. */
export function channelOver<In, Out>(carrier: Carrier, options: StreamChannelOptions): Channel<In, Out> {
  const { highWaterMark, closeTimeoutMs, allowHalfOpen, frameTimeoutMs, idleTimeoutMs, ...rest } = options
  const limits = resolveLimits(options.limits, 'untrusted')
  const channel = new Channel<In, Out>(carrier, { ...rest, limits })
  carriers.set(channel, carrier)
  return channel
}

const carriers = new WeakMap<object, Carrier>()

/** What a channel of `channelOver` goes over. */
export function carrierOf(channel: object): Carrier | undefined {
  return carriers.get(channel)
}

/** A link to nobody. */
const NOBODY: Link = {
  name: 'nobody',
  canPause: true,
  open: () => {},
  write: () => {},
  pause: () => {},
  resume: () => {},
  finish: () => {},
  destroy: () => {},
}

/** @throws TypeError for an option of the wrong type, before there is a connection that it would leave open */
export function expectStreamOptions(options: StreamChannelOptions): void {
  channelOver(new StreamCarrier(NOBODY, streamOptions(options)), options).abort()
}
