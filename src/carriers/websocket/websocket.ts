/** A WebSocket as a carrier. */
import type { Quota } from '../stream/quota.js'
import { StreamCarrier, type StreamOptions } from '../stream/stream.js'
import { WebSocketLink } from './link.js'
import { expectWebSocket, type WebSocketLike } from './shape.js'

/**
 * A carrier over a WebSocket, which is the carrier's from then on: open, or about to be. What it hears before it is given
 * here is lost, so it should be given in the tick in which it is made or accepted.
 */
export class WebSocketCarrier extends StreamCarrier {
  /** @throws TypeError for what is no WebSocket, or an option of the wrong type */
  constructor(socket: WebSocketLike | WebSocketLink, options: StreamOptions = {}, quota?: Quota) {
    super(
      socket instanceof WebSocketLink ? socket : new WebSocketLink(expectWebSocket(socket)),
      options,
      quota,
    )
  }
}
