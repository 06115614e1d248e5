/** Rings to a worker of a page that is cross-origin isolated; others have no memory to share. */
import * as assert from 'uvu/assert'
import { isOutbandError } from '../../../src/index.js'
import { connectRing, createRing, type RingChannel } from '../../../src/ring/index.js'
import { inTime, skip, suite } from './checks.js'
import { type AnyPort, canShare, dom } from './dom.js'
import { NOT_ISOLATED } from './rows.js'

const rings = suite('connectRing')

/** A channel to a worker that sends back what comes: by its event loop, or while it blocks. */
function open(way: 'echo' | 'block'): { channel: RingChannel; thread: AnyPort & { terminate(): void } } {
  if (!canShare) skip(NOT_ISOLATED)
  const thread = new dom.Worker(new URL(`worker.js?ring=${way}`, dom.location.href).href, { type: 'module' })
  const [here, there] = createRing({ capacity: 16_384 })
  thread.postMessage(there, [there.port])
  return { channel: connectRing(here, { closeTimeoutMs: 1000 }), thread }
}

async function next(channel: RingChannel): Promise<unknown> {
  const { value } = await inTime(channel[Symbol.asyncIterator]().next())
  return value
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await inTime(promise)
    return 'no error'
  } catch (error) {
    if (isOutbandError(error)) return error.code
    throw error
  }
}

for (const way of ['echo', 'block'] as const) {
  rings(`a thousand small messages to a worker and back, in order: ${way}`, async () => {
    const { channel, thread } = open(way)
    for (let i = 0; i < 1000; i++)
      void channel.send({ i, text: 'x'.repeat(i % 40), array: new Float32Array(i % 9) })
    for (let i = 0; i < 1000; i++) {
      const {
        i: number,
        text,
        array,
      } = (await next(channel)) as { i: number; text: string; array: Float32Array }
      assert.equal([number, text.length, array.length], [i, i % 40, i % 9])
    }
    await channel.close()
    thread.terminate()
  })
}

rings('what is long, moves or is shared comes as it was', async () => {
  const { channel, thread } = open('echo')
  const shared = new Uint8Array(new SharedArrayBuffer(16))
  const moved = new Uint8Array(200_000).fill(5)
  void channel.send(new Uint8Array(200_000).fill(4))
  void channel.send(moved, { transfer: true })
  void channel.send(shared)
  assert.is(moved.length, 0)
  for (const byte of [4, 5]) {
    const array = (await next(channel)) as Uint8Array
    assert.ok(array.length === 200_000 && array.every(one => one === byte))
  }
  const came = (await next(channel)) as Uint8Array
  came[0] = 9
  assert.is(shared[0], 9)
  await channel.close()
  thread.terminate()
})

rings('a page may not block its thread: a TypeError', async () => {
  const { channel, thread } = open('echo')
  try {
    channel.receiveSync()
    assert.unreachable()
  } catch (error) {
    assert.instance(error, TypeError)
  }
  await channel.send('next')
  assert.is(await next(channel), 'next')
  channel.abort()
  thread.terminate()
})

rings('a worker that is terminated is PEER_GONE', async () => {
  const { channel, thread } = open('echo')
  // Its lock, that of the second end, is asked for once it has it.
  for (let isWatched = false; !isWatched; ) {
    await channel.send(1)
    assert.is(await next(channel), 1)
    await new Promise(resolve => setTimeout(resolve, 10))
    const { held, pending } = await dom.navigator.locks.query()
    isWatched = pending.some(({ name }) => name?.endsWith(' 1') && held.some(lock => lock.name === name))
  }
  thread.terminate()
  assert.is(await codeOf(channel.closed), 'PEER_GONE')
})
