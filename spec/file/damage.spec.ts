/** Damaged files of one frame: cut at every byte, with every bit flipped, and longer than they were. Never a wrong value. */
import { closeSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { dump, load, openFile } from '../../src/file/index.js'
import { readLayout } from '../../src/frame/unpack.js'
import { type ErrorCode, isOutbandError, type OutbandError } from '../../src/index.js'
import { inFolder, quietly, refused } from './kit.js'

const value = { id: 7, small: Float32Array.of(1, 2, 3), samples: new Uint8Array(1100).fill(5), tail: 'é' }
const make = async (path: string): Promise<Buffer> => {
  await dump(path, value, { threshold: 0, sync: false })
  return readFileSync(path)
}

const test = suite('file: damage')

test(
  'every prefix is TORN, and says why',
  inFolder(async folder => {
    const path = join(folder, 'value')
    const bytes = await make(path)
    await quietly(async () => {
      for (let length = bytes.length - 1; length >= 0; length--) {
        truncateSync(path, length)
        const error = await refused(load(path), 'TORN', { available: length, offset: length })
        assert.ok(isOutbandError(error.cause, 'TRUNCATED'))
        await refused(openFile(path), 'TORN')
      }
    })
  }),
)

test(
  'every single-bit flip is an error, and partial reading gives the bytes that were or none',
  inFolder(async folder => {
    const path = join(folder, 'value')
    const bytes = await make(path)
    const fd = openSync(path, 'r+')
    let whole = 0
    try {
      await quietly(async () => {
        for (let bit = 0; bit < bytes.length * 8; bit++) {
          const byte = bit >> 3
          writeSync(fd, Uint8Array.of(bytes[byte]! ^ (1 << (bit & 7))), 0, 1, byte)
          assert.is(await codeOf(load(path)), 'TORN', `bit ${bit}`)
          if (bit % 3 === 0) whole += await buffersRead(path)
          writeSync(fd, bytes, byte, 1, byte)
        }
      })
    } finally {
      closeSync(fd)
    }
    // Most of the file is the buffer of 1100 bytes, beside which the other is read all the same.
    assert.ok(whole > 1000, `${whole}`)
    assert.is((await load<typeof value>(path)).samples[1099], 5)
  }),
)

/** A bit that is changed, of a length in the head of a file that holds so many bytes. */
interface Flip {
  readonly at: number
  readonly bit: number
  readonly byteLength: number
  readonly checksum: boolean
}
const MiB = 2 ** 20
const flips: [name: string, flip: Flip, code: ErrorCode, cause?: ErrorCode][] = [
  ['metadata', { at: 12, bit: 7, byteLength: 0, checksum: false }, 'TORN', 'TRUNCATED'],
  ['metadata, its checksum tells', { at: 12, bit: 7, byteLength: 0, checksum: true }, 'TORN', 'CHECKSUM'],
  ['a buffer', { at: 29, bit: 0, byteLength: MiB, checksum: false }, 'TORN', 'TRUNCATED'],
  ['buffers', { at: 18, bit: 7, byteLength: MiB, checksum: true }, 'TORN', 'TRUNCATED'],
  ['a table that the file could hold', { at: 17, bit: 7, byteLength: MiB, checksum: true }, 'LIMIT'],
]
for (const [name, { at, bit, byteLength, checksum }, code, cause] of flips) {
  test(
    `a length that a bit puts past the limits, of ${name}: ${code}`,
    inFolder(async folder => {
      const path = join(folder, 'value')
      await dump(path, new Uint8Array(byteLength), { checksum, sync: false })
      const bytes = readFileSync(path)
      bytes[at]! ^= 1 << bit
      writeFileSync(path, bytes)
      for (const read of [load, openFile]) {
        const error = await refused(read(path), code)
        assert.is((error.cause as OutbandError | undefined)?.code, cause)
      }
    }),
  )
}

test(
  'metadata alone is checked like all of it',
  inFolder(async folder => {
    const path = join(folder, 'value')
    const bytes = await make(path)
    const { headBytes, metaBytes } = readLayout(bytes)
    for (let at = headBytes; at < headBytes + metaBytes; at++) {
      bytes[at]! ^= 1
      writeFileSync(path, bytes)
      bytes[at]! ^= 1
      const error = await refused(openFile(path), 'TORN')
      assert.ok(isOutbandError(error.cause, 'CHECKSUM'))
      const unchecked = await openFile(path, { checksum: false })
      assert.is(unchecked.meta[at - headBytes], bytes[at]! ^ 1)
      await unchecked.close()
    }
  }),
)

/** How many buffers of the damaged file could be read; asserts that these are right. */
async function buffersRead(path: string): Promise<number> {
  let count = 0
  const wanted = [new Uint8Array(value.small.buffer), value.samples]
  try {
    await using(await openFile(path), async file => {
      for (const [i, bytes] of wanted.entries()) {
        const found = await file.buffer(i).catch(error => {
          assert.ok(isOutbandError(error, 'TORN') && error.buffer === i)
        })
        if (found === undefined) continue
        assert.is(Buffer.compare(found, bytes), 0)
        count++
      }
    })
  } catch (error) {
    if (!isOutbandError(error)) throw error
  }
  return count
}

async function using<T extends { close(): Promise<void> }>(
  file: T,
  run: (file: T) => Promise<void>,
): Promise<void> {
  try {
    await run(file)
  } finally {
    await file.close()
  }
}

/** The code of what the promise rejects with; nothing when there is a value. */
async function codeOf(promise: Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    if (isOutbandError(error)) return error.code
    throw error
  }
}

