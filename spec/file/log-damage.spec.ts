/** Logs that were damaged: what a crash leaves is cut off, what may be good never is, and no wrong value is given. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { crc32c } from '../../src/bytes/crc32c.js'
import { type LogOptions, openLog, type Recovery } from '../../src/file/index.js'
import { layOut, writeHead } from '../../src/frame/header.js'
import { packBytes } from '../../src/frame/index.js'
import { type ErrorCode, encode, isOutbandError } from '../../src/index.js'
import { inBudget } from '../budget.js'
import { all, inFolder, quietly, refused } from './kit.js'

const KiB = 1024
const NONE: Recovery = { frames: 0, bytes: 0, cut: 0, skipped: 0 }
const FAST = { sync: false }

const frame = (value: unknown, options = {}): Uint8Array =>
  packBytes(encode(value, { threshold: 0, ...options }), { checksum: true })
const wanted = [{ id: 1 }, ['two', new Uint8Array(70).fill(2)], 'three']
const frames = wanted.map(value => frame(value))
const bytes = Buffer.concat(frames)
const starts = frames.map((_, i) => frames.slice(0, i).reduce((sum, { length }) => sum + length, 0))

/** A frame of a later version, whose head has the checksum that it should have. */
function later(): Uint8Array {
  const bytes = frame('later').fill(2, 4, 5)
  const checksum = crc32c(bytes.subarray(24, 32), crc32c(bytes.subarray(0, 20)))
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(20, checksum, true)
  return bytes
}

interface Opened {
  readonly recovered: Recovery
  readonly values: readonly unknown[]
}

/** Opens the log of these bytes, reads it, appends a value, and reads it again. */
async function opened(path: string, content: Uint8Array, options?: LogOptions): Promise<Opened> {
  writeFileSync(path, content)
  const log = await openLog(path, { ...FAST, ...options })
  try {
    const { recovered } = log
    const values = await all(log)
    assert.is(values.length, recovered.frames)
    await log.append('appended')
    assert.equal(await all(log), [...values, 'appended'])
    return { recovered, values }
  } finally {
    await log.close()
  }
}

/** Asserts that the log of these bytes cannot be opened, and that none of them is lost. */
async function kept(
  path: string,
  content: Uint8Array,
  code: ErrorCode,
  fields = {},
  options?: LogOptions,
): Promise<void> {
  writeFileSync(path, content)
  const { message } = await refused(openLog(path, { ...FAST, ...options }), code, fields)
  assert.ok(message.includes(path), message)
  assert.is(Buffer.compare(readFileSync(path), content), 0)
}

const tail = suite('log damage: the tail')

tail(
  'a crash at every byte of the last frame: the frames before it are there, and appends go on',
  inFolder(async folder => {
    const path = join(folder, 'log')
    for (let length = starts[2]!; length < bytes.length; length++) {
      const { recovered, values } = await opened(path, bytes.subarray(0, length))
      assert.equal(recovered, { ...NONE, frames: 2, bytes: starts[2]!, cut: length - starts[2]! })
      assert.equal(values, wanted.slice(0, 2))
      const { recovered: then } = await opened(path, readFileSync(path))
      assert.equal(then, { ...NONE, frames: 3, bytes: readFileSync(path).length - frame('appended').length })
    }
  }),
)

tail(
  'repair: false is TORN, with the byte where the good frames end',
  inFolder(async folder => {
    const path = join(folder, 'log')
    await quietly(async () => {
      for (let length = starts[2]! + 1; length < bytes.length; length += 7) {
        await kept(path, bytes.subarray(0, length), 'TORN', { offset: starts[2]! }, { repair: false })
      }
    })
    const { recovered } = await opened(path, bytes, { repair: false })
    assert.is(recovered.frames, 3)
  }),
)

