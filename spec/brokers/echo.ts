/** The process at the other end: `echo.js zeromq ENDPOINT` or `echo.js nats URL`. It ends with the one that started it. */
import { connect } from '@nats-io/transport-node'
import { Reply } from 'zeromq'
import { crc32c } from '../../src/bytes/crc32c.js'
import { unpackFrames } from '../../src/formats/pickle/index.js'
import { Deframer, packBytes, unpack } from '../../src/frame/index.js'
import { decode, encode } from '../../src/index.js'
import { echo } from './kit.js'

async function overZeroMQ(endpoint: string): Promise<void> {
  const socket = new Reply()
  socket.connect(endpoint)
  process.send!('ready')
  for await (const parts of socket) {
    const { meta, buffers } = echo(() => unpackFrames(parts))
    await socket.send([meta, ...buffers])
  }
}

async function overNats(servers: string): Promise<void> {
  const connection = await connect({ servers })
  const deframer = new Deframer()
  connection.subscribe('echo', {
    callback: (_, message) => void message.respond(packBytes(echo(() => unpack(message.data)))),
  })
  // Every piece is answered, so that its sender does not run ahead; the last one of a frame with a checksum of its value.
  connection.subscribe('pieces', {
    callback(_, message) {
      const [packet] = deframer.push(message.data)
      message.respond(packet && packBytes(encode(crc32c(decode<Uint8Array>(packet)))))
    },
  })
  await connection.flush()
  process.send!('ready')
}

const [, , broker, address] = process.argv
process.once('disconnect', () => process.exit())
await (broker === 'zeromq' ? overZeroMQ : overNats)(address!)
