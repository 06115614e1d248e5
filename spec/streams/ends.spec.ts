/** How streams end: either side may give up, the other hears why, and everything is let go. */
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { join } from '../../fixtures/assemble.js'
import { defineType, isOutbandError, registry } from '../../src/index.js'
import { PacketDecoderStream, PacketEncoderStream } from '../../src/streams/index.js'
import { turns, within } from '../carriers/inbox.js'
import { collect } from '../collect.js'
import { bytesOf, counting, KiB, MiB, outcomeOf, Unhandled } from './kit.js'

const unhandled = new Unhandled()
const caught = (promise: Promise<unknown>): Promise<unknown> =>
  within(
    promise.then(
      () => 'nothing was thrown',
      (error: unknown) => error,
    ),
    'a rejection',
  )
const REASON = new Error('enough')

/** Each stream with something on its way: what is written, of which the reader has had a part. */
const pairs: [
  name: string,
  make: () => Promise<{ pair: { readable: ReadableStream; writable: WritableStream }; input: unknown }>,
][] = [
  ['encoder', async () => ({ pair: new PacketEncoderStream(), input: [counting(3 * MiB)] })],
  [
    'decoder',
    async () => ({ pair: new PacketDecoderStream(), input: await bytesOf([1, 2, 3, counting(200 * KiB)]) }),
  ],
]

for (const [name, make] of pairs) {
  const test = suite(`streams: ends of the ${name}`)
  test.before(() => unhandled.start())

  test('the reader cancels: the write that waits and those behind it reject with the reason', async () => {
    const { pair, input } = await make()
    const writer = pair.writable.getWriter()
    const writes = [writer.write(input), writer.write(input)].map(caught)
    const reader = pair.readable.getReader()
    await reader.read()
    await reader.cancel(REASON)
    for (const error of await Promise.all(writes)) assert.is(error, REASON)
    assert.is(await caught(writer.closed), REASON)
    assert.is(await caught(writer.write(input)), REASON)
  })

  test('the reader cancels without a reason: PEER_GONE', async () => {
    const { pair, input } = await make()
    const writer = pair.writable.getWriter()
    const written = caught(writer.write(input))
    await pair.readable.cancel()
    assert.ok(isOutbandError(await written, 'PEER_GONE'), String(await written))
  })

  test('the writer aborts: the reader that waits hears the reason, and no more values', async () => {
    const { pair } = await make()
    const reader = pair.readable.getReader()
    const read = caught(reader.read())
    await pair.writable.abort(REASON)
    assert.is(await read, REASON)
    assert.is(await caught(reader.closed), REASON)
  })

  test('the writer aborts while a write waits for a reader that does not come', async () => {
    const { pair, input } = await make()
    const writer = pair.writable.getWriter()
    const writes = [writer.write(input), writer.write(input)].map(caught)
    await turns(2)
    await within(writer.abort(REASON), 'abort')
    for (const error of await Promise.all(writes)) assert.is(error, REASON)
    assert.equal(await outcomeOf(pair.readable), { items: [], error: REASON })
  })

  test('the writer aborts without a reason: an AbortError', async () => {
    const { pair } = await make()
    await pair.writable.abort()
    const { error } = await outcomeOf(pair.readable)
    assert.is((error as Error).name, 'AbortError')
  })

  test('a loop that is left cancels the source', async () => {
    const { pair, input } = await make()
    let reason: unknown = 'nothing'
    const source = new ReadableStream({
      pull: controller => controller.enqueue(input),
      cancel: given => {
        reason = given
      },
    })
    for await (const _ of source.pipeThrough(pair)) break
    await turns(3)
    assert.ok(isOutbandError(reason, 'PEER_GONE'), String(reason))
  })

  test('a pipe is aborted by its signal: its source and its reader hear', async () => {
    const { pair, input } = await make()
    const controller = new AbortController()
    let reason: unknown
    let given = 0
    const source = new ReadableStream({
      // The third one does not come.
      pull: controller => (given++ < 2 ? controller.enqueue(input) : new Promise(() => {})),
      cancel: error => {
        reason = error
      },
    })
    const piped = caught(source.pipeTo(pair.writable, { signal: controller.signal }))
    const outcome = outcomeOf(pair.readable)
    await turns(3)
    controller.abort(REASON)
    assert.is((await outcome).error, REASON)
    assert.is(await piped, REASON)
    assert.is(reason, REASON)
  })

  test('a stream that has ended is told nothing more', async () => {
    const { pair } = await make()
    await pair.writable.close()
    assert.equal(await outcomeOf(pair.readable), { items: [], error: undefined })
    await pair.writable.abort(REASON)
    await pair.readable.cancel(REASON)
  })

  const ways: [
    how: string,
    end: (pair: { readable: ReadableStream; writable: WritableStream }) => unknown,
  ][] = [
    ['cancelled', ({ readable }) => readable.cancel(REASON)],
    ['aborted', ({ writable }) => writable.abort(REASON)],
  ]
  for (const [how, end] of ways) {
    test(`a stream that was ${how} keeps nothing of what was on its way`, async () => {
      const { pair } = await make()
      const memory = await begun(pair, name === 'decoder')
      assert.ok(memory.deref() !== undefined)
      await end(pair)
      for (let i = 0; i < 50 && memory.deref() !== undefined; i++) {
        await turns(3)
        collect()
      }
      assert.is(memory.deref(), undefined)
      assert.ok(pair.readable !== undefined)
    })
  }

  test('nothing was left unhandled', async () => {
    await unhandled.stop()
    assert.equal(unhandled.reasons, [])
  })

  test.run()
}

