/** Values through streams: the same ones whatever the chunks, whatever they are, and whatever is in between. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { MessageChannel } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { values } from '../../fixtures/values.js'
import {
  type PacketDecoderOptions,
  PacketDecoderStream,
  type PacketEncoderOptions,
  PacketEncoderStream,
} from '../../src/streams/index.js'
import type { Sizes } from '../frames.js'
import { difference } from '../same.js'
import { Unhandled } from './kit.js'

const rows = values.filter(({ isShared }) => !isShared)

/** Sends every value of the table through one stream of bytes, and compares what arrives. */
async function expectAll(
  through: (bytes: ReadableStream<Uint8Array<ArrayBuffer>>) => ReadableStream<Uint8Array>,
  encoding: PacketEncoderOptions = {},
  decoding: PacketDecoderOptions = {},
): Promise<void> {
  const sent = rows.map(({ make }) => make())
  const bytes = ReadableStream.from(sent).pipeThrough(new PacketEncoderStream(encoding))
  const decoder = new PacketDecoderStream({ limits: 'trusted', ...decoding })
  let at = 0
  for await (const copy of through(bytes).pipeThrough(decoder)) {
    const row = rows[at]!
    const found = difference(row.arrives?.(sent[at] as never) ?? sent[at], copy)
    assert.is(found, undefined, `${row.name}: ${found}`)
    at++
  }
  assert.is(at, rows.length)
}

/** Cuts a stream anew. */
function cutting(sizes: Sizes): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      for (let pos = 0; pos < chunk.length; ) {
        const piece = chunk.slice(pos, pos + sizes(chunk.length - pos))
        pos += piece.length
        controller.enqueue(piece)
      }
    },
  })
}

async function* outOfBlob(bytes: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* new Blob([await new Response(bytes).arrayBuffer()]).stream()
}

const unhandled = new Unhandled()

const table = suite('streams: values')
table.before(() => unhandled.start())

const settings: [name: string, encoding: PacketEncoderOptions, decoding?: PacketDecoderOptions][] = [
  ['as it is', {}],
  ['with checksums, which are demanded', { checksum: true }, { checksum: true }],
  ['all out of band', { threshold: 0 }],
  ['all in band', { threshold: Number.POSITIVE_INFINITY }],
  ['copied', { copy: true }],
  ['without a queue', { highWaterMark: 0 }],
]
for (const [name, encoding, decoding] of settings) {
  table(`every value arrives: ${name}`, () => expectAll(bytes => bytes, encoding, decoding))
}

const ways: [name: string, through: Parameters<typeof expectAll>[0]][] = [
  ['chunks of 1 to 97 bytes', bytes => bytes.pipeThrough(cutting(rest => 1 + (rest % 97)))],
  ['chunks of 1000 bytes', bytes => bytes.pipeThrough(cutting(() => 1000))],
  ['a Response', bytes => new Response(bytes).body as ReadableStream<Uint8Array>],
  [
    'gzip',
    bytes => bytes.pipeThrough(new CompressionStream('gzip')).pipeThrough(new DecompressionStream('gzip')),
  ],
  [
    'deflate-raw',
    bytes =>
      bytes
        .pipeThrough(new CompressionStream('deflate-raw'))
        .pipeThrough(new DecompressionStream('deflate-raw')),
  ],
  ["Node's Readable", bytes => Readable.toWeb(Readable.fromWeb(bytes as never)) as ReadableStream],
  ['a Blob', bytes => ReadableStream.from(outOfBlob(bytes))],
  ['the first branch of a tee', bytes => bytes.tee()[0]],
  [
    'a port, which the stream was posted to',
    bytes => {
      const { port1, port2 } = new MessageChannel()
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
      port2.once('message', ({ stream }: { stream: ReadableStream<Uint8Array> }) => {
        port1.close()
        void stream.pipeTo(writable)
      })
      port1.postMessage({ stream: bytes }, [bytes as never])
      return readable
    },
  ],
]
for (const [name, through] of ways) table(`every value arrives through ${name}`, () => expectAll(through))

table('every value arrives over a socket, by streams of Node', async () => {
  const path =
    process.platform === 'win32'
      ? `\\\\.\\pipe\\outband-streams-${process.pid}`
      : joinPath(tmpdir(), `outband-streams-${process.pid}.sock`)
  const server = createServer({ allowHalfOpen: true }, peer => peer.pipe(peer)).listen(path)
  await once(server, 'listening')
  try {
    await expectAll(bytes => {
      const socket = connect({ path, allowHalfOpen: true })
      void bytes.pipeTo(Writable.toWeb(socket) as WritableStream<Uint8Array>)
      return Readable.toWeb(socket) as ReadableStream<Uint8Array>
    })
  } finally {
    server.close()
  }
})

table('nothing was left unhandled', async () => {
  await unhandled.stop()
  assert.equal(unhandled.reasons, [])
})

table.run()