const tails: [name: string, tail: Uint8Array][] = [
  ['zeros', new Uint8Array(10_000)],
  ['noise', new Uint8Array(10_000).map((_, i) => (i * 7919) >> 3)],
  ['a frame whose end is zeros', frame(new Uint8Array(9000).fill(1)).fill(0, 4096)],
  ['a frame whose head is zeros', frame(new Uint8Array(9000).fill(1)).fill(0, 0, 512)],
  ['a frame that holds frames, torn', frame([Buffer.from(bytes), new Uint8Array(99)]).subarray(0, -90)],
  ['a frame that holds frames, its last byte changed', frame(Buffer.from(bytes)).fill(9, -1)],
]
for (const [name, torn] of tails) {
  tail(
    `${name}: cut off`,
    inFolder(async folder => {
      const { recovered, values } = await opened(join(folder, 'log'), Buffer.concat([bytes, torn]))
      assert.equal(recovered, { ...NONE, frames: 3, bytes: bytes.length, cut: torn.length })
      assert.equal(values, wanted)
    }),
  )
}

const notOurs: [name: string, tail: Uint8Array, code: ErrorCode][] = [
  ['a frame of another version', later(), 'VERSION'],
  ['a frame whose version was changed', frame('later').fill(2, 4, 5), 'TORN'],
  ['a frame that passes the limits', frame(new Uint8Array(2000)), 'LIMIT'],
]
for (const [name, torn, code] of notOurs) {
  tail(
    `${name} is ${code} at its place, and nothing of it is lost`,
    inFolder(async folder => {
      const limits = { bufferBytes: 1999 }
      for (const repair of [true, false, 'skip'] as const)
        await kept(
          join(folder, 'log'),
          Buffer.concat([bytes, torn]),
          code,
          { offset: bytes.length },
          { limits, repair },
        )
    }),
  )
}

tail(
  'a torn frame that passes the limits is torn all the same: cut off, whatever it holds',
  inFolder(async folder => {
    const limits = { bufferBytes: 1999 }
    const inside = Buffer.concat([bytes, new Uint8Array(2000)])
    for (const torn of [frame(new Uint8Array(2000)).subarray(0, 1000), frame(inside).subarray(0, -90)]) {
      const { recovered, values } = await opened(join(folder, 'log'), Buffer.concat([bytes, torn]), {
        limits,
      })
      assert.equal(recovered, { ...NONE, frames: 3, bytes: bytes.length, cut: torn.length })
      assert.equal(values, wanted)
    }
  }),
)

tail(
  'a file that was never a log is MALFORMED, and nothing of it is lost',
  inFolder(async folder => {
    const path = join(folder, 'log')
    for (const text of ['x', '{"json": true}\n', '\xff\xd8\xff\xe0 a photograph', 'a'.repeat(100 * KiB)]) {
      for (const repair of [true, false, 'skip'] as const)
        await kept(path, Buffer.from(text, 'latin1'), 'MALFORMED', {}, { repair })
    }
  }),
)

tail.run()

const middle = suite('log damage: the middle')

/** A log with a byte changed. */
const changed = (at: number, content = bytes): Buffer => {
  const copy = Buffer.from(content)
  copy[at]! ^= 0x10
  return copy
}

middle(
  'good frames behind a bad one: TORN where it is, nothing is cut off; asked to, they are read',
  inFolder(async folder => {
    const path = join(folder, 'log')
    const places: [offset: number, at: number][] = [
      [starts[1]!, starts[1]!],
      [starts[1]!, starts[1]! + 6],
      [starts[1]!, starts[1]! + 30],
      [starts[1]!, starts[2]! - 20],
      [starts[1]!, starts[2]! - 1],
      [0, 30],
      // The high bytes of lengths: of the metadata, and the number of buffers.
      [starts[1]!, starts[1]! + 12],
      [starts[1]!, starts[1]! + 19],
      [0, 14],
    ]
    for (const [offset, at] of places) {
      await kept(path, changed(at), 'TORN', { offset })
      await kept(path, changed(at), 'TORN', { offset }, { repair: false })
      const { recovered, values } = await opened(path, changed(at), { repair: 'skip' })
      const skipped = frames[starts.indexOf(offset)]!.length
      assert.equal(recovered, { frames: 2, bytes: bytes.length - skipped, cut: 0, skipped })
      assert.equal(values, offset === 0 ? wanted.slice(1) : [wanted[0], wanted[2]])
    }
  }),
)