/** Writes what nobody reads; in a function of its own, whose frame holds nothing of it afterwards. */
async function begun(
  { writable }: { writable: WritableStream },
  isDecoder: boolean,
): Promise<WeakRef<object>> {
  const array = counting(3 * MiB)
  const input = isDecoder ? await bytesOf([1, array]) : [array]
  const writer = writable.getWriter()
  void caught(writer.write(input))
  await turns(1)
  writer.releaseLock()
  return new WeakRef(isDecoder ? (input as Uint8Array).buffer : array)
}

const source = suite('streams: a source that breaks')
source.before(() => unhandled.start())

/** A source that breaks when its chunks have been taken. */
function breaking(chunks: readonly unknown[]): ReadableStream {
  let at = 0
  return new ReadableStream(
    {
      pull: controller => {
        if (at === chunks.length) controller.error(REASON)
        else controller.enqueue(chunks[at++])
      },
    },
    { highWaterMark: 0 },
  )
}

source('values that were whole arrive, slowly as they are read, then its own error', async () => {
  const bytes = join(await bytesOf([1, 2, 3]), (await bytesOf([counting(5000)])).subarray(0, 2000))
  const items: unknown[] = []
  let error: unknown
  try {
    for await (const item of breaking([bytes]).pipeThrough(new PacketDecoderStream())) {
      items.push(item)
      await turns(3)
    }
  } catch (reason) {
    error = reason
  }
  assert.equal(items, [1, 2, 3])
  assert.is(error, REASON)
})

source('values on their way out are dropped with it: a frame is not completed by chance', async () => {
  const bytes = breaking([{ id: 1 }, counting(3 * MiB)]).pipeThrough(new PacketEncoderStream())
  const { items, error } = await outcomeOf(bytes.pipeThrough(new PacketDecoderStream()))
  assert.ok(items.length <= 2)
  assert.is(error, REASON)
})

source('a pipe that only writes hears of a reader that went', async () => {
  const encoder = new PacketEncoderStream()
  const piped = caught(ReadableStream.from([1, counting(3 * MiB), 2]).pipeTo(encoder.writable))
  const reader = encoder.readable.getReader()
  await reader.read()
  await reader.cancel(REASON)
  assert.is(await piped, REASON)
})

source("the value's own code may end the stream that it goes into", async () => {
  const encoder = new PacketEncoderStream()
  const writer = encoder.writable.getWriter()
  const value = {
    get id() {
      void encoder.readable.cancel(REASON)
      return counting(3 * MiB)
    },
  }
  assert.is(await caught(writer.write(value)), REASON)
})

source("a type's own code may end the stream that it comes out of", async () => {
  class Last {}
  const decoder = new PacketDecoderStream({
    types: registry(
      defineType({
        class: Last,
        tag: 'last',
        reduce: () => 0,
        rebuild: () => {
          void reader.cancel(REASON)
          return new Last()
        },
      }),
    ),
  })
  const reader = decoder.readable.getReader()
  const read = reader.read()
  const types = registry(defineType({ class: Last, tag: 'last', reduce: () => 0, rebuild: () => new Last() }))
  const bytes = await bytesOf([new Last()], { types })
  assert.is(await caught(decoder.writable.getWriter().write(bytes)), REASON)
  assert.equal(await read, { value: undefined, done: true })
})

source('nothing was left unhandled', async () => {
  await unhandled.stop()
  assert.equal(unhandled.reasons, [])
})

source.run()
