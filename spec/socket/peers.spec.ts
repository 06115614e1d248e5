/** Peers that are no channels, and peers that are late, silent or gone: what the two ends say to each other. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SocketLink } from '../../src/carriers/socket/link.js'
import type { Channel } from '../../src/channel.js'
import { Deframer, packBytes } from '../../src/frame/index.js'
import { packNote } from '../../src/frame/note.js'
import { decode, encode, isOutbandError } from '../../src/index.js'
import { connect, SocketCarrier, serve } from '../../src/socket/index.js'
import { codeOf, Inbox, settled, turns, until, upTo, within } from '../carriers/inbox.js'
import { somePath } from '../carriers/path.js'
import { frameOf, outcomeOf, packetsOf, rawPeer, served } from './raw.js'

const plain = suite('sockets: programs that are no channels')

interface PlainRow {
  readonly name: string
  /** What the program writes and does. */
  readonly says: (peer: Socket) => unknown
  readonly values: unknown[]
  /** 'closed', or the code of the error. */
  readonly outcome: string
}

const frames = Buffer.concat([frameOf(1), frameOf('two'), frameOf({ three: 3 })])
const all = [1, 'two', { three: 3 }]
const rows: PlainRow[] = [
  { name: 'frames, then its end', says: peer => peer.end(frames), values: all, outcome: 'closed' },
  { name: 'nothing at all', says: peer => peer.end(), values: [], outcome: 'closed' },
  {
    name: 'frames, one byte at a time',
    says: async peer => {
      for (const byte of frames) {
        peer.write(Uint8Array.of(byte))
        await turns(1)
      }
      peer.end()
    },
    values: all,
    outcome: 'closed',
  },
  {
    name: 'frames, then bye',
    says: peer => peer.end(Buffer.concat([frames, packNote('bye')])),
    values: all,
    outcome: 'closed',
  },
  {
    name: 'notes of kinds that nobody knows, between frames',
    says: peer => {
      const unknown = packNote('alive', 7)
      unknown[24] = 200
      peer.end(Buffer.concat([unknown, frames, unknown]))
    },
    values: all,
    outcome: 'closed',
  },
  {
    name: 'frames, then part of one',
    says: peer => peer.end(Buffer.concat([frames, frames.subarray(0, 30)])),
    values: all,
    outcome: 'PEER_GONE',
  },
  {
    name: 'hello, frames, and no goodbye',
    says: peer => peer.end(Buffer.concat([packNote('hello'), frames])),
    values: all,
    outcome: 'PEER_GONE',
  },
  {
    name: 'hello, frames and bye',
    says: peer => peer.end(Buffer.concat([packNote('hello'), frames, packNote('bye')])),
    values: all,
    outcome: 'closed',
  },
  {
    name: 'a packet behind its goodbye',
    says: peer => peer.end(Buffer.concat([frames, packNote('bye'), frames])),
    values: all,
    outcome: 'TRAILING',
  },
  {
    name: 'a note that is too long',
    says: peer => {
      const note = packBytes({ meta: new Uint8Array(17), buffers: [] })
      note[5] = 2
      peer.end(Buffer.concat([frames, note]))
    },
    values: all,
    outcome: 'MALFORMED',
  },
  {
    name: 'hello a thousand times, answers to nothing, and bye',
    says: peer => {
      const notes = upTo(1000).flatMap(i => [packNote('hello', i), packNote('taken', i * 1e6)])
      peer.end(Buffer.concat([...notes, frames, packNote('bye')]))
    },
    values: all,
    outcome: 'closed',
  },
]
for (const { name, says, values: wanted, outcome: end } of rows) {
  plain(`${name}: ${wanted.length} values, ${end}`, async () => {
    const { path, values, outcomes, dispose } = await served()
    try {
      const peer = await rawPeer(path)
      peer.resume()
      await says(peer)
      await until(() => outcomes.length > 0, 'the connection')
      const outcome = await within(outcomes[0]!, 'the end')
      assert.is(outcome === 'closed' ? outcome : outcome.code, end, String(outcome))
      assert.equal(values[0], wanted)
      peer.destroy()
    } finally {
      await dispose()
    }
  })
}

plain('one that only reads gets every packet, then the end', async () => {
  const path = somePath()
  const server = await serve(path, async channel => {
    for (const i of upTo(50)) await channel.send({ i, samples: new Float64Array(i * 1000) })
    await channel.close()
  })
  const peer = await rawPeer(path)
  const deframer = new Deframer()
  const values: unknown[] = []
  for await (const chunk of peer) for (const packet of deframer.push(chunk)) values.push(decode(packet))
  deframer.end()
  assert.equal(
    values.map(value => (value as { i: number }).i),
    upTo(50),
  )
  peer.destroy()
  await server.close()
})

