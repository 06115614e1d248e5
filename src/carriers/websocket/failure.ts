/** What ends a WebSocket, as an error of ours. */
import { OutbandError } from '../../errors.js'

/** Codes of a close that is in order: 1000, and 1005 for none. */
const IN_ORDER = new Set([1000, 1005])
/** Codes of `ws` for a peer that sends more than is taken. */
const TOO_MUCH = new Set([
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
  'WS_ERR_TOO_MANY_BUFFERED_PARTS',
])

/** What the socket has closed with; nothing, when that is in order. `cause`: the error that came before. */
export function closeError(code: number, reason: string, cause: unknown): OutbandError | undefined {
  if (IN_ORDER.has(code) && cause === undefined) return undefined
  const why = reason === '' ? '' : `: ${reason}`
  return gone(`closed with ${code}${why}`, cause)
}

export function gone(what: string, cause?: unknown): OutbandError {
  const message = `websocket: the peer is gone: ${what}`
  if (cause === undefined) return new OutbandError('PEER_GONE', message)
  return new OutbandError('PEER_GONE', `${message}: ${messageOf(cause)}`, { cause })
}

/**
 * What `ws` makes of a peer that breaks the protocol or sends more than `maxPayload`, before it closes; nothing for any
 * other error, of which the close tells.
 */
export function protocolError(cause: unknown): OutbandError | undefined {
  const code = (cause as { code?: unknown } | null | undefined)?.code
  if (typeof code !== 'string' || !code.startsWith('WS_ERR_')) return undefined
  return new OutbandError(TOO_MUCH.has(code) ? 'LIMIT' : 'MALFORMED', `websocket: ${messageOf(cause)}`, {
    cause,
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error && error.message !== '' ? error.message : String(error)
}
