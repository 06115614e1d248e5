/** Metadata and frames in memory that somebody else has mapped and flips while they are read: a snapshot, or an error. */
import { Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { pack, packBytes, unpack } from '../../src/frame/index.js'
import { decode, defineType, encode, isOutbandError, registry } from '../../src/index.js'
import { SharedMemory } from '../../src/shm/index.js'
import { difference } from '../same.js'
import { isLinux, PATIENCE_MS } from './kit.js'

const test = suite('shm: hostile peers')
const row = isLinux ? test : test.skip

const rows = Array.from({ length: 300 }, (_, id) => ({ id, text: `row ${id}`, at: id / 7 }))
const targets: [what: string, bytes: Uint8Array, read: (bytes: Uint8Array) => unknown][] = [
  ['metadata', encode(rows).meta, meta => decode({ meta, buffers: [] }, { limits: 'untrusted' })],
  ['the head of a frame', pack({ meta: new Uint8Array(0), buffers: many() })[0]!, head => unpack(head)],
  [
    'a frame',
    packBytes(encode(rows), { checksum: true }),
    frame => decode(unpack(frame), { limits: 'untrusted' }),
  ],
]

/** Buffers of no bytes, so that a frame is a head and nothing else. */
function many(): Uint8Array[] {
  return Array.from({ length: 100 }, () => new Uint8Array(0))
}

for (const [what, bytes, read] of targets) {
  row(`${what}: flipped while it is read, it is a snapshot or an error`, async () => {
    using memory = SharedMemory.create({ size: bytes.length, anonymous: true })
    const shared = new Uint8Array(memory.buffer)
    shared.set(bytes)
    read(shared)
    const stop = new Int32Array(new SharedArrayBuffer(4))
    const worker = new Worker(new URL('../flipper.js', import.meta.url), {
      workerData: { handle: memory.handle, stop },
    })
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    let errors = 0
    const start = performance.now()
    // The other thread may have to wait for a core.
    for (let ms = 0; ms < 300 || (errors === 0 && ms < PATIENCE_MS); ms = performance.now() - start) {
      try {
        read(shared)
      } catch (error) {
        if (!isOutbandError(error)) throw error
        errors++
      }
    }
    Atomics.store(stop, 0, 1)
    await new Promise(resolve => worker.once('exit', resolve))
    assert.ok(errors > 0)
  })
}

row(
  'metadata that changes in the middle of a decode, a type of the caller’s being rebuilt, stays as it was',
  () => {
    class Point {
      constructor(readonly x: number) {}
    }
    let shared = new Uint8Array(0)
    const rebuild = (x: number): Point => {
      shared.fill(255)
      return new Point(x)
    }
    const types = registry(defineType({ class: Point, tag: 'point', reduce: ({ x }) => x, rebuild }))
    const sent = [new Point(1), ...Array.from({ length: 300 }, (_, id) => ({ id, more: { at: id / 7 } }))]
    const { meta } = encode(sent, { types })
    using memory = SharedMemory.create({ size: meta.length, anonymous: true })
    shared = new Uint8Array(memory.buffer)
    shared.set(meta)
    const found = difference(sent, decode({ meta: shared, buffers: [] }, { types }))
    assert.is(found, undefined, found)
    assert.is(shared[0], 255)
  },
)

test.run()
