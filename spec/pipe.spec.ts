import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isOutbandError } from '../src/errors.js'
import { PipeReader, PipeWriter, pipeBytes } from '../src/memory/pipe.js'
import { Dice } from './mutate.js'
import { thrown } from './thrown.js'

const SEED = 13
const CAPACITY = 64
/** Written down again here, since peers rely on it: where each control word is, in words of 32 bits. */
const HEAD = 0
const TAIL = 16
const ASLEEP = 32
const WAITING = 48
const OFFSET = 8

function pipe(start = 0): {
  writer: PipeWriter
  reader: PipeReader
  control: Int32Array
  memory: Uint8Array
} {
  const memory = new ArrayBuffer(OFFSET + pipeBytes(CAPACITY))
  const control = new Int32Array(memory, OFFSET, 64)
  control[HEAD] = control[TAIL] = start
  return {
    writer: new PipeWriter(memory, OFFSET, CAPACITY),
    reader: new PipeReader(memory, OFFSET, CAPACITY),
    control,
    memory: new Uint8Array(memory),
  }
}

const bytes = (...items: number[]): Uint8Array => Uint8Array.from(items)
const counting = (length: number, from = 0): Uint8Array => Uint8Array.from({ length }, (_, i) => from + i)

const test = suite('pipe: bytes')

test('what is written comes out, in other pieces if need be', () => {
  const { writer, reader } = pipe()
  assert.is(reader.available, 0)
  assert.is(writer.write(bytes(1, 2, 3), 0), 3)
  assert.is(writer.write(bytes(9, 4, 5), 1), 2)
  assert.is(reader.available, 5)
  const [first, rest] = [new Uint8Array(2), new Uint8Array(10)]
  assert.is(reader.read(first), 2)
  assert.is(reader.read(rest), 3)
  assert.equal([...first, ...rest.subarray(0, 4)], [1, 2, 3, 4, 5, 0])
  assert.is(reader.read(rest), 0)
})

test('what has no room stays, and goes on where there is some', () => {
  const { writer, reader } = pipe()
  const all = counting(100)
  assert.is(writer.write(all, 0), CAPACITY)
  assert.is(writer.write(all, CAPACITY), 0)
  const target = new Uint8Array(100)
  assert.is(reader.read(target.subarray(0, 10)), 10)
  assert.is(writer.write(all, CAPACITY), 10)
  assert.is(reader.read(target.subarray(10)), CAPACITY)
  assert.equal(target.subarray(0, 74), all.subarray(0, 74))
})

for (const start of [0, 2 ** 31 - 500, -500]) {
  test(`pieces of any length, seed ${SEED}, counted from ${start} on, come out as they went in`, () => {
    const { writer, reader } = pipe(start)
    const dice = new Dice()
    dice.start(SEED, 0)
    let [sent, got] = [0, 0]
    while (got < 20_000) {
      const chunk = counting(dice.below(90), sent)
      sent += writer.write(chunk, 0)
      const target = new Uint8Array(dice.below(90))
      const length = reader.read(target)
      const isRight = target.subarray(0, length).every((byte, i) => byte === ((got + i) & 255))
      assert.ok(isRight, `at ${got}`)
      got += length
      assert.is(reader.available, sent - got)
    }
  })
}

test('nothing is written in front of a pipe, or behind it', () => {
  const { writer, reader, memory } = pipe()
  memory.fill(0xee, 0, OFFSET)
  for (let i = 0; i < 40; i++) {
    writer.write(counting(33, 1), 0)
    reader.read(new Uint8Array(33))
  }
  assert.ok(memory.subarray(0, OFFSET).every(byte => byte === 0xee))
})

test.run()

const waking = suite('pipe: who sleeps is woken')

waking('a reader that sleeps is to be woken once, by what is written next', () => {
  const { writer, reader } = pipe()
  assert.not.ok(writer.mustWake())
  assert.ok(reader.sleep())
  writer.write(bytes(1), 0)
  assert.ok(writer.mustWake())
  assert.not.ok(writer.mustWake())
})

waking('a reader does not sleep over what is there', () => {
  const { writer, reader, control } = pipe()
  writer.write(bytes(1), 0)
  assert.not.ok(reader.sleep())
  assert.is(control[ASLEEP], 0)
  assert.not.ok(writer.mustWake())
})

waking('a writer that waits is to be woken once, when half is free', () => {
  const { writer, reader } = pipe()
  writer.write(counting(CAPACITY), 0)
  assert.ok(writer.wait())
  reader.read(new Uint8Array(CAPACITY / 2 - 1))
  assert.not.ok(reader.mustWake())
  reader.read(new Uint8Array(1))
  assert.ok(reader.mustWake())
  assert.not.ok(reader.mustWake())
})

waking('a writer does not wait where there is room', () => {
  const { writer, reader, control } = pipe()
  writer.write(counting(CAPACITY), 0)
  reader.read(new Uint8Array(1))
  assert.not.ok(writer.wait())
  assert.is(control[WAITING], 0)
})

waking.run()

/**
 * Both sides as programs of single steps on what they share, in every order: each stops when it has said that it sleeps, or
 * waits, and goes on at a bell alone, which stays rung until then. Nobody may stop for ever while there is something to do.
 */
