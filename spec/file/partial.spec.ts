/** Parts of a file alone: the metadata, one buffer; and that no more of it is read. */
import { closeSync, existsSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { dump, openFile } from '../../src/file/index.js'
import { layOut, partsOf, writeHead } from '../../src/frame/header.js'
import { encode, inspect } from '../../src/index.js'
import { difference } from '../same.js'
import { inFolder, refused } from './kit.js'

const KiB = 1024
const GiB = 2 ** 30

/** Bytes that this process has asked its system to read, of the page cache or not. */
const bytesRead = (): number => Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))![1])

/** How much is read meanwhile, the least of some times: Node reads now and then for itself. */
async function leastRead(run: () => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 5; i++) {
    const before = bytesRead()
    await run()
    least = Math.min(least, bytesRead() - before)
  }
  return least
}

const test = suite('file: partial')

test(
  'metadata, lengths and each buffer are those of the packet',
  inFolder(async folder => {
    const path = join(folder, 'value')
    const value = {
      a: new Float64Array(1000).fill(1),
      b: new Uint8Array(0),
      c: new Uint8Array(3 * 2 ** 20).fill(9),
    }
    const packet = encode(value, { threshold: 0 })
    for (const checksum of [true, false]) {
      await dump(path, value, { threshold: 0, checksum })
      const file = await openFile(path)
      try {
        assert.is(file.hasChecksums, checksum)
        assert.is(file.byteLength, readFileSync(path).length)
        assert.equal(file.lengths, [8000, 0, 3 * 2 ** 20])
        assert.is(Buffer.compare(file.meta, packet.meta), 0)
        assert.match(inspect(file.meta), /Float64Array/)
        const buffers = await Promise.all([2, 0, 1].map(i => file.buffer(i)))
        for (const [at, i] of [2, 0, 1].entries()) {
          assert.is(Buffer.compare(buffers[at]!, packet.buffers[i]!), 0)
          assert.is(buffers[at]!.buffer.byteLength, buffers[at]!.length)
        }
        assert.is(difference(value, await file.decode()), undefined)
        const { meta, buffers: read } = await file.packet()
        assert.equal(
          [meta, ...read].map(part => part.length),
          [packet.meta.length, ...file.lengths],
        )
      } finally {
        await file.close()
      }
    }
  }),
)

test(
  'nothing that is done to the metadata given harms what is read later',
  inFolder(async folder => {
    const path = join(folder, 'value')
    await dump(path, ['a', new Uint8Array(5000)])
    const file = await openFile(path)
    file.meta.fill(0xff)
    assert.is((await file.decode<[string]>())[0], 'a')
    await file.close()
  }),
)

test(
  'after close there is CLOSED; close may be called again, and waits for what is read',
  inFolder(async folder => {
    const path = join(folder, 'value')
    await dump(path, new Uint8Array(2 ** 20).fill(3))
    const file = await openFile(path)
    const reading = file.buffer(0).then(
      bytes => bytes.length,
      error => error.code,
    )
    await Promise.all([file.close(), file.close()])
    assert.ok([2 ** 20, 'CLOSED'].includes(await reading))
    await refused(file.buffer(0), 'CLOSED')
    await refused(file.packet(), 'CLOSED')
    await refused(file.decode(), 'CLOSED')
    const disposed = await openFile(path)
    await disposed[Symbol.asyncDispose]()
    await refused(disposed.buffer(0), 'CLOSED')
  }),
)

const measures = existsSync('/proc/self/io') ? test : test.skip
measures(
  'one buffer of a file of more than 1 GiB: the head, the metadata and that buffer are read',
  inFolder(async folder => {
    const path = join(folder, 'large')
    const meta = new Uint8Array(1000).fill(1)
    const wanted = new Uint8Array(300 * KiB).map((_, i) => i)
    const layout = layOut(meta.length, [GiB, wanted.length, GiB, 10], undefined)
    const places = [...partsOf(layout)]
    const head = new Uint8Array(layout.headBytes)
    writeHead(head, layout)
    const fd = openSync(path, 'w')
    writeSync(fd, head, 0, head.length, 0)
    writeSync(fd, meta, 0, meta.length, places[0]![0])
    writeSync(fd, wanted, 0, wanted.length, places[2]![0])
    closeSync(fd)
    // The rest is a hole, which takes no room.
    truncateSync(path, layout.frameBytes)
    const opening = await leastRead(async () => (await openFile(path, { limits: 'trusted' })).close())
    assert.ok(opening < 8 * KiB, `${opening}`)
    const file = await openFile(path, { limits: 'trusted' })
    assert.equal(file.meta, meta)
    const read = await leastRead(async () => assert.is(Buffer.compare(await file.buffer(1), wanted), 0))
    assert.ok(read >= wanted.length && read < wanted.length + 8 * KiB, `${read}`)
    assert.equal(await file.buffer(3), new Uint8Array(10))
    await file.close()
  }),
)

test.run()
