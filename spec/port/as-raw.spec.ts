/** What a program sees of a wrapped port, beside what it sees of the port itself. */
import { getEventListeners, once } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { inspect, transferableAbortController } from 'node:util'
import { BroadcastChannel, MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Point, point } from '../../fixtures/classes.js'
import { registry } from '../../src/index.js'
import { type Wrapped, wrapPort } from '../../src/port/index.js'

/** What is done with each port: nothing, or it is wrapped. */
type Wrap = <P extends MessagePort | Worker | BroadcastChannel>(port: P) => P
const raw: Wrap = port => port
const wrapped: Wrap = port => wrapPort(port)

type Listening = Pick<EventTarget, 'addEventListener' | 'removeEventListener'>
type Run = (wrap: Wrap, log: unknown[]) => Promise<unknown> | undefined

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** Posts one message to a port with these listeners. */
function heard(listen: (port: Listening, log: unknown[]) => void): Run {
  return async (wrap, log) => {
    const { port1, port2 } = new MessageChannel()
    const [near, far] = [wrap(port1), wrap(port2)]
    listen(far as unknown as Listening, log)
    far.start()
    near.postMessage(1)
    await sleep(20)
    near.close()
  }
}

/** Posts a value, and logs what arrives or how it is refused. */
function carried(make: () => unknown, listOf: (value: object) => unknown = () => undefined): Run {
  return async (wrap, log) => {
    const { port1, port2 } = new MessageChannel()
    const [near, far] = [wrap(port1), wrap(port2)]
    const value = make() as object
    const arrived = once(far, 'message')
    try {
      near.postMessage(value, listOf(value) as never)
      const [got] = await arrived
      log.push(Object.prototype.toString.call(got), (got as object).constructor.name)
    } catch (error) {
      log.push((error as Error).name === 'TypeError' ? 'TypeError' : 'refused')
    }
    near.close()
    far.close()
  }
}

class OwnBlob extends Blob {}

/** Memory of WebAssembly, which the type library does not know without the DOM. */
function memory(options: object): object {
  const { Memory } = Reflect.get(globalThis, 'WebAssembly') as { Memory: new (options: object) => object }
  return new Memory(options)
}

const home = new URL('../../src/port/index.js', import.meta.url).href

/** A worker that does this with its wrapped port; `told` settles when it says so, in memory that both share. */
function workerOf(code: string): { worker: Worker; told: Promise<unknown>; goOn: () => void } {
  const control = new Int32Array(new SharedArrayBuffer(8))
  const told = Promise.resolve(Atomics.waitAsync(control, 0, 0).value)
  const worker = new Worker(
    `const { parentPort, workerData: { home, control } } = require('node:worker_threads')
    const tell = () => { Atomics.store(control, 0, 1); Atomics.notify(control, 0) }
    const wait = () => Atomics.wait(control, 1, 0)
    import(home).then(({ wrapPort }) => { const port = wrapPort(parentPort); ${code} })`,
    { eval: true, workerData: { home, control } },
  )
  const goOn = () => {
    Atomics.store(control, 1, 1)
    Atomics.notify(control, 1)
  }
  return { worker, told, goOn }
}

/** Says five things at once, and echoes. */
const SAYS_FIVE = `
  for (let i = 0; i < 5; i++) port.postMessage(i)
  port.on('message', value => port.postMessage(value))
  tell()`

/** Counts what hears these events of a port, before and after listeners of all kinds. */
function counted(port: MessagePort | Worker, names: readonly string[], log: unknown[]): void {
  const look = () => {
    const heard = (port as Worker).eventNames().filter(name => port.listenerCount(name as string) > 0)
    log.push(
      names.map(name => port.listenerCount(name)),
      heard.sort(),
    )
  }
  const listener = () => {}
  look()
  for (const name of names) port.on(name, listener)
  look()
  log.push(names.map(name => getEventListeners(port, name).length > 0))
  for (const name of names) port.off(name, listener)
  look()
}

