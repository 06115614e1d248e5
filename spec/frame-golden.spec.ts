/** The golden frames: read by every reader, cut at every byte, and with every bit flipped. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Golden, golden, goldenFrames, goldenTypes } from '../fixtures/golden.js'
import { type FrameEntry, framedPacket, goldenFolder } from '../fixtures/make.js'
import { Deframer, pack, packBytes, unpack } from '../src/frame/index.js'
import { Codec, type Packet } from '../src/index.js'
import { everyByte, pushed, read, shown, whole } from './frames.js'
import { difference } from './same.js'
import { codeOf, quietly } from './thrown.js'

const PROFILES = ['trusted', 'untrusted'] as const
const path = (name: string): string => fileURLToPath(new URL(name, goldenFolder))

const index: readonly FrameEntry[] = JSON.parse(readFileSync(path('frames.json'), 'utf8'))
const rows = goldenFrames.map((row, i) => ({
  ...row,
  entry: index[i]!,
  frame: new Uint8Array(readFileSync(path(`${row.name}.frame`))),
  original: framedPacket(row),
  value: typeof row.packet === 'string' ? golden.find(({ name }) => name === row.packet) : undefined,
}))

const bytes = suite('frame golden: bytes')

for (const { name, entry, frame, original, value, checksum } of rows) {
  bytes(`${name}: every reader finds the packet in it`, () => {
    assert.is(entry.name, name)
    const packets = [unpack(frame), ...pushed(frame, whole).packets, ...pushed(frame, everyByte).packets]
    packets.push(...read(frame, whole).packets)
    assert.equal(shown(packets), shown([original, original, original, original]))
    for (const packet of packets) assert.is(wrong(packet, value), undefined)
  })

  bytes(`${name}: every writer makes it, from what was read too`, () => {
    for (const packet of [original, unpack(frame), ...pushed(frame, whole).packets]) {
      assert.is(Buffer.compare(packBytes(packet, { checksum }), frame), 0)
      assert.is(Buffer.compare(Buffer.concat(pack(packet, { checksum })), frame), 0)
    }
  })

  bytes(`${name}: the two pieces at every split point`, () => {
    for (let at = 0; at <= frame.length; at++) {
      const sizes = (rest: number): number => (rest === frame.length && at > 0 ? at : rest)
      for (const { packets, code } of [pushed(frame, sizes), read(frame, sizes, 1)]) {
        assert.is(code, undefined)
        assert.is(packets.length, 1)
        if (at % 16 === 0) assert.equal(shown(packets), shown([original]))
      }
    }
  })
}

/** What differs between the value that was framed and the one in the packet. */
function wrong(packet: Packet, row: Golden | undefined): string | undefined {
  return row && difference((row.arrives ?? row.make)(), new Codec({ types: goldenTypes }).decode(packet))
}

bytes('they have heads with and without padding, and buffers of both steps', () => {
  assert.ok(
    index.some(({ buffers }) => buffers.length % 2 === 0) && index.some(({ buffers }) => buffers.length % 2),
  )
  const starts = rows.flatMap(({ frame }) => unpack(frame).buffers.map(({ byteOffset }) => byteOffset % 64))
  assert.ok(starts.includes(0) && starts.includes(8))
})

bytes.run()

const python = suite('frame golden: Python')

const reader = fileURLToPath(new URL('../../fixtures/python/read_frame.py', import.meta.url))
const version = spawnSync('python3', ['--version'], { encoding: 'utf8' })
const isMissing = version.status !== 0
const run = isMissing && process.env.CI !== 'true' ? python.skip : python

run(`${isMissing ? 'no python3: ' : ''}a reader written from the page agrees`, () => {
  const paths = index.map(({ name }) => path(`${name}.frame`))
  const { stdout, stderr } = spawnSync('python3', [reader, ...paths], { encoding: 'utf8' })
  assert.is(stderr, '')
  const found = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  assert.equal(
    found,
    index.map(({ meta, buffers }) => ({ meta, buffers })),
  )
})

python.run()

const damage = suite('frame golden: damage')

const codecs = PROFILES.map(limits => new Codec({ types: goldenTypes, limits }))

for (const { name, frame, checksum, value } of rows) {
  damage(`${name}: every prefix is TRUNCATED, and a byte more is TRAILING`, () => {
    quietly(() => {
      for (const limits of PROFILES) {
        for (let length = 0; length < frame.length; length++) {
          const prefix = frame.subarray(0, length)
          assert.is(
            codeOf(() => unpack(prefix, { limits })),
            'TRUNCATED',
            `${length} bytes`,
          )
          const { packets, code } = pushed(prefix, whole, { limits })
          assert.is(packets.length, 0)
          assert.is(code, length === 0 ? undefined : 'TRUNCATED')
        }
        const longer = new Uint8Array(frame.length + 1)
        longer.set(frame)
        assert.is(
          codeOf(() => unpack(longer, { limits })),
          'TRAILING',
        )
        assert.is(pushed(longer, whole, { limits }).code, 'MALFORMED')
      }
    })
  })

  damage(`${name}: every single-bit flip is ${checksum ? 'refused' : 'refused or a packet'}`, () => {
    const damaged = frame.slice()
    quietly(() => {
      for (let bit = 0; bit < frame.length * 8; bit++) {
        damaged[bit >> 3]! ^= 1 << (bit & 7)
        for (const [i, limits] of PROFILES.entries()) {
          const inMemory = codeOf(() => {
            const packet = unpack(damaged, { limits })
            if (value !== undefined && !checksum) codecs[i]!.decode(packet)
          })
          const streamed = codeOf(() => {
            const deframer = new Deframer({ limits })
            const packets = [...deframer.push(damaged)]
            deframer.end()
            if (value !== undefined && !checksum) for (const packet of packets) codecs[i]!.decode(packet)
          })
          if (checksum)
            assert.ok(inMemory !== undefined && streamed !== undefined, `bit ${bit} goes unnoticed`)
          // In a stream bytes behind a frame are the next one, and what is wrong comes before the end.
          else if (inMemory === 'TRUNCATED') assert.is.not(streamed, undefined, `bit ${bit}`)
          else if (inMemory !== 'TRAILING') assert.is(streamed, inMemory, `bit ${bit}`)
        }
        damaged[bit >> 3]! ^= 1 << (bit & 7)
      }
    })
    assert.is(Buffer.compare(damaged, frame), 0)
  })
}

damage.run()
