import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import workerpool, { Promise as OwnPromise } from 'workerpool'
import { type PoolPromise, transfer, wrapMethods, wrapPool } from '../../src/adapters/workerpool.js'
import { isOutbandError } from '../../src/errors.js'
import { canEval } from '../eval.js'
import { difference } from '../same.js'
import { errorRows, rejection } from './errors.js'
import { type Api, sample, types } from './kit.js'
import type { PoolMethods } from './workerpool-worker.js'

const script = fileURLToPath(new URL('./workerpool-worker.js', import.meta.url))
const open = (
  options: { maxWorkers?: number; maxQueueSize?: number; workerTerminateTimeout?: number } = {},
) => wrapPool(workerpool.pool(script, { maxWorkers: 1, workerType: 'thread', ...options }), { types })

const test = suite('adapters: workerpool')
/** What workerpool itself does by code from strings. */
const byEval = canEval() ? test : test.skip
const pool = open()
test.after(async () => {
  await pool.terminate()
})

test('parameters and results come back equal', async () => {
  assert.is(difference(sample(), await pool.exec('echo', [sample()])), undefined)
})

test('nothing and primitives are results', async () => {
  for (const value of [undefined, null, -0, 5n, '\ud800']) {
    assert.ok(Object.is(await pool.exec('echo', [value]), value))
  }
  assert.is(await pool.exec('left'), 8192)
})

test('by default nothing is detached', async () => {
  const values = new Float64Array(1024).fill(2)
  assert.is(await pool.exec('sum', [values]), 2048)
  assert.is(values.byteLength, 8192)
  await pool.exec('keep')
  assert.is(await pool.exec('left'), 8192)
})

test('what changes after `exec` does not travel, though the task waits', async () => {
  const values = new Float64Array(1024).fill(1)
  const first = pool.exec('echo', [0])
  const second = pool.exec('sum', [values])
  values.fill(9)
  await first
  assert.is(await second, 1024)
})

test('with transfer: true, what covers its memory has moved when `exec` returns', async () => {
  const values = new Float64Array(1024).fill(2)
  const part = new Float64Array(2048).subarray(0, 1024)
  const sum = pool.exec('sum', [values, part], { transfer: true })
  assert.is(values.byteLength, 0)
  assert.is(part.byteLength, 8192)
  assert.is(await sum, 2048)
})

test('a list and transfer() move; the same memory again is DETACHED', async () => {
  for (const wish of [
    (values: Float64Array) => pool.exec('sum', [values], { transfer: [values.buffer] }),
    (values: Float64Array) => pool.exec('sum', [transfer(values)]),
  ]) {
    const values = new Float64Array(1024).fill(2)
    const sum = wish(values)
    assert.is(values.byteLength, 0)
    assert.ok(isOutbandError(await rejection(() => wish(values)), 'DETACHED'))
    assert.is(await sum, 2048)
  }
})

test('a result moves by transfer() or as a Transfer', async () => {
  for (const method of ['give', 'giveBy']) {
    const other = open()
    assert.is(((await other.exec(method)) as { kept: Float64Array }).kept.length, 1024)
    assert.is(await other.exec('left'), 0)
    await other.terminate()
  }
})

test('only the window of a view travels, both ways', async () => {
  assert.is(await pool.exec('room', [Buffer.from('ten bytes!')]), 10)
  assert.ok((await pool.exec<Api['room']>('room', [Buffer.alloc(20_000).subarray(1, 5001)])) <= 5008)
  assert.is(((await pool.exec('pooled')) as Uint8Array).buffer.byteLength, 10)
  const pooled = Buffer.from('ten bytes!')
  assert.ok((await pool.exec<Api['room']>('room', [pooled], { transfer: [pooled] })) < 32)
  assert.is(String(pooled), 'ten bytes!')
})

test('a registered class arrives as itself', async () => {
  assert.is(await pool.exec('classOf', [sample().tensor]), 'Tensor')
})

for (const [method, fact, check] of errorRows) {
  test(`${method}: ${fact}`, async () => check(await rejection(() => pool.exec(method))))
}

test('parameters that cannot travel are UNSUPPORTED, and nothing moves', async () => {
  const values = new Float64Array(1024)
  const error = await rejection(() => pool.exec('echo', [values, () => {}], { transfer: true }))
  assert.ok(isOutbandError(error, 'UNSUPPORTED'))
  assert.is(values.byteLength, 8192)
})

test('a method that is not there is an error', async () => {
  assert.match(((await rejection(() => pool.exec('missing', []))) as Error).message, /Unknown method/)
})

test('a proxy calls methods, with packets', async () => {
  const proxy = await pool.proxy<PoolMethods>()
  const sum: number = await proxy.sum(new Float64Array(1024).fill(2))
  assert.is(sum, 2048)
  assert.is(difference(sample(), await proxy.echo(sample())), undefined)
  assert.instance(await rejection(() => proxy.plain()), TypeError)
})

byEval('functions sent as text go as they always did', async () => {
  const answer: number = await pool.exec((a: number, b: number) => a * b, [6, 7])
  assert.is(answer, 42)
  assert.ok(((await pool.exec('methods')) as string[]).includes('echo'))
})