plain('one that asks and shuts its direction gets the answer, where the server waits for it', async () => {
  const path = somePath()
  const server = await serve<number, number>(
    path,
    async channel => {
      const read: number[] = []
      for await (const n of channel) read.push(n)
      await channel.send(read.reduce((sum, n) => sum + n, 0))
      await channel.close()
    },
    { allowHalfOpen: true },
  )
  const peer = await rawPeer(path)
  peer.end(Buffer.concat([frameOf(20), frameOf(22)]))
  const deframer = new Deframer()
  const values: unknown[] = []
  for await (const chunk of peer) for (const packet of deframer.push(chunk)) values.push(decode(packet))
  assert.equal(values, [42])
  await server.close()
})

plain('one that has said all is not late: it hears what takes longer than it may be silent', async () => {
  const path = somePath()
  const sizes = [1, 1, 2 ** 20, 2 ** 20, 2 ** 20, 2 ** 20]
  const server = await serve(
    path,
    async channel => {
      for await (const _ of channel);
      for (const size of sizes) {
        await new Promise(resolve => setTimeout(resolve, 200))
        await channel.send(new Uint8Array(size))
      }
      await channel.close()
    },
    { allowHalfOpen: true, idleTimeoutMs: 800, closeTimeoutMs: 800 },
  )
  const peer = await rawPeer(path)
  peer.end(frameOf('all of them'))
  // At the end it takes its time, too.
  peer.on('data', () => {
    peer.pause()
    setTimeout(() => peer.resume(), 10)
  })
  const ended = once(peer, 'end')
  await until(() => server.channels.size > 0, 'the connection')
  const [channel] = server.channels
  await within(channel!.closed, 'closed')
  await within(ended, 'the end')
  assert.ok(peer.bytesRead > 4 * 2 ** 20, `${peer.bytesRead} bytes`)
  peer.destroy()
  await server.close()
})

plain('one that has said all and takes in nothing is given up', async () => {
  const path = somePath()
  const server = await serve(
    path,
    async channel => {
      for await (const _ of channel);
      await channel.send(new Uint8Array(2 ** 24))
    },
    { allowHalfOpen: true, idleTimeoutMs: 100 },
  )
  const peer = await rawPeer(path)
  peer.end(frameOf(1))
  await until(() => server.channels.size > 0, 'the connection')
  const [channel] = server.channels
  assert.is(await codeOf(() => channel!.closed), 'TIMEOUT')
  peer.destroy()
  await server.close()
})

plain('one that reads slowly and never answers holds the sender back by itself', async () => {
  const path = somePath()
  let sent = 0
  const server = await serve(
    path,
    async channel => {
      for (; sent < 40; sent++) await channel.send(new Uint8Array(2 ** 20))
      await channel.close()
    },
    { highWaterMark: 2 ** 22 },
  )
  const peer = await rawPeer(path)
  // A word that shows what it is: else the sender waits a while for its hello.
  peer.write(frameOf('hello'))
  await settled(() => sent)
  assert.ok(sent < 10, `${sent} sent`)
  assert.is(await packetsOf(peer), 40)
  peer.destroy()
  await server.close()
})

plain('one that reads nothing, and says that it has taken all, holds the sender back as well', async () => {
  let sent = 0
  const send = async (channel: Channel): Promise<void> => {
    // Short enough to be copied: longer ones are waited for until they are written.
    for (; sent < 400; sent++) await channel.send(new Uint8Array(100_000))
  }
  const { path, dispose } = await served({ highWaterMark: 2 ** 20 }, channel => send(channel).catch(() => {}))
  const peer = await rawPeer(path)
  peer.pause()
  peer.write(packNote('hello'))
  const lies = setInterval(() => peer.write(packNote('taken', sent * 100_000)), 1)
  try {
    await settled(() => sent)
    assert.ok(sent > 0 && sent < 100, `${sent} sent`)
  } finally {
    clearInterval(lies)
    peer.destroy()
    await dispose()
  }
})

plain.run()

const late = suite('sockets: peers that are late')

interface LateRow {
  readonly name: string
  readonly options: { idleTimeoutMs?: number; frameTimeoutMs?: number }
  readonly does: (peer: Socket) => unknown
  readonly message: RegExp
}

