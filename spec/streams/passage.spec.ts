/** The passage by itself, with stages that do what an encoder or decoder rarely does. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Passage, type Stage } from '../../src/streams/passage.js'
import { turns, within } from '../carriers/inbox.js'
import { outcomeOf } from './kit.js'

/** Hands on what is put into it; throws what is an error when it is taken. */
class Queue implements Stage<unknown, unknown> {
  readonly items: unknown[] = []
  isCleared = false
  readonly #most: number
  readonly #last: Error | undefined

  constructor(most: number, last?: Error) {
    this.#most = most
    this.#last = last
  }

  get isEmpty(): boolean {
    return this.items.length === 0
  }

  get hasRoom(): boolean {
    return this.items.length <= this.#most
  }

  put(value: unknown): void {
    this.items.push(value)
  }

  take(): unknown {
    const item = this.items.shift()
    if (item instanceof Error) throw item
    return item
  }

  end(): void {
    if (this.#last !== undefined) throw this.#last
  }

  clear(): void {
    this.items.length = 0
    this.isCleared = true
  }
}

const FAULT = new Error('taken')
const test = suite('streams: passage')

test('items that wait are read in order, then the end; nothing is kept', async () => {
  const stage = new Queue(10)
  const { readable, writable } = new Passage(stage)
  const writer = writable.getWriter()
  for (const item of [1, undefined, null, 4]) await within(writer.write(item), 'write')
  await within(writer.close(), 'close')
  assert.equal(stage.items, [1, undefined, null, 4])
  assert.equal(await outcomeOf(readable), { items: [1, undefined, null, 4], error: undefined })
  assert.is(stage.isCleared, true)
})

test('an error of take, when no write waits: items before it, then both sides hear', async () => {
  const { readable, writable } = new Passage(new Queue(10))
  const writer = writable.getWriter()
  for (const item of [1, FAULT, 3]) await within(writer.write(item), 'write')
  assert.equal(await outcomeOf(readable), { items: [1], error: FAULT })
  assert.is(await writer.closed.catch((error: unknown) => error), FAULT)
})

test('an error of end: items before it, then it', async () => {
  const { readable, writable } = new Passage(new Queue(10, FAULT))
  const writer = writable.getWriter()
  await writer.write(1)
  assert.is(await writer.close().catch((error: unknown) => error), FAULT)
  assert.equal(await outcomeOf(readable), { items: [1], error: FAULT })
})

test('an error waits until the reader asks for more: a pipe that passes the last item on a moment later must not see it before', async () => {
  const { readable, writable } = new Passage(new Queue(10, FAULT))
  const writer = writable.getWriter()
  await writer.write(1)
  assert.is(await writer.close().catch((error: unknown) => error), FAULT)
  const reader = readable.getReader()
  let broke: unknown
  const closed = reader.closed.catch((error: unknown) => {
    broke = error
  })
  assert.equal(await reader.read(), { value: 1, done: false })
  await turns(5)
  assert.is(broke, undefined)
  assert.is(await reader.read().catch((error: unknown) => error), FAULT)
  await within(closed, 'the end')
  assert.is(broke, FAULT)
})

test('several reads that wait get an item each', async () => {
  const { readable, writable } = new Passage<unknown, unknown>(new Queue(0))
  const reader = readable.getReader()
  const reads = [reader.read(), reader.read(), reader.read()]
  const writer = writable.getWriter()
  for (const item of [1, 2]) await within(writer.write(item), 'write')
  await writer.close()
  assert.equal(await Promise.all(reads), [
    { value: 1, done: false },
    { value: 2, done: false },
    { value: undefined, done: true },
  ])
})

test('nothing is taken before a reader asks', async () => {
  const stage = new Queue(10)
  const { readable, writable } = new Passage(stage)
  const writer = writable.getWriter()
  for (const item of [1, 2, 3]) await writer.write(item)
  const reader = readable.getReader()
  await turns(2)
  assert.equal(stage.items, [1, 2, 3])
  await reader.read()
  await turns(2)
  assert.equal(stage.items, [2, 3])
})

test.run()
