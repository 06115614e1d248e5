/** Which buffers decode takes, when it takes them, and which it refuses. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { values } from '../fixtures/values.js'
import { flexbuffers } from '../src/formats/flexbuffers.js'
import { msgpack } from '../src/formats/msgpack.js'
import { pickle } from '../src/formats/pickle/index.js'
import { decode, encode, type Packet } from '../src/index.js'
import { difference } from './same.js'
import { refused } from './thrown.js'

const OUT_OF_BAND = { threshold: 0 }

const checks = suite('buffers: taken and refused')

checks('buffers are taken one at a time, in order, and never more than one too many', () => {
  const taken: number[] = []
  function* lazily({ buffers }: Packet): Generator<Uint8Array> {
    for (const [i, buffer] of buffers.entries()) {
      taken.push(i)
      yield buffer
    }
    for (let i = buffers.length; ; i++) {
      taken.push(i)
      yield new Uint8Array(0)
    }
  }
  const packet = encode([new Uint8Array(1), new Uint8Array(2), new Uint8Array(3)], OUT_OF_BAND)
  refused(() => decode({ meta: packet.meta, buffers: lazily(packet) }), 'BUFFERS', {
    buffer: 3,
    requested: 3,
    available: 4,
  })
  refused(() => decode({ ...packet, buffers: [...packet.buffers, ...packet.buffers] }), 'BUFFERS', {
    buffer: 3,
    requested: 3,
    available: 6,
  })
  assert.equal(taken, [0, 1, 2, 3])
  taken.length = 0
  const broken = { ...packet, buffers: packet.buffers.map(() => new Uint8Array(1)) }
  refused(() => decode({ meta: packet.meta, buffers: lazily(broken) }), 'BUFFERS', {
    buffer: 1,
    requested: 2,
    available: 1,
  })
  assert.equal(taken, [0, 1])
})

checks('what an iterable of buffers throws is the cause of a BUFFERS', () => {
  const { meta } = encode(new Uint8Array(1), OUT_OF_BAND)
  const cause = new Error('broken')
  function* broken(count: number): Generator<Uint8Array> {
    for (let i = 0; i < count; i++) yield new Uint8Array(1)
    throw cause
  }
  for (const count of [0, 1]) {
    const error = refused(() => decode({ meta, buffers: broken(count) }), 'BUFFERS', { buffer: count })
    assert.is(error.cause, cause)
  }
})

checks('an iterator of buffers is closed when it is left, as by a loop, and not when it has ended', () => {
  for (const format of [undefined, msgpack, flexbuffers, pickle]) {
    const packet = encode([new Uint8Array(5000), new Uint8Array(5000)], { format })
    for (const count of [1, 2, 3]) {
      let left = 0
      function* some(): Generator<Uint8Array> {
        try {
          for (let i = 0; i < count; i++) yield packet.buffers[i] ?? new Uint8Array(3)
        } finally {
          left++
        }
      }
      const run = () => decode({ meta: packet.meta, buffers: some() }, { format })
      if (count === 2) run()
      else refused(run, 'BUFFERS', { buffer: count - 1 + (count === 1 ? 1 : 0) })
      assert.is(left, 1, `${count} buffers, ${format?.name}`)
    }
  }
  const { meta } = encode(new Uint8Array(5000))
  const buffers = {
    [Symbol.iterator]: () => ({
      next: () => ({ done: false, value: new Uint8Array(1) }),
      return() {
        throw new Error('from return')
      },
    }),
  }
  refused(() => decode({ meta, buffers }), 'BUFFERS', { buffer: 0 })
})

checks('an iterator that has ended is asked for nothing more, nor closed', () => {
  const packet = encode([new Uint8Array(5000), new Uint8Array(5000)])
  for (const count of [0, 1, 2]) {
    const asked: string[] = []
    const buffers = {
      [Symbol.iterator]: () => ({
        next() {
          const value = packet.buffers[asked.push('next') - 1]
          return asked.length <= count ? { done: false, value } : { done: true, value: undefined }
        },
        return() {
          asked.push('return')
          return { done: true, value: undefined }
        },
      }),
    }
    const run = () => decode({ meta: packet.meta, buffers: buffers as Iterable<Uint8Array> }, {})
    if (count === 2) run()
    else refused(run, 'BUFFERS', { buffer: count })
    assert.equal(asked, new Array(count + 1).fill('next'))
  }
})

checks('a limit is checked before a buffer is asked for', () => {
  const { meta } = encode([new Uint8Array(1), new Uint8Array(2)], OUT_OF_BAND)
  const buffers = {
    [Symbol.iterator](): Iterator<Uint8Array> {
      return {
        next() {
          throw new Error('asked')
        },
      }
    },
  }
  refused(() => decode({ meta, buffers }, { limits: { buffers: 1 } }), 'LIMIT', {
    limit: 'buffers',
    max: 1,
    requested: 2,
  })
  refused(() => decode({ meta, buffers }, { limits: { bufferBytes: 0 } }), 'LIMIT', {
    limit: 'bufferBytes',
    max: 0,
    requested: 1,
  })
})

checks('sizes are compared to the byte, whatever the kind of view delivered', () => {
  const { meta } = encode(new Float64Array(2), OUT_OF_BAND)
  for (const buffer of [
    new ArrayBuffer(15),
    new ArrayBuffer(17),
    new Float64Array(1),
    new DataView(new ArrayBuffer(8)),
  ]) {
    refused(() => decode({ meta, buffers: [buffer] }), 'BUFFERS', {
      buffer: 0,
      requested: 16,
      available: buffer.byteLength,
    })
  }
  for (const buffer of [new ArrayBuffer(16), new Float64Array(2), new BigInt64Array(2)]) {
    assert.is(decode<Float64Array>({ meta, buffers: [buffer] }).length, 2)
  }
})

checks('memory that was lost on the way is a buffer of the wrong size', () => {
  const packet = encode(new Float64Array(2), OUT_OF_BAND)
  structuredClone(packet.buffers[0]!.buffer, { transfer: [packet.buffers[0]!.buffer as ArrayBuffer] })
  refused(() => decode(packet), 'BUFFERS', { buffer: 0, requested: 16, available: 0 })
})

checks('with a checksum, swapped and changed buffers are refused', () => {
  const sent = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6), Uint8Array.of(1, 2, 3)]
  const { meta, buffers } = encode(sent, { threshold: 0, checksum: true })
  const [a, b, c] = buffers as [Uint8Array, Uint8Array, Uint8Array]
  assert.is(difference(sent, decode({ meta, buffers: [c, b, a] })), undefined, 'equal bytes may be swapped')
  refused(() => decode({ meta, buffers: [b, a, c] }), 'CHECKSUM', { buffer: 0 })
  refused(() => decode({ meta, buffers: [a, b, b] }), 'CHECKSUM', { buffer: 2 })
  refused(() => decode({ meta, buffers: [a, Uint8Array.of(4, 5, 7), c] }), 'CHECKSUM', { buffer: 1 })
})

checks('with a checksum, every flipped bit of meta is refused', () => {
  const { meta, buffers } = encode({ a: [1, 'text', new Uint8Array(3)] }, { threshold: 0, checksum: true })
  for (let bit = 0; bit < meta.length * 8; bit++) {
    const flipped = meta.slice()
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    assert.throws(() => decode({ meta: flipped, buffers }), undefined, `bit ${bit}`)
  }
})

checks('all values carry a checksum', () => {
  for (const row of values.filter(({ isShared }) => !isShared)) {
    const sent = row.make()
    const found = difference(
      row.arrives?.(sent as never) ?? sent,
      decode(encode(sent, { checksum: true, threshold: 0 })),
    )
    assert.is(found, undefined, `${row.name}: ${found}`)
  }
})

checks.run()