const frame = frameOf(new Uint8Array(10_000))
const drip = async (peer: Socket, bytes: Uint8Array, ms: number) => {
  for (const byte of bytes) {
    if (peer.destroyed || peer.readableEnded) return
    peer.write(Uint8Array.of(byte))
    await new Promise(resolve => setTimeout(resolve, ms))
  }
}
const lateRows: LateRow[] = [
  {
    name: 'connects and is silent',
    options: { idleTimeoutMs: 60 },
    does: () => {},
    message: /the peer was silent for 60 ms/,
  },
  {
    name: 'sends a frame and is silent',
    options: { idleTimeoutMs: 60 },
    does: peer => peer.write(frame),
    message: /the peer was silent for 60 ms/,
  },
  {
    name: 'sends half a frame',
    options: { frameTimeoutMs: 60 },
    does: peer => peer.write(frame.subarray(0, 5000)),
    message: /the frame was not complete for 60 ms/,
  },
  {
    name: 'sends a frame byte by byte',
    options: { idleTimeoutMs: 2000, frameTimeoutMs: 80 },
    does: peer => drip(peer, frame, 5),
    message: /the frame was not complete for 80 ms/,
  },
  {
    name: 'sends a frame and half of the next, again and again too slowly',
    options: { idleTimeoutMs: 2000, frameTimeoutMs: 80 },
    does: async peer => {
      peer.write(frame.subarray(0, 5000))
      await new Promise(resolve => setTimeout(resolve, 40))
      // One is complete in time; the next begins its own time.
      peer.write(Buffer.concat([frame.subarray(5000), frame.subarray(0, 5000)]))
    },
    message: /the frame was not complete for 80 ms/,
  },
]
for (const { name, options, does, message } of lateRows) {
  late(`who ${name} is given up: TIMEOUT`, async () => {
    const start = performance.now()
    const { path, outcomes, dispose } = await served(options)
    try {
      const peer = await rawPeer(path)
      peer.resume()
      void does(peer)
      await until(() => outcomes.length > 0, 'the connection')
      const outcome = await within(outcomes[0]!, 'the end')
      assert.ok(isOutbandError(outcome, 'TIMEOUT'), String(outcome))
      assert.match(outcome.message, message)
      assert.ok(performance.now() - start > 55, 'not before its time')
      peer.destroy()
    } finally {
      await dispose()
    }
  })
}

/** This thread does nothing else meanwhile. */
const block = (ms: number): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
const busyRows: [name: string, bytes: Uint8Array[], code: string][] = [
  ['and said something meanwhile, is not given up', [frame], 'closed'],
  ['and has ended a frame meanwhile, is not given up', [frame.subarray(0, 9), frame.subarray(9)], 'closed'],
  ['and said nothing, is given up all the same', [], 'TIMEOUT'],
  ['and has not ended a frame, is given up all the same', [frame.subarray(0, 9)], 'TIMEOUT'],
]
for (const [name, parts, code] of busyRows) {
  late(`who waited while this thread was busy, ${name}: ${code}`, async () => {
    const { path, outcomes, dispose } = await served({ idleTimeoutMs: 600, frameTimeoutMs: 600 })
    try {
      const peer = await rawPeer(path)
      peer.resume()
      const [first, ...rest] = parts
      if (rest.length > 0) peer.write(first!)
      await until(() => outcomes.length > 0, 'the connection')
      await turns(3)
      if (rest.length === 0 && first !== undefined) peer.write(first)
      for (const part of rest) peer.write(part)
      block(1300)
      if (code === 'closed') peer.end()
      const outcome = await within(outcomes[0]!, 'the end')
      assert.is(outcome === 'closed' ? outcome : outcome.code, code)
      peer.destroy()
    } finally {
      await dispose()
    }
  })
}

late(
  'who says something in each pause of a busy thread, all inside of one frame, is not given up',
  async () => {
    const { path, outcomes, values, dispose } = await served({ idleTimeoutMs: 200, frameTimeoutMs: 60_000 })
    try {
      const peer = await rawPeer(path)
      peer.resume()
      await until(() => outcomes.length > 0, 'the connection')
      for (let at = 0; at < 4000; at += 1000) {
        peer.write(frame.subarray(at, at + 1000))
        block(500)
        await turns(3)
      }
      peer.end(frame.subarray(4000))
      assert.is(await within(outcomes[0]!, 'the end'), 'closed')
      assert.is(values[0]!.length, 1)
      peer.destroy()
    } finally {
      await dispose()
    }
  },
)