const rows: [name: string, run: Run][] = [
  [
    'listeners of a port are counted',
    async (wrap, log) => {
      const port = wrap(new MessageChannel().port1)
      counted(port, ['message', 'messageerror', 'close', 'other'], log)
      Object.assign(port, { onmessage: () => {} })
      port.addEventListener('message', () => {})
      log.push(port.listenerCount('message'))
      port.close()
    },
  ],
  [
    'listeners of a Worker are counted',
    async (wrap, log) => {
      const worker = wrap(new Worker('', { eval: true }))
      counted(worker, ['message', 'messageerror', 'exit', 'error'], log)
      await once(worker, 'exit')
    },
  ],
  [
    'who stops a message stops it for all that come after',
    heard((port, log) => {
      port.addEventListener('message', event => {
        log.push(1)
        event.stopImmediatePropagation()
      })
      port.addEventListener('message', () => log.push(2))
    }),
  ],
  [
    'who is removed meanwhile is not called',
    heard((port, log) => {
      const second = () => log.push(2)
      port.addEventListener('message', () => {
        log.push(1)
        port.removeEventListener('message', second)
      })
      port.addEventListener('message', second)
    }),
  ],
  [
    'nor who is aborted',
    heard((port, log) => {
      const abort = new AbortController()
      port.addEventListener('message', () => {
        log.push(1)
        abort.abort()
      })
      port.addEventListener('message', () => log.push(2), { signal: abort.signal })
    }),
  ],
  [
    'capture is another listener',
    heard((port, log) => {
      const both = () => log.push(1)
      port.addEventListener('message', both)
      port.addEventListener('message', both, true)
      const one = () => log.push(2)
      port.addEventListener('message', one, { capture: true })
      port.removeEventListener('message', one)
    }),
  ],
  [
    'options may be null',
    heard((port, log) => {
      port.addEventListener('message', () => log.push(1), null as never)
    }),
  ],
  [
    'a list may be any iterable',
    async (wrap, log) => {
      const { port1, port2 } = new MessageChannel()
      const [near, far] = [wrap(port1), wrap(port2)]
      for (const listOf of [
        (b: ArrayBuffer) => new Set([b]),
        (b: ArrayBuffer) => ({ transfer: new Set([b]) }),
      ]) {
        const buffer = new ArrayBuffer(8192)
        const arrived = once(far, 'message')
        near.postMessage(buffer, listOf(buffer) as never)
        await arrived
        log.push(buffer.byteLength)
      }
      near.close()
    },
  ],
  ['a class that extends a platform class', carried(() => new OwnBlob(['x']))],
  ['a class of Node’s own', carried(() => monitorEventLoopDelay())],
  ['shared memory of WebAssembly', carried(() => memory({ initial: 1, maximum: 2, shared: true }))],
  ['memory of WebAssembly that is not', carried(() => memory({ initial: 1 }))],
  [
    'a signal that moves',
    carried(
      () => transferableAbortController().signal,
      signal => [signal],
    ),
  ],
  [
    'a method that returns the port returns it',
    async (wrap, log) => {
      const channel = wrap(new BroadcastChannel('as-raw'))
      log.push((channel as unknown as { unref(): unknown }).unref() === channel)
      channel.close()
    },
  ],
  [
    'a Worker that is not heard for a while keeps its messages',
    async (wrap, log) => {
      const thread = wrap(workerOf(SAYS_FIVE).worker)
      for (let i = 0; i < 5; i++) {
        log.push((await once(thread, 'message'))[0])
        await sleep(2)
      }
      // So many that the wrapped one has a ring by then.
      for (let i = 0; i < 60; i++) {
        thread.postMessage(i)
        await sleep(2)
        log.push((await Promise.race([once(thread, 'message'), sleep(2000).then(() => ['none'])]))[0])
      }
      await thread.terminate()
    },
  ],
  [
    'messages go on after some that nobody heard',
    async (wrap, log) => {
      const { worker, told } = workerOf(SAYS_FIVE)
      await told
      await sleep(50)
      const thread = wrap(worker)
      let last = 0
      const done = new Promise<void>(resolve => {
        thread.on('message', ({ i }: { i: number }) => {
          last = i
          if (i === 99) resolve()
        })
      })
      for (let i = 0; i < 100; i++) {
        thread.postMessage(i % 40 === 39 ? { i, bytes: new Uint8Array(20_000) } : { i })
        await sleep(1)
      }
      await Promise.race([done, sleep(5000)])
      log.push(last)
      await thread.terminate()
    },
  ],
  [
    'a port that is handed on brings what is sent from then on to its new owner',
    async (wrap, log) => {
      const { port1, port2 } = new MessageChannel()
      const [near, first] = [wrap(port1), wrap(port2)]
      near.on('message', () => {})
      first.on('message', () => first.postMessage('got'))
      for (let i = 0; i < 3; i++) {
        near.postMessage({ i })
        await sleep(1)
      }
      first.removeAllListeners('message')
      const carry = new MessageChannel()
      carry.port1.postMessage(port2, [port2])
      const [port] = await once(carry.port2, 'message')
      const second = wrap(port as MessagePort)
      await sleep(20)
      let count = 0
      const done = new Promise<void>(resolve => {
        second.on('message', () => {
          second.postMessage('got')
          if (++count === 100) resolve()
        })
      })
      for (let i = 0; i < 100; i++) {
        near.postMessage({ i })
        await sleep(1)
      }
      await Promise.race([done, sleep(5000)])
      log.push(count)
      for (const end of [near, second, carry.port1]) end.close()
    },
  ],
  [
    'a bare peer may send back the ports it got',
    async (wrap, log) => {
      const { port1, port2 } = new MessageChannel()
      const near = wrap(port1)
      const bare = port2 as unknown as { onmessage: (event: MessageEvent) => void }
      bare.onmessage = ({ data, ports }) => port2.postMessage({ answer: data.i }, [...ports] as never)
      for (let i = 0; i < 4; i++) {
        const answer = once(near, 'message')
        near.postMessage({ i })
        log.push((await Promise.race([answer, sleep(2000).then(() => ['none'])]))[0])
        await sleep(2)
      }
      near.close()
    },
  ],
]

