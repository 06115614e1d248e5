/**
 * How much there is of a message that `ws` keeps to itself until it is whole: bytes of the socket below since the last
 * message, but for pings and pongs, which may come between its parts.
 */
import type { Payload, RawSocket, WsSocket } from './shape.js'

/** Head and mask of a control frame, as a client sends it. */
const CONTROL_BYTES = 6

/** Tells after each chunk of the socket; the function it returns ends that, `message` says that one is whole. */
export function watchUnderway(
  socket: WsSocket,
  raw: RawSocket,
  tell: (byteLength: number) => void,
): { message(): void; stop(): void } {
  let byteLength = 0
  /** Whether a message ended in this chunk; what follows it there, at most 64 KiB, is not counted. */
  let isFresh = false
  const chunk = ({ length }: { readonly length: number }) => {
    byteLength = isFresh ? 0 : Math.max(0, byteLength + length)
    isFresh = false
    tell(byteLength)
  }
  // These come while `ws` reads the chunk, and so before the chunk itself is counted.
  const control = ({ length }: Payload) => {
    byteLength -= CONTROL_BYTES + length
  }
  raw.on('data', chunk)
  for (const name of ['ping', 'pong'] as const) socket.on(name, control)
  return {
    message: () => {
      byteLength = 0
      isFresh = true
    },
    stop: () => {
      raw.off('data', chunk)
      for (const name of ['ping', 'pong'] as const) socket.off(name, control)
    },
  }
}
