import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isOutbandError } from '../src/errors.js'
import { RingReader, RingWriter, ringBytes, ringMemory } from '../src/memory/ring.js'
import { thrown } from './thrown.js'

/** Bytes of the control words in front of the entries; written down again here, since peers rely on it. */
const CONTROL_BYTES = 192
const HEAD = 0
const TAIL = 16
const ASLEEP = 32

function ring(capacity = 64, start = 0): { writer: RingWriter; reader: RingReader; control: Int32Array } {
  const memory = ringMemory(capacity)
  const control = new Int32Array(memory, 0, CONTROL_BYTES / 4)
  control[HEAD] = control[TAIL] = start
  return { writer: new RingWriter(memory), reader: new RingReader(memory), control }
}

const test = suite('ring: entries')

test('an entry comes out as it went in, as text or as bytes, with its mark', () => {
  const { writer, reader } = ring()
  assert.is(reader.mark, undefined)
  assert.ok(writer.write('a\xff', -7))
  assert.ok(writer.write(new Uint8Array([1, 0, 255]), 9))
  assert.is(reader.mark, -7)
  assert.is(reader.text(), 'a\xff')
  assert.is(reader.mark, 9)
  const run = reader.run()
  assert.equal([...run], [1, 0, 255])
  assert.not.instance(run.buffer, SharedArrayBuffer)
  assert.is(reader.mark, undefined)
})

test('a run with a view on it comes out the same at every length, and nothing of what lies behind it goes in', () => {
  const memory = new Uint8Array(600).fill(0xee)
  const view = new DataView(memory.buffer, 4)
  for (let length = 0; length <= 300; length++) {
    const { writer, reader } = ring(1024)
    const run = memory.subarray(4, 4 + length).map((_, i) => i % 251)
    memory.set(run, 4)
    assert.ok(writer.write(memory.subarray(4, 4 + length), 1, view))
    assert.is(reader.mark, 1)
    const start = reader.begin()
    const rest = (4 - (length % 4)) % 4
    assert.equal([...writer.bytes.subarray(start, start + length + rest)], [...run, ...new Uint8Array(rest)])
    assert.equal([...reader.run()], [...run])
    memory.fill(0xee)
  }
})

test('what has no room is refused and nothing of it is written', () => {
  const { writer, reader } = ring()
  assert.ok(writer.write('x'.repeat(48), 1))
  assert.not.ok(writer.write('y', 2))
  assert.is(reader.mark, 1)
  assert.is(reader.text(), 'x'.repeat(48))
  assert.is(reader.mark, undefined)
  assert.ok(writer.write('y', 3))
  assert.is(reader.mark, 3)
})

test('what is larger than the ring is refused, always', () => {
  const { writer } = ring()
  assert.not.ok(writer.write('x'.repeat(64), 1))
  assert.ok(writer.write('x'.repeat(56), 1))
})

test('entries of every length wrap around, and the 32-bit counters do too', () => {
  const { writer, reader, control } = ring(256, 2 ** 31 - 4096)
  let written = 0
  let read = 0
  for (let step = 0; step < 20_000; step++) {
    const text = String.fromCharCode(65 + (written % 26)).repeat(written % 97)
    if (writer.write(text, written)) written++
    else {
      assert.is(reader.mark, read)
      assert.is(reader.text(), String.fromCharCode(65 + (read % 26)).repeat(read % 97))
      read++
    }
  }
  assert.ok(read > 5000)
  assert.ok(control[HEAD] < 0)
  while (reader.mark !== undefined) {
    assert.is(reader.mark, read)
    assert.is(reader.text().length, read % 97)
    read++
  }
  assert.is(read, written)
})

test('a reader that sleeps is woken once; one that finds something stays awake', () => {
  const { writer, reader } = ring()
  assert.is(writer.mustWake(), 0)
  assert.ok(reader.sleep(5))
  writer.write('a', 0)
  assert.is(writer.mustWake(), 5)
  assert.is(writer.mustWake(), 0)
  assert.not.ok(reader.sleep())
  assert.is(writer.mustWake(), 0)
})

test('a writer that waits for room is told of it once', () => {
  const { writer, reader } = ring()
  assert.ok(writer.write('x'.repeat(40), 0))
  assert.is(writer.claim(20), -1)
  assert.is(reader.mustTell(), 0)
  writer.wait(2)
  assert.is(writer.look(), 48)
  assert.is(reader.mark, 0)
  reader.text()
  assert.is(reader.mustTell(), 2)
  assert.is(reader.mustTell(), 0)
  assert.is(writer.look(), 0)
  assert.is(writer.unread, 0)
})

test('what is claimed is no run until it is committed, and no room is lost when it never is', () => {
  const { writer, reader } = ring()
  for (let i = 0; i < 20; i++) {
    assert.ok(writer.claim(24) >= 0)
    assert.is(reader.mark, undefined)
    const at = writer.claim(8)
    writer.bytes.fill(i, at, at + 8)
    writer.commit(i)
    assert.is(reader.mark, i)
    const start = reader.begin()
    assert.is(reader.length, 8)
    assert.equal([...reader.bytes.subarray(start, start + 8)], Array(8).fill(i))
    reader.pass()
  }
})

