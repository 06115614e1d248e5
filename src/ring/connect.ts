/** An end of a ring given to a channel. */

import type { RingEnd } from '../carriers/ring/end.js'
import { RingCarrier, type RingOptions } from '../carriers/ring/ring.js'
import type { ChannelOptions } from '../channel.js'
import { expectOptions } from '../errors.js'
import { RingChannel } from './channel.js'

/** Options of `connectRing`: the channel's and the ring's. */
export type ConnectRingOptions = ChannelOptions & RingOptions

/**
 * A channel over an end that `createRing` made, here or in another thread. The end is the channel's from then on, and
 * the other must be given to a channel as well.
 * @throws TypeError for what is no end, one that another channel has, or an option of the wrong type
 */
export function connectRing<In = unknown, Out = In>(
  end: RingEnd,
  options: ConnectRingOptions = {},
): RingChannel<In, Out> {
  expectOptions(options)
  const { highWaterMark, closeTimeoutMs, strict, spinMs, ...rest } = options
  const carrier = new RingCarrier(end, { highWaterMark, closeTimeoutMs, strict, spinMs })
  return new RingChannel<In, Out>(carrier, strict === undefined ? rest : { ...rest, strict })
}
