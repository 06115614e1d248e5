/** A packet as the payload of a NATS message: one frame, through a real server, to another process and back. */
import type { ChildProcess } from 'node:child_process'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { crc32c } from '../../src/bytes/crc32c.js'
import { packFrames, pickle, unpackFrames } from '../../src/formats/pickle/index.js'
import { packBytes, unpack } from '../../src/frame/index.js'
import { decode, type ErrorCode, encode } from '../../src/index.js'
import { difference } from '../same.js'
import { checkEcho, startEcho } from './kit.js'
import { hasNats, type NatsServer, startNats } from './nats-server.js'

const test = suite('brokers: NATS')
const row = hasNats ? test : test.skip

let server: NatsServer
let child: ChildProcess
let connection: NatsConnection
test.before(async () => {
  if (!hasNats) return
  server = await startNats()
  child = await startEcho('nats', server.url)
  connection = await connect({ servers: server.url })
})
test.after(async () => {
  await connection?.close()
  child?.kill()
  server?.stop()
})

// Long, for a machine that is busy.
const timeout = 30_000
const ask = async (payload: Uint8Array, subject = 'echo') =>
  (await connection.request(subject, payload, { timeout })).data

row('every value comes back equal', () => checkEcho(async packet => unpack(await ask(packBytes(packet)))))

const samples = Float64Array.from({ length: 5000 }, (_, i) => i)
const frame = packBytes(encode({ samples }), { checksum: true })

row(
  'a frame arrives as a window on what was read; only what does not lie aligned there is copied',
  async () => {
    for (let shift = 0; shift < 8; shift++) {
      // The length of a subject shifts what comes behind it.
      const subject = 'x'.repeat(shift + 1)
      const arrival = new Promise<Uint8Array>((resolve, reject) => {
        connection.subscribe(subject, {
          max: 1,
          callback: (error, { data }) => (error ? reject(error) : resolve(data)),
        })
      })
      connection.publish(subject, frame)
      const data = await arrival
      const packet = unpack(data)
      assert.is(packet.buffers[0]!.buffer, data.buffer)
      const value = decode<{ samples: Float64Array }>(packet)
      assert.is(value.samples.buffer === data.buffer, packet.buffers[0]!.byteOffset % 8 === 0)
      assert.equal(value.samples, samples)
    }
  },
)

row('a frame that is longer than the server takes is refused here, and goes in pieces', async () => {
  const bytes = Uint8Array.from({ length: 2 ** 22 }, (_, i) => i % 251)
  const frame = packBytes(encode(bytes))
  const max = connection.info!.max_payload
  assert.is(max, 2 ** 20)
  assert.throws(() => connection.publish('pieces', frame), /max_payload/)
  let last: Uint8Array = new Uint8Array()
  for (let at = 0; at < frame.length; at += max) last = await ask(frame.subarray(at, at + max), 'pieces')
  assert.is(decode(unpack(last)), crc32c(bytes))
})

row('pickles in lists of frames, as dask has them', async () => {
  const bytes = Buffer.concat(packFrames(encode({ samples }, { format: pickle })))
  const arrival = new Promise<Uint8Array>(resolve => {
    connection.subscribe('pickles', { max: 1, callback: (_, { data }) => resolve(data) })
  })
  connection.publish('pickles', bytes)
  const value = decode<{ samples: Float64Array }>(unpackFrames(await arrival), { format: pickle })
  assert.equal(value.samples, samples)
})

const flipped = frame.slice()
flipped[frame.length - 1]! ^= 1

for (const [name, payload, code] of [
  ['nothing', new Uint8Array(0), 'TRUNCATED'],
  ['half a frame', frame.subarray(0, frame.length / 2), 'TRUNCATED'],
  ['a frame and a byte', Buffer.concat([frame, Uint8Array.of(0)]), 'TRAILING'],
  ['a changed byte', flipped, 'CHECKSUM'],
  ['text', Buffer.from('hello, world, how are you?'), 'MALFORMED'],
] as const) {
  row(`${name}: ${code}, and the next message arrives`, async () => {
    const error = decode<{ code: ErrorCode }>(unpack(await ask(payload)))
    assert.is(error.code, code, String(error))
    assert.is(difference({ samples }, decode(unpack(await ask(frame)))), undefined)
  })
}

test.run()
