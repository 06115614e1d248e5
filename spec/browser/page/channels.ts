/** Channels over every transport of a browser. */
import * as assert from 'uvu/assert'
import type { Channel } from '../../../src/channel.js'
import { isOutbandError } from '../../../src/index.js'
import { type ConnectOptions, connectPort, type PortLike } from '../../../src/port/index.js'
import { difference } from '../../same.js'
import { inTime, skip, suite } from './checks.js'
import { canShare } from './dom.js'
import { type Link, type Transport, transports } from './links.js'
import type { Role } from './peer.js'
import { waitsForReader } from './pressure.js'
import { Tensor, types } from './types.js'

const UNHEARD = 'a peer of another origin cannot say here how its end went'

function declare({ name, isBroadcast, isMixed, isNear, open }: Transport): void {
  const check = suite(`connectPort, ${name}`)

  const connect = async (role: Role, options: ConnectOptions = {}): Promise<[Channel, Link]> => {
    const link = await open(role)
    return [connectPort(link.port as PortLike, { ...link.options, types, ...options }), link]
  }

  check('values come back in order, memory too', async () => {
    const [channel, link] = await connect('echo')
    const sent = Array.from({ length: 200 }, (_, i) =>
      i % 3 ? { i, text: `value ${i}` } : new Tensor([i], new Float32Array(2000).fill(i)),
    )
    for (const value of sent) await channel.send(value)
    const got: unknown[] = []
    for await (const value of channel) if (got.push(value) === sent.length) break
    assert.is(difference(sent, got), undefined)
    assert.is(channel.stats.sent.messages, 200)
    assert.is(channel.stats.received.messages, 200)
    link.drop()
  })

  check('a peer that is gone without a word ends close, if late', async () => {
    const [channel, link] = await connect('echo', { closeTimeoutMs: 100 })
    await channel.send('hello')
    await inTime(channel[Symbol.asyncIterator]().next())
    link.drop()
    await new Promise(resolve => setTimeout(resolve, 20))
    await codeOf(inTime(channel.send('into the void')))
    const ending = await codeOf(inTime(channel.close()))
    // Chromium tells of a MessagePort that its other end is gone; of a Worker or a Window nobody tells.
    assert.ok(['TIMEOUT', 'PEER_GONE', 'no error'].includes(ending), ending)
  })

  if (isMixed) return

  check('transfer: true moves', async () => {
    const [channel, link] = await connect('echo')
    const samples = new Float64Array(10_000).fill(1)
    await channel.send({ samples }, { transfer: true })
    assert.is(samples.byteLength, isBroadcast ? 80_000 : 0)
    const { value } = await inTime(channel[Symbol.asyncIterator]().next())
    assert.is(difference({ samples: new Float64Array(10_000).fill(1) }, value), undefined)
    link.drop()
  })

  check('a reader that stops stops the sender', async () => {
    const [channel, link] = await connect('late', { highWaterMark: 2 ** 18 })
    await waitsForReader(channel, answer => assert.is((answer as Uint8Array).byteLength, 2 ** 16))
    link.drop()
  })

  check('close ends both sides, after all has arrived', async () => {
    const [channel, { ended, drop }] = await connect('echo')
    await channel.send('last')
    const { value } = await inTime(channel[Symbol.asyncIterator]().next())
    assert.is(value, 'last')
    await inTime(channel.close())
    if (isNear) assert.is(await inTime(ended), 'closed')
    const rest = await channel[Symbol.asyncIterator]().next()
    assert.ok(rest.done)
    assert.is(await codeOf(channel.send(1)), 'CLOSED')
    drop()
  })

  check('abort: the peer is told', async () => {
    if (!isNear) skip(UNHEARD)
    const [channel, { ended, drop }] = await connect('echo')
    await channel.send('hello')
    await inTime(channel[Symbol.asyncIterator]().next())
    channel.abort()
    assert.is(await codeOf(channel.closed), 'CLOSED')
    assert.is(await inTime(ended), 'PEER_GONE')
    drop()
  })

  check('what no channel sent ends the channel with MALFORMED', async () => {
    const [channel, link] = await connect('plain')
    await channel.send('to somebody who answers as a port would')
    assert.is(await codeOf(inTime(channel.closed)), 'MALFORMED')
    link.drop()
  })
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'no error'
  } catch (error) {
    if (isOutbandError(error)) return error.code
    throw error
  }
}

for (const transport of transports) declare(transport)

const memory = suite('connectPort, shared memory')

memory('a channel refuses shared memory where there is nobody to share it with, and goes on', async () => {
  if (canShare) skip('it can be shared here')
  const link = await transports[0]!.open('echo')
  const channel = connectPort(link.port as PortLike, { types })
  assert.is(await codeOf(channel.send(new SharedArrayBuffer(8))), 'UNSUPPORTED')
  await channel.send('next')
  assert.is((await inTime(channel[Symbol.asyncIterator]().next())).value, 'next')
  link.drop()
})

memory('a channel shares shared memory', async () => {
  if (!canShare) skip('shared memory needs a page that is cross-origin isolated')
  const link = await transports[0]!.open('echo')
  const channel = connectPort(link.port as PortLike, { types })
  const sent = new Int32Array(new SharedArrayBuffer(64), 16, 4)
  await channel.send(sent)
  const { value } = await inTime(channel[Symbol.asyncIterator]().next())
  sent[0] = 9
  assert.is((value as Int32Array)[0], 9)
  assert.is(channel.stats.sent.shared, 16)
  link.drop()
})