const same = suite('wrapPort: as the port itself')

for (const [name, run] of rows) {
  same(name, async () => {
    const [wanted, got]: unknown[][] = [[], []]
    await run(raw, wanted!)
    await run(wrapped, got!)
    assert.ok(wanted!.length > 0)
    assert.equal(got, wanted)
  })
}

same('console.log shows the port', () => {
  const channel = new BroadcastChannel('as-raw')
  assert.match(inspect(channel), 'as-raw')
  assert.is(inspect(wrapPort(channel)), inspect(channel))
  channel.close()
})

same.run()

const meeting = suite('wrapPort: how two meet')
const types = registry(point)

for (const [name, first] of [
  ['a plain message', () => ({ a: 1 })],
  ['a stream', () => ({ stream: new ReadableStream() })],
] as const) {
  meeting(`${name} first, then types arrive`, async () => {
    const { port1, port2 } = new MessageChannel()
    const [near, far] = [wrapPort(port1, { types }), wrapPort(port2, { types })]
    const answer = once(near, 'message')
    far.once('message', () => far.postMessage(new Point(1, 2)))
    near.postMessage(first())
    assert.instance((await answer)[0], Point)
    near.close()
  })
}

meeting('a hello that nobody heard is said again', async () => {
  const { worker, told, goOn } = workerOf(`
    port.postMessage(Buffer.from('lost'))
    tell()
    wait()
    port.postMessage(Buffer.from('heard'))
    port.on('message', () => {})`)
  await told
  await sleep(50)
  const arrived = once(wrapPort(worker), 'message')
  goOn()
  const [got] = await arrived
  assert.ok(Buffer.isBuffer(got))
  assert.is(`${got}`, 'heard')
  await worker.terminate()
})

meeting('a packet for whoever had the port before is a messageerror, not a message', async () => {
  const { port1, port2 } = new MessageChannel()
  const near: MessagePort & Wrapped = wrapPort(port1, { peer: 'wrapped' })
  const far = wrapPort(port2, { peer: 'wrapped' })
  for (const value of [1, 2]) {
    const arrived = once(far, 'message')
    near.postMessage(value)
    await arrived
    await sleep(5)
  }
  const carry = new MessageChannel()
  far.removeAllListeners('message')
  carry.port1.postMessage(port2, [port2])
  const [port] = await once(carry.port2, 'message')
  const last = wrapPort(port as MessagePort)
  const got: unknown[] = []
  last.on('message', value => got.push(value))
  const [error] = await Promise.all([once(last, 'messageerror'), near.postMessage({ a: 1 })])
  assert.match(String(error[0]), 'whoever had this port before')
  assert.equal(got, [])
  for (const end of [near, last, carry.port1]) end.close()
})

meeting.run()
