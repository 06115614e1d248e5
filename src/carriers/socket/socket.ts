/** A socket, a pipe or any other duplex stream of Node as a carrier. */
import type { Duplex } from 'node:stream'
import { expectArgument } from '../../errors.js'
import type { Quota } from '../stream/quota.js'
import { StreamCarrier, type StreamOptions } from '../stream/stream.js'
import { SocketLink } from './link.js'

/** A carrier over a stream that is open, and the carrier's from then on. */
export class SocketCarrier extends StreamCarrier {
  /** @throws TypeError for what is no duplex stream, or an option of the wrong type */
  constructor(stream: Duplex | SocketLink, options: StreamOptions = {}, quota?: Quota) {
    super(stream instanceof SocketLink ? stream : SocketLink.over(expectDuplex(stream)), options, quota)
  }
}

/** @throws TypeError */
function expectDuplex(stream: Duplex): Duplex {
  const isDuplex = typeof stream?.cork === 'function' && typeof stream.resume === 'function'
  expectArgument(isDuplex, 'socket', 'a socket, a pipe or another duplex stream')
  return stream
}