middle(
  'every single-bit flip: each value that is given is right, and only the last frame can be cut off',
  inFolder(async folder => {
    const path = join(folder, 'log')
    const outcomes = { cut: 0, refused: 0 }
    await quietly(async () => {
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const at = bit >> 3
        const copy = Buffer.from(bytes)
        copy[at]! ^= 1 << (bit & 7)
        writeFileSync(path, copy)
        try {
          const log = await openLog(path, FAST)
          const values = await all(log)
          await log.close()
          assert.equal(values, wanted.slice(0, 2), `bit ${bit}`)
          assert.ok(at >= starts[2]!, `bit ${bit}`)
          outcomes.cut++
        } catch (error) {
          if (!isOutbandError(error, 'TORN')) throw error
          assert.is(Buffer.compare(readFileSync(path), copy), 0)
          outcomes.refused++
        }
      }
    })
    assert.ok(outcomes.cut > frames[2]!.length * 6 && outcomes.refused >= starts[2]! * 8)
  }),
)

middle(
  'passing over damage finds what is good and as it was, whichever bit it is',
  inFolder(async folder => {
    const path = join(folder, 'log')
    const options: LogOptions = { ...FAST, repair: 'skip' }
    await quietly(async () => {
      for (let bit = 0; bit < bytes.length * 8; bit += 3) {
        const at = bit >> 3
        const copy = Buffer.from(bytes)
        copy[at]! ^= 1 << (bit & 7)
        writeFileSync(path, copy)
        const hit = starts.findLastIndex(start => start <= at)
        const log = await openLog(path, options).catch(error => {
          // A version that is none of ours, at the end, is left alone.
          assert.ok(isOutbandError(error, 'TORN') && at === starts[2]! + 4, `bit ${bit}: ${error}`)
        })
        if (log === undefined) continue
        assert.equal(
          await all(log),
          wanted.filter((_, i) => i !== hit),
          `bit ${bit}`,
        )
        await log.close()
      }
    })
  }),
)

middle(
  'a good frame is found wherever it is in a long stretch of damage',
  inFolder(async folder => {
    for (const gap of [8, 64 * KiB - 8, 64 * KiB, 64 * KiB + 8, 300_000]) {
      const content = Buffer.concat([bytes, Buffer.alloc(gap, 7), bytes])
      await kept(join(folder, 'log'), content, 'TORN', { offset: bytes.length })
      const { recovered, values } = await opened(join(folder, 'log'), content, { repair: 'skip' })
      assert.equal(recovered, { frames: 6, bytes: bytes.length * 2, cut: 0, skipped: gap })
      assert.equal(values, [...wanted, ...wanted])
    }
  }),
)

middle(
  'damage in two places, and a torn tail behind it',
  inFolder(async folder => {
    const content = Buffer.concat([bytes, changed(starts[1]! + 50), changed(0), frames[0]!.subarray(0, 40)])
    const path = join(folder, 'log')
    await kept(path, content, 'TORN', { offset: bytes.length + starts[1]! })
    const { recovered, values } = await opened(path, content, { repair: 'skip' })
    const skipped = frames[1]!.length + frames[0]!.length
    assert.equal(recovered, { frames: 7, bytes: bytes.length * 3 - skipped, cut: 40, skipped })
    assert.equal(values, [...wanted, wanted[0], wanted[2], wanted[1], wanted[2]])
  }),
)

/** A MiB of heads: so many bytes, every `step` of them. */
function heads(step: number, head: (at: number, size: number) => Uint8Array): Buffer {
  const content = Buffer.alloc(2 ** 20, 1)
  for (let at = step; at + step < content.length; at += step) content.set(head(at, content.length), at)
  return content
}

const busy: [name: string, content: Buffer][] = [
  [
    'heads that are right, of frames that go on to the end and are wrong',
    heads(64, (at, size) => {
      const head = new Uint8Array(40)
      writeHead(head, layOut(1000, [size - at - 1200], [0, 0]))
      return head
    }),
  ],
  [
    'heads that are wrong, which 12 KiB behind them tell',
    heads(24, () => Uint8Array.of(0x4f, 0x55, 0x54, 0x42, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0)),
  ],
  ['good frames with damage between all of them', heads(64, () => frame(1))],
]
for (const [name, content] of busy) {
  middle(
    `${name}: refused in a moment`,
    inFolder(async folder => {
      for (const repair of [true, 'skip'] as const) {
        const torn = Buffer.concat([bytes, content])
        const run = () => kept(join(folder, 'log'), torn, 'TORN', {}, { repair })
        await inBudget(() => ({ size: torn.length, run }))
      }
    }),
  )
}

middle.run()