test(
  'what goes on behind the frame is TORN: a byte, zeros, another frame',
  inFolder(async folder => {
    const path = join(folder, 'value')
    const bytes = await make(path)
    for (const more of [Buffer.alloc(1, 1), Buffer.alloc(8), bytes]) {
      writeFileSync(path, Buffer.concat([bytes, more]))
      const error = await refused(load(path), 'TORN', {
        offset: bytes.length,
        requested: bytes.length,
        available: bytes.length + more.length,
      })
      assert.ok(isOutbandError(error.cause, 'TRAILING'))
      await refused(openFile(path), 'TORN')
    }
  }),
)

test(
  'what was never a frame is MALFORMED, and another version is VERSION',
  inFolder(async folder => {
    const path = join(folder, 'value')
    for (const [text, code] of [
      ['{"json": true}', 'MALFORMED'],
      ['x', 'MALFORMED'],
      ['\0'.repeat(100), 'MALFORMED'],
      ['OUTA', 'MALFORMED'],
      ['OUTB\x02', 'VERSION'],
    ] as const) {
      writeFileSync(path, text)
      const { message } = await refused(load(path), code)
      assert.ok(message.includes(path), message)
    }
  }),
)

test(
  'without checksums, nothing tells a file whose first bytes were changed from one of another kind',
  inFolder(async folder => {
    const path = join(folder, 'value')
    await dump(path, value, { checksum: false, sync: false })
    const bytes = readFileSync(path)
    for (const [at, code] of [0, 1, 2, 3, 4].map(at => [at, at < 4 ? 'MALFORMED' : 'VERSION'] as const)) {
      writeFileSync(path, bytes.with(at, 9))
      const { message } = await refused(load(path), code, { offset: at })
      assert.ok(message.includes(path), message)
    }
  }),
)

test(
  'a file that changes while it is open is TORN',
  inFolder(async folder => {
    const path = join(folder, 'value')
    const bytes = await make(path)
    await using(await openFile(path), async file => {
      const at = bytes.length - 100
      writeFileSync(path, bytes.subarray(0, at))
      await refused(file.buffer(1), 'TORN', { offset: at, requested: bytes.length, available: at })
      await refused(file.packet(), 'TORN')
      await refused(file.decode(), 'TORN')
      bytes[at]! ^= 1
      writeFileSync(path, bytes)
      await refused(file.buffer(1), 'TORN', { buffer: 1 })
      await refused(file.decode(), 'TORN', { buffer: 1 })
      bytes[at]! ^= 1
      writeFileSync(path, bytes)
      assert.is((await file.buffer(1))[1099], 5)
      assert.is((await file.decode<typeof value>()).tail, 'é')
    })
  }),
)

test.run()