interface State {
  readonly written: number
  readonly read: number
  /** The words in memory, and the bells on the socket. */
  readonly asleep: boolean
  readonly waiting: boolean
  readonly readerBell: boolean
  readonly writerBell: boolean
  readonly writer: 'write' | 'ring' | 'wait' | 'look' | 'stopped'
  readonly reader: 'read' | 'ring' | 'sleep' | 'look' | 'stopped'
}

const ROOM = 2
const TOTAL = 4

/** What the writer does next; `isCareless`: it does not look again once it has said that it waits. */
function writerStep(state: State, isCareless: boolean): State | undefined {
  const { written, read, writer, asleep } = state
  const isRoom = written - read < ROOM
  switch (writer) {
    case 'write':
      if (written === TOTAL) return undefined
      return isRoom ? { ...state, written: written + 1, writer: 'ring' } : { ...state, writer: 'wait' }
    case 'ring':
      return { ...state, asleep: false, readerBell: state.readerBell || asleep, writer: 'write' }
    case 'wait':
      return { ...state, waiting: true, writer: isCareless ? 'stopped' : 'look' }
    case 'look':
      return isRoom ? { ...state, waiting: false, writer: 'write' } : { ...state, writer: 'stopped' }
    case 'stopped':
      return state.writerBell ? { ...state, writerBell: false, writer: 'write' } : undefined
  }
}

/** The same for the reader. */
function readerStep(state: State, isCareless: boolean): State | undefined {
  const { written, read, reader, waiting } = state
  const isThere = written > read
  switch (reader) {
    case 'read':
      return isThere ? { ...state, read: read + 1, reader: 'ring' } : { ...state, reader: 'sleep' }
    case 'ring': {
      const isDue = waiting && written - read <= ROOM / 2
      return { ...state, waiting: waiting && !isDue, writerBell: state.writerBell || isDue, reader: 'read' }
    }
    case 'sleep':
      return { ...state, asleep: true, reader: isCareless ? 'stopped' : 'look' }
    case 'look':
      return isThere ? { ...state, asleep: false, reader: 'read' } : { ...state, reader: 'stopped' }
    case 'stopped':
      return state.readerBell ? { ...state, readerBell: false, reader: 'read' } : undefined
  }
}

/** States that nothing follows although not all was read, of all that can come to be. */
function stuck(isCareless: 'writer' | 'reader' | 'nobody'): { states: number; stuck: State[] } {
  const first: State = {
    written: 0,
    read: 0,
    asleep: false,
    waiting: false,
    readerBell: false,
    writerBell: false,
    writer: 'write',
    reader: 'read',
  }
  const seen = new Map([[JSON.stringify(first), first]])
  const found: State[] = []
  for (const state of seen.values()) {
    const steps = [writerStep(state, isCareless === 'writer'), readerStep(state, isCareless === 'reader')]
    const next = steps.filter(step => step !== undefined)
    if (next.length === 0 && state.read < TOTAL) found.push(state)
    for (const step of next) {
      const key = JSON.stringify(step)
      if (!seen.has(key)) seen.set(key, step)
    }
  }
  return { states: seen.size, stuck: found }
}

const model = suite('pipe: every order of steps')

model('nobody stops for ever', () => {
  const { states, stuck: none } = stuck('nobody')
  assert.ok(states > 50)
  assert.equal(none, [])
})

for (const side of ['writer', 'reader'] as const) {
  model(`a ${side} that does not look again would`, () => assert.ok(stuck(side).stuck.length > 0))
}

model.run()

const corrupt = suite('pipe: words that cannot be')

const corruptions: [word: number, value: number][] = [
  [TAIL, -1],
  [TAIL, CAPACITY + 1],
  [TAIL, 2 ** 31 - 1],
  [TAIL, -(2 ** 31)],
  [HEAD, 1],
  [HEAD, -CAPACITY - 1],
  [HEAD, 2 ** 31 - 1],
]
for (const [word, value] of corruptions) {
  corrupt(`${word === TAIL ? 'a tail' : 'a head'} of ${value}: RING_CORRUPT, and nothing is touched`, () => {
    const { writer, reader, control } = pipe()
    control[word] = value
    const target = new Uint8Array(10)
    const attempts =
      word === TAIL
        ? [() => reader.available, () => reader.read(target), () => reader.sleep(), () => reader.mustWake()]
        : [() => writer.wait(), () => writer.write(counting(CAPACITY + 1), 0)]
    for (const attempt of attempts) assert.ok(isOutbandError(thrown(attempt), 'RING_CORRUPT'))
    assert.ok(target.every(byte => byte === 0))
  })
}

corrupt('a reader does not believe its own head there, nor a writer its tail', () => {
  const { writer, reader, control } = pipe()
  writer.write(bytes(1, 2, 3), 0)
  control[HEAD] = 2
  const target = new Uint8Array(3)
  assert.is(reader.read(target), 3)
  assert.equal([...target], [1, 2, 3])
  control[TAIL] = 77
  writer.write(bytes(4), 0)
  assert.is(control[TAIL], 4)
})

corrupt.run()
