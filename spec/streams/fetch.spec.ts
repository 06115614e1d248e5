/** Upload and download by fetch, against a real server, with gzip and without. */

import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PacketDecoderStream, PacketEncoderStream } from '../../src/streams/index.js'
import { turns } from '../carriers/inbox.js'
import { difference } from '../same.js'
import { bytesOf, counting, MiB, outcomeOf, Unhandled } from './kit.js'
import { bodyOf, send, TestServer } from './server.js'

const unhandled = new Unhandled()

interface Frame {
  readonly id: number
  readonly pixels: Uint8Array
  readonly thumb: Float32Array
}

/** Ten values of 5 MiB each. */
const COUNT = 10
function* frames(): Generator<Frame> {
  for (let id = 0; id < COUNT; id++)
    yield { id, pixels: counting(5 * MiB, id), thumb: new Float32Array(100).fill(id) }
}

async function expectFrames(values: ReadableStream<Frame>): Promise<void> {
  let id = 0
  for await (const { id: found, pixels, thumb } of values) {
    assert.is(found, id)
    assert.is(Buffer.compare(pixels, counting(5 * MiB, id)), 0)
    assert.is(thumb[99], id)
    id++
  }
  assert.is(id, COUNT)
}

const gzip = (): CompressionStream => new CompressionStream('gzip')
const gunzip = (): DecompressionStream => new DecompressionStream('gzip')

const test = suite('fetch: bodies')
test.before(() => unhandled.start())

for (const isZipped of [false, true]) {
  const how = isZipped ? ', with gzip' : ''

  test(`50 MiB are uploaded${how}`, async () => {
    await using server = await TestServer.start(async (request, response) => {
      const bytes = isZipped ? bodyOf(request).pipeThrough(gunzip()) : bodyOf(request)
      await expectFrames(bytes.pipeThrough(new PacketDecoderStream<Frame>()) as ReadableStream<Frame>)
      response.end('all')
    })
    const bytes = ReadableStream.from(frames()).pipeThrough(new PacketEncoderStream())
    const response = await server.post(isZipped ? bytes.pipeThrough(gzip()) : bytes)
    assert.is(await response.text(), 'all')
    assert.equal(server.errors, [])
  })

  test(`50 MiB are downloaded${how}`, async () => {
    await using server = await TestServer.start((_, response) => {
      const bytes = ReadableStream.from(frames()).pipeThrough(new PacketEncoderStream())
      return send(isZipped ? bytes.pipeThrough(gzip()) : bytes, response)
    })
    const { body } = await fetch(server.url)
    const bytes = isZipped ? body!.pipeThrough(gunzip()) : body!
    await expectFrames(bytes.pipeThrough(new PacketDecoderStream<Frame>()))
    assert.equal(server.errors, [])
  })
}

test('gzip that fetch undoes by itself', async () => {
  await using server = await TestServer.start((_, response) => {
    response.setHeader('content-encoding', 'gzip')
    const bytes = ReadableStream.from(frames()).pipeThrough(new PacketEncoderStream())
    Readable.fromWeb(bytes as never)
      .pipe(createGzip())
      .pipe(response)
  })
  const { body } = await fetch(server.url)
  await expectFrames(body!.pipeThrough(new PacketDecoderStream<Frame>()))
})

test('an echo that decodes nothing: frames are forwarded as bytes', async () => {
  await using server = await TestServer.start((request, response) => send(bodyOf(request), response))
  const response = await server.post(ReadableStream.from(frames()).pipeThrough(new PacketEncoderStream()))
  await expectFrames(response.body!.pipeThrough(new PacketDecoderStream<Frame>()))
})

test('a body that is written byte by byte', async () => {
  const bytes = await bytesOf([{ id: 1 }, counting(300), 'three'])
  await using server = await TestServer.start(async (_, response) => {
    for (const byte of bytes) {
      response.write(Uint8Array.of(byte))
      await turns(1)
    }
    response.end()
  })
  const { body } = await fetch(server.url)
  const { items, error } = await outcomeOf(body!.pipeThrough(new PacketDecoderStream()))
  assert.is(difference([[{ id: 1 }, counting(300), 'three'], undefined], [items, error]), undefined)
})