const places: [name: string, make: (byteLength: number) => ArrayBufferLike, byteOffset: number][] = [
  ['an ArrayBuffer', bytes => new ArrayBuffer(bytes), 0],
  ['a part of an ArrayBuffer', bytes => new ArrayBuffer(bytes), 64],
  ['a part of a SharedArrayBuffer', bytes => new SharedArrayBuffer(bytes), 8],
]
for (const [name, make, byteOffset] of places) {
  test(`a ring lies in ${name}, and touches nothing beside it`, () => {
    const byteLength = ringBytes(64)
    const memory = make(byteOffset + byteLength + 24)
    const bytes = new Uint8Array(memory)
    bytes.fill(7, 0, byteOffset).fill(7, byteOffset + byteLength)
    const writer = new RingWriter(memory, byteOffset, byteLength)
    const reader = new RingReader(memory, byteOffset, byteLength)
    for (let i = 0; i < 100; i++) {
      assert.ok(writer.write('x'.repeat(i % 25), i))
      assert.is(reader.mark, i)
      assert.is(reader.text(), 'x'.repeat(i % 25))
    }
    const beside = [...bytes.subarray(0, byteOffset), ...bytes.subarray(byteOffset + byteLength)]
    assert.equal(beside, Array(byteOffset + 24).fill(7))
  })
}

test.run()

const hostile = suite('ring: a peer that writes nonsense')

const corruptions: [name: string, spoil: (control: Int32Array, words: Int32Array) => void][] = [
  ['a tail that jumps past the capacity', control => Atomics.store(control, TAIL, 128)],
  ['a tail before the head', control => Atomics.store(control, TAIL, -8)],
  ['a tail between two entries', control => Atomics.store(control, TAIL, 12)],
  ['a length past what was written', (_, words) => Atomics.store(words, 0, 40)],
  ['a negative length', (_, words) => Atomics.store(words, 0, -2)],
  ['a skip with nothing behind it', (_, words) => Atomics.store(words, 0, -1)],
]
for (const [name, spoil] of corruptions) {
  hostile(`${name} is RING_CORRUPT`, () => {
    const memory = ringMemory(64)
    const writer = new RingWriter(memory)
    const reader = new RingReader(memory)
    writer.write('abc', 0)
    spoil(new Int32Array(memory, 0, CONTROL_BYTES / 4), new Int32Array(memory, CONTROL_BYTES))
    const error = thrown(() => {
      for (let i = 0; i < 4 && reader.mark !== undefined; i++) reader.text()
    })
    assert.ok(isOutbandError(error, 'RING_CORRUPT'), String(error))
  })
}

for (const head of [8, -128, 4]) {
  hostile(
    `a head that is ${head} past what was written is RING_CORRUPT for the writer, who writes nothing`,
    () => {
      const { writer, control } = ring()
      assert.ok(writer.write('x'.repeat(40), 0))
      const tail = Atomics.load(control, TAIL)
      Atomics.store(control, HEAD, tail + head)
      for (const length of [20, 100]) {
        const error = thrown(() => writer.write('x'.repeat(length), 0))
        assert.ok(isOutbandError(error, 'RING_CORRUPT'), String(error))
      }
      assert.is(Atomics.load(control, TAIL), tail)
    },
  )
}

for (const bytes of [0, CONTROL_BYTES, CONTROL_BYTES + 32, CONTROL_BYTES + 100]) {
  hostile(`${bytes} bytes of memory are no ring`, () => {
    assert.ok(
      isOutbandError(
        thrown(() => new RingWriter(new SharedArrayBuffer(bytes))),
        'RING_CORRUPT',
      ),
    )
  })
}

for (const [byteOffset, byteLength] of [
  [4, ringBytes(64)],
  [-8, ringBytes(64)],
  [8, ringBytes(128)],
] as const) {
  hostile(`${byteLength} bytes at ${byteOffset} of a ring's memory are none`, () => {
    const error = thrown(() => new RingReader(ringMemory(128), byteOffset, byteLength))
    assert.ok(isOutbandError(error, 'RING_CORRUPT'), String(error))
  })
}

hostile('a length that changes when it was read is not read again', () => {
  const { writer, reader } = ring(2048)
  writer.write(new Uint8Array([1, 2, 3, 4, 5]), 0)
  writer.write(new Uint8Array(1000), 1)
  assert.is(reader.mark, 0)
  reader.begin()
  writer.words[0] = 1000
  assert.equal([...reader.lend()], [1, 2, 3, 4, 5])
  assert.is(reader.mark, 1)
})
hostile.run()

const model = suite('ring: every order of two threads')

/**
 * The protocol around an empty ring, a step of either thread at a time, in every order: the writer writes and asks
 * whether to wake, the reader reads until nothing is there and goes to sleep. Nothing may stay unread while the reader
 * sleeps and nobody has been told to wake it.
 */
model('no entry stays behind while the reader sleeps unwoken', () => {
  let orders = 0
  const explore = (order: string): void => {
    const writes = [...order].filter(step => step === 'w').length
    if (writes < 6) for (const next of ['w', 'r']) if (order.length < 12) explore(order + next)
    const { writer, reader, control } = ring()
    let bells = 0
    let isAwake = true
    let pending: 'written' | undefined
    for (const step of order) {
      if (step === 'w') {
        if (pending === undefined) {
          writer.write('', 0)
          pending = 'written'
        } else {
          if (writer.mustWake() !== 0) bells++
          pending = undefined
        }
      } else if (isAwake) {
        if (reader.mark !== undefined) reader.text()
        else isAwake = !reader.sleep()
      } else if (bells > 0) {
        bells--
        isAwake = true
      }
    }
    if (pending !== undefined && writer.mustWake() !== 0) bells++
    const isIdle = !isAwake && bells === 0
    if (isIdle) assert.is(reader.mark, undefined, order)
    assert.is(Atomics.load(control, ASLEEP) === 1, isIdle, order)
    orders++
  }
  explore('')
  assert.ok(orders > 3000)
})

model.run()