late('two channels that have nothing to say stay together', async () => {
  const { path, outcomes, values, dispose } = await served({ idleTimeoutMs: 200 })
  try {
    // One that is patient, which yet knows that the other is not.
    for (const idleTimeoutMs of [0, 200]) {
      const channel = await connect<unknown, number>(path, { idleTimeoutMs })
      await new Promise(resolve => setTimeout(resolve, 700))
      await channel.send(idleTimeoutMs)
      await channel.close()
    }
    assert.equal(await Promise.all(outcomes), ['closed', 'closed'])
    assert.equal(values, [[0], [200]])
  } finally {
    await dispose()
  }
})

late(
  'who wants a sign of life all the time gets one now and then, and one that is not taken is the last',
  async () => {
    const hello = packNote('hello', 1)
    const before = performance.now()
    const { path, channels, dispose } = await served()
    try {
      const peer = await rawPeer(path)
      let notes = 0
      peer.on('data', chunk => {
        notes += chunk.length / hello.length
      })
      peer.write(hello)
      await until(() => notes >= 8, 'signs of life')
      const most = (performance.now() - before) / 25 + 2
      assert.ok(notes < most, `${notes} notes, ${most} at most`)
      assert.is(channels.length, 1)
      peer.destroy()
    } finally {
      await dispose()
    }
    // Nothing of what is written here is ever taken.
    const stream = new Duplex({ read: () => {}, write: () => {} })
    const channel = await connect(stream)
    stream.push(hello)
    await until(() => stream.writableLength > hello.length, 'a sign of life')
    await new Promise(resolve => setTimeout(resolve, 200))
    assert.is(stream.writableLength, 2 * hello.length)
    channel.abort()
  },
)

late('a peer is not late while this side does not read', async () => {
  const path = somePath()
  let read = 0
  const server = await serve<Uint8Array>(
    path,
    async channel => {
      for await (const _ of channel) {
        read++
        // Longer than both its times; the second value is half read meanwhile.
        if (read === 1) await new Promise(resolve => setTimeout(resolve, 1500))
      }
    },
    { idleTimeoutMs: 500, frameTimeoutMs: 500, maxWaiting: 1 },
  )
  const peer = await rawPeer(path)
  const sizes = upTo(20).map(() => 2 ** 20)
  peer.resume()
  peer.end(Buffer.concat(sizes.map(size => frameOf(new Uint8Array(size)))))
  await until(() => server.channels.size > 0, 'the connection')
  const [channel] = server.channels
  await within(channel!.closed, 'closed')
  assert.is(read, sizes.length)
  peer.destroy()
  await server.close()
})

late('close does not wait for ever for a peer that never answers', async () => {
  const path = somePath()
  const server = await serve(path, channel => channel.close(), { closeTimeoutMs: 80 })
  const peer = await rawPeer(path)
  // It says hello, so that its goodbye is waited for.
  peer.write(packNote('hello'))
  peer.resume()
  await until(() => server.channels.size > 0, 'the connection')
  const [channel] = server.channels
  assert.is(await codeOf(() => channel!.closed), 'TIMEOUT')
  peer.destroy()
  await server.close()
})

late.run()

const gone = suite('sockets: peers that are gone')

const [hello, bye] = [packNote('hello'), packNote('bye')]
const words = upTo(3)
/** As a channel counts what it has sent. */
const taken = words.reduce((sum, word) => sum + 64 + encode(word).meta.length, 0)
const goneRows: [name: string, says: Uint8Array[], code: string][] = [
  ['a channel that said bye, and did not hear ours', [hello, bye], 'PEER_GONE'],
  ['a channel that has answered, and said bye', [hello, packNote('taken', taken), bye], 'closed'],
  ['a program that only said bye', [bye], 'closed'],
  ['a program that said something and ended', [frameOf(1)], 'closed'],
]
for (const [name, says, code] of goneRows) {
  gone(`the end of ${name}: ${code}`, async () => {
    const path = somePath()
    const server = createServer({ allowHalfOpen: true }, peer => {
      peer.on('error', () => {})
      peer.once('data', () => setTimeout(() => peer.end(Buffer.concat(says)), 50))
    }).listen(path)
    try {
      await once(server, 'listening')
      const channel = await connect(path)
      for (const word of words) void channel.send(word)
      const outcome = await within(outcomeOf(channel), 'the end')
      assert.is(outcome === 'closed' ? outcome : outcome.code, code)
    } finally {
      server.close()
    }
  })
}

