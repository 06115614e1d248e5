import { fileURLToPath } from 'node:url'
import { FixedQueue, Piscina } from 'piscina'
import { type Task, Tinypool } from 'tinypool'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type PoolLike, transfer, wrapPool } from '../../src/adapters/piscina.js'
import { isOutbandError } from '../../src/errors.js'
import { difference } from '../same.js'
import { errorRows, rejection } from './errors.js'
import { sample, types } from './kit.js'

const fileOf = (name: string): string => fileURLToPath(new URL(`./${name}-worker.js`, import.meta.url))

/** What both pools have in common. */
type AnyPool = PoolLike & {
  run(
    task: unknown,
    options?: { name?: string; signal?: AbortSignal; transferList?: never[] },
  ): Promise<unknown>
  destroy(): Promise<void>
  readonly completed: number
  readonly queueSize: number
  once(event: 'drain', listener: () => void): unknown
}
interface Settings {
  minThreads?: number
  maxThreads?: number
  maxQueue?: number
  filename?: string
  concurrentTasksPerWorker?: number
}

/** Tinypools share one queue when they are given none. */
class Queue {
  readonly #tasks: Task[] = []
  get size(): number {
    return this.#tasks.length
  }
  shift(): Task | null {
    return this.#tasks.shift() ?? null
  }
  push(task: Task): void {
    this.#tasks.push(task)
  }
  remove(task: Task): void {
    this.#tasks.splice(this.#tasks.indexOf(task), 1)
  }
  cancel(): void {}
}

const libraries: readonly (readonly [
  name: string,
  make: (settings: Settings) => AnyPool,
  move: (value: never) => unknown,
])[] = [
  ['piscina', settings => new Piscina({ filename: fileOf('piscina'), ...settings }), Piscina.move],
  [
    'tinypool',
    settings => new Tinypool({ filename: fileOf('tinypool'), taskQueue: new Queue(), ...settings }),
    Tinypool.move,
  ],
]

