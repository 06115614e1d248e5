import type { Socket } from 'node:net'

/**
 * Messages behind their lengths (u32), as programs that send msgpack over a socket write and read them: the message is
 * read to memory of its own, once its length is known, so that each byte is copied once.
 */
export function framesOf(socket: Socket, take: (message: Buffer) => void): void {
  const head = Buffer.alloc(4)
  let headAt = 0
  let message: Buffer | undefined
  let at = 0
  socket.on('data', chunk => {
    for (let pos = 0; pos < chunk.length; ) {
      if (message === undefined) {
        const end = Math.min(chunk.length, pos + 4 - headAt)
        headAt += chunk.copy(head, headAt, pos, end)
        pos = end
        if (headAt < 4) return
        message = Buffer.allocUnsafeSlow(head.readUInt32LE())
        headAt = at = 0
      }
      const taken = chunk.copy(message, at, pos)
      pos += taken
      at += taken
      if (at < message.length) return
      const whole = message
      message = undefined
      take(whole)
    }
  })
}
