/** Streams that break: what was whole before arrives, then the error, and never a part of a value. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { join } from '../../fixtures/assemble.js'
import { packBytes } from '../../src/frame/index.js'
import { type ErrorCode, isOutbandError } from '../../src/index.js'
import { type ByteChunk, PacketDecoderStream, PacketEncoderStream } from '../../src/streams/index.js'
import { everyByte, whole } from '../frames.js'
import { difference } from '../same.js'
import { arrival, arrivalOf, bytesOf, counting, KiB, outcomeOf, Unhandled } from './kit.js'

function expectCode(error: unknown, code: ErrorCode): void {
  assert.ok(isOutbandError(error, code), `wanted ${code}, got ${String(error)}`)
}

const unhandled = new Unhandled()

const bytes = suite('streams: broken bytes')
bytes.before(() => unhandled.start())

const sent = [{ id: 1 }, new Float64Array(600).fill(1.5), 'three']

bytes('cut at every byte: TRUNCATED behind the values that were whole', async () => {
  const parts = await Promise.all(sent.map(value => bytesOf([value])))
  const stream = join(...parts)
  const ends = parts.map((_, i) => join(...parts.slice(0, i + 1)).length)
  for (let length = 0; length < stream.length; length++) {
    const count = ends.filter(end => end <= length).length
    const { items, error } = await arrivalOf([stream.subarray(0, length)])
    assert.is(items.length, count, `${length}`)
    if (length === 0 || ends.includes(length)) assert.is(error, undefined)
    else {
      expectCode(error, 'TRUNCATED')
      const available = length - (ends[count - 1] ?? 0)
      assert.is((error as { available?: number }).available, available)
    }
  }
})

bytes('any bit that flips: with checksums there is no other value than those that were sent', async () => {
  const wanted = [{ id: 1 }, 'two', counting(200)]
  const stream = await bytesOf(wanted, { checksum: true, threshold: 100 })
  for (let bit = 0; bit < stream.length * 8; bit++) {
    const flipped = stream.slice()
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    const { items, error } = await arrivalOf([flipped], { checksum: true })
    assert.ok(isOutbandError(error), `bit ${bit}: ${String(error)}`)
    assert.ok(items.length < wanted.length)
    assert.is(difference(wanted.slice(0, items.length), items), undefined, `bit ${bit}`)
  }
})

for (const [name, sizes] of [
  ['in one piece', whole],
  ['byte by byte', everyByte],
] as const) {
  bytes(`something else behind two values, ${name}`, async () => {
    const stream = join(await bytesOf([1, 2]), new TextEncoder().encode('<!doctype html><p>502</p>'))
    const { items, error } = await arrival(stream, sizes)
    assert.equal(items, [1, 2])
    expectCode(error, 'MALFORMED')
  })

  bytes(`a frame that is good around a packet that is not, ${name}`, async () => {
    const bad = packBytes({ meta: Uint8Array.of(1, 2, 3), buffers: [] })
    const { items, error } = await arrival(join(await bytesOf([1, 2]), bad, await bytesOf([3])), sizes)
    assert.equal(items, [1, 2])
    expectCode(error, 'MALFORMED')
  })
}

const wrong: [name: string, chunk: unknown][] = [
  ['text', 'OUTB'],
  ['a number', 1],
  ['undefined', undefined],
  ['null', null],
  ['a list of numbers', [0x4f, 0x55]],
]
for (const [name, chunk] of wrong) {
  bytes(`a chunk that is ${name} is a TypeError on both sides`, async () => {
    const decoder = new PacketDecoderStream()
    const writer = decoder.writable.getWriter()
    const outcome = outcomeOf(decoder.readable)
    await writer.write(await bytesOf(['before']))
    const refused = await writer.write(chunk as ByteChunk).catch((error: unknown) => error)
    assert.instance(refused, TypeError)
    assert.match(String(refused), /^TypeError: chunk: wanted a Uint8Array/)
    assert.equal(await outcome, { items: ['before'], error: refused })
    assert.is(await writer.closed.catch((error: unknown) => error), refused)
  })
}

bytes('a chunk that lost its memory is DETACHED, and not an empty one', async () => {
  for (const of of [(chunk: Uint8Array) => chunk, ({ buffer }: Uint8Array) => buffer as ArrayBuffer]) {
    const chunk = await bytesOf(['gone'])
    const memory = of(chunk)
    structuredClone(chunk, { transfer: [chunk.buffer] })
    expectCode((await arrivalOf([memory])).error, 'DETACHED')
  }
})

bytes('a large chunk that loses its memory while it is read is DETACHED', async () => {
  const chunk = await bytesOf([1, 2, 3].map(() => counting(200 * KiB)))
  const decoder = new PacketDecoderStream<Uint8Array>({ checksum: false })
  const told = decoder.writable
    .getWriter()
    .write(chunk)
    .catch((error: unknown) => error)
  const reader = decoder.readable.getReader()
  await reader.read()
  structuredClone(chunk, { transfer: [chunk.buffer] })
  // The second one is out of the chunk when the first one has been read.
  assert.is(difference(counting(200 * KiB), (await reader.read()).value), undefined)
  const error = await reader.read().catch((error: unknown) => error)
  expectCode(error, 'DETACHED')
  assert.is(await told, error)
})

bytes('nothing was left unhandled', async () => {
  await unhandled.stop()
  assert.equal(unhandled.reasons, [])
})

bytes.run()

const values = suite('streams: values that cannot travel')
values.before(() => unhandled.start())

const bad: [name: string, value: () => unknown, options: object, check: (error: unknown) => boolean][] = [
  [
    'a function',
    () => ({ rows: [{ onclick() {} }] }),
    {},
    error => isOutbandError(error, 'UNSUPPORTED') && error.path === 'value.rows[0].onclick',
  ],
  [
    'over a limit',
    () => [new Uint8Array(10_000)],
    { limits: { bufferBytes: 5000 } },
    error => isOutbandError(error, 'LIMIT') && error.limit === 'bufferBytes',
  ],
  [
    'a getter that throws',
    () => ({
      get id() {
        throw new RangeError('mine')
      },
    }),
    {},
    error => error instanceof RangeError && error.message === 'mine',
  ],
]
for (const [name, make, options, check] of bad) {
  values(`${name}: the error is told to both sides, behind what was written before`, async () => {
    const encoder = new PacketEncoderStream(options)
    const writer = encoder.writable.getWriter()
    await writer.write({ id: 1 })
    await writer.write({ id: 2 })
    const error = await writer.write(make()).catch((error: unknown) => error)
    assert.ok(check(error), String(error))
    assert.is(await writer.write(3).catch((error: unknown) => error), error)
    assert.is(await writer.closed.catch((error: unknown) => error), error)
    const { items, error: broke } = await outcomeOf(encoder.readable.pipeThrough(new PacketDecoderStream()))
    assert.equal(items, [{ id: 1 }, { id: 2 }])
    assert.is(broke, error)
  })

  values(`${name}: its source is told too`, async () => {
    let reason: unknown
    const source = new ReadableStream({
      pull: controller => controller.enqueue(make()),
      cancel: error => {
        reason = error
      },
    })
    const { error } = await outcomeOf(source.pipeThrough(new PacketEncoderStream(options)))
    assert.ok(check(error), String(error))
    assert.is(reason, error)
  })
}

values('nothing was left unhandled', async () => {
  await unhandled.stop()
  assert.equal(unhandled.reasons, [])
})

values.run()
