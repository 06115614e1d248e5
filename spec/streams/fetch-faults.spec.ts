/** What can go wrong between fetch and a server: an error on both sides, and never a part of a value. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { packBytes } from '../../src/frame/index.js'
import { encode, isOutbandError } from '../../src/index.js'
import { PacketDecoderStream, PacketEncoderStream } from '../../src/streams/index.js'
import { within } from '../carriers/inbox.js'
import { bytesOf, counting, KiB, MiB, type Outcome, outcomeOf, Unhandled } from './kit.js'
import { bodyOf, send, TestServer } from './server.js'

const unhandled = new Unhandled()
const gunzip = (): DecompressionStream => new DecompressionStream('gzip')
const gzip = (): CompressionStream => new CompressionStream('gzip')

const faults = suite('fetch: faults')
faults.before(() => unhandled.start())

/** One whole value, and the first bytes of another. */
async function cut(): Promise<{ whole: Uint8Array; part: Uint8Array }> {
  const whole = await bytesOf([{ id: 1 }])
  const large = await bytesOf([counting(300 * KiB)])
  return { whole, part: large.subarray(0, 200 * KiB) }
}

function expectOne({ items, error }: Outcome<unknown>): Error {
  assert.equal(items, [{ id: 1 }])
  assert.instance(error, Error)
  return error as Error
}

faults(
  'a connection that is cut inside of a frame: the value before it, then the error of fetch',
  async () => {
    const { whole, part } = await cut()
    await using server = await TestServer.start(async (_, response) => {
      response.write(whole)
      await new Promise(resolve => setTimeout(resolve, 20))
      response.write(part, () => response.destroy())
    })
    const { body } = await fetch(server.url)
    const error = expectOne(await outcomeOf(body!.pipeThrough(new PacketDecoderStream())))
    assert.instance(error, TypeError)
    assert.is(error.message, 'terminated')
  },
)

faults('a body whose length nobody said, and that ends inside of a frame: TRUNCATED', async () => {
  const { whole, part } = await cut()
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n')
      socket.write(whole)
      socket.end(part)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { body } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    const error = expectOne(await outcomeOf(body!.pipeThrough(new PacketDecoderStream())))
    assert.ok(isOutbandError(error, 'TRUNCATED'), String(error))
    assert.is(error.available, part.length)
  } finally {
    server.close()
  }
})

faults('gzip that is cut: an error, and no part of a value', async () => {
  const zipped = await new Response(
    ReadableStream.from([{ id: 1 }, counting(300 * KiB)])
      .pipeThrough(new PacketEncoderStream())
      .pipeThrough(gzip()),
  ).arrayBuffer()
  await using server = await TestServer.start((_, response) => {
    response.end(new Uint8Array(zipped, 0, zipped.byteLength >> 1))
  })
  const { body } = await fetch(server.url)
  const decoder = new PacketDecoderStream()
  const { items, error } = await outcomeOf(body!.pipeThrough(gunzip()).pipeThrough(decoder))
  assert.ok(items.length <= 1)
  assert.instance(error, Error)
})

faults('an upload that its client aborts: the server hears, and has whole values only', async () => {
  const { promise, resolve } = withResolvers<Outcome<unknown>>()
  const abort = new AbortController()
  await using server = await TestServer.start(async request => {
    const items: unknown[] = []
    try {
      for await (const item of bodyOf(request).pipeThrough(new PacketDecoderStream())) {
        items.push(item)
        abort.abort()
      }
      resolve({ items, error: undefined })
    } catch (error) {
      resolve({ items, error })
    }
  })
  const encoder = new PacketEncoderStream()
  const response = server.post(encoder.readable, { signal: abort.signal }).catch((error: unknown) => error)
  const writer = encoder.writable.getWriter()
  await writer.write({ id: 1 })
  const written = writer.write(counting(50 * MiB)).catch((error: unknown) => error)
  writer.releaseLock()
  assert.is(((await within(response, 'fetch')) as Error).name, 'AbortError')
  expectOne(await within(promise, 'the server'))
  // Node's fetch reads on, or not at all: what the writer hears is its own affair.
  await encoder.writable.abort().catch(() => {})
  await within(written, 'the writer')
})