gone('who closes at once, and before it knows the peer, is told when all was taken', async () => {
  const { path, values, outcomes, dispose } = await served()
  try {
    const channel = await connect(path)
    for (const i of upTo(1000)) void channel.send(i)
    await within(channel.close(), 'closed')
    assert.equal(values[0], upTo(1000))
    assert.is(await outcomes[0], 'closed')
  } finally {
    await dispose()
  }
})

for (const [name, says] of [
  ['a program that had said all', [frameOf(1)]],
  ['a channel that had said bye', [hello, bye]],
] as const) {
  gone(`${name}, where the server neither closes nor sends: PEER_GONE`, async () => {
    const { path, outcomes, dispose } = await served({ allowHalfOpen: true, idleTimeoutMs: 100 })
    try {
      const peer = await rawPeer(path)
      peer.resume()
      peer.end(Buffer.concat(says))
      await until(() => outcomes.length > 0, 'the connection')
      await new Promise(resolve => setTimeout(resolve, 400))
      assert.is(await Promise.race([outcomes[0], 'open']), 'open')
      peer.destroy()
      const outcome = await within(outcomes[0]!, 'the end', 5000)
      assert.ok(isOutbandError(outcome, 'PEER_GONE'), String(outcome))
    } finally {
      await dispose()
    }
  })
}

gone('what a peer that takes nothing more goes on to write is kept up to a bound', async () => {
  const path = somePath()
  const frame = frameOf(new Uint8Array(2 ** 20))
  const peers = createServer(peer => {
    const flood = () => {
      while (peer.write(frame));
    }
    peer.on('error', () => {}).on('drain', flood)
    flood()
  })
  await once(peers.listen(path), 'listening')
  const link = SocketLink.to({ path })
  const carrier = new SocketCarrier(link)
  const inbox = new Inbox()
  carrier.receive(inbox)
  carrier.pause()
  // As after a write that failed.
  link.rest()
  assert.is(await codeOf(() => carrier.closed), 'PEER_GONE')
  assert.ok(inbox.parcels.length >= 15 && inbox.parcels.length <= 18, `${inbox.parcels.length} MiB`)
  peers.close()
})

gone('a reset: PEER_GONE, with what the system says', async () => {
  const server = await serve({ port: 0, host: '127.0.0.1' }, () => {})
  const { port } = server.address as { port: number }
  const peer = (await import('node:net')).connect(port, '127.0.0.1')
  peer.on('error', () => {})
  await once(peer, 'connect')
  await until(() => server.channels.size > 0, 'the connection')
  const [channel] = server.channels
  peer.resetAndDestroy()
  const error = await within(
    channel!.closed.catch(error => error),
    'the end',
  )
  assert.ok(isOutbandError(error, 'PEER_GONE'), String(error))
  assert.is((error.cause as NodeJS.ErrnoException).code, 'ECONNRESET')
  await server.close()
})

gone('what could not be written is told by its send', async () => {
  const { path, channels, dispose } = await served()
  try {
    const channel = await connect(path, { highWaterMark: 2 ** 30 })
    await until(() => channels.length > 0, 'the connection')
    // Nobody reads on the other side until it is gone.
    const server = channels[0]!
    const sent = upTo(20).map(() => channel.send(new Uint8Array(2 ** 22)))
    server.abort()
    const outcomes = await within(Promise.allSettled(sent), 'all of them')
    const lost = outcomes.filter(({ status }) => status === 'rejected')
    assert.ok(lost.length > 0)
    for (const outcome of lost) assert.is((outcome as PromiseRejectedResult).reason.code, 'PEER_GONE')
    assert.is(await codeOf(() => channel.closed), 'PEER_GONE')
  } finally {
    await dispose()
  }
})

gone.run()

const notes = suite('sockets: notes')

notes('a channel says hello first and bye last, and packets as pack makes them between', async () => {
  const path = somePath()
  const server = await serve(path, async channel => {
    await channel.send('one')
    await channel.send(new Uint8Array(5000))
    await channel.close()
  })
  const peer = await rawPeer(path)
  const chunks: Buffer[] = []
  for await (const chunk of peer) chunks.push(chunk)
  const idle = 30_000
  const wanted = [packNote('hello', idle), frameOf('one'), frameOf(new Uint8Array(5000)), packNote('bye')]
  assert.equal(Buffer.concat(chunks), Buffer.concat(wanted))
  peer.destroy()
  await server.close()
})

notes.run()