for (const [name, make, move] of libraries) {
  const test = suite(`adapters: ${name}`)
  const one = wrapPool(make({ minThreads: 1, maxThreads: 1 }), { types })
  test.after(() => one.destroy())

  test('a task and its result come back equal', async () => {
    assert.is(difference(sample(), await one.run(['echo', sample()])), undefined)
  })

  test('nothing, null and primitives are tasks and results', async () => {
    for (const value of [undefined, null, -0, 5n, 'text', '\ud800']) {
      assert.is(Object.is(await one.run(['echo', value]), value), true, String(value))
    }
  })

  test('by default nothing is detached', async () => {
    const values = new Float64Array(1024).fill(2)
    assert.is(await one.run(['sum', values]), 2048)
    assert.is(values.byteLength, 8192)
    assert.is(((await one.run(undefined, { name: 'keep' })) as Float64Array).length, 1024)
    assert.is(await one.run(undefined, { name: 'left' }), 8192)
  })

  test('what changes after `run` does not travel, though the task waits', async () => {
    const values = new Float64Array(1024).fill(1)
    const first = one.run(['echo', 0])
    const second = one.run(['sum', values])
    values.fill(9)
    await first
    assert.is(await second, 1024)
  })

  test('with transfer: true, what covers its memory moves', async () => {
    const values = new Float64Array(1024).fill(2)
    const part = new Float64Array(2048).subarray(0, 1024)
    const answer = (await one.run(['echo', values, part], { transfer: true })) as Float64Array
    assert.is(answer[1023], 2)
    assert.is(values.byteLength, 0)
    assert.is(part.byteLength, 8192)
  })

  test('a list, transferList, transfer() and the move of the pool move', async () => {
    const wishes: ((values: Float64Array) => Promise<unknown>)[] = [
      values => one.run(['sum', values], { transfer: [values] }),
      values => one.run(['sum', values], { transferList: [values.buffer as never] }),
      values => one.run(transfer(['sum', values], [values.buffer])),
      values => one.run(['sum', transfer(values)]),
    ]
    for (const wish of wishes) {
      const values = new Float64Array(1024).fill(2)
      assert.is(await wish(values), 2048)
      assert.is(values.byteLength, 0)
    }
    const values = new Float64Array(1024)
    await rejection(() => one.run(move(values as never)))
    assert.is(values.byteLength, 0)
  })

  test('transfer() counts once', async () => {
    const task = ['sum', new Float64Array(1024)] as [string, Float64Array]
    await one.run(transfer(task, [task[1]]))
    task[1] = new Float64Array(1024)
    await one.run(task)
    assert.is(task[1].byteLength, 8192)
  })

  test('a result moves by transfer(), by the move of the pool, or all by option', async () => {
    const pool = wrapPool(make({ minThreads: 1, maxThreads: 1 }), { types })
    assert.is(((await pool.run(0, { name: 'all' })) as { grown: Float64Array }).grown.length, 1024)
    assert.is(await pool.run(0, { name: 'leftOfAll' }), 0)
    assert.is(((await pool.run(0, { name: 'move' })) as Float64Array).length, 1024)
    assert.is(await pool.run(0, { name: 'left' }), 0)
    await pool.destroy()
    const other = wrapPool(make({ minThreads: 1, maxThreads: 1 }), { types })
    assert.is(((await other.run(0, { name: 'give' })) as { kept: Float64Array }).kept.length, 1024)
    assert.is(await other.run(0, { name: 'left' }), 0)
    assert.ok(isOutbandError(await rejection(() => other.run(0, { name: 'give' })), 'DETACHED'))
    await other.destroy()
  })

  test('only the window of a view travels, both ways', async () => {
    const large = Buffer.alloc(20_000).subarray(1, 5001)
    assert.ok(((await one.run(['room', large])) as number) <= 5008)
    assert.is(await one.run(['room', Buffer.from('ten bytes!')]), 10)
    assert.is(((await one.run(['pooled'])) as Uint8Array).buffer.byteLength, 10)
    const pooled = Buffer.from('ten bytes!')
    assert.ok(((await one.run(['room', pooled], { transfer: [pooled] })) as number) < 32)
    assert.is(String(pooled), 'ten bytes!')
  })

  test('a registered class arrives as itself', async () => {
    assert.is(await one.run(['classOf', sample().tensor]), 'Tensor')
  })

  test('shared memory is shared', async () => {
    const shared = new Float64Array(new SharedArrayBuffer(8192))
    const answer = (await one.run(['echo', shared])) as Float64Array
    answer[0] = 5
    assert.is(shared[0], 5)
  })

  test('a port travels in a task', async () => {
    const { port1, port2 } = new MessageChannel()
    const back = (await one.run(['echo', { port: port2 }])) as { port: InstanceType<typeof MessagePort> }
    back.port.postMessage('hi')
    const heard = await new Promise(resolve =>
      port1.addEventListener('message', event => resolve((event as MessageEvent).data)),
    )
    assert.is(heard, 'hi')
    port1.close()
  })

  for (const [method, fact, check] of errorRows) {
    test(`${method}: ${fact}`, async () => check(await rejection(() => one.run([method]))))
  }

  test('a task that cannot travel is rejected with UNSUPPORTED, and nothing moves', async () => {
    const values = new Float64Array(1024)
    const error = await rejection(() => one.run(['echo', values, { done: () => {} }], { transfer: true }))
    assert.ok(isOutbandError(error, 'UNSUPPORTED'))
    assert.match(error.path ?? '', /done$/)
    assert.is(values.byteLength, 8192)
  })

  test('memory that is gone before the task is posted is a clear error', async () => {
    const values = new Float64Array(1024)
    const calls = [1, 2].map(() => one.run(['sum', values], { transfer: [values] }))
    const [first, second] = await Promise.allSettled(calls)
    assert.is(first?.status, 'fulfilled')
    assert.ok(isOutbandError((second as PromiseRejectedResult).reason, 'UNSUPPORTED', 'DETACHED'))
  })

  test('a task that waits is aborted, and keeps its memory', async () => {
    const control = new AbortController()
    const values = new Float64Array(1024)
    const pool = wrapPool(make({ minThreads: 1, maxThreads: 1 }), { types })
    const busy = pool.run(['echo', 1])
    const waits = pool.run(['sum', values], { signal: control.signal, transfer: true })
    control.abort()
    assert.is(((await rejection(() => waits)) as Error).name, 'AbortError')
    await busy
    assert.is(values.byteLength, 8192)
    await pool.destroy()
  })

  test('a running task is aborted, and the pool goes on', async () => {
    const control = new AbortController()
    const pool = wrapPool(make({ minThreads: 1, maxThreads: 1 }), { types })
    await pool.run(['echo', 1])
    const hangs = pool.run(['hang'], { signal: control.signal })
    setTimeout(() => control.abort(), 20)
    assert.is(((await rejection(() => hangs)) as Error).name, 'AbortError')
    assert.is(await pool.run(['sum', new Float64Array(4).fill(1)]), 4)
    await pool.destroy()
  })

  test('a full queue refuses, and nothing has moved', async () => {
    const pool = wrapPool(make({ minThreads: 1, maxThreads: 1, maxQueue: 1 }), { types })
    const taken = [1, 2].map(value => pool.run(['echo', value]))
    const values = new Float64Array(1024)
    const refusals = await Promise.allSettled(
      [1, 2, 3].map(() => pool.run(['sum', values], { transfer: [values] })),
    )
    assert.match((refusals.at(-1) as PromiseRejectedResult).reason.message, /queue/i)
    await Promise.allSettled(taken)
    await pool.destroy()
  })

  test('a thread that dies rejects its task, and the pool goes on', async () => {
    const pool = wrapPool(make({ minThreads: 1, maxThreads: 1 }), { types })
    assert.is(((await rejection(() => pool.run(['crash']))) as Error).message, 'crash')
    // After an exit without an error Tinypool itself never says a word.
    if (name === 'piscina') assert.instance(await rejection(() => pool.run(['die'])), Error)
    assert.is(await pool.run(['sum', new Float64Array(4).fill(1)]), 4)
    await pool.destroy()
  })

  test('1000 concurrent tasks each get their own answer, and events come', async () => {
    const pool = wrapPool(make({ minThreads: 2, maxThreads: 2, concurrentTasksPerWorker: 4 }), { types })
    const drained = new Promise<void>(resolve => pool.once('drain', resolve))
    const numbers = Array.from({ length: 1000 }, (_, i) => i)
    const sums = await Promise.all(numbers.map(i => pool.run(['sum', new Float64Array(600).fill(i)])))
    assert.equal(
      sums,
      numbers.map(i => i * 600),
    )
    assert.is(pool.completed, 1000)
    await drained
    await pool.destroy()
  })

  test('a handler that nobody wrapped is told from one that somebody did', async () => {
    const pool = wrapPool(make({ minThreads: 1, maxThreads: 1, filename: fileOf('unwrapped') }))
    assert.ok(isOutbandError(await rejection(() => pool.run(1)), 'MALFORMED'))
    const back = await rejection(() => pool.run({ a: 1 }, { name: 'same' }))
    assert.ok(isOutbandError(back, 'MALFORMED'), 'the call came back for an answer')
    await pool.destroy()
  })

  test('a pool that nobody wrapped is told by a rejection', async () => {
    const pool = make({ minThreads: 1, maxThreads: 1 })
    for (const task of [['echo', 1], undefined]) {
      assert.match(((await rejection(() => pool.run(task))) as Error).message, /no packet/)
    }
    await pool.destroy()
  })

  test('options that are none are refused, or not, as the pool itself does', async () => {
    const plain = make({ minThreads: 1, maxThreads: 1, filename: fileOf('unwrapped') })
    const lists = [7, 'ab', {}, null].map(transferList => ({ transferList }))
    for (const options of [5, 'x', true, null, ...lists, { signal: 5 }] as never[]) {
      const outcomes = await Promise.allSettled([
        // Tinypool throws some refusals at once.
        (async () => plain.run('text', options))(),
        one.run(['echo', 'string'], options),
      ])
      const [there, here] = outcomes.map(outcome =>
        outcome.status === 'fulfilled' ? outcome.value : String(outcome.reason),
      )
      assert.is(here, there, JSON.stringify(options))
    }
    await plain.destroy()
  })

  test.run()
}

