// A client in a process of its own, which may be killed: by `ws`, or by the WebSocket that Node itself has.

import { WebSocket } from 'ws'
import { connectWebSocket } from '../../src/websocket/index.js'

const [, , kind, url = ''] = process.argv
const channel = await connectWebSocket(kind === 'ws' ? new WebSocket(url) : url, { limits: 'trusted' })
if (kind === 'echo') {
  for await (const value of channel) await channel.send(value)
  await channel.closed
  console.log('closed in order')
} else {
  for (let i = 0; ; i++)
    await channel.send({ i, bytes: new Uint8Array(i % 3 === 0 ? 10 : 3_000_000).fill(i) })
}