faults('a server that answers early and goes: a request of node:http tells the writer', async () => {
  await using server = await TestServer.start((request, response) => {
    response.writeHead(413, { connection: 'close' }).end('too large')
    request.once('data', () => setTimeout(() => request.destroy(), 20))
  })
  const encoder = new PacketEncoderStream()
  const upload = request(server.url, { method: 'POST' })
  const answered = once(upload, 'response')
  const sent = send(encoder.readable, upload).catch((error: unknown) => error)
  const write = async (): Promise<unknown> => {
    const writer = encoder.writable.getWriter()
    try {
      for (;;) await writer.write(counting(MiB))
    } catch (error) {
      return error
    }
  }
  const error = await within(write(), 'the writer')
  assert.instance(error, Error)
  assert.instance(await sent, Error)
  const [response] = (await answered) as [IncomingMessage]
  assert.is(response.statusCode, 413)
})

faults('a page in place of frames is refused at its first byte', async () => {
  await using server = await TestServer.start((_, response) => {
    response.writeHead(502, { 'content-type': 'text/html' }).end('<!doctype html>\n<p>Bad gateway</p>')
  })
  const { body } = await fetch(server.url)
  const { items, error } = await outcomeOf(body!.pipeThrough(new PacketDecoderStream()))
  assert.equal(items, [])
  assert.ok(isOutbandError(error, 'MALFORMED'), String(error))
  assert.is(error.offset, 0)
})

faults('an upload over the limits is refused by its head, and the connection can be ended', async () => {
  const { promise, resolve } = withResolvers<Outcome<unknown>>()
  await using server = await TestServer.start(async (request, response) => {
    const decoder = new PacketDecoderStream({ limits: { bufferBytes: MiB } })
    resolve(await outcomeOf(bodyOf(request).pipeThrough(decoder)))
    response.destroy()
  })
  const encoder = new PacketEncoderStream()
  const response = server.post(encoder.readable).catch((error: unknown) => error)
  const writer = encoder.writable.getWriter()
  await writer.write({ id: 1 })
  const written = writer.write(counting(30 * MiB)).catch((error: unknown) => error)
  writer.releaseLock()
  const error = expectOne(await within(promise, 'the server'))
  assert.ok(isOutbandError(error, 'LIMIT'), String(error))
  assert.is(error.limit, 'bufferBytes')
  assert.instance(await within(response, 'fetch'), TypeError)
  await encoder.writable.abort().catch(() => {})
  await within(written, 'the writer')
})

faults('who announces much and sends little takes no memory', async () => {
  const frame = packBytes(encode({ samples: new Uint8Array(60 * MiB) }))
  const { promise, resolve } = withResolvers<void>()
  await using server = await TestServer.start(async (_, response) => {
    response.write(frame.subarray(0, 1000))
    await promise
    response.destroy()
  })
  const before = process.memoryUsage().arrayBuffers
  const { body } = await fetch(server.url)
  const outcome = outcomeOf(body!.pipeThrough(new PacketDecoderStream()))
  await new Promise(resolve => setTimeout(resolve, 50))
  const grown = process.memoryUsage().arrayBuffers - before
  assert.ok(grown < MiB, `${grown} bytes`)
  resolve()
  assert.equal((await outcome).items, [])
})

faults('a value that cannot travel ends the upload, and its error is told', async () => {
  await using server = await TestServer.start(async (request, response) => {
    for await (const _ of bodyOf(request).pipeThrough(new PacketDecoderStream()));
    response.end('all')
  })
  const values = ReadableStream.from([{ id: 1 }, { id: () => 2 }])
  const error: unknown = await server
    .post(values.pipeThrough(new PacketEncoderStream()))
    .catch((error: unknown) => error)
  const cause = (error as Error).cause ?? error
  assert.ok(isOutbandError(cause, 'UNSUPPORTED'), String(cause))
  assert.is(cause.path, 'value.id')
})

faults('nothing was left unhandled', async () => {
  await unhandled.stop()
  assert.equal(unhandled.reasons, [])
})

faults.run()

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>(done => {
    resolve = done
  })
  return { promise, resolve }
}