const test = suite('adapters: what only one of the pools has')

test('the options for the queue reach it', async () => {
  const seen: unknown[] = []
  const queue = new FixedQueue()
  const push = queue.push.bind(queue)
  queue.push = task => {
    seen.push((task as never)[Piscina.queueOptionsSymbol])
    push(task)
  }
  const pool = wrapPool(new Piscina({ filename: fileOf('piscina'), maxThreads: 1, taskQueue: queue }), {
    types,
  })
  const urgent = Object.assign(['echo', 1], { [Piscina.queueOptionsSymbol]: { priority: 3 } })
  assert.equal(await Promise.all([1, 2, 3].map(() => pool.run(urgent))), [1, 1, 1])
  assert.equal(seen[0], { priority: 3 })
  await pool.destroy()
})

test('a pool of processes is refused', async () => {
  const pool = new Tinypool({ filename: fileOf('tinypool'), runtime: 'child_process', minThreads: 0 })
  const error = await rejection(() => wrapPool(pool).run(['echo', 1]))
  assert.instance(error, TypeError)
  assert.match((error as Error).message, /process/)
  await pool.destroy()
})

test('types come from the pool', async () => {
  const pool = wrapPool(
    new Piscina<[string, Float64Array], number>({ filename: fileOf('piscina'), maxThreads: 1 }),
  )
  const sum: number = await pool.run(['sum', new Float64Array(8)], { transfer: true })
  assert.is(sum, 0)
  // @ts-expect-error: a task of another type
  const wrong = pool.run(7)
  // A pool that is destroyed before the answer comes takes it for a mistake of its worker.
  await wrong.catch(() => {})
  assert.ok(pool instanceof Piscina)
  assert.is(
    pool.once('drain', () => {}),
    pool,
  )
  await pool.destroy()
})

test('wrong arguments are TypeErrors', () => {
  assert.throws(() => wrapPool({} as never), TypeError)
  assert.throws(() => transfer(5 as never), TypeError)
  assert.throws(() => transfer({}, 5 as never), TypeError)
})

test.run()