test('an array that is copied may change once write has resolved, and stays', async () => {
  await using server = await TestServer.start(async (request, response) => {
    // Slowly, so that the sockets are full.
    let round = 0
    for await (const value of bodyOf(request).pipeThrough(new PacketDecoderStream())) {
      assert.is(difference(new Uint8Array(3 * MiB).fill(round), value), undefined)
      await new Promise(resolve => setTimeout(resolve, 20))
      round++
    }
    response.end(String(round))
  })
  const encoder = new PacketEncoderStream<Uint8Array>({ copy: true })
  const response = server.post(encoder.readable)
  const writer = encoder.writable.getWriter()
  const array = new Uint8Array(3 * MiB)
  for (let round = 0; round < 8; round++) await writer.write(array.fill(round))
  array.fill(255)
  await writer.close()
  assert.is(await (await response).text(), '8')
  assert.is(array.length, 3 * MiB)
  assert.equal(server.errors, [])
})

test.run()

const pressure = suite('fetch: back-pressure')

/** More than the sockets of both ends take, far less than all. */
const BOUND = 24
const TOTAL = 60

/** Values of 1 MiB, made when they are asked for. */
function made(counts: { made: number; read: number; most: number }): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      pull: controller => {
        if (counts.made === TOTAL) return controller.close()
        controller.enqueue(new Uint8Array(MiB).fill(counts.made++))
        counts.most = Math.max(counts.most, counts.made - counts.read)
      },
    },
    { highWaterMark: 0 },
  )
}

async function readSlowly(
  values: ReadableStream<unknown>,
  counts: { made: number; read: number },
): Promise<void> {
  for await (const value of values) {
    assert.is((value as Uint8Array)[MiB - 1], counts.read)
    counts.read++
    // The first ones slowest: who does not wait is far ahead by then.
    await new Promise(resolve => setTimeout(resolve, counts.read < 5 ? 100 : 1))
  }
  assert.is(counts.read, TOTAL)
}

const senders: [name: string, send: (url: string, bytes: ReadableStream<Uint8Array>) => Promise<unknown>][] =
  [
    // What has been sent it keeps until the end all the same: nodejs/undici#4058.
    ['fetch', (url, body) => fetch(url, { method: 'POST', body, duplex: 'half' })],
    [
      'a request of node:http',
      async (url, bytes) => {
        const upload = request(url, { method: 'POST' })
        const answered = once(upload, 'response')
        await send(bytes, upload)
        const [response] = (await answered) as [IncomingMessage]
        response.resume()
      },
    ],
  ]
for (const [name, upload] of senders) {
  pressure(`a server that reads slowly holds back ${name}`, async () => {
    const counts = { made: 0, read: 0, most: 0 }
    await using server = await TestServer.start(async (request, response) => {
      await readSlowly(bodyOf(request).pipeThrough(new PacketDecoderStream()), counts)
      response.end()
    })
    await upload(server.url, made(counts).pipeThrough(new PacketEncoderStream()))
    assert.is(counts.read, TOTAL)
    assert.ok(counts.most < BOUND, `${counts.most} MiB under way`)
    assert.equal(server.errors, [])
  })
}

pressure('a client that reads slowly holds the server back', async () => {
  const counts = { made: 0, read: 0, most: 0 }
  await using server = await TestServer.start((_, response) =>
    send(made(counts).pipeThrough(new PacketEncoderStream()), response),
  )
  const { body } = await fetch(server.url)
  await readSlowly(body!.pipeThrough(new PacketDecoderStream()), counts)
  assert.ok(counts.most < BOUND, `${counts.most} MiB under way`)
})

pressure('nothing was left unhandled', async () => {
  await unhandled.stop()
  assert.equal(unhandled.reasons, [])
})

pressure.run()
