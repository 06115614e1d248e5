/** A client that is only a socket: the bytes of a WebSocket by hand, so that they may come one by one, or never. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Shape {
  /** 0: goes on with a message, 1: text, 2: binary, 8: close, 9: ping. */
  readonly opcode?: number
  readonly fin?: boolean
  /** What the head says, where that is not what follows. */
  readonly announced?: number
}

/** A frame of the WebSocket protocol as a client sends it; its mask is 0, which leaves the bytes as they are. */
export function wire(payload: Uint8Array, { opcode = 2, fin = true, announced }: Shape = {}): Buffer {
  const head = Buffer.alloc(14)
  head[0] = (fin ? 0x80 : 0) | opcode
  head[1] = 0x80 | 127
  head.writeBigUInt64BE(BigInt(announced ?? payload.length), 2)
  if (opcode < 8) return Buffer.concat([head, payload])
  head[1] = 0x80 | payload.length
  return Buffer.concat([head.subarray(0, 2), Buffer.alloc(4), payload])
}

/** A connection whose handshake is done. */
export async function rawClient(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.setNoDelay(true)
  socket.write(
    [
      'GET / HTTP/1.1',
      `Host: ${hostname}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`,
      '\r\n',
    ].join('\r\n'),
  )
  await once(socket, 'data')
  socket.resume()
  return socket
}