test('events come', async () => {
  const heard: unknown[] = []
  assert.is(await pool.exec('tell', [2], { on: payload => heard.push(payload) }), 2)
  assert.equal(heard, [{ i: 0 }, { i: 1 }])
})

test('a task is cancelled, or has no more time, and the pool goes on', async () => {
  const other = open()
  assert.is(((await rejection(() => other.exec('hang').cancel())) as Error).name, 'CancellationError')
  assert.is(((await rejection(() => other.exec('hang').timeout(30))) as Error).name, 'TimeoutError')
  const later = () => other.exec('hang').then(String).cancel()
  assert.is(((await rejection(later)) as Error).name, 'CancellationError')
  assert.is(await other.exec('sum', [new Float64Array(4).fill(1)]), 4)
  await other.terminate()
})

test("its promise is good for the pool's own and for the platform's", async () => {
  const left: PoolPromise<number> = pool.exec('left').then(Number)
  const [native, theirs]: [Promise<number>, OwnPromise<number>] = [left, left]
  assert.instance(native, OwnPromise)
  assert.is(Object.prototype.toString.call(native), '[object Promise]')
  assert.is(await native, await theirs.always(() => left.then(null, () => -1)))
  assert.equal([left.resolved, left.rejected, left.pending], [true, false, false])
})

test('a cancelled task may clean up, by the `worker` of its own method', async () => {
  // It has time to, on a machine that has none.
  const other = open({ workerTerminateTimeout: 60_000 })
  let task: ReturnType<typeof other.exec> | undefined
  await other.exec('left')
  await new Promise<void>(resolve => {
    task = other.exec('patient', [], { on: () => resolve() })
    task.catch(() => {})
  })
  task!.cancel()
  assert.is(((await rejection(() => task!)) as Error).name, 'CancellationError')
  assert.is(await other.exec('cleaned'), 1)
  await other.terminate()
})

test('a full queue refuses, and nothing has moved', async () => {
  const other = open({ maxQueueSize: 1 })
  const taken = [1, 2].map(value => other.exec('echo', [value]))
  const values = new Float64Array(1024)
  const error = await rejection(() => other.exec('sum', [values], { transfer: true }))
  assert.match((error as Error).message, /queue size/)
  assert.is(values.byteLength, 8192)
  assert.equal(await Promise.all(taken), [1, 2])
  await other.terminate()
})

test('a thread that dies rejects its task, and the pool goes on', async () => {
  const other = open()
  for (const method of ['crash', 'die']) {
    assert.instance(await rejection(() => other.exec(method)), workerpool.TerminateError)
  }
  assert.is(await other.exec('sum', [new Float64Array(4).fill(1)]), 4)
  await other.terminate()
})

test('1000 concurrent tasks each get their own answer', async () => {
  const other = open({ maxWorkers: 2 })
  const numbers = Array.from({ length: 1000 }, (_, i) => i)
  const sums = await Promise.all(numbers.map(i => other.exec('sum', [new Float64Array(600).fill(i)])))
  assert.equal(
    sums,
    numbers.map(i => i * 600),
  )
  assert.is(other.stats().totalWorkers, 2)
  await other.terminate()
})

byEval('a worker that nobody wrapped is told from one that somebody did', async () => {
  const raw = wrapPool(workerpool.pool({ maxWorkers: 1 }))
  assert.match(((await rejection(() => raw.exec('echo', [1]))) as Error).message, /Unknown method/)
  assert.is(await raw.exec((a: number) => a + 1, [1]), 2)
  await raw.terminate()
})

test('a worker that nobody wrapped, and that returns its argument, is told by a rejection', async () => {
  const bare = new URL('unwrapped-workerpool.js', import.meta.url)
  const raw = wrapPool(workerpool.pool(fileURLToPath(bare), { maxWorkers: 1, workerType: 'thread' }))
  assert.ok(isOutbandError(await rejection(() => raw.exec('same', [{ a: 1 }])), 'MALFORMED'))
  await raw.terminate()
})

test('a pool that nobody wrapped is told by a rejection', async () => {
  const bare = workerpool.pool(script, { maxWorkers: 1, workerType: 'thread' })
  for (const params of [[1], [], null]) {
    const error = await rejection(() => bare.exec('echo', params))
    assert.match((error as Error).message, /no packet/)
  }
  await bare.terminate()
})

test('no options may be null', async () => {
  assert.is(await pool.exec('echo', [1], null as never), 1)
  assert.is(await pool.exec('echo', [1], { transfer: null as never }), 1)
})

test('wrong arguments are TypeErrors', async () => {
  assert.throws(() => wrapPool({} as never), TypeError)
  assert.throws(() => wrapPool(workerpool.pool({ workerType: 'process' })), TypeError)
  assert.throws(() => wrapMethods(workerpool, { run: () => 1 }), TypeError)
  assert.throws(() => wrapMethods({} as never, {}), TypeError)
  assert.throws(() => pool.exec('echo', 5 as never), TypeError)
})

test.run()
